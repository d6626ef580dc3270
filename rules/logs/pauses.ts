const DAY = 86_400_000

/** Days that say what is usual: two weekends. */
const DAYS = 14
/** Fewer of them say nothing. */
const MIN_DAYS = 3

/** The pauses of a log: how long it usually says nothing. Only the longest pause that ended on each of the last days is kept. */
export class Pauses {
  /** Milliseconds by day (UTC), the oldest first. */
  #longest = new Map<string, number>()

  /** As `lines` wrote them. */
  restore(lines: readonly string[]): void {
    for (const line of lines) {
      const [, day, pause] = /^(\d{4}-\d\d-\d\d) (\d{1,15})$/.exec(line) ?? []
      if (day !== undefined) this.#keep(day, Number(pause))
    }
  }

  /** A record came after `pause`, at `end`; both in milliseconds. */
  add(pause: number, end: number): void {
    this.#keep(new Date(end).toISOString().slice(0, 10), pause)
  }

  /**
   * The second longest, in milliseconds: one outage is not what is usual, and a weekend comes twice in two weeks. undefined while too little
   * is known.
   */
  usual(): number | undefined {
    if (this.#longest.size < MIN_DAYS) return undefined
    return [...this.#longest.values()].toSorted((a, b) => b - a)[1]
  }

  lines(): readonly string[] {
    return [...this.#longest].map(([day, pause]) => `${day} ${pause}`)
  }

  #keep(day: string, pause: number): void {
    const known = this.#longest.get(day)
    if (known !== undefined && known >= pause) return
    this.#longest.set(day, pause)
    if (known !== undefined) return
    const newest = Math.max(...[...this.#longest.keys()].map((one) => Date.parse(one)))
    const kept = [...this.#longest].filter(([one]) => newest - Date.parse(one) < DAYS * DAY)
    this.#longest = new Map(kept.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
}
