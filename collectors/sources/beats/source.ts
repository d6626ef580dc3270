import type { Shipper } from '../../../model/auditEvent.ts'
import { messageOf } from '../../../model/thrown.ts'
import { CollectorError } from '../../error.ts'
import type { RawRecord, Sink, Source } from '../../source.ts'
import type { ShippedRecord } from './event.ts'
import type { BeatsListener, ShippedLog } from './listener.ts'
import { Runs, fingerprintOf } from './runs.ts'
import type { Placed } from './runs.ts'

export interface BeatsSourceOptions {
  /** Log source id in the inventory. */
  readonly source: string
  /** Who may ship it: the subject of the client's certificate (RFC 4514), or one of the names in it. */
  readonly client: string
  readonly listener: BeatsListener
  /** What the journal has of this log, from the store. */
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
}

/** One log that Filebeat ships to us. What was handed over and is durable is acknowledged, nothing else is. */
export class BeatsSource implements Source, ShippedLog {
  readonly #options: BeatsSourceOptions
  readonly #runs: Runs
  #sink: Sink | undefined
  /** The hand-over before: a client that comes back while its last window is being sealed waits for it. */
  #before: Promise<void> = Promise.resolve()
  #problem: CollectorError | undefined

  constructor(options: BeatsSourceOptions) {
    this.#options = options
    this.#runs = new Runs(options.positions)
  }

  get id(): string {
    return this.#options.source
  }

  get client(): string {
    return this.#options.client
  }

  /** The last hand-over that failed, until one succeeds; and that nobody can connect. */
  get problems(): readonly CollectorError[] {
    return [this.#options.listener.problem, this.#problem].filter((problem) => problem !== undefined)
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    this.#sink = sink
    const attached = this.#options.listener.attach(this)
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    attached[Symbol.dispose]()
    this.#sink = undefined
    await this.#before
  }

  /** Nothing can be fetched: records come when they come. */
  async poll(): Promise<void> {
    await this.#before
  }

  async close(): Promise<void> {
    await this.#before
  }

  /** Resolves when all of them are durable, those that were before as well. Rejects when one of them is not. */
  accept(records: readonly ShippedRecord[], shipper: Shipper): Promise<void> {
    const done = this.#before.then(() => this.#hand(records, shipper))
    this.#before = done.catch(() => undefined)
    return done
  }

  async #hand(records: readonly ShippedRecord[], shipper: Shipper): Promise<void> {
    if (this.#sink === undefined) throw new CollectorError('not_recorded', `${this.id}: stopping`)
    const placed: Placed[] = []
    const items: RawRecord[] = []
    for (const record of records) {
      if (this.#runs.knows(record) || placed.some((p) => p.file === record.file && covers(p, record)))
        continue
      const place = this.#runs.place(record, placed)
      placed.push(place)
      items.push(this.#item(record, place, shipper))
    }
    if (items.length === 0) return
    try {
      await this.#sink(items)
    } catch (error) {
      const reason = messageOf(error)
      this.#problem = new CollectorError('not_recorded', `${this.id}: not recorded: ${reason}`, {
        cause: error,
      })
      throw this.#problem
    }
    this.#problem = undefined
    for (const place of placed) this.#runs.add(place)
  }

  #item(record: ShippedRecord, place: Placed, shipper: Shipper): RawRecord {
    const { bytes, file, offset, cut, id } = record
    return {
      kind: 'record',
      bytes,
      position: { source: this.id, fingerprint: fingerprintOf(place), offset: place.offset, end: place.end },
      place: { file, offset },
      shipper,
      ...(id === undefined ? {} : { id }),
      ...(cut ? { damage: 'cut' } : {}),
    }
  }
}

function covers(placed: Placed, { offset }: ShippedRecord): boolean {
  return placed.offset <= offset && offset < placed.end
}
