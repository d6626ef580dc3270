import type { z } from 'zod'
import type { Clock } from '../../../../model/time.ts'
import type { RawRecord, Sink } from '../../../source.ts'
import { sha256 } from '../../identity.ts'
import { rowRecord } from '../row.ts'
import type { History } from '../source.ts'
import { ASSETS, ASSET_EVENT, INSTIGATORS, RUNS, RUN_LOG, TICKS } from './queries.ts'
import { numberIn } from './server.ts'
import type { DagsterServer } from './server.ts'

export interface DagsterOptions {
  readonly source: string
  readonly server: DagsterServer
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
  /** What happened before is not read, in milliseconds. Default: 30 days before the first start. */
  readonly since?: number | undefined
  readonly now: Clock
}

/** Rows asked for at once. */
const PAGE = 200
/** Rows of one history that are held at once, to be put in order. */
const MAX_HELD = 10_000
/** Milliseconds of the past that are looked at again: the log of a run goes on after its last change of state. */
const OVERLAP = 60_000
const FIRST_START = 30 * 24 * 3_600_000
/** Milliseconds after which a tick that never ended is taken for over. */
const TICK_TIMEOUT = 3_600_000
const MAX_ASSETS = 10_000

type Run = z.infer<typeof RUNS.answer>['results'][number]

type Tick = Extract<z.infer<typeof TICKS.answer>, { __typename: 'InstigationState' }>['ticks'][number]

interface Instigator {
  readonly kind: 'schedule' | 'sensor'
  readonly selector: {
    readonly repositoryLocationName: string
    readonly repositoryName: string
    readonly name: string
  }
}

/**
 * What Dagster did: its runs and their logs, what was reported of assets without a run, and the ticks of schedules and sensors. Each is a history of its own, with
 * positions of its own; most are given backwards, so what is new is collected first and then handed over in order.
 */
export class DagsterHistory implements History {
  readonly #options: DagsterOptions
  /** By fingerprint: up to where each history is journaled. */
  readonly #known: Map<string, number>
  #since: number | undefined

  constructor(options: DagsterOptions) {
    this.#options = options
    this.#known = new Map(options.positions.map((p) => [p.fingerprint, p.end]))
    this.#since = options.since
  }

