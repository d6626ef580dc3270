import { FACT_METRICS } from '../../server/factMetrics.ts'
import { METRICS } from '../../server/metricTable.ts'

/** Metrics of vigil that occur in queries and that the table of metrics does not have. */
export function unknownMetrics(queries: readonly string[]): readonly string[] {
  const known = new Set<string>([...FACT_METRICS, ...Object.values(METRICS)].map((metric) => metric.name))
  const used = queries.flatMap((query) => [...query.matchAll(/\bvigil_\w+/g)].map(([name]) => name))
  return [...new Set(used)].filter((name) => !known.has(name.replace(/_bucket$/, '')))
}
