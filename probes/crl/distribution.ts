import type { AuthorityConfig } from '../../model/config.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { IssuingSchedule } from './schedule.ts'

/** What the inventory declares about one address of a CRL. Plain data. */
export interface CrlDistribution {
  readonly url: string
  /** The same for all addresses of one CRL, and for its delta: its first URL. */
  readonly series: string
  /** Addresses of the same CRL, this one included, sorted; for a delta CRL those of its base too, whose distribution point it has (RFC 5280 5.2.4). */
  readonly urls: readonly string[]
  /** Of its delta CRL. */
  readonly deltaUrls: readonly string[]
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
    const urls = [...new Set([declared.url, ...(declared.copies ?? [])].map(named))]
    const deltaUrls = declared.delta === undefined ? [] : [named(declared.delta.url)]
    const one = { series: named(declared.url), partition }
    const complete = {
      ...one,
      urls: urls.toSorted(),
      deltaUrls,
      isDelta: false,
      schedule: scheduleOf(declared),
    }
    const delta = {
      ...one,
      urls: [...urls, ...deltaUrls].toSorted(),
      deltaUrls: [],
      isDelta: true,
      schedule: declared.delta && scheduleOf(declared.delta),
    }
    return [...urls.map((url) => ({ ...complete, url })), ...deltaUrls.map((url) => ({ ...delta, url }))]
  })
}

function scheduleOf({ issued_every, issued_at, timezone = 'UTC' }: Issued): IssuingSchedule | undefined {
  if (issued_every !== undefined) return { kind: 'every', period: issued_every }
  return issued_at === undefined ? undefined : { kind: 'cron', expression: issued_at, timezone }
}

export function distributionFacts(distribution: CrlDistribution): FactsOf<'distribution'> {
  const { url, urls, deltaUrls, partition, isDelta, schedule } = distribution
  return {
    url,
    urls,
    deltaUrls,
    scheduled: schedule !== undefined,
    partitioned: partition !== undefined,
    ...(partition === undefined ? {} : { partition }),
    isDelta,
  }
}
