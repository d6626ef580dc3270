import { z } from 'zod'
import { canonicalize } from '../canonical.ts'
import { sha256 } from '../digest.ts'
import { decodeEntry, type Entry } from '../entry.ts'
import { JournalError } from '../error.ts'
import { checkRecord, type Envelope } from '../record.ts'

/** What a proof of inclusion carries beside the path: the entry, which the path proves, and one of its records, which the entry proves. */
export interface Evidence {
  /** Record within the entry, from 0. */
  readonly n: number
  /** As it stands in the log. */
  readonly entry: Buffer
  /** Canonical JSON. */
  readonly record: Buffer
  /** Proofs of the records by which the keys of the log have handed over; none where they did not. */
  readonly handOvers: readonly string[]
}

const extraSchema = z.strictObject({
  entry: z.base64(),
  handOvers: z.array(z.string()).min(1).exactOptional(),
  n: z.int().nonnegative(),
  record: z.string(),
})

export function encodeExtra({ n, entry, record, handOvers }: Evidence): Buffer {
  const extra = {
    entry: entry.toString('base64'),
    n,
    record: record.toString(),
    ...(handOvers.length === 0 ? {} : { handOvers }),
  }
  return Buffer.from(canonicalize(extra))
}

/** Throws JournalError(format). */
export function decodeExtra(extra: Buffer): Evidence {
  let value: unknown
  try {
    value = JSON.parse(extra.toString())
  } catch (cause) {
    throw new JournalError('format', 'expected an entry and a record as extra data, got no JSON', { cause })
  }
  const parsed = extraSchema.safeParse(value)
  if (!parsed.success)
    throw new JournalError('format', {
      expected: 'an entry, a number and a record as extra data',
      got: z.prettifyError(parsed.error).slice(0, 300),
    })
  const { n, entry, record, handOvers = [] } = parsed.data
  return { n, entry: Buffer.from(entry, 'base64'), record: Buffer.from(record), handOvers }
}

/** That the record is the entry's. Throws JournalError(format, invalid_record, altered). */
export function openEvidence({ n, entry, record }: Omit<Evidence, 'handOvers'>): {
  readonly entry: Entry
  readonly envelope: Envelope
} {
  const decoded = decodeEntry(entry)
  const digest = decoded.digests[n]
  if (digest === undefined)
    throw new JournalError('altered', {
      expected: `record ${n}`,
      got: `an entry of ${decoded.digests.length} records`,
    })
  const got = sha256(record)
  if (!got.equals(digest))
    throw new JournalError('altered', {
      expected: `a record with the digest ${Buffer.from(digest).toString('hex')}`,
      got: got.toString('hex'),
    })
  return { entry: decoded, envelope: checkRecord(record) }
}
