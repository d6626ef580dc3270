import type { Facts } from '../model/facts.ts'
import type { ProbeKind } from '../model/observation.ts'
import {
  countsWithin,
  PUBLICATION_BOUNDS,
  type PublicationFacts,
} from '../probes/reconciliation/publications.ts'
import type { Labels } from './factSeries.ts'
import { METRICS } from './metricTable.ts'

const { name, help, type } = METRICS.publicationLatency

/**
 * How long revocations took to be published, as a histogram. Each observation says all that was counted until then, so the newest one is shown as it stands:
 * a restart neither counts anything twice nor begins anew. prom-client knows only histograms that count themselves.
 */
export class PublicationSeries {
  /** By probe and labels. */
  readonly #series = new Map<string, { readonly labels: Labels; facts: PublicationFacts }>()

  /** All zero until something is known. */
  declare(probe: ProbeKind, labels: Labels): void {
    if (!isCounting(probe)) return
    this.#series.set(keyOf(probe, labels), { labels: { probe, ...labels }, facts: {} })
  }

  establish(probe: ProbeKind, labels: Labels, facts: Facts): void {
    const series = this.#series.get(keyOf(probe, labels))
    const found = isCounting(probe) ? facts[COUNTING[probe]] : undefined
    if (series !== undefined && found?.published !== undefined) series.facts = found
  }

  remove(probe: ProbeKind, labels: Labels): void {
    this.#series.delete(keyOf(probe, labels))
  }

  /** The exposition text. */
  expose(): string {
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
    for (const { labels, facts } of this.#series.values()) {
      const own = Object.entries(labels).map(([label, value]) => `${label}="${escape(value)}"`)
      const line = (suffix: string, value: number, more: readonly string[] = []): void => {
        lines.push(`${name}_${suffix}{${[...more, ...own].join(',')}} ${value}`)
      }
      for (const [i, count] of countsWithin(facts).entries())
        line('bucket', count, [`le="${PUBLICATION_BOUNDS[i]}"`])
      line('bucket', facts.published ?? 0, ['le="+Inf"'])
      line('sum', (facts.publishedTime ?? 0) / 1000)
      line('count', facts.published ?? 0)
    }
    return lines.join('\n')
  }
}

/** Kinds of probes whose observations count publications. */
const COUNTING = { reconciliation: 'reconciliation', ocsp_revocations: 'ocspRevocations' } as const
type Counting = keyof typeof COUNTING

function isCounting(probe: ProbeKind): probe is Counting {
  return Object.hasOwn(COUNTING, probe)
}

function keyOf(probe: ProbeKind, labels: Labels): string {
  return JSON.stringify([probe, ...Object.values(labels)])
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
