import type { AuthorityConfig } from '../../model/config.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { IssuingSchedule } from './schedule.ts'

/** What the inventory declares about one address of a CRL. Plain data. */
export interface CrlDistribution {
  readonly url: string
  /** The same for all addresses of one CRL, and for its delta: its first URL. */
  readonly series: string
  /** Addresses of the same CRL, this one included, sorted. */
  readonly urls: readonly string[]
  /** Which of several that share the authority's certificates; undefined: there is one only. */
  readonly partition: string | undefined
  readonly isDelta: boolean
  readonly schedule: IssuingSchedule | undefined
}

type CrlConfig = AuthorityConfig['crl'][number]
type Issued = Pick<CrlConfig, 'issued_every' | 'issued_at' | 'timezone'>

/** Stands in URLs for the name of the partition. */
const PARTITION = '{partition}'

/** Every address at which a CRL of the authority is declared to be, each once. */
export function declaredCrls({ crl }: Pick<AuthorityConfig, 'crl'>): CrlDistribution[] {
  const byUrl = new Map<string, CrlDistribution>()
  for (const declared of crl)
    for (const distribution of distributionsOf(declared))
      if (!byUrl.has(distribution.url)) byUrl.set(distribution.url, distribution)
  return [...byUrl.values()]
}

function distributionsOf(declared: CrlConfig): CrlDistribution[] {
  const partitions: readonly (string | undefined)[] = declared.partitions ?? [undefined]
  return partitions.flatMap((partition) => {
    const named = (url: string): string =>
      partition === undefined ? url : url.replaceAll(PARTITION, partition)
    const series = named(declared.url)
    const urls = [...new Set([declared.url, ...(declared.copies ?? [])].map(named))]
    const one = { series, partition }
    const copies = urls.map((url) => ({
      ...one,
      url,
      urls: urls.toSorted(),
      isDelta: false,
      schedule: scheduleOf(declared),
    }))
    if (declared.delta === undefined) return copies
    const url = named(declared.delta.url)
    return [...copies, { ...one, url, urls: [url], isDelta: true, schedule: scheduleOf(declared.delta) }]
  })
}

function scheduleOf({ issued_every, issued_at, timezone = 'UTC' }: Issued): IssuingSchedule | undefined {
  if (issued_every !== undefined) return { kind: 'every', period: issued_every }
  return issued_at === undefined ? undefined : { kind: 'cron', expression: issued_at, timezone }
}

export function distributionFacts(distribution: CrlDistribution): FactsOf<'distribution'> {
  const { url, urls, partition, isDelta } = distribution
  return {
    url,
    urls,
    partitioned: partition !== undefined,
    ...(partition === undefined ? {} : { partition }),
    isDelta,
  }
}
