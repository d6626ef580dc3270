import { z } from 'zod'
import type { IncidentStep } from '../model/action.ts'
import type { Timestamp } from '../model/time.ts'
import { IncidentError } from './error.ts'
import type { IncidentBook } from './incident.ts'

/** Longest remark, in characters. */
const MAX_TEXT = 2000
/** Longest name of a person, in characters. */
const MAX_NAME = 200

// What is said ends up in the journal, on pages and on terminals: one line, nothing that moves a cursor.
const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1, 'expected some text')
    .max(most, `expected at most ${most} characters`)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'expected one line without control characters')

const id = z.string().regex(/^inc-[0-9a-f]{12}$/, 'expected an incident such as inc-3f9a1c2b04d7')
/** The user of the operating system, as the client says. */
const by = line(MAX_NAME)

export const incidentCommandSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('ack'), id, by, text: line(MAX_TEXT).optional() }),
  z.strictObject({ command: z.literal('own'), id, by, owner: line(MAX_NAME) }),
  z.strictObject({ command: z.literal('comment'), id, by, text: line(MAX_TEXT) }),
  z.strictObject({
    command: z.literal('close'),
    id,
    by,
    text: line(MAX_TEXT).optional(),
    /** Although findings of it are still in trouble: that needs a reason. */
    force: z.boolean().default(false),
  }),
])
export type IncidentCommand = z.output<typeof incidentCommandSchema>

/** The step that carries out a command. Throws IncidentError. */
export function commandStep(book: IncidentBook, command: IncidentCommand, at: Timestamp): IncidentStep {
  const root = book.rootOf(command.id)
  const incident = book.get(command.id)
  if (root === undefined || incident === undefined)
    throw new IncidentError('not_found', `there is no incident ${command.id}, or it is long over`)
  const who = { receiver: 'vigil', by: command.by }
  const step = (status: IncidentStep['status'], detail: string): IncidentStep => ({
    kind: 'incident',
    id: command.id,
    status,
    ...root,
    at,
    ...who,
    detail,
    members: [],
    evidence: [],
  })
  if (command.command === 'comment') return step('commented', command.text)
  if (incident.state === 'closed') throw new IncidentError('refused', `${command.id} is closed`)
  switch (command.command) {
    case 'ack':
      if (incident.state === 'acknowledged')
        throw new IncidentError(
          'refused',
          `${command.id} was acknowledged by ${incident.acknowledged?.by ?? 'somebody'} already`,
        )
      return step('acknowledged', command.text ?? '')
    case 'own':
      return step('owned', command.owner)
    case 'close': {
      const failing = book.present(command.id)
      if (failing > 0 && !command.force)
        throw new IncidentError(
          'refused',
          `${failing} of its findings are still in trouble; it closes by itself when none is. To close it all the same, give --force and a reason`,
        )
      if (failing > 0 && command.text === undefined)
        throw new IncidentError('refused', 'expected a reason why it is closed while it fails')
      const detail = command.text ?? 'closed'
      return step('closed', failing > 0 ? `${detail} (with ${failing} findings still in trouble)` : detail)
    }
  }
}
