import type { FactsOf } from '../model/facts.ts'
import type { ProbeKind, ProbeResult } from '../model/observation.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import type { HeardClocks } from './heardClocks.ts'

// What the monitor says of itself, as an observation like any other. It keeps what it needs to compare one look with the one before.

/** Of the observation: there is one. */
export const SELF_TARGET = 'process'

/** Least difference between wall clock and monotonic clock over a look that counts as a step, in milliseconds; slewing makes 30 a minute. */
const STEP = 2_000
/** Part by which a measured value may differ from the one that stands before it is replaced. */
const TOLERANCE = { disk: 0.05, memory: 0.1 }
/** Intervals without a run after which a target is overdue; evidence is too old after as many. */
const MISSED = 3
/** Names that a list holds. */
const MAX_NAMED = 5
/** Looks that are remembered for a projection that has stopped; beyond them its lag is counted from the oldest. */
const MAX_LOOKS = 1500

/** What is true of the process at the moment of a look. Times in milliseconds. */
export interface MonitorReading {
  readonly receivers: readonly {
    readonly receiver: string
    /** The newest request failed. */
    readonly isFailing: boolean
    readonly undelivered: number
    /** When it last took everything. */
    readonly delivered: number | undefined
  }[]
  /** undefined: there is no control plane. */
  readonly repairsUndelivered: number | undefined
  /** The newest time for which the journal took nothing that is over. */
  readonly refused: { readonly from: number; readonly until: number } | undefined
  /** Entries sealed, and of these applied. */
  readonly entries: {
    readonly sealed: number
    readonly store: number
    readonly elasticsearch: number | undefined
  }
  /** Of the disks that are written to. */
  readonly disks: readonly { readonly path: string; readonly free: number; readonly total: number }[]
  readonly configurationCurrent: boolean
  readonly sourcesFailing: readonly string[]
  readonly problems: readonly string[]
  /** Octets. */
  readonly memory: { readonly used: number; readonly limit: number | undefined }
}

interface WatchedRun {
  readonly probe: ProbeKind
  readonly subject: string
  readonly address: string
  readonly interval: number
  readonly timeout: number
}

interface SelfProbeOptions {
  readonly subject: string
  readonly vantage: string
  readonly targets: readonly WatchedRun[]
  readonly now: Clock
  /** A clock that nobody sets, in milliseconds. */
  readonly monotonic: Clock
  readonly clocks: HeardClocks
}

