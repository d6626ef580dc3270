import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { CrlEntry } from '../../pki/crlEntries.ts'
import { Smallest } from '../crl/smallest.ts'
import type { AuthorityLedger } from './ledger.ts'
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

/**
 * Every entry beside what the log says of its certificate, and every revocation in the log beside the entries (RFC 5280 section 5). `before`: what was
 * found last time. undefined: `isStopped` before the end.
 */
export async function compare(
  crls: readonly PublishedCrl[],
  ledger: AuthorityLedger,
  { before, isStopped }: { readonly before: Facts | undefined; readonly isStopped: () => boolean },
): Promise<Facts | undefined> {
  const listed = new Listed(ledger.certificates)
  const unlogged = new Smallest()
  for (const crl of crls) {
    let read = 0
    for (const entry of parseCrl(crl.octets).list()) {
      if (isUnlogged(entry, ledger, listed)) unlogged.add(`${entry.serial} ${toTimestamp(entry.revokedAt)}`)
      if (++read % TURN !== 0) continue
      await setImmediate()
      if (isStopped()) return undefined
    }
  }
  const newest = Math.max(...crls.map(({ thisUpdate }) => thisUpdate))
  const revocations = await revocationFacts({ ledger, listed, newest, before, isStopped })
  if (revocations === undefined) return undefined
  return {
    ...revocations,
    // An entry that the log would explain may be about a certificate that there was no room for.
    ...(ledger.complete ? { unlogged: unlogged.count, unloggedEntries: unlogged.texts } : {}),
    crlsUnlogged: unloggedCrls(crls, ledger),
  }
}

/** Which certificates of the log are on some CRL. */
class Listed {
  readonly #table: SerialTable
  /** By row. What is issued during the comparison is on none of these CRLs. */
  readonly #rows: Uint8Array

  constructor(table: SerialTable) {
    this.#table = table
    this.#rows = new Uint8Array(table.size)
  }

  /** undefined: the log has no such certificate. */
  add(serial: string): Row | undefined {
    const row = this.#table.find(serial)
    if (row !== undefined) this.#rows[row] = 1
    return row
  }

  has(row: Row): boolean {
    return this.#rows[row] === 1
  }

  get size(): number {
    return this.#rows.length
  }
}

/** What was revoked before the log begins, nobody can tell. One on hold that was released stays until the next CRL. */
function isUnlogged(
  { serial, revokedAt, reason }: CrlEntry,
  { certificates, from }: AuthorityLedger,
  listed: Listed,
): boolean {
  if (reason === 'removeFromCRL') return false
  const row = listed.add(serial)
  if (row !== undefined && certificates.hasStatus(row)) return false
  return revokedAt > from
}

async function revocationFacts(options: {
  readonly ledger: AuthorityLedger
  readonly listed: Listed
  /** thisUpdate of the newest CRL, in milliseconds. */
  readonly newest: number
  readonly before: Facts | undefined
  readonly isStopped: () => boolean
}): Promise<Facts | undefined> {
  const { ledger, listed, newest, before, isStopped } = options
  const { certificates } = ledger
  const missing = new Smallest()
  let since = Infinity
  let revocations = 0
  let last: { readonly row: Row; readonly at: number } | undefined
  for (let row = 0; row < listed.size; row++) {
    if (row % TURN === TURN - 1) {
      await setImmediate()
      if (isStopped()) return undefined
    }
    const at = certificates.revokedAt(row)
    if (at === undefined) continue
    revocations++
    if (listed.has(row)) {
      if (last === undefined || at > last.at) last = { row, at }
      continue
    }
    // What has expired may leave the CRL (RFC 5280 section 3.3).
    if ((certificates.notAfter(row) ?? Infinity) < newest) continue
    missing.add(`${certificates.serialOf(row)} ${toTimestamp(at)} ${ledger.recordOf(row)}`)
    since = Math.min(since, at)
  }
  return {
    revocations,
    missing: missing.count,
    missingCertificates: missing.texts,
    ...(missing.count === 0 ? {} : { missingSince: toTimestamp(since) }),
    ...(last === undefined
      ? {}
      : publicationFacts(certificates.serialOf(last.row), newest - last.at, before)),
  }
}

/** How long the newest revocation took is known of those that were seen to come. */
function publicationFacts(newestPublished: string, latency: number, before: Facts | undefined): Facts {
  if (before?.newestPublished === newestPublished)
    return { newestPublished, ...(before.latency === undefined ? {} : { latency: before.latency }) }
  if (before?.revocations === undefined) return { newestPublished }
  return { newestPublished, latency: Math.max(0, latency) }
}

/** EJBCA names CRLs by SHA-1, which only tells one CRL from another here. */
function unloggedCrls(crls: readonly PublishedCrl[], ledger: AuthorityLedger): readonly string[] {
  return Smallest.of(
    crls
      .filter(({ thisUpdate }) => thisUpdate > ledger.crlsFrom)
      .filter(({ octets, sha256 }) => !ledger.hasCrl([hash('sha1', octets), sha256]))
      .map(({ url, number = '?' }) => `${url} ${number}`),
  )
}
