import type { FactsOf } from '../../model/facts.ts'
import type { CrlDistribution } from '../crl/distribution.ts'
import { Smallest } from '../crl/smallest.ts'

// The CRLs of one authority beside each other, as their own probes saw them. Only facts are needed, no octets.

/** A declared address, and what its newest run saw. */
export interface Member {
  readonly declared: CrlDistribution
  /** undefined: that run saw no CRL that verified. */
  readonly crl: FactsOf<'crl'> | undefined
}

/** A member whose CRL is at hand. */
export interface Present {
  readonly declared: CrlDistribution
  readonly crl: FactsOf<'crl'>
}

function isPresent(member: Member): member is Present {
  return member.crl !== undefined
}

/** Declared partitions of which no address gives a CRL. */
export function missingPartitions(members: readonly Member[]): readonly string[] {
  const present = new Set(completeOnes(members).map(({ declared }) => declared.partition))
  const declared = members.flatMap(({ declared: { partition } }) =>
    partition === undefined ? [] : [partition],
  )
  return Smallest.of(declared.filter((partition) => !present.has(partition)))
}

/** Numbers that lie between those that are declared: CAs number their partitions without gaps. */
export function numberingGaps(members: readonly Member[]): readonly string[] {
  const names = members.flatMap(({ declared: { partition } }) => (partition === undefined ? [] : [partition]))
  const numbers = [...new Set(names.filter((name) => /^\d{1,9}$/.test(name)).map(Number))].toSorted(
    (a, b) => a - b,
  )
  const gaps = numbers.flatMap((number, i) => {
    const before = numbers[i - 1] ?? number
    const [from, to] = [before + 1, number - 1]
    return from > to ? [] : [from === to ? String(from) : `${from}-${to}`]
  })
  return Smallest.of(gaps)
}

/** URLs that are named somewhere, and that nobody declared. */
export function undeclaredUrls(members: readonly Member[], named: Iterable<string>): readonly string[] {
  const declared = new Set(members.map(({ declared: { url } }) => url))
  const inCrls = members.flatMap(({ crl }) => crl?.distributionPoints ?? [])
  return Smallest.of([...named, ...inCrls].filter((url) => !declared.has(url)))
}

/**
 * Addresses whose CRL is not the newest of its copies. What is declared to be a copy is one; so are two CRLs of one authority that are for the
 * same certificates (CCADB Policy 6.2), but for partitions, which may say so badly.
 */
export function differingCopies(members: readonly Member[]): readonly string[] {
  const complete = completeOnes(members)
  const bySeries = Map.groupBy(complete, ({ declared }) => declared.series)
  const whole = complete.filter(({ declared }) => declared.partition === undefined)
  const byScope = Map.groupBy(whole, ({ crl }) => crl.scope ?? '')
  const groups = [...bySeries.values(), ...byScope.values()]
  return Smallest.of(
    groups.flatMap((copies) => {
      const newest = newestOf(copies)
      if (newest === undefined) return []
      return copies
        .filter(({ crl }) => crl.sha256 !== newest.crl.sha256)
        .map(({ declared, crl }) => `${declared.url} ${nameOf(crl)}, newest is ${nameOf(newest.crl)}`)
    }),
  )
}

/** Delta CRLs that cannot be combined with the complete CRL that is published (RFC 5280 5.2.4, 6.3.3 (c)), and why. */
export function unusableDeltas(members: readonly Member[]): readonly string[] {
  const bases = Map.groupBy(completeOnes(members), ({ declared }) => declared.series)
  const deltas = members.filter(isPresent).filter(({ declared }) => declared.isDelta)
  return Smallest.of(
    deltas.flatMap(({ declared, crl }) => {
      const base = newestOf(bases.get(declared.series) ?? [])?.crl
      const why = base === undefined ? undefined : mismatch(crl, base)
      return why === undefined ? [] : [`${declared.url} ${why}`]
    }),
  )
}

function mismatch(delta: FactsOf<'crl'>, base: FactsOf<'crl'>): string | undefined {
  if (delta.baseNumber === undefined || base.number === undefined)
    return 'has no number, or its base has none'
  // What changed between the complete CRL and the base would be in neither.
  if (BigInt(delta.baseNumber) > BigInt(base.number))
    return `is based on CRL ${delta.baseNumber}, published is ${base.number}`
  return delta.scope === base.scope ? undefined : 'is for other certificates than its base'
}

/** The newest of each partition, in the order of their declaration. */
export function newestPartitions(members: readonly Member[]): readonly Present[] {
  const partitions = completeOnes(members).filter(({ declared }) => declared.partition !== undefined)
  return [...Map.groupBy(partitions, ({ declared }) => declared.series).values()].flatMap(
    (copies) => newestOf(copies) ?? [],
  )
}

function completeOnes(members: readonly Member[]): readonly Present[] {
  return members.filter(isPresent).filter(({ declared }) => !declared.isDelta)
}

/** By number, then by thisUpdate, then by address, so that it is always the same one. */
function newestOf(copies: readonly Present[]): Present | undefined {
  return copies.toSorted(
    (a, b) =>
      compare(BigInt(b.crl.number ?? -1), BigInt(a.crl.number ?? -1)) ||
      compare(b.crl.thisUpdate ?? '', a.crl.thisUpdate ?? '') ||
      compare(a.declared.url, b.declared.url),
  )[0]
}

function compare<T extends string | bigint>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function nameOf({ number, thisUpdate }: FactsOf<'crl'>): string {
  return number === undefined ? `of ${thisUpdate ?? '?'}` : `number ${number} of ${thisUpdate ?? '?'}`
}