export class SelfProbe {
  readonly #options: SelfProbeOptions
  readonly #lastRuns = new Map<string, number>()
  readonly #started: number
  readonly #lags = { store: new Lag(), elasticsearch: new Lag() }
  #clock: { readonly wall: number; readonly monotonic: number }
  #step: Pick<FactsOf<'monitor'>, 'clockStep' | 'clockStepDirection' | 'clockSteppedAt'> = {
    clockStep: 0,
    clockStepDirection: '',
  }
  #before: FactsOf<'monitor'> = {}

  constructor(options: SelfProbeOptions) {
    this.#options = options
    this.#started = options.monotonic()
    this.#clock = { wall: options.now(), monotonic: this.#started }
  }

  /** A run of a target was recorded. */
  ran({ probe, subject, address }: Pick<WatchedRun, 'probe' | 'subject' | 'address'>): void {
    this.#lastRuns.set(runKey(probe, subject, address), this.#options.monotonic())
  }

  look(reading: MonitorReading): ProbeResult {
    const { subject, vantage } = this.#options
    const clock = { wall: this.#options.now(), monotonic: this.#options.monotonic() }
    const monitor: FactsOf<'monitor'> = {
      ...alertFacts(reading),
      ...repairFacts(reading),
      ...refusedFacts(reading.refused),
      ...this.#lagFacts(reading.entries, clock.monotonic),
      ...this.#diskFacts(reading.disks),
      ...this.#overdueFacts(clock.monotonic),
      ...this.#clockFacts(clock),
      configurationCurrent: reading.configurationCurrent,
      sourcesFailing: reading.sourcesFailing.slice(0, MAX_NAMED),
      problems: reading.problems.slice(0, MAX_NAMED),
      ...this.#memoryFacts(reading.memory),
    }
    this.#before = monitor
    return {
      observation: {
        subject,
        probe: 'self',
        target: SELF_TARGET,
        vantage,
        start: toTimestamp(clock.wall),
        duration: 0,
        outcome: 'success',
        facts: { monitor },
        artifacts: [],
      },
      artifacts: [],
    }
  }

  #lagFacts({ sealed, store, elasticsearch }: MonitorReading['entries'], at: number): FactsOf<'monitor'> {
    const storeLag = this.#lags.store.at(at, { sealed, applied: store })
    if (elasticsearch === undefined) return { storeLag, usesElasticsearch: false }
    const elasticsearchLag = this.#lags.elasticsearch.at(at, { sealed, applied: elasticsearch })
    return { storeLag, usesElasticsearch: true, elasticsearchLag }
  }

  /** Of the fullest disk. */
  #diskFacts(disks: MonitorReading['disks']): FactsOf<'monitor'> {
    const share = (disk: (typeof disks)[number]): number => disk.free / Math.max(1, disk.total)
    const [fullest] = disks.toSorted((a, b) => share(a) - share(b))
    if (fullest === undefined) return {}
    const { path, total } = fullest
    const before = this.#before.diskPath === path ? this.#before.diskFree : undefined
    const diskFree = steady(before, fullest.free, TOLERANCE.disk)
    return { diskPath: path, diskFree, diskFreeShare: Math.floor((100 * diskFree) / Math.max(1, total)) }
  }

  #overdueFacts(at: number): FactsOf<'monitor'> {
    const { targets } = this.#options
    const overdue = targets.filter(({ probe, subject, address, interval, timeout }) => {
      const last = this.#lastRuns.get(runKey(probe, subject, address)) ?? this.#started
      return at - last > MISSED * interval + timeout
    })
    return {
      targets: targets.length,
      targetsOverdue: overdue.length,
      overdue: overdue.slice(0, MAX_NAMED).map(({ probe, address }) => `${probe} ${address}`),
    }
  }

  #clockFacts(clock: { readonly wall: number; readonly monotonic: number }): FactsOf<'monitor'> {
    const ahead = clock.wall - this.#clock.wall - (clock.monotonic - this.#clock.monotonic)
    this.#clock = clock
    if (Math.abs(ahead) >= STEP) {
      this.#step = {
        clockStep: Math.round(Math.abs(ahead) / 1000) * 1000,
        clockStepDirection: ahead > 0 ? 'forward' : 'back',
        clockSteppedAt: toTimestamp(clock.wall),
      }
    }
    return { ...this.#step, ...this.#options.clocks.facts(clock.monotonic) }
  }

  #memoryFacts({ used, limit }: MonitorReading['memory']): FactsOf<'monitor'> {
    return { memory: steady(this.#before.memory, used, TOLERANCE.memory), memoryLimit: limit ?? 0 }
  }
}

/** For how long a projection has lacked a record that was sealed, seen in looks: 0 when it has all of the look before. */
class Lag {
  readonly #looks: { readonly at: number; readonly sealed: number }[] = []

  at(now: number, { sealed, applied }: { readonly sealed: number; readonly applied: number }): number {
    while (this.#looks[0] !== undefined && this.#looks[0].sealed <= applied) this.#looks.shift()
    const since = this.#looks[0]?.at ?? now
    if (sealed > applied && this.#looks.length < MAX_LOOKS) this.#looks.push({ at: now, sealed })
    return Math.round((now - since) / 1000) * 1000
  }
}

function alertFacts({ receivers }: MonitorReading): FactsOf<'monitor'> {
  const failing = receivers.filter(({ isFailing }) => isFailing)
  const delivered = failing.flatMap((receiver) => receiver.delivered ?? [])
  const isKnown = failing.length > 0 && delivered.length === failing.length
  return {
    alertReceivers: receivers.length,
    alertsFailing: failing.slice(0, MAX_NAMED).map(({ receiver }) => receiver),
    alertsUndelivered: Math.max(0, ...receivers.map(({ undelivered }) => undelivered)),
    ...(isKnown ? { alertsDelivered: toTimestamp(Math.min(...delivered)) } : {}),
  }
}

function repairFacts({ repairsUndelivered }: MonitorReading): FactsOf<'monitor'> {
  return repairsUndelivered === undefined ? { controlPlanes: 0 } : { controlPlanes: 1, repairsUndelivered }
}

function refusedFacts(refused: MonitorReading['refused']): FactsOf<'monitor'> {
  if (refused === undefined) return { journalRefused: 0 }
  // Set back meanwhile, the clock says less; that something was refused it cannot take away.
  const journalRefused = Math.max(1000, Math.round((refused.until - refused.from) / 1000) * 1000)
  return { journalRefused, journalRefusedUntil: toTimestamp(refused.until) }
}

/** The value that stood before, as long as the measured one is near it: so that runs repeat. */
function steady(before: number | undefined, measured: number, tolerance: number): number {
  const isNear = before !== undefined && Math.abs(measured - before) <= before * tolerance
  return isNear ? before : Math.round(measured)
}

function runKey(probe: ProbeKind, subject: string, address: string): string {
  return `${probe}\n${subject}\n${address}`
}
