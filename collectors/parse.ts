import type { AuditEvent } from '../model/auditEvent.ts'
import { toTimestamp } from '../model/time.ts'
import type { Clock } from '../model/time.ts'
import type { Format, KnownAuthority } from './format.ts'
import { HEAD_LIMIT, headOf, sha256 } from './sources/identity.ts'
import { RecordFramer } from './sources/records.ts'
import type { FramedRecord } from './sources/records.ts'

export interface ParseOptions {
  readonly format: Format
  readonly now: Clock
  /** Name for the positions. */
  readonly source: string
  readonly authorities?: readonly KnownAuthority[]
  /** Octets kept of one record. */
  readonly maxRecord?: number
}

/**
 * What a log says, from its octets alone: as the collector of a file would read it, without a journal. The last line
 * counts even without a line feed.
 */
export async function* parseLog(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ParseOptions,
): AsyncGenerator<readonly AuditEvent[]> {
  const { format, source } = options
  const framer = new RecordFramer({
    startsRecord: (line) => format.startsRecord(line),
    ...(options.maxRecord === undefined ? {} : { limit: options.maxRecord }),
  })
  const context = { received: toTimestamp(options.now()), authorities: options.authorities ?? [] }
  let beginning: Uint8Array = new Uint8Array(0)
  let fingerprint: string | undefined
  let waiting: FramedRecord[] = []

  function parsed(records: readonly FramedRecord[], known: string): AuditEvent[] {
    return records.map(({ bytes, offset, end, damage }) =>
      format.parse(
        {
          kind: 'record',
          bytes,
          position: { source, fingerprint: known, offset, end },
          // Whole files end where they end; a line without line feed is torn only in a file that is being written.
          ...(damage === undefined || damage === 'torn' ? {} : { damage }),
        },
        context,
      ),
    )
  }

  for await (const chunk of chunks) {
    waiting.push(...framer.push(chunk))
    if (fingerprint === undefined) {
      beginning = Buffer.concat([beginning, chunk.subarray(0, HEAD_LIMIT)])
      const head = headOf(beginning)
      if (head === undefined) continue
      fingerprint = sha256(head)
    }
    const events = parsed(waiting, fingerprint)
    waiting = []
    if (events.length > 0) yield events
  }
  const events = parsed([...waiting, ...framer.finish()], fingerprint ?? sha256(beginning))
  if (events.length > 0) yield events
}
