import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { FactsOf } from '../model/facts.ts'
import { METRICS, SLO_WINDOWS } from './metricTable.ts'

/** An objective by the subject that it is about and its kind, as the target of its observations. */
interface DeclaredObjective {
  readonly subject: string
  readonly address: string
}

type Labels = { readonly subject: string; readonly objective: string }

/** The series of objectives: what the newest observation of each says. */
export class SloSeries {
  readonly #gauges: readonly { readonly gauge: Gauge; readonly value: (slo: FactsOf<'slo'>) => number }[]
  readonly #burnRate: Gauge
  readonly #declared = new Map<string, Labels>()

  constructor(registry: Registry) {
    const gauge = ({ name, help, labels }: { name: string; help: string; labels: readonly string[] }) =>
      new Gauge({ name, help, labelNames: labels, registers: [registry] })
    const seconds = (ms: number | undefined): number => (ms ?? NaN) / 1000
    this.#gauges = [
      { gauge: gauge(METRICS.sloTarget), value: ({ target }) => target ?? NaN },
      { gauge: gauge(METRICS.sloWindow), value: ({ window }) => seconds(window) },
      { gauge: gauge(METRICS.sloGood), value: ({ good }) => good ?? NaN },
      { gauge: gauge(METRICS.sloEvents), value: ({ total }) => total ?? NaN },
      { gauge: gauge(METRICS.sloObserved), value: ({ observed }) => seconds(observed) },
      { gauge: gauge(METRICS.sloExcluded), value: ({ excluded }) => seconds(excluded) },
      { gauge: gauge(METRICS.sloBudget), value: ({ budget }) => seconds(budget) },
      { gauge: gauge(METRICS.sloRemaining), value: ({ budgetRemaining }) => budgetRemaining ?? NaN },
    ]
    this.#burnRate = gauge(METRICS.sloBurnRate)
  }

  /** NaN for all that nothing is known of yet; series of objectives that are gone go. */
  declare(objectives: readonly DeclaredObjective[]): void {
    const keep = new Set(objectives.map(({ subject, address }) => keyOf(subject, address)))
    for (const [key, labels] of this.#declared) {
      if (keep.has(key)) continue
      for (const { gauge } of this.#gauges) gauge.remove(labels)
      for (const { window } of SLO_WINDOWS) this.#burnRate.remove({ ...labels, window })
      this.#declared.delete(key)
    }
    for (const { subject, address } of objectives) {
      const key = keyOf(subject, address)
      if (this.#declared.has(key)) continue
      this.#declared.set(key, { subject, objective: address })
      this.#write({ subject, objective: address }, {})
    }
  }

  /** Takes over what an observation says; of an objective that is not declared, nothing. */
  establish(subject: string, objective: string, slo: FactsOf<'slo'>): void {
    const labels = this.#declared.get(keyOf(subject, objective))
    if (labels !== undefined) this.#write(labels, slo)
  }

  #write(labels: Labels, slo: FactsOf<'slo'>): void {
    for (const { gauge, value } of this.#gauges) gauge.set(labels, value(slo))
    for (const { window, fact } of SLO_WINDOWS) this.#burnRate.set({ ...labels, window }, slo[fact] ?? NaN)
  }
}

function keyOf(subject: string, objective: string): string {
  return `${subject}\n${objective}`
}
