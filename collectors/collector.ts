import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { MAX_BLOCK_BYTES } from '../journal/block.ts'
import { MAX_RECORDS_PER_ENTRY } from '../journal/entry.ts'
import type { AuditEvent } from '../model/auditEvent.ts'
import type { LogConfig } from '../model/config.ts'
import type { Artifact } from '../model/observation.ts'
import type { NewRecord } from '../model/record.ts'
import { toTimestamp } from '../model/time.ts'
import type { Clock } from '../model/time.ts'
import type { CollectorError } from './error.ts'
import type { Format, FormatContext, KnownAuthority, Sequence } from './format.ts'
import { FORMATS } from './formats/table.ts'
import { UNPARSED } from './formats/unparsed.ts'
import { interpret } from './interpret.ts'
import { ownEvent } from './ownEvent.ts'
import { recordOf } from './recordOf.ts'
import { LOG_ACTIONS } from './source.ts'
import type { LogNotice, Source, SourceItem } from './source.ts'
import { sourceOver } from './sources/api/table.ts'
import type { ApiAccess } from './sources/api/client.ts'
import type { BeatsListener } from './sources/beats/listener.ts'
import { BeatsSource } from './sources/beats/source.ts'
import { FileSource } from './sources/file.ts'
import type { FileSourceOptions } from './sources/file.ts'

/**
 * Records handed over at once. They fill an entry of the journal, which is then sealed without waiting for more; and they
 * are sealed in one entry or not at all, so that a refusal leaves no half.
 */
const SLICE_RECORDS = MAX_RECORDS_PER_ENTRY
/** Of a log with a sequence, which may add an event to each record. */
const SEQUENCE_SLICE_RECORDS = MAX_RECORDS_PER_ENTRY / 2
/** Octets of raw records handed over at once: events are up to three times as long, unless they are full of control characters. */
const SLICE_OCTETS = MAX_BLOCK_BYTES / 3
/** Records parsed before other work gets its turn: about 2 ms. */
const TURN_RECORDS = 256

export interface CollectorOptions {
  readonly log: LogConfig
  /** Every authority of the inventory; the log's own list chooses among them. */
  readonly authorities: readonly KnownAuthority[]
  /** Of all sources, as the store has them when it has caught up with the journal. */
  readonly positions: readonly {
    readonly source: string
    readonly fingerprint: string
    readonly end: number
  }[]
  /**
   * Resolves with what is durable now: one for every record. Rejects, or resolves with fewer, when none of them counts; they
   * are read and handed over again. Not called again before it is done.
   */
  readonly record: (records: readonly NewRecord[]) => Promise<readonly unknown[]>
  /** Keeps what a record holds (an issued certificate) under its digest. Resolves when the journal has taken it over. */
  readonly keep?: (artifact: Artifact) => Promise<unknown>
  /** Keys that may have signed the log. */
  readonly signers?: readonly KeyObject[]
  /** The last events of this log that are journaled, the oldest first: where its sequence goes on. */
  readonly earlier?: readonly AuditEvent[]
  /** Where Filebeats connect, for a log that one of them ships. */
  readonly listener?: BeatsListener
  /** How its API is reached, for a log that is asked for. */
  readonly access?: ApiAccess
  readonly now: Clock
  readonly onProblem: (problem: CollectorError) => void
  /** Settings of the file source, for tests and special cases. */
  readonly file?: Partial<Pick<FileSourceOptions, 'pollInterval' | 'quiet' | 'maxRecord' | 'hint'>>
}

/** What one collector has handed to the journal since it started. */
export interface CollectorCounts {
  readonly records: number
  /** Of them: not understood, kept raw. */
  readonly unparsed: number
  /** Refused because their position was journaled before. */
  readonly duplicates: number
  /** Events of our own: rotations, truncations and losses of the log file, gaps in it. */
  readonly notices: number
}

/** One declared log: a source and a format, bound to the journal. */
export class Collector {
  readonly id: string
  readonly #options: CollectorOptions
  readonly #source: Source & { readonly problems: readonly CollectorError[] }
  readonly #format: Format
  readonly #authorities: readonly KnownAuthority[]
  #sequence: Sequence | undefined
  /** The highest `end` of every fingerprint. */
  readonly #known: Map<string, number>
  #counts: CollectorCounts = { records: 0, unparsed: 0, duplicates: 0, notices: 0 }

  constructor(options: CollectorOptions) {
    const { log, authorities } = options
    const positions = options.positions.filter((p) => p.source === log.id)
    this.id = log.id
    this.#options = options
    this.#format = FORMATS[log.format]({ json: log.json, signers: options.signers ?? [] })
    this.#sequence = goOn(this.#format.sequence, options.earlier ?? [])
    this.#authorities =
      log.authorities.length === 0 ? authorities : authorities.filter((a) => log.authorities.includes(a.id))
    this.#known = new Map(positions.map((p) => [p.fingerprint, p.end]))
    this.#source = this.#sourceOf(options, positions)
  }

