import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { FactsOf } from '../../model/facts.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { CrlEntry } from '../../pki/crlEntries.ts'
import { Smallest } from '../crl/smallest.ts'
import type { AuthorityLedger } from './ledger.ts'
import { Publications } from './publications.ts'
import type { Row, SerialTable } from './serialTable.ts'

/** A CRL that is published, as it was last seen; it verified then. */
export interface PublishedCrl {
  readonly url: string
  readonly number: string | undefined
  /** Milliseconds. */
  readonly thisUpdate: number
  readonly sha256: string
  readonly octets: Uint8Array
}

type Facts = FactsOf<'reconciliation'>

/** Entries, and rows of the log, between which other work gets its turn: some milliseconds. */
const TURN = 10_000

/** What the comparison before this one had, and found. */
export interface Earlier {
  readonly facts: Facts
  /** Its CRLs, where they are others than now; undefined: not all of them are at hand. */
  readonly crls: readonly Pick<PublishedCrl, 'octets' | 'thisUpdate'>[] | 'the same' | undefined
  /** When what was published was last looked at, in milliseconds; undefined: nobody knows. */
  readonly looked: number | undefined
}

interface Comparison {
  readonly crls: readonly PublishedCrl[]
  readonly ledger: AuthorityLedger
  /** undefined: this is the first one. */
  readonly earlier: Earlier | undefined
  readonly isStopped: () => boolean
}

/**
 * Every entry beside what the log says of its certificate, and every revocation in the log beside the entries (RFC 5280 section 5). undefined: `isStopped`
 * before the end.
 */
export async function compare(comparison: Comparison): Promise<Facts | undefined> {
  const { crls, ledger, earlier, isStopped } = comparison
  const unlogged = new Smallest()
  const listed = await readEntries(crls, ledger, isStopped, (entry, row) => {
    if (isUnlogged(entry, row, ledger)) unlogged.add(`${entry.serial} ${toTimestamp(entry.revokedAt)}`)
  })
  if (listed === undefined) return undefined
  const listedBefore =
    earlier?.crls === 'the same'
      ? listed
      : earlier?.crls && (await readEntries(earlier.crls, ledger, isStopped))
  const revocations = await revocationFacts(comparison, listed, listedBefore)
  if (revocations === undefined) return undefined
  return {
    told: TELLINGS.filter((what) => ledger.toldFrom(what) < Infinity),
    ...revocations,
    ...(ledger.toldFrom('revoked') < Infinity
      ? { unlogged: unlogged.count, unloggedEntries: unlogged.texts }
      : {}),
    ...(ledger.toldFrom('crls') < Infinity ? { crlsUnlogged: unloggedCrls(crls, ledger) } : {}),
    crls: crls.map(({ sha256 }) => sha256).toSorted(),
    ...(ledger.through === undefined ? {} : { through: ledger.through }),
  }
}

const TELLINGS = ['issued', 'revoked', 'crls'] as const

/** Every entry, with the row of its certificate where the log has one. undefined: `isStopped`. */
async function readEntries(
  crls: readonly Pick<PublishedCrl, 'octets' | 'thisUpdate'>[],
  { certificates }: AuthorityLedger,
  isStopped: () => boolean,
  visit?: (entry: CrlEntry, row: Row | undefined) => void,
): Promise<Listed | undefined> {
  const listed = new Listed(certificates)
  for (const { octets, thisUpdate } of crls.toSorted((a, b) => a.thisUpdate - b.thisUpdate)) {
    let read = 0
    for (const entry of parseCrl(octets).list()) {
      const row = entry.reason === 'removeFromCRL' ? undefined : listed.add(entry.serial, thisUpdate)
      visit?.(entry, row)
      if (++read % TURN !== 0) continue
      await setImmediate()
      if (isStopped()) return undefined
    }
  }
  return listed
}

/** Which certificates of the log are on some CRL, and since which. */
class Listed {
  readonly #table: SerialTable
  /** By row: thisUpdate in seconds, 0: it is on none. What is issued during the comparison is on none of these CRLs. */
  readonly #since: Uint32Array

  constructor(table: SerialTable) {
    this.#table = table
    this.#since = new Uint32Array(table.size)
  }