  async read(sink: Sink, signal: AbortSignal): Promise<void> {
    const { server, now } = this.#options
    // Asked first: with the server's clock, and with an error if nobody is there.
    const { value, date = now() } = await server.ask(INSTIGATORS, {}, signal)
    this.#since ??= date - FIRST_START
    await this.#readRuns(sink, signal)
    await this.#readAssets(sink, signal)
    for (const { name, location, schedules, sensors } of value.nodes) {
      const selector = { repositoryLocationName: location.name, repositoryName: name }
      for (const one of schedules)
        await this.#readTicks(
          { kind: 'schedule', selector: { ...selector, name: one.name } },
          date,
          sink,
          signal,
        )
      for (const one of sensors)
        await this.#readTicks(
          { kind: 'sensor', selector: { ...selector, name: one.name } },
          date,
          sink,
          signal,
        )
    }
  }

  async close(): Promise<void> {
    await this.#options.server.close()
  }

  /** Runs that changed since, in the order in which they did: first what is new in the log of each, then what it is now. */
  async #readRuns(sink: Sink, signal: AbortSignal): Promise<void> {
    for (const run of await this.#changedRuns(signal)) {
      if (signal.aborted) return
      await this.#readRunLog(run, sink, signal)
      const offset = changedAt(run)
      const fingerprint = `run/${run.runId}`
      if (offset >= this.#knownEnd(fingerprint))
        await this.#hand(sink, [this.#record({ history: 'run', run }, fingerprint, offset)])
    }
  }

  async #changedRuns(signal: AbortSignal): Promise<Run[]> {
    const { server } = this.#options
    const after = Math.max((this.#since ?? 0) / 1000, this.#lastChange() / 1e6 - OVERLAP / 1000)
    const runs = new Map<string, Run>()
    for (let cursor: string | undefined; ;) {
      const { value } = await server.ask(RUNS, { after, cursor, limit: PAGE }, signal)
      for (const run of value.results) runs.set(run.runId, run)
      if (value.results.length < PAGE) break
      if (runs.size > MAX_HELD) throw server.bad(`more than ${MAX_HELD} runs changed`)
      cursor = value.results.at(-1)?.runId
    }
    return [...runs.values()].sort((a, b) => changedAt(a) - changedAt(b) || (a.runId < b.runId ? -1 : 1))
  }

  /** Of any run that is journaled, in microseconds. */
  #lastChange(): number {
    let last = 0
    for (const [fingerprint, end] of this.#known)
      if (fingerprint.startsWith('run/')) last = Math.max(last, end)
    return last
  }

  /** Forwards; a position is the number of the event in its log. */
  async #readRunLog({ runId, jobName }: Run, sink: Sink, signal: AbortSignal): Promise<void> {
    const fingerprint = `log/${runId}`
    const journaled = this.#knownEnd(fingerprint)
    let n = 0
    for (let cursor: string | undefined; ;) {
      const { value } = await this.#options.server.ask(RUN_LOG, { id: runId, cursor, limit: PAGE }, signal)
      // Deleted meanwhile: what is journaled stays.
      if (value.__typename === 'RunNotFoundError') return
      const records = value.events.map((event, i) =>
        this.#record({ history: 'event', runId, jobName, event }, fingerprint, n + i),
      )
      await this.#hand(sink, records.slice(Math.max(0, journaled - n)))
      n += records.length
      if (!value.hasMore || records.length === 0) return
      cursor = value.cursor
    }
  }

  async #readAssets(sink: Sink, signal: AbortSignal): Promise<void> {
    const { server } = this.#options
    let count = 0
    for (let cursor: string | undefined; ;) {
      const { value } = await server.ask(ASSETS, { cursor, limit: PAGE }, signal)
      for (const { key } of value.nodes) await this.#readAsset(key.path, sink, signal)
      count += value.nodes.length
      if (value.nodes.length < PAGE || typeof value.cursor !== 'string') return
      if (count > MAX_ASSETS) throw server.bad(`more than ${MAX_ASSETS} assets`)
      cursor = value.cursor
    }
  }

  /** What happened to an asset, with a run or without one, backwards to what is journaled. Only a page of one event says which number it has. */
  async #readAsset(path: readonly string[], sink: Sink, signal: AbortSignal): Promise<void> {
    const { server } = this.#options
    const fingerprint = `asset/${sha256(JSON.stringify(path))}`
    const end = this.#knownEnd(fingerprint)
    const after = String(Math.floor(this.#since ?? 0))
    const records: RawRecord[] = []
    for (let cursor: string | undefined; ;) {
      const { value } = await server.ask(ASSET_EVENT, { key: { path }, cursor, after }, signal)
      const [event] = value.assetEventHistory.results
      if (event === undefined) break
      cursor = value.assetEventHistory.cursor
      const number = numberIn(cursor)
      if (number === undefined) throw server.bad('expected the cursor of an event to bear its number')
      if (number < end) break
      if (number >= (records.at(-1)?.position.offset ?? Infinity))
        throw server.bad('the events of an asset do not go backwards')
      if (records.length === MAX_HELD)
        throw server.bad(`more than ${MAX_HELD} new events of the asset ${path.join('/')}`)
      records.push(this.#record({ history: 'asset', asset: path, event }, fingerprint, number))
    }
    await this.#hand(sink, records.reverse())
  }

  /** Ticks that are over, backwards to what is journaled. Of sensors, those that did nothing are too many to be worth it. */
  async #readTicks(instigator: Instigator, date: number, sink: Sink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { server } = this.#options
    const { kind, selector } = instigator
    const statuses = kind === 'sensor' ? ['STARTED', 'SUCCESS', 'FAILURE'] : null
    const ticks = new Map<number, Tick>()
    let fingerprint = ''
    for (let before: number | undefined; ;) {
      const after = (this.#since ?? 0) / 1000
      const { value } = await server.ask(TICKS, { selector, limit: PAGE, before, after, statuses }, signal)
      // Removed meanwhile: what is journaled stays.
      if (value.__typename === 'InstigationStateNotFoundError') return
      fingerprint = `tick/${value.selectorId}`
      const size = ticks.size
      for (const tick of value.ticks) ticks.set(Number(tick.tickId), tick)
      const oldest = value.ticks.at(-1)
      if (oldest === undefined || value.ticks.length < PAGE || ticks.size === size) break
      if (Number(oldest.tickId) < this.#knownEnd(fingerprint)) break
      if (ticks.size > MAX_HELD) throw server.bad(`more than ${MAX_HELD} new ticks of ${selector.name}`)
      before = oldest.timestamp
    }
    const records: RawRecord[] = []
    for (const [number, tick] of [...ticks].sort(([a], [b]) => a - b)) {
      if (number < this.#knownEnd(fingerprint)) continue
      // What comes after it waits too, so that the position says how far everything is journaled.
      if (tick.status === 'STARTED' && tick.timestamp * 1000 > date - TICK_TIMEOUT) break
      records.push(this.#record({ history: 'tick', kind, instigator: selector, tick }, fingerprint, number))
    }
    await this.#hand(sink, records)
  }

  #record(row: object, fingerprint: string, offset: number): RawRecord {
    const position = { source: this.#options.source, fingerprint, offset, end: offset + 1 }
    return rowRecord(row, `${fingerprint}/${offset}`, position)
  }

  async #hand(sink: Sink, records: readonly RawRecord[]): Promise<void> {
    if (records.length === 0) return
    await sink(records)
    for (const { position } of records) this.#known.set(position.fingerprint, position.end)
  }

  #knownEnd(fingerprint: string): number {
    return this.#known.get(fingerprint) ?? 0
  }
}

/** Of a run, in microseconds. */
function changedAt({ updateTime, creationTime }: Run): number {
  return Math.round((updateTime ?? creationTime) * 1e6)
}
