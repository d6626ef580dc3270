import type { Facts } from '../../model/facts.ts'
import type { CrlDistribution } from './distribution.ts'
import { distributionFacts } from './distribution.ts'
import { scheduleFacts } from './schedule.ts'
import { seriesFacts, type SeriesQuestion } from './series.ts'

/** Everything that makes a verified CRL one of a series: what was seen before it, its schedule, and what is declared about its address. Pure. */
export function contentFacts(
  question: SeriesQuestion & { readonly distribution: CrlDistribution | undefined },
): Pick<Facts, 'crlSeries' | 'crlSchedule' | 'distribution'> {
  const { facts, distribution } = question
  const crlSchedule = scheduleFacts(facts, distribution?.schedule)
  return {
    crlSeries: seriesFacts(question),
    ...(crlSchedule === undefined ? {} : { crlSchedule }),
    ...(distribution === undefined ? {} : { distribution: distributionFacts(distribution) }),
  }
}
