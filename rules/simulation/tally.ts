// What two sides say about one rule and subject, on one clock: how long each, and how long both. All times in milliseconds.

export type Side = 'simulated' | 'recorded'
export type Said = 'quiet' | 'fail' | 'unknown'

/** What one side said. */
export interface SideTotals {
  /** For how long it failed, and how often that began (or was so from the start). */
  readonly failing: number
  readonly failures: number
  readonly unknown: number
  /** When it first failed, in the period. */
  readonly first: number | undefined
  /** When it last stopped to; undefined: it has not. */
  readonly last: number | undefined
}

export interface TallyTotals {
  readonly simulated: SideTotals
  readonly recorded: SideTotals
  /** Failing by both. */
  readonly bothFailing: number
  /** The simulated side came to a verdict at some time. */
  readonly judged: boolean
}

/**
 * How late a record may come after the time that it tells of: decisions are journaled after what caused them. More is taken for what comes
 * later, and is a difference of that length.
 */
const MAX_LAG = 10 * 60_000

interface Flip {
  readonly at: number
  readonly side: Side
  readonly said: Said
}

interface SideState {
  said: Said
  failing: number
  failures: number
  unknown: number
  first: number | undefined
  last: number | undefined
}

/** Adds up; remembers no more than the last minutes. */
export class Tally {
  readonly #from: number
  readonly #until: number
  readonly #sides: Readonly<Record<Side, SideState>> = { simulated: silent(), recorded: silent() }
  /** Ascending, not yet added up. */
  #flips: Flip[] = []
  #settled: number
  #bothFailing = 0
  #judged = false

  /** Both sides are quiet until they say something. What lies outside of the period is not counted. */
  constructor(period: { readonly from: number; readonly to: number }) {
    this.#from = period.from
    this.#until = period.to
    this.#settled = -Infinity
  }

  say(side: Side, at: number, said: Said): void {
    const flip = { at: Math.max(at, this.#settled), side, said }
    const index = this.#flips.findLastIndex((other) => other.at <= flip.at)
    this.#flips.splice(index + 1, 0, flip)
    this.#settle((this.#flips.at(-1)?.at ?? at) - MAX_LAG)
  }

  /** `end`: as far as is known, at most the end of the period. */
  totals(end: number): TallyTotals {
    this.#settle(Infinity)
    this.#pass(end)
    const { simulated, recorded } = this.#sides
    if (simulated.said !== 'unknown') this.#judged = true
    return { simulated, recorded, bothFailing: this.#bothFailing, judged: this.#judged }
  }

  #settle(upTo: number): void {
    let next = this.#flips[0]
    while (next !== undefined && next.at <= upTo) {
      this.#flips.shift()
      this.#pass(next.at)
      this.#turn(next)
      next = this.#flips[0]
    }
  }

  /** Time goes on to `at`, and nothing is said. */
  #pass(at: number): void {
    const spent = Math.max(0, Math.min(at, this.#until) - Math.max(this.#settled, this.#from))
    this.#settled = Math.max(this.#settled, at)
    const { simulated, recorded } = this.#sides
    if (spent === 0) return
    for (const side of [simulated, recorded]) {
      if (side.said === 'fail') side.failing += spent
      if (side.said === 'unknown') side.unknown += spent
    }
    if (simulated.said === 'fail' && recorded.said === 'fail') this.#bothFailing += spent
    if (simulated.said !== 'unknown') this.#judged = true
  }

  #turn({ at, side: name, said }: Flip): void {
    const side = this.#sides[name]
    const before = side.said
    side.said = said
    if (before === said || at >= this.#until) return
    const shown = Math.max(at, this.#from)
    if (said === 'fail') {
      side.failures++
      side.first ??= shown
      side.last = undefined
    } else if (before === 'fail') this.#stop(side, at)
  }

  /** What was over before the period began does not count. */
  #stop(side: SideState, at: number): void {
    if (at > this.#from) side.last = at
    else {
      side.failures = 0
      side.first = undefined
    }
  }
}

function silent(): SideState {
  return { said: 'quiet', failing: 0, failures: 0, unknown: 0, first: undefined, last: undefined }
}
