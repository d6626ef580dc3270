import type { Facts, FactsOf } from '../../model/facts.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import type { IndexedCrl } from '../../pki/crl.ts'
import { diffCrls, type ChangedEntry, type CrlDifference } from '../../pki/crlDiff.ts'
import { Smallest } from './smallest.ts'

// A CRL beside those that were seen before it at the same address. Everything is a fact about the pair, and stays as it is until another
// CRL is seen: so a finding stands until something new was published.

/** notAfter, in milliseconds, by serial number in lower-case hex: certificates of the authority that are known. */
export type KnownCertificates = ReadonlyMap<string, number>

type SeriesFacts = FactsOf<'crlSeries'>
type CrlFacts = FactsOf<'crl'>

export interface SeriesQuestion {
  /** Verified, with a number that is believed. */
  readonly crl: IndexedCrl
  /** Facts of its group `crl`. */
  readonly facts: CrlFacts
  /** What earlier runs established about the same address; undefined: nothing yet. */
  readonly known: Pick<Facts, 'crl' | 'crlSeries'> | undefined
  /** The CRL that was seen before; undefined: there is none, or its octets are not at hand, and entries are not compared. */
  readonly previous: IndexedCrl | undefined
  readonly certificates: KnownCertificates
}

/** SHA-256 of the CRL that one with this digest is compared with; undefined: with none, it is the first, or it was seen already. */
export function comparedWith(known: Pick<Facts, 'crl'> | undefined, sha256: string): string | undefined {
  const before = known?.crl?.sha256
  return before === sha256 ? undefined : before
}

/** RFC 5280 5.2.3 (numbers), 3.3 and 5.3 (entries). Pure. */
export function seriesFacts(question: SeriesQuestion): SeriesFacts {
  const { facts, known } = question
  const before = known?.crl
  if (before === undefined) return first(facts)
  if (before.sha256 === facts.sha256) return known?.crlSeries ?? first(facts)
  const isOlder = timeOf(facts.thisUpdate) < timeOf(before.thisUpdate)
  const isBack = known?.crlSeries?.newestSha256 === facts.sha256
  return {
    ...(isOlder || isBack ? contentOf(known?.crlSeries) : contentFacts(question, before)),
    compared: true,
    isOlder,
    ...present({
      previousNumber: before.number,
      previousThisUpdate: before.thisUpdate,
      previousSha256: before.sha256,
    }),
    ...numberFacts(facts, before, known?.crlSeries),
    ...scopeFacts(facts, before),
  }
}

function first({ number, sha256 }: CrlFacts): SeriesFacts {
  return { compared: false, ...present({ newestNumber: number, newestSha256: sha256 }) }
}

/** A copy of an earlier CRL must not hide that the number fell: every number is compared with the highest that was seen. */
function numberFacts(facts: CrlFacts, before: CrlFacts, series: SeriesFacts | undefined): SeriesFacts {
  const highest = series?.newestNumber ?? before.number
  const newest = present({ newestNumber: highest, newestSha256: series?.newestSha256 ?? before.sha256 })
  const countsByOne = series?.countsByOne ?? false
  if (facts.number === undefined) return { ...newest, countsByOne }
  const now = present({ newestNumber: facts.number, newestSha256: facts.sha256 })
  // The first with a number after others without.
  if (highest === undefined) return { ...now, countsByOne, numberIncreased: true }
  // The newest one again, after an older one.
  if (newest.newestSha256 === facts.sha256)
    return { ...now, countsByOne, numberIncreased: true, numbersMissing: 0 }
  const step = BigInt(facts.number) - BigInt(highest)
  if (step <= 0n) return { ...newest, countsByOne, numberIncreased: false }
  return {
    ...now,
    countsByOne: countsByOne || step === 1n,
    numberIncreased: true,
    numbersMissing: boundedInt(step - 1n),
  }
}

function scopeFacts(facts: CrlFacts, { scope }: CrlFacts): SeriesFacts {
  // What an older version recorded has no scope.
  return scope === undefined ? {} : { scopeChanged: scope !== facts.scope, previousScope: scope }
}

/** The facts about entries, as they were. */
function contentOf(series: SeriesFacts | undefined): SeriesFacts {
  if (series === undefined) return {}
  return Object.fromEntries(Object.entries(series).filter(([name]) => CONTENT.has(name)))
}

