/** Items that a fact names at most. */
const MAX_NAMED = 20

/** Counts texts and keeps some: the first by their order, so that the same set always gives the same ones. */
export class Smallest {
  count = 0
  #kept: string[] = []

  add(text: string): void {
    this.count++
    const last = this.#kept[MAX_NAMED - 1]
    if (last !== undefined && text >= last) return
    this.#kept = [...this.#kept, text].toSorted().slice(0, MAX_NAMED)
  }

  get texts(): readonly string[] {
    return this.#kept
  }

  static of(texts: Iterable<string>): readonly string[] {
    const smallest = new Smallest()
    for (const text of new Set(texts)) smallest.add(text)
    return smallest.texts
  }
}
