import type { RecordKind } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Entry } from '../entry.ts'
import type { Envelope } from '../record.ts'
import { keptArtifacts } from '../verify/references.ts'
import { isInPeriod, type Filters, type Manifest } from './format.ts'

/** The figures of a manifest, from what an archive holds: the exporter's and the verifier's come from here, each from its own reading. */
export class Tally {
  readonly #filters: Filters
  #first = Infinity
  #last = 0
  #total = 0
  #shown = 0
  #erased = 0
  readonly #kinds: Partial<Record<RecordKind, number>> = {}
  /** Octets of the artifacts that exported records name and that were kept, by digest, in the order of naming. */
  readonly artifacts = new Map<string, number>()
  /** The first entry that was journaled earlier than one before it: the clock was put back. */
  setBack: number | undefined
  #latest = 0

  constructor(filters: Filters) {
    this.#filters = filters
  }

  /** Takes an entry that is shown, in order. */
  addEntry(index: number, { first, last, digests }: Entry): void {
    if (first < this.#latest) this.setBack ??= index
    this.#latest = Math.max(this.#latest, last)
    if (!isInPeriod({ first, last }, this.#filters)) return
    this.#total += digests.length
    this.#first = Math.min(this.#first, first)
    this.#last = Math.max(this.#last, last)
  }

  addRecord(envelope: Envelope): void {
    this.#shown++
    this.#kinds[envelope.kind] = (this.#kinds[envelope.kind] ?? 0) + 1
    for (const { digest, size } of keptArtifacts(envelope)) this.artifacts.set(digest, size)
  }

  addErased(): void {
    this.#erased++
  }

  figures(): Pick<Manifest, 'times' | 'records' | 'artifacts'> {
    const octets = [...this.artifacts.values()].reduce((sum, size) => sum + size, 0)
    return {
      times: this.#last === 0 ? null : { first: toTimestamp(this.#first), last: toTimestamp(this.#last) },
      records: {
        total: this.#total,
        withheld: this.#total - this.#shown - this.#erased,
        erased: this.#erased,
        kinds: this.#kinds,
      },
      artifacts: { count: this.artifacts.size, octets },
    }
  }
}
