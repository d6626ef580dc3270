import type { LogConfig } from '../../model/config.ts'
import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'

/** CRL numbers of one authority that are remembered, the newest. */
const MAX_CRLS = 10_000
/** Contradictions of one kind that are counted, the newest. */
const MAX_FOUND = 1000
/** Newest ones that are named. */
const MAX_NAMED = 5

/** A record of a log that says that something was issued. */
export interface Telling {
  readonly log: string
  readonly record: string
  /** Milliseconds. */
  readonly at: number
}

type Facts = FactsOf<'clones'>

/**
 * What the clones of one authority did that clones may not: they share name and key, and must share out serial numbers (RFC 5280 section 4.1.2.2) and CRL
 * numbers. A clone is known by its log. The same whatever order it is told in.
 */
export class Clones {
  readonly #ranges: ReadonlyMap<string, readonly [first: bigint, last: bigint]>
  /** By log, of what lies in its range. */
  readonly #highest = new Map<string, bigint>()
  /** By CRL number. */
  readonly #crls = new Map<string, Telling>()
  readonly #twice = new Found()
  readonly #outside = new Found()
  readonly #crlsTwice = new Found()

  constructor(logs: readonly Pick<LogConfig, 'id' | 'serials'>[]) {
    this.#ranges = new Map(
      logs.flatMap(({ id, serials }) =>
        serials === undefined ? [] : [[id, [numberOf(serials.first), numberOf(serials.last)]] as const],
      ),
    )
  }

  /** `before`: who is known to have issued it. */
  issued(serial: string, by: Telling, before: Telling | undefined): void {
    if (before !== undefined && before.log !== by.log) this.#twice.add(serial, ...inOrder(before, by))
    const range = this.#ranges.get(by.log)
    if (range === undefined) return
    const [first, last] = range
    const number = numberOf(serial)
    if (number < first || number > last) this.#outside.add(serial, by)
    else if (number > (this.#highest.get(by.log) ?? -1n)) this.#highest.set(by.log, number)
  }

  crlIssued(number: string, by: Telling): void {
    const before = this.#crls.get(number)
    if (before !== undefined && before.log !== by.log)
      this.#crlsTwice.add(`CRL ${number}`, ...inOrder(before, by))
    this.#crls.set(number, before === undefined || by.at >= before.at ? by : before)
    const [oldest] = this.#crls.keys()
    if (this.#crls.size > MAX_CRLS && oldest !== undefined) this.#crls.delete(oldest)
  }

  facts(): Facts {
    return {
      ...{ serialsTwice: this.#twice.count, serialsTwiceRecent: this.#twice.recent },
      ...{ serialsOutside: this.#outside.count, serialsOutsideRecent: this.#outside.recent },
      ...{ crlsTwice: this.#crlsTwice.count, crlsTwiceRecent: this.#crlsTwice.recent },
      ...(this.#twice.at === undefined ? {} : { serialsTwiceAt: this.#twice.at }),
      ...(this.#outside.at === undefined ? {} : { serialsOutsideAt: this.#outside.at }),
      ...(this.#crlsTwice.at === undefined ? {} : { crlsTwiceAt: this.#crlsTwice.at }),
      ...this.#leftFacts(),
    }
  }

  /** Of the clone that has the smallest share left; they give their numbers one after another. */
  #leftFacts(): Facts {
    const [least] = [...this.#ranges]
      .map(([log, [first, last]]) => {
        const left = last - (this.#highest.get(log) ?? first - 1n)
        return { log, share: Number((left * 100n) / (last - first + 1n)) }
      })
      .toSorted((a, b) => a.share - b.share)
    return least === undefined ? {} : { serialsLeft: least.share, serialsLeftOf: least.log }
  }
}

/** Each once, by what it is about. */
class Found {
  readonly #byName = new Map<string, { readonly at: number; readonly text: string }>()

  add(name: string, ...tellings: readonly Telling[]): void {
    const at = Math.max(...tellings.map((telling) => telling.at))
    const said = tellings.map(({ log, record }) => `${log} ${record}`)
    this.#byName.set(name, { at, text: `${toTimestamp(at)} ${name}: ${said.join(', ')}` })
    if (this.#byName.size > MAX_FOUND) this.#dropOldest()
  }

  #dropOldest(): void {
    const oldest = [...this.#byName].reduce((a, b) => (b[1].at < a[1].at ? b : a))
    this.#byName.delete(oldest[0])
  }

  get count(): number {
    return this.#byName.size
  }

  /** RFC 3339, of the newest. */
  get at(): string | undefined {
    return this.count === 0
      ? undefined
      : toTimestamp(Math.max(...[...this.#byName.values()].map(({ at }) => at)))
  }

  /** The newest first. */
  get recent(): readonly string[] {
    const texts = [...this.#byName.values()].map(({ text }) => text)
    return texts.toSorted((a, b) => (a < b ? 1 : -1)).slice(0, MAX_NAMED)
  }
}

function inOrder(a: Telling, b: Telling): readonly [Telling, Telling] {
  return a.log < b.log ? [a, b] : [b, a]
}

function numberOf(serial: string): bigint {
  return BigInt(`0x${serial}`)
}
