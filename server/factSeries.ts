import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Facts } from '../model/facts.ts'
import type { ProbeKind } from '../model/observation.ts'
import { FACT_METRICS } from './factMetrics.ts'
import type { FactMetric, Memory } from './factMetrics.ts'

export type Labels = Readonly<Record<string, string>>

/** The series of every fact, as `factMetrics.ts` names them. */
export class FactSeries {
  readonly #metrics: readonly { readonly metric: FactMetric; readonly gauge: Gauge }[]

  constructor(registry: Registry) {
    this.#metrics = FACT_METRICS.map((metric) => ({
      metric,
      gauge: new Gauge({
        name: metric.name,
        help: metric.help,
        labelNames: metric.labels,
        registers: [registry],
      }),
    }))
  }

  /** NaN for all that nothing is known of yet. */
  declare(probe: ProbeKind, labels: Labels): void {
    for (const { metric, gauge } of this.#of(probe)) write(metric, gauge, labels, undefined)
  }

  /**
   * Takes over what a run established. A group of facts is about one object: a fact that its group lacks is not known of that object,
   * whatever was known of the one before.
   */
  establish(probe: ProbeKind, labels: Labels, facts: Facts, memory: Memory): void {
    for (const { metric, gauge } of this.#of(probe)) {
      if (metric.memory !== memory) continue
      const group: Readonly<Record<string, unknown>> | undefined = facts[metric.group]
      if (group === undefined && memory === 'last established') continue
      write(metric, gauge, labels, group?.[metric.fact])
    }
  }

  remove(probe: ProbeKind, labels: Labels): void {
    for (const { metric, gauge } of this.#of(probe))
      for (const series of seriesOf(metric, labels)) gauge.remove(series)
  }

  #of(probe: ProbeKind) {
    return this.#metrics.filter(({ metric }) => metric.probe === probe)
  }
}

function write(metric: FactMetric, gauge: Gauge, labels: Labels, fact: unknown): void {
  const { states } = metric
  if (states === undefined) gauge.set(labels, valueOf(metric, fact))
  else
    for (const [i, state] of states.values.entries())
      gauge.set(seriesOf(metric, labels)[i] ?? labels, fact === undefined ? NaN : fact === state ? 1 : 0)
}

/** Label sets of a metric's series for one target. */
function seriesOf({ states }: FactMetric, labels: Labels): Labels[] {
  return states === undefined
    ? [labels]
    : states.values.map((state) => ({ ...labels, [states.label]: state }))
}

/** In base units: seconds, octets, 0 or 1. */
function valueOf({ factType }: FactMetric, fact: unknown): number {
  if (fact === undefined) return NaN
  switch (factType) {
    case 'timestamp':
      return typeof fact === 'string' ? Date.parse(fact) / 1000 : NaN
    case 'duration':
      return Number(fact) / 1000
    case 'bool':
      return fact === true ? 1 : 0
    case 'int':
    case 'double':
    case 'string':
      return Number(fact)
    case 'list<string>':
      return Array.isArray(fact) ? fact.length : NaN
  }
}
