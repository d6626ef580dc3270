import { z } from 'zod'
import { ID_PATTERN } from './subject.ts'
import { parseDuration, parseInstant } from './time.ts'

// Values that stand in several parts of vigil.yaml, or also in rule packs.

export const id = z
  .string()
  .regex(ID_PATTERN, 'expected letters, digits, ".", "_", "-", at most 63, starting with a letter or digit')

/** In milliseconds. */
export const duration = z.string('expected a duration such as 90s, 24h or 7d').transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  context.addIssue({ code: 'custom', message: 'expected a duration such as 90s, 24h or 7d' })
  return z.NEVER
})

/** In milliseconds. */
export const instant = z.string('expected a date such as 2027-03-15').transform((text, context) => {
  const ms = parseInstant(text)
  if (ms !== undefined) return ms
  context.addIssue({
    code: 'custom',
    message: 'expected a date such as 2027-03-15, or a time such as 2027-03-15T12:00:00Z',
  })
  return z.NEVER
})

/** A subject, or a pattern: `*` stands for any characters, `?` for one. */
export const subjectPattern = z.string().min(1).max(300)

/** host:port */
export const endpoint = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]/]+):(\d{1,5})$/, {
    error: 'expected host:port, with an IPv6 address in brackets',
    abort: true,
  })
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'expected a port up to 65535')

const file = z.string().min(1)

/** Certificate (PEM, with the chain to send after it) and private key (PEM). */
export const credentials = z.strictObject({ certificate_file: file, key_file: file })

/** For `superRefine`: how Elasticsearch is told who asks. */
export function checkLogin(
  login: Readonly<Partial<Record<'username' | 'password_file' | 'api_key_file', string | undefined>>>,
  context: z.RefinementCtx,
): void {
  const { username, password_file, api_key_file } = login
  const refuse = (message: string): void => context.addIssue({ code: 'custom', message })
  if ((username === undefined) !== (password_file === undefined))
    refuse('expected username and password_file together')
  if (username !== undefined && api_key_file !== undefined)
    refuse('expected either username and password_file, or api_key_file')
}
