import { z } from 'zod'
import type { Retention } from '../../model/record.ts'
import { MAX_RECORDS_PER_ENTRY } from '../entry.ts'
import { JournalError } from '../error.ts'

const count = z.int().nonnegative()
const basis = { by: z.string(), reason: z.string() }
const artifacts = z.array(z.string().regex(/^[0-9a-f]{64}$/))

/** The body of a retention record: it decides which files are removed, so it is read with care. */
const retentionSchema = z.discriminatedUnion('action', [
  z.strictObject({
    ...basis,
    action: z.literal('prune'),
    segments: count,
    entries: count,
    keys: z.array(z.strictObject({ entry: count, endorsement: z.string() })),
    artifacts,
  }),
  z.strictObject({
    ...basis,
    action: z.literal('erase'),
    records: z.array(z.tuple([count, count.max(MAX_RECORDS_PER_ENTRY - 1)])),
    artifacts,
  }),
  z.strictObject({ ...basis, action: z.literal('hold'), from: z.iso.datetime(), to: z.iso.datetime() }),
  z.strictObject({ ...basis, action: z.literal('release'), hold: z.string() }),
])

/** Throws JournalError(format). */
export function parseRetention(body: object): Retention {
  const parsed = retentionSchema.safeParse(body)
  if (parsed.success) return parsed.data
  const got = z.prettifyError(parsed.error).slice(0, 300)
  throw new JournalError('format', { expected: 'the body of a retention record', got })
}

/** What the retention records of a log say is gone. */
export class RetentionClaims {
  /** Segments below this number, and entries below this index. */
  segments = 0
  entries = 0
  /** What the `key` records among them said. */
  keys: readonly { readonly entry: number; readonly endorsement: string }[] = []
  readonly artifacts = new Set<string>()
  readonly #erased = new Set<number>()

  add(retention: Retention): void {
    if (retention.action === 'hold' || retention.action === 'release') return
    for (const digest of retention.artifacts) this.artifacts.add(digest)
    if (retention.action === 'erase')
      for (const [entry, n] of retention.records) this.#erased.add(place(entry, n))
    else if (retention.segments >= this.segments) {
      this.segments = retention.segments
      this.entries = retention.entries
      this.keys = retention.keys
    }
  }

  isErased(entry: number, n: number): boolean {
    return this.#erased.has(place(entry, n))
  }

  /** Erased records that stand in what was not pruned. */
  erased(from: number): number {
    let number = 0
    for (const at of this.#erased) if (at >= place(from, 0)) number++
    return number
  }

  /** Whether any record of these entries is erased, [first, end). */
  erasesIn(first: number, end: number): boolean {
    for (const at of this.#erased) if (at >= place(first, 0) && at < place(end, 0)) return true
    return false
  }
}

function place(entry: number, n: number): number {
  return entry * MAX_RECORDS_PER_ENTRY + n
}
