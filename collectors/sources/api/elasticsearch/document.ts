import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { SourcePosition } from '../../../../model/auditEvent.ts'
import { CollectorError } from '../../../error.ts'
import type { RawRecord } from '../../../source.ts'
import { shippedRecord } from '../../beats/event.ts'
import { rowRecord } from '../row.ts'

/** A hit of a search that asks for sequence numbers and versions. */
export const hitSchema = z.object({
  _id: z.string().max(1000),
  _seq_no: z.int().nonnegative(),
  _version: z.int().positive(),
  _source: z.record(z.string(), z.unknown()),
  sort: z.array(z.unknown()).min(1).max(3),
})

export type Hit = z.infer<typeof hitSchema>

/** Where Filebeat, and our ingest pipeline after it, leave the record itself. */
const recordSchema = z.object({
  event: z.object({ original: z.string() }).optional(),
  message: z.string().optional(),
})

/** The record that a document holds. What Filebeat did not ship is a record as a whole. */
export function documentRecord({ _id, _source }: Hit, position: SourcePosition): RawRecord {
  const shipped = shippedIn(_id, _source)
  if (shipped === undefined) return rowRecord(_source, _id, position)
  const { bytes, file, offset, cut, id } = shipped
  return {
    kind: 'record',
    bytes,
    position,
    place: { file, offset },
    ...(id === undefined ? {} : { id }),
    ...(cut ? { damage: 'cut' } : {}),
  }
}

function shippedIn(id: string, source: Hit['_source']): ReturnType<typeof shippedRecord> | undefined {
  const held = recordSchema.safeParse(source)
  const message = held.success ? (held.data.event?.original ?? held.data.message) : undefined
  if (message === undefined) return undefined
  try {
    return shippedRecord(Buffer.from(JSON.stringify({ ...source, message, '@metadata': { _id: id } })))
  } catch (error) {
    if (error instanceof CollectorError) return undefined
    throw error
  }
}

/** SHA-256 over documents in their order: which stands where, and everything in it. */
export class DocumentDigest {
  readonly #hash = createHash('sha256')
  count = 0

  add(hits: readonly Hit[]): void {
    for (const { _id, _seq_no, _source } of hits)
      this.#hash.update(`${JSON.stringify([_seq_no, _id, _source])}\n`)
    this.count += hits.length
  }

  hex(): string {
    return this.#hash.copy().digest('hex')
  }
}
