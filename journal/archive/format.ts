import { z } from 'zod'
import { fromTimestamp } from '../../model/time.ts'
import type { RecordKind } from '../../model/record.ts'
import { canonicalize } from '../canonical.ts'
import type { Entry } from '../entry.ts'
import { JournalError } from '../error.ts'
import { RECORD_KINDS, type Envelope } from '../record.ts'

// A period archive is a text: this line, the manifest, then line by line what it is about (docs/journal-format.md, "Period archives").

export const ARCHIVE_HEADER = 'pki-vigil/period-archive@v1'
/** Octets of an artifact in a line. */
export const PIECE_BYTES = 1024 * 1024
/** Longer than any path through a log of 2^53 entries, on both sides. */
const MAX_HASHES = 128
/** Characters: checkpoints and proofs of consistency with many signatures. */
const MAX_TEXT = 1024 * 1024

const count = z.int().nonnegative()
const range = z.strictObject({ first: count, end: count })
const kind = z.enum(RECORD_KINDS)
const timestamp = z.iso.datetime({ precision: 3 })

const manifestSchema = z.strictObject({
  /** Origin line of the log: `<origin>/<epoch>`. */
  origin: z.string().max(1000),
  /** What was asked for: entries with a record journaled in [from, to), and of these the records of some kinds or about one subject. */
  filters: z.strictObject({
    from: timestamp,
    to: timestamp,
    kinds: z.array(kind).max(100),
    subject: z.string().max(1000).nullable(),
  }),
  /** Entries of the period, [first, end); and those that are shown, which are the ones before and after besides, where there are any. */
  entries: range,
  shown: range,
  /** Earliest and latest time at which a record of the period was journaled. */
  times: z.strictObject({ first: timestamp, last: timestamp }).nullable(),
  /** Records of the period, and how many of them are here, by kind; the others a filter left out. */
  records: z.strictObject({
    total: count,
    withheld: count,
    erased: count,
    kinds: z.partialRecord(kind, count),
  }),
  artifacts: z.strictObject({ count, octets: count }),
  /** Hashes of what is outside of the entries that are shown, in base64, from left to right. */
  hashes: z.array(z.base64()).max(MAX_HASHES),
  /** The checkpoint under which all of it stands: the first that was kept after the period, or else the newest. */
  checkpoint: z.string().max(MAX_TEXT),
  /** Answer of a timestamping authority about that checkpoint (RFC 3161), in base64. */
  timestamp: z.base64().max(MAX_TEXT).nullable(),
  /** Proofs of the records by which the keys of the log have handed over, where they did. */
  handOvers: z.array(z.string().max(MAX_TEXT)).min(1).exactOptional(),
  /** Proof of consistency with the last checkpoint that was kept before the period. */
  earlier: z.string().max(MAX_TEXT).nullable(),
})

export type Manifest = z.infer<typeof manifestSchema>
export type Filters = Manifest['filters']

/** Whether a file that begins like this is an archive. */
export function isArchive(beginning: string): boolean {
  return beginning.startsWith(`${ARCHIVE_HEADER}\n`)
}

export function formatManifest(manifest: Manifest): string {
  return `manifest ${canonicalize(manifest)}`
}

/** Nothing in it is verified. Throws JournalError(format). */
export function parseManifest(line: string): Manifest {
  const text = line.startsWith('manifest ') ? line.slice('manifest '.length) : ''
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new JournalError('format', { expected: 'a manifest', got: 'no JSON', where: 'line 2' }, { cause })
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success)
    throw new JournalError('format', {
      expected: 'a manifest',
      got: z.prettifyError(parsed.error).slice(0, 300),
      where: 'line 2',
    })
  if (formatManifest(parsed.data) !== line)
    throw new JournalError('format', {
      expected: 'canonical JSON (RFC 8785)',
      got: 'another spelling',
      where: 'line 2',
    })
  return parsed.data
}

/** Whether a record of the entry may have been journaled in the period. */
export function isInPeriod({ first, last }: Pick<Entry, 'first' | 'last'>, { from, to }: Filters): boolean {
  return last >= fromTimestamp(from) && first < fromTimestamp(to)
}

/** Whether the filters leave out nothing of the period. */
export function isWhole({ kinds, subject }: Filters): boolean {
  return kinds.length === 0 && subject === null
}

/** Whether a record of the period is exported. */
export function isChosen(
  { kind, body }: Pick<Envelope, 'kind' | 'body'>,
  { kinds, subject }: Filters,
): boolean {
  if (kinds.length > 0 && !kinds.includes(kind)) return false
  return subject === null || (HAVE_SUBJECT.includes(kind) && 'subject' in body && body.subject === subject)
}

const HAVE_SUBJECT: readonly RecordKind[] = ['observation', 'decision', 'action']
