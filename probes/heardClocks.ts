import type { FactsOf } from '../model/facts.ts'
import type { Clock } from '../model/time.ts'
import type { ServerTime } from './fetch/serverTime.ts'

/** Milliseconds for which what a host said counts. */
const MEMORY = 3_600_000
/** Hosts that are remembered; those of an inventory are fewer, and redirects may not add to them without end. */
const MAX_HOSTS = 1000
/** More hosts than this are not told apart: who comes and goes among them is no news. */
const ENOUGH = 3
/** Differences below this are not told, and larger ones in steps of it, in milliseconds: `Date` counts seconds, and answers take their time. */
const STEP = 10_000

/** What time other machines think it is: the newest word of each. Any of them may be wrong or lie, so the median counts. */
export class HeardClocks {
  readonly #now: Clock
  readonly #monotonic: Clock
  readonly #heard = new Map<string, { readonly ahead: number; readonly at: number }>()

  constructor({ now, monotonic }: { readonly now: Clock; readonly monotonic: Clock }) {
    this.#now = now
    this.#monotonic = monotonic
  }

  hear({ host, time }: ServerTime): void {
    this.#heard.delete(host)
    if (this.#heard.size >= MAX_HOSTS) return
    this.#heard.set(host, { ahead: this.#now() - time, at: this.#monotonic() })
  }

  /** `monotonic`: the moment, on the clock that nobody sets. */
  facts(monotonic: number): FactsOf<'monitor'> {
    for (const [host, { at }] of this.#heard) if (monotonic - at > MEMORY) this.#heard.delete(host)
    const offsets = [...this.#heard.values()].map(({ ahead }) => ahead).sort((a, b) => a - b)
    const ahead = offsets[Math.floor((offsets.length - 1) / 2)]
    if (ahead === undefined) return { clockSources: 0 }
    const clockOffset = Math.floor(Math.abs(ahead) / STEP) * STEP
    const clockOffsetDirection = clockOffset === 0 ? '' : ahead > 0 ? 'ahead' : 'behind'
    return { clockSources: Math.min(ENOUGH, offsets.length), clockOffset, clockOffsetDirection }
  }
}
