import { parseSubject } from '../model/subject.ts'
import { parseInstant, toTimestamp } from '../model/time.ts'

// A statement that a person signs about what no probe can observe, as the text of a C2SP signed note:
//
//     pki-vigil attestation v1
//     kind: cps_review
//     subject: pki_governance
//     by: jane.doe
//     at: 2026-11-22T08:00:00.000Z
//     expires: 2027-11-01T00:00:00.000Z
//
//     The statement, in lines.

/** What somebody vouches for. */
export interface Attestation {
  readonly kind: string
  /** What it is about, as rules name it. */
  readonly subject: string
  /** Name of the key that signs it. */
  readonly by: string
  /** Milliseconds. */
  readonly at: number
  readonly expires: number
  readonly statement: string
}

const HEADING = 'pki-vigil attestation v1'
const FIELDS = ['kind', 'subject', 'by', 'at', 'expires'] as const

/** As rules name it in `evidence.attestation`. */
const KIND = /^[a-z][a-z0-9_]{0,62}$/
/** What the name of a key may be (C2SP signed-note), and nothing that could be taken for something else. */
const SIGNER = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,99}$/
/** Characters of a statement: a paragraph or two, with the reference of the document that it is about. */
const MAX_STATEMENT = 4000

/** The text to be signed. Throws RangeError when something cannot be part of it. */
export function formatAttestation(attestation: Attestation): string {
  const { kind, subject, by, at, expires, statement } = attestation
  const text = [
    HEADING,
    `kind: ${kind}`,
    `subject: ${subject}`,
    `by: ${by}`,
    `at: ${toTimestamp(at)}`,
    `expires: ${toTimestamp(expires)}`,
    '',
    statement,
    '',
  ].join('\n')
  const read = parseAttestation(text)
  if (typeof read === 'string') throw new RangeError(read)
  // A line break in a field would say something else than was meant.
  if (read.kind !== kind || read.subject !== subject || read.by !== by)
    throw new RangeError('expected kind, subject and name of one line each')
  return text
}

/** The attestation, or what is wrong with it. The text is that of a note whose signature was verified. */
export function parseAttestation(text: string): Attestation | string {
  const [heading, ...lines] = text.split('\n')
  if (heading !== HEADING) return `expected "${HEADING}" in the first line`
  const values: Partial<Record<(typeof FIELDS)[number], string>> = {}
  for (const [i, name] of FIELDS.entries()) {
    const line = lines[i] ?? ''
    if (!line.startsWith(`${name}: `)) return `expected "${name}: " in line ${i + 2}`
    values[name] = line.slice(name.length + 2)
  }
  const { kind = '', subject = '', by = '', at: written = '', expires: end = '' } = values
  const statement = lines.slice(FIELDS.length + 1, -1).join('\n')
  if (lines[FIELDS.length] !== '' || lines.at(-1) !== '') return 'expected an empty line, then the statement'
  if (!KIND.test(kind)) return `expected a kind in lower case, with digits and "_", got "${kind}"`
  if (parseSubject(subject) === undefined)
    return `expected a subject such as pki_governance, got "${subject}"`
  if (!SIGNER.test(by)) return `expected a name without spaces and "+" after by:, got "${by}"`
  const at = parseInstant(written)
  const expires = parseInstant(end)
  if (at === undefined || expires === undefined) return 'expected times such as 2027-11-01T00:00:00.000Z'
  if (expires <= at) return `expected it to expire after it was made, at ${toTimestamp(at)}`
  if (statement.trim() === '' || statement.length > MAX_STATEMENT)
    return `expected a statement of 1 to ${MAX_STATEMENT} characters, got ${statement.length}`
  return { kind, subject, by, at, expires, statement }
}
