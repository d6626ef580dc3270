import type { FactsOf } from '../../model/facts.ts'

/** Upper bounds in seconds: from the time between two looks to the day within which a revocation must be published (CA/Browser Forum BR 4.9.1). */
export const PUBLICATION_BOUNDS = [60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400] as const

export type PublicationFacts = Pick<
  FactsOf<'reconciliation'>,
  'published' | 'publishedTime' | 'publishedWithin'
>

/**
 * How long revocations took to be published, as a histogram that goes on from one observation to the next: each holds all of it, so that nothing is counted
 * twice, or lost, whoever reads the newest.
 */
export class Publications {
  #count: number
  #time: number
  readonly #within: number[]

  constructor(before: PublicationFacts | undefined) {
    this.#count = before?.published ?? 0
    this.#time = before?.publishedTime ?? 0
    this.#within = [...countsWithin(before)]
  }

  /** Milliseconds. */
  add(latency: number): void {
    this.#count++
    this.#time += latency
    for (const [i, bound] of PUBLICATION_BOUNDS.entries())
      if (latency <= bound * 1000) this.#within[i] = (this.#within[i] ?? 0) + 1
  }

  get facts(): Required<PublicationFacts> {
    return {
      published: this.#count,
      publishedTime: this.#time,
      publishedWithin: PUBLICATION_BOUNDS.map((bound, i) => `${bound} ${this.#within[i] ?? 0}`),
    }
  }
}

/** How many took at most as long as each of the bounds. */
export function countsWithin(facts: PublicationFacts | undefined): readonly number[] {
  const counts = new Map(facts?.publishedWithin?.map((text) => split(text)))
  return PUBLICATION_BOUNDS.map((bound) => counts.get(bound) ?? 0)
}

function split(text: string): readonly [bound: number, count: number] {
  const [bound = 0, count = 0] = text.split(' ').map(Number)
  return [bound, count]
}
