import type { SealedRecord } from '../model/record.ts'
import { BoundedList, clip } from './listing.ts'
import { instant, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report } from './schema.ts'

const MAX_CHANGES = 200
/** vigil.yaml and the rule packs. */
const MAX_ARTIFACTS = 50
const MAX_TEXT = 300

type Change = Report['configuration']['changes']['items'][number]

/** The configuration of vigil itself: what was in force, and every change in the period. */
export class MonitorConfiguration {
  readonly #period: Period
  readonly #changes = new BoundedList<Change>(MAX_CHANGES)
  #atStart: Change | null = null

  constructor(period: Period) {
    this.#period = period
  }

  add(record: SealedRecord & { kind: 'configuration' }): void {
    const at = instant(record.time, instant(record.recorded, 0))
    if (at <= this.#period.from) this.#atStart = change(record)
    else if (within(this.#period, at)) this.#changes.add(() => change(record))
  }

  report(): Report['configuration'] {
    return { atStart: this.#atStart, changes: this.#changes.list() }
  }
}

function change(record: SealedRecord & { kind: 'configuration' }): Change {
  const { by, product, artifacts } = record.body
  return {
    time: record.time,
    record: record.id,
    by: clip(by, MAX_TEXT),
    product: clip(product, MAX_TEXT),
    artifacts: artifacts
      .slice(0, MAX_ARTIFACTS)
      .map(({ name, digest, size }) => ({ name: clip(name, MAX_TEXT), digest: clip(digest, 64), size })),
  }
}