  #sourceOf(
    { log, listener, access, file, now, onProblem }: CollectorOptions,
    positions: CollectorOptions['positions'],
  ) {
    const source = log.id
    if (log.path !== undefined) {
      const startsRecord = (line: Uint8Array): boolean => this.#format.startsRecord(line)
      return new FileSource({ ...file, source, path: log.path, startsRecord, positions, now, onProblem })
    }
    if (log.beats !== undefined && listener !== undefined)
      return new BeatsSource({ source, client: log.beats.client, listener, positions })
    if (access !== undefined) return sourceOver({ log, access, positions, now, onProblem })
    throw new TypeError(`log ${source}: neither a file, nor somebody who ships it, nor an API`)
  }

  get counts(): CollectorCounts {
    return this.#counts
  }

  /** What hinders reading now. */
  get problems(): readonly CollectorError[] {
    return this.#source.problems
  }

  /** Reads until the signal aborts; never rejects for what happens to the log. What is not yet durable is read again next time. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#source.run((items) => this.#record(items), signal)
  }

  /** One pass over what is there now. */
  async poll(): Promise<void> {
    await this.#source.poll((items) => this.#record(items))
  }

  async close(): Promise<void> {
    await this.#source.close()
  }

  async #record(items: readonly SourceItem[]): Promise<void> {
    const fresh = items.filter((item) => this.#isNew(item))
    this.#add({ duplicates: items.length - fresh.length })
    // One after the other: were a later one durable before an earlier one, a crash would lose the earlier one.
    const limit = this.#sequence === undefined ? SLICE_RECORDS : SEQUENCE_SLICE_RECORDS
    for (const slice of slices(fresh, limit)) await this.#handOver(slice)
  }

  async #handOver(items: readonly SourceItem[]): Promise<void> {
    const { record, keep, now, log } = this.#options
    const context = {
      received: toTimestamp(now()),
      authorities: this.#authorities,
      ...(log.timezone === undefined ? {} : { timeZone: log.timezone }),
    }
    const events: AuditEvent[] = []
    let sequence = this.#sequence
    for (const [i, item] of items.entries()) {
      if (i > 0 && i % TURN_RECORDS === 0) await setImmediate()
      if (item.kind === 'notice') {
        events.push(noticeEvent(item, context))
        continue
      }
      const event = interpret(this.#format, item, context)
      if (keep !== undefined) for (const held of this.#format.artifacts?.(event) ?? []) await keep(held)
      const step = sequence?.step(item, event)
      sequence = step?.next
      events.push(...(step?.events ?? [event]))
    }
    const durable = await record(
      events.map((event) => ({ kind: 'audit', time: event['@timestamp'], body: event })),
    )
    if (durable.length !== events.length)
      throw new RangeError(`expected ${events.length} durable records, got ${durable.length}`)
    for (const { position } of items) this.#known.set(position.fingerprint, position.end)
    this.#sequence = sequence
    this.#add({
      records: events.length,
      unparsed: events.filter((e) => e.event.action === UNPARSED).length,
      notices: events.filter((e) => e.event.module === 'vigil').length,
    })
  }

  #add(more: Partial<CollectorCounts>): void {
    const { records = 0, unparsed = 0, duplicates = 0, notices = 0 } = more
    this.#counts = {
      records: this.#counts.records + records,
      unparsed: this.#counts.unparsed + unparsed,
      duplicates: this.#counts.duplicates + duplicates,
      notices: this.#counts.notices + notices,
    }
  }

  #isNew(item: SourceItem): boolean {
    const known = this.#known.get(item.position.fingerprint)
    return known === undefined || (item.kind === 'record' && item.position.offset >= known)
  }
}

/** Whether something about this log shows only in the order of its records. */
export function isSequential(log: LogConfig): boolean {
  return FORMATS[log.format]({ json: log.json }).sequence !== undefined
}

/** The sequence of a log after the events that are journaled. */
function goOn(sequence: Sequence | undefined, earlier: readonly AuditEvent[]): Sequence | undefined {
  let now = sequence
  for (const event of earlier)
    if (event.event.module !== 'vigil') now = now?.step(recordOf(event), event).next
  return now
}

function* slices(items: readonly SourceItem[], limit: number): Generator<SourceItem[]> {
  let slice: SourceItem[] = []
  let octets = 0
  for (const item of items) {
    const more = item.kind === 'record' ? item.bytes.length : 0
    if (slice.length === limit || (slice.length > 0 && octets + more > SLICE_OCTETS)) {
      yield slice
      slice = []
      octets = 0
    }
    slice.push(item)
    octets += more
  }
  if (slice.length > 0) yield slice
}

/** What happened to the log file itself, as an event of our own. */
function noticeEvent(notice: LogNotice, context: FormatContext): AuditEvent {
  const gone = notice.action === 'log_removed' || notice.action === 'log_missing'
  return ownEvent({
    time: context.received,
    action: notice.action,
    outcome: LOG_ACTIONS[notice.action],
    type: gone ? 'deletion' : 'change',
    dataset: 'vigil.source',
    message: notice.message,
    details: notice.details,
    position: notice.position,
  })
}
