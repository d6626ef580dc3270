import type { CrlJudgement } from './judge.ts'

/** The one that the facts are about: good ones before others, then by number and thisUpdate. undefined: none verified. */
export function newestOf<T extends CrlJudgement>(looks: readonly T[]): T | undefined {
  return looks.filter(({ facts }) => facts !== undefined).toSorted(newerFirst)[0]
}

function newerFirst(a: CrlJudgement, b: CrlJudgement): number {
  const [one, two] = [a.facts?.crl ?? {}, b.facts?.crl ?? {}]
  return (
    Number(a.error !== undefined) - Number(b.error !== undefined) ||
    Number(BigInt(two.number ?? 0) - BigInt(one.number ?? 0)) ||
    compareTexts(two.thisUpdate, one.thisUpdate) ||
    compareTexts(one.sha256, two.sha256)
  )
}

function compareTexts(a = '', b = ''): number {
  return Number(a > b) - Number(a < b)
}
