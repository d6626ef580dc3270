// Lists and texts in a report are bounded, and say how much they leave out.

/** The first items of a list, and how many more there were. `total` is `items.length + more`. */
export interface Listing<T> {
  total: number
  more: number
  items: T[]
}

/** Keeps the first `limit` items and counts the rest. */
export class BoundedList<T> {
  readonly #limit: number
  readonly #items: T[] = []
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** `make` is called only when there is room. */
  add(make: () => T): void {
    this.#total++
    if (this.#items.length < this.#limit) this.#items.push(make())
  }

  list(): Listing<T> {
    return { total: this.#total, more: this.#total - this.#items.length, items: this.#items }
  }
}

/** Mean and longest of some durations in milliseconds. */
export class Statistics {
  #count = 0
  #sum = 0
  #longest = 0

  add(ms: number): void {
    this.#count++
    this.#sum += ms
    this.#longest = Math.max(this.#longest, ms)
  }

  /** null when there were none. */
  result(): { count: number; mean: number; longest: number } | null {
    if (this.#count === 0) return null
    return { count: this.#count, mean: Math.round(this.#sum / this.#count), longest: this.#longest }
  }
}

export function listing<T>(all: readonly T[], limit: number): Listing<T> {
  return { total: all.length, more: Math.max(0, all.length - limit), items: all.slice(0, limit) }
}

/** At most `max` UTF-16 units, well-formed; a cut text ends in "…". Text in a journal may come from anyone. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed()
  const cut = text.slice(0, max - 1)
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`.toWellFormed()
}