  /** CRLs in their order. undefined: the log has no such certificate. */
  add(serial: string, thisUpdate: number): Row | undefined {
    const row = this.#table.find(serial)
    if (row === undefined) return undefined
    const known = this.#since[row] ?? 0
    // One from before the revocation lists it for another reason, or says a time that is past.
    if (known === 0 || known * 1000 < (this.#table.revokedAt(row) ?? 0))
      this.#since[row] = Math.floor(thisUpdate / 1000)
    return row
  }

  /** thisUpdate of the first CRL from after its revocation that lists it, in milliseconds; of another, where there is none from after it. */
  since(row: Row): number | undefined {
    const since = this.#since[row] ?? 0
    return since === 0 ? undefined : since * 1000
  }

  get size(): number {
    return this.#since.length
  }
}

/** What was revoked before the log begins, nobody can tell. One on hold that was released stays until the next CRL. */
function isUnlogged({ revokedAt, reason }: CrlEntry, row: Row | undefined, ledger: AuthorityLedger): boolean {
  if (reason === 'removeFromCRL') return false
  if (row !== undefined && ledger.certificates.hasStatus(row)) return false
  return revokedAt > ledger.toldFrom('revoked')
}

async function revocationFacts(
  { crls, ledger, earlier, isStopped }: Comparison,
  listed: Listed,
  listedBefore: Listed | undefined,
): Promise<Facts | undefined> {
  const { certificates } = ledger
  const newest = Math.max(...crls.map(({ thisUpdate }) => thisUpdate))
  const latencyOf = latencies(ledger, listedBefore, earlier)
  const publications = new Publications(earlier?.facts)
  const missing = new Smallest()
  const settled = settledBefore(earlier?.facts) ?? newest
  let since = Infinity
  let revocations = 0
  let onCrl = 0
  let undated = 0
  let last: { readonly row: Row; readonly at: number; readonly latency: number | undefined } | undefined
  for (let row = 0; row < listed.size; row++) {
    if (row % TURN === TURN - 1) {
      await setImmediate()
      if (isStopped()) return undefined
    }
    const at = certificates.revokedAt(row)
    if (at === undefined) continue
    revocations++
    const published = listed.since(row)
    if (published !== undefined) {
      onCrl++
      const latency = latencyOf(row, { at, published })
      if (latency !== undefined) publications.add(latency)
      if (last === undefined || at > last.at) last = { row, at, latency }
      continue
    }
    // What has expired may leave the CRL (RFC 5280 section 3.3); of what may have, nobody can tell.
    const expires = certificates.notAfter(row)
    if (expires !== undefined && expires < newest) continue
    if (expires === undefined && at <= settled) {
      undated++
      continue
    }
    missing.add(`${certificates.serialOf(row)} ${toTimestamp(at)} ${ledger.recordOf(row)}`)
    since = Math.min(since, at)
  }
  const newestPublished = last && certificates.serialOf(last.row)
  const before = newestPublished === earlier?.facts.newestPublished ? earlier?.facts.latency : undefined
  const latency = last?.latency ?? before
  return {
    revocations,
    onCrl,
    missing: missing.count,
    missingCertificates: missing.texts,
    ...(missing.count === 0 ? {} : { missingSince: toTimestamp(since) }),
    undated,
    settledUntil: toTimestamp(
      Math.max(settled, Math.min(newest, since - 1, Math.max(ledger.until - LOG_STEP, last?.at ?? 0))),
    ),
    ...(newestPublished === undefined ? {} : { newestPublished }),
    ...(newestPublished === undefined || latency === undefined ? {} : { latency }),
    ...publications.facts,
  }
}

/** Some logs have whole seconds: more may come in the last one. */
const LOG_STEP = 1000

/**
 * Where the log does not say until when certificates are valid, only those that were revoked after this are missed: the others have been on a CRL, or were
 * revoked before vigil first looked. In milliseconds.
 */
function settledBefore(before: Facts | undefined): number | undefined {
  return before?.settledUntil === undefined ? undefined : fromTimestamp(before.settledUntil)
}

/**
 * How long a revocation took that was now seen to be published, in milliseconds; undefined of all others. A CRL may lie somewhere for hours before it is
 * published: so it counts from when it was last seen to be missing, at least. One that the log tells of later than the CRL, by what the CRL says.
 */
function latencies(
  ledger: AuthorityLedger,
  listedBefore: Listed | undefined,
  earlier: Earlier | undefined,
): (row: Row, times: { readonly at: number; readonly published: number }) => number | undefined {
  const through = earlier?.facts.through
  // Of what was there when vigil first looked nobody knows when it came.
  if (listedBefore === undefined || through === undefined) return () => undefined
  const isNews = ledger.saidSince(through)
  return (row, { at, published }) => {
    if (listedBefore.since(row) === undefined)
      return Math.max(0, Math.max(published, earlier?.looked ?? 0) - at)
    return isNews(row) && published >= at ? published - at : undefined
  }
}

/** EJBCA names CRLs by SHA-1, which only tells one CRL from another here; Dogtag by their numbers alone. */
function unloggedCrls(crls: readonly PublishedCrl[], ledger: AuthorityLedger): readonly string[] {
  return Smallest.of(
    crls
      .filter(({ thisUpdate }) => thisUpdate > ledger.toldFrom('crls'))
      .filter(({ octets, sha256, number }) => !ledger.hasCrl([hash('sha1', octets), sha256], number))
      .map(({ url, number = '?' }) => `${url} ${number}`),
  )
}
