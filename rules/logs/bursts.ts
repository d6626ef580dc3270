/** Names that are counted at once; whoever invents a new one for each try pushes out those that were quiet for longest. */
const MAX_NAMES = 1000
/** More of one name are counted as this many. */
const MAX_TIMES = 1000

/** How often something happened to each name within a time that slides along. */
export class Bursts {
  readonly #window: number
  /** Milliseconds of each, in order of arrival; the name that was heard of last comes last. */
  readonly #times = new Map<string, number[]>()

  /** Milliseconds. */
  constructor(window: number) {
    this.#window = window
  }

  add(name: string, at: number): void {
    const times = this.#times.get(name) ?? []
    this.#times.delete(name)
    this.#times.set(name, [...times.slice(1 - MAX_TIMES), at])
    const [quietest] = this.#times.keys()
    if (this.#times.size > MAX_NAMES && quietest !== undefined) this.#times.delete(quietest)
  }

  /** Those to whom it happened up to `now`, the most often first. */
  counts(now: number): readonly (readonly [name: string, count: number])[] {
    const counts: (readonly [string, number])[] = []
    for (const [name, times] of this.#times) {
      const recent = times.filter((at) => now - at < this.#window)
      if (recent.length === 0) this.#times.delete(name)
      else {
        this.#times.set(name, recent)
        counts.push([name, recent.length])
      }
    }
    return counts.sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1))
  }
}