/** Names of facts about entries, for which the CRL before must be at hand. */
export const CONTENT: ReadonlySet<string> = new Set([
  'previousEntries',
  'added',
  'removed',
  'removedExpired',
  'removedEarly',
  'removedFromHold',
  'removedUnknown',
  'vanished',
  'vanishedSerials',
  'reasonsLost',
  'reasonsChanged',
  'datesChanged',
  'changed',
] satisfies (keyof SeriesFacts)[])

/** A delta CRL begins anew with every base: that entries left it says nothing. */
function contentFacts({ crl, previous, certificates }: SeriesQuestion, before: CrlFacts): SeriesFacts {
  if (crl.isDelta || before.isDelta === true) return {}
  const { entries } = before
  if (previous === undefined) return entries === undefined ? {} : { previousEntries: entries }
  const difference = diffCrls(previous, crl)
  return {
    previousEntries: previous.entries,
    added: difference.added.count,
    ...removalFacts(previous, crl, difference, certificates),
    ...changeFacts(difference),
  }
}

/**
 * Where entries went that are not there any more. Of millions that leave at once no more are looked at than there are certificates that are
 * known: a list that was emptied must be told before the probe's time is up.
 */
function removalFacts(
  previous: IndexedCrl,
  crl: IndexedCrl,
  { removed, removedFromHold }: CrlDifference,
  certificates: KnownCertificates,
): SeriesFacts {
  const counts = { removedExpired: 0, removedEarly: 0 }
  const vanished = new Smallest()
  for (const [serial, notAfter] of certificates) {
    const entry = previous.find(serial)
    if (entry === undefined || entry.reason === 'certificateHold' || crl.find(serial) !== undefined) continue
    if (notAfter >= crl.thisUpdate) vanished.add(serial)
    else if (notAfter >= previous.thisUpdate) counts.removedEarly++
    else counts.removedExpired++
  }
  const { removedExpired, removedEarly } = counts
  const removedUnknown = removed.count - removedFromHold - vanished.count - removedExpired - removedEarly
  // Nobody can say that none vanished while it is not known what some of them were.
  const isKnown = vanished.count > 0 || removedUnknown === 0
  return {
    removed: removed.count,
    removedFromHold,
    ...counts,
    removedUnknown,
    ...(isKnown ? { vanished: vanished.count, vanishedSerials: vanished.texts } : {}),
  }
}

function changeFacts({ changedDate, changedReason }: CrlDifference): SeriesFacts {
  const texts = new Smallest()
  const reasons = { lost: 0, changed: 0 }
  const beyond = unexpected(changedReason, ({ before, after }) => {
    if (after.reason === undefined) reasons.lost++
    else reasons.changed++
    texts.add(`${before.serial} ${before.reason ?? 'none'} -> ${after.reason ?? 'none'}`)
  })
  let dates = 0
  const datesBeyond = unexpected(changedDate, ({ before, after }) => {
    dates++
    texts.add(`${before.serial} ${toTimestamp(before.revokedAt)} -> ${toTimestamp(after.revokedAt)}`)
  })
  return {
    reasonsLost: reasons.lost,
    reasonsChanged: reasons.changed + beyond,
    datesChanged: dates + datesBeyond,
    changed: texts.texts,
  }
}

/** Changed entries that are read, of either kind: a fraction of a second. */
const MAX_READ = 100_000

/** Gives those that nothing explains; returns how many more there are that were not looked at. */
function unexpected(changes: CrlDifference['changedReason'], take: (change: ChangedEntry) => void): number {
  let read = 0
  for (const change of changes.list()) {
    if (read++ === MAX_READ) return changes.count - MAX_READ
    if (!isExpected(change)) take(change)
  }
  return 0
}

/** That a key was compromised often comes to light later, and since when; a hold may end in a revocation (RFC 5280 5.3.1, 5.3.2). */
function isExpected({ before, after }: ChangedEntry): boolean {
  return after.reason === 'keyCompromise' || before.reason === 'certificateHold'
}

/** Facts are safe integers; nobody needs to tell such numbers apart. */
function boundedInt(value: bigint): number {
  const most = BigInt(Number.MAX_SAFE_INTEGER)
  return Number(value > most ? most : value)
}

function timeOf(timestamp: string | undefined): number {
  return timestamp === undefined ? NaN : fromTimestamp(timestamp)
}

/** Without those that are undefined. */
function present<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: string }
}
