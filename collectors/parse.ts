import type { AuditEvent } from '../model/auditEvent.ts'
import { toTimestamp } from '../model/time.ts'
import type { Clock } from '../model/time.ts'
import { FILE_HEAD_OCTETS } from './eventId.ts'
import type { Format, KnownAuthority } from './format.ts'
import { interpret } from './interpret.ts'
import type { RawRecord } from './source.ts'
import { HEAD_LIMIT, headOf, sha256 } from './sources/identity.ts'
import { RecordFramer } from './sources/records.ts'
import type { FramedRecord } from './sources/records.ts'

export interface ParseOptions {
  readonly format: Format
  readonly now: Clock
  /** Name for the positions. */
  readonly source: string
  readonly authorities?: readonly KnownAuthority[]
  readonly timeZone?: string
  /** Octets kept of one record. */
  readonly maxRecord?: number
}

/** An event, and the line where its record begins, from 1. */
export interface ParsedEvent {
  readonly event: AuditEvent
  readonly line: number
}

/** As `parseRecords`, without the lines. */
export async function* parseLog(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ParseOptions,
): AsyncGenerator<readonly AuditEvent[]> {
  for await (const batch of parseRecords(chunks, options)) yield batch.map(({ event }) => event)
}

/**
 * What a log says, from its octets alone: as the collector of a file would read it, without a journal. The last line
 * counts even without a line feed. Memory does not grow with the log.
 */
export async function* parseRecords(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ParseOptions,
): AsyncGenerator<readonly ParsedEvent[]> {
  const { format, source } = options
  const framer = new RecordFramer({
    startsRecord: (line) => format.startsRecord(line),
    ...(options.maxRecord === undefined ? {} : { limit: options.maxRecord }),
  })
  const context = {
    received: toTimestamp(options.now()),
    authorities: options.authorities ?? [],
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
  }
  let sequence = format.sequence
  let beginning: Uint8Array = new Uint8Array(0)
  let identity: Identity | undefined
  let waiting: FramedRecord[] = []

  function parsed(records: readonly FramedRecord[], { fingerprint, file }: Identity): ParsedEvent[] {
    return records.flatMap(({ bytes, offset, end, lastLine, line, damage }) => {
      const record: RawRecord = {
        kind: 'record',
        bytes,
        position: { source, fingerprint, offset, end },
        ...(file === undefined ? {} : { place: { file, offset: lastLine } }),
        ...(damage === undefined ? {} : { damage }),
      }
      const event = interpret(format, record, context)
      const step = sequence?.step(record, event)
      sequence = step?.next
      return (step?.events ?? [event]).map((one) => ({ event: one, line }))
    })
  }

  for await (const chunk of chunks) {
    waiting.push(...framer.push(chunk))
    if (identity === undefined) {
      beginning = Buffer.concat([beginning, chunk.subarray(0, HEAD_LIMIT)])
      identity = identityOf(beginning)
      if (identity === undefined) continue
    }
    const events = parsed(waiting, identity)
    waiting = []
    if (events.length > 0) yield events
  }
  // Whole files end where they end: the last line counts without a line feed.
  const events = parsed([...waiting, ...framer.finish('complete')], identity ?? shortIdentity(beginning))
  if (events.length > 0) yield events
}

/** What the file is known by: in positions, and in ids of events. */
interface Identity {
  readonly fingerprint: string
  readonly file?: string
}

/** undefined while too little is there to say. */
function identityOf(beginning: Uint8Array): Identity | undefined {
  return headOf(beginning) === undefined || beginning.length < FILE_HEAD_OCTETS
    ? undefined
    : shortIdentity(beginning)
}

/** Of a file that has no more than this. */
function shortIdentity(beginning: Uint8Array): Identity {
  const fingerprint = sha256(headOf(beginning) ?? beginning)
  if (beginning.length < FILE_HEAD_OCTETS) return { fingerprint }
  return { fingerprint, file: sha256(beginning.subarray(0, FILE_HEAD_OCTETS)) }
}
