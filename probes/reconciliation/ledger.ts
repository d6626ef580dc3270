import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'
import type { SealedRecord } from '../../model/record.ts'
import {
  compareInJournal,
  formatRecordId,
  parseRecordId,
  type Position,
  type RecordId,
} from '../../model/recordId.ts'
import { fromTimestamp, type Timestamp } from '../../model/time.ts'
import { Clones } from './clones.ts'
import { Deeds, type Deed, type Telling } from './deeds.ts'
import { Expectations, type DeclaredIssuance } from './expectations.ts'
import { isSerialNumber, SerialTable, type Row } from './serialTable.ts'

// What the logs of the authorities say that they did: the one side of every reconciliation. Built from audit events, of which the journal has
// every one; what is not needed to compare is not kept.

/** Certificates of one authority: 240 MB. Where there are more, those that have expired make room for others. */
const MAX_CERTIFICATES = 2 ** 22
/** Milliseconds for which they stay: CRLs list them a while longer (RFC 5280 section 3.3). */
const STAYS_EXPIRED = 7 * 86_400_000
/** CRLs of one authority whose fingerprints are kept, the newest: years of one every hour. */
const MAX_CRLS = 50_000

/** Logs that are told from one another: as many as a column of octets can name. */
const MAX_LOGS = 255

type DeclaredLog = Pick<LogConfig, 'id' | 'json'> & Partial<Pick<LogConfig, 'authorities' | 'serials'>>

/** An event with the place of its record, and when that was journaled. */
export type LoggedEvent = AuditEvent & { readonly id: RecordId; readonly recorded: Timestamp }

/** What one authority's log says. */
export interface AuthorityLedger {
  /** Time of the first event about the authority that is known, in milliseconds: what is older nobody can tell. */
  readonly from: number
  /** Time of the newest event about it, in milliseconds. */
  readonly until: number
  /** Time from which on every one of these that the log has is known, in milliseconds; Infinity: it cannot tell. */
  toldFrom(what: Telling): number
  /** There are more certificates in use than there is room for: what is newer is not known. */
  readonly isFull: boolean
  /** Changes with everything that is added, and is the same again when the same was built anew. */
  readonly state: string
  readonly certificates: SerialTable
  /** What clones of the authority did that contradicts. */
  readonly clones: Clones
  /** Whether the log says that a CRL with one of these fingerprints (hex) was issued, or, where it gives none, with this number. */
  hasCrl(fingerprints: readonly string[], number: string | undefined): boolean
  /** Name of a profile, by its number in `certificates`. */
  profileNamed(profile: number): string
  /** Of the record that says the newest about a certificate: that it was revoked, or else issued. */
  recordOf(row: Row): RecordId
  /** Of the newest record. */
  readonly through: RecordId | undefined
  /** Of which certificates records after this one say something. */
  saidSince(record: RecordId): (row: Row) => boolean
}

/** What logs say, by authority. */
export interface Ledger {
  /** undefined: no log says anything of it, or not all of it was read yet. */
  of(authority: string): AuthorityLedger | undefined
}

/** Where there are no logs. */
export const NO_LEDGER: Ledger = { of: () => undefined }

/** Filled from the store at the start (`addEarlier`, then `complete`), and with every record that is journaled meanwhile and after. */
export class JournaledLedger implements Ledger {
  readonly #books: ReadonlyMap<string, Book>
  readonly #deeds: Deeds
  #isComplete = false

  /** `room`: certificates of one authority. */
  constructor(
    authorities: Iterable<DeclaredIssuance>,
    logs: readonly DeclaredLog[],
    room = MAX_CERTIFICATES,
  ) {
    this.#books = new Map([...authorities].map((declared) => [declared.id, new Book(declared, logs, room)]))
    this.#deeds = new Deeds(logs)
  }

  /** Names of the events that count, as their sources have them. */
  get actions(): readonly string[] {
    return this.#deeds.actions
  }

  get authorities(): Iterable<string> {
    return this.#books.keys()
  }

  /** What was journaled now, in its order. */
  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch)
      if (record.kind === 'audit') this.#add({ ...record.body, id: record.id, recorded: record.recorded })
  }

  /** What was journaled before, the newest first; some of it may be there already. */
  addEarlier(events: readonly LoggedEvent[]): void {
    for (const event of events) this.#add(event)
  }

  /** All that was journaled before has been added. */
  complete(): void {
    this.#isComplete = true
  }

  of(authority: string): AuthorityLedger | undefined {
    const book = this.#isComplete ? this.#books.get(authority) : undefined
    return book?.isEmpty === false ? book : undefined
  }

  #add(event: LoggedEvent): void {
    const book = this.#books.get(event.pki?.caId ?? '')
    const deed = book === undefined ? undefined : this.#deeds.of(event)
    if (deed !== undefined) book?.add(deed, event)
  }
}

class Book implements AuthorityLedger {
  readonly #expectations: Expectations
  readonly #notBefore: number
  readonly #logs: readonly string[]
  readonly clones: Clones
  readonly certificates: SerialTable
  /** By fingerprint, or by number where the log gives none: when it was issued, in milliseconds. */
  readonly #crls = new Map<string, number>()
  /** When the newest of what was dropped happened, in milliseconds. */
  readonly #dropped = new Map<Telling, number>()
  #from = Infinity
  #until = -Infinity
  readonly #told = new Map<Telling, number>()
  #newest: ({ readonly origin: string; readonly epoch: number } & Position) | undefined
  #events = 0
  isFull = false

  constructor(declared: DeclaredIssuance, logs: readonly DeclaredLog[], room: number) {
    this.certificates = new SerialTable(room)
    this.#expectations = new Expectations(declared)
    this.#notBefore = declared.notBefore ?? -Infinity
    this.#logs = logs.map(({ id }) => id).slice(0, MAX_LOGS)
    this.clones = new Clones(logs.filter(({ authorities }) => authorities?.includes(declared.id) === true))
  }

  profileNamed(profile: number): string {
    return this.#expectations.profileNamed(profile)
  }

  get isEmpty(): boolean {
    return this.#events === 0
  }

  get from(): number {
    return this.#from
  }

  get until(): number {
    return this.#until
  }

  toldFrom(what: Telling): number {
    return Math.max(this.#told.get(what) ?? Infinity, this.#dropped.get(what) ?? -Infinity)
  }

  get state(): string {
    const { certificates } = this
    return [
      this.#newest?.epoch,
      this.#newest?.entry,
      this.#newest?.n,
      certificates.size,
      this.#crls.size,
      ...[...this.#told.keys()].toSorted(),
    ].join(' ')
  }

  hasCrl(fingerprints: readonly string[], number: string | undefined): boolean {
    return (
      fingerprints.some((fingerprint) => this.#crls.has(fingerprint)) ||
      (number !== undefined && this.#crls.has(numbered(number)))
    )
  }

  recordOf(row: Row): RecordId {
    const position = this.certificates.position(row)
    return formatRecordId(this.#newest?.origin ?? '', position.epoch, position)
  }

  get through(): RecordId | undefined {
    const newest = this.#newest
    return newest && formatRecordId(newest.origin, newest.epoch, newest)
  }

  saidSince(record: RecordId): (row: Row) => boolean {
    const since = parseRecordId(record)
    if (since === undefined) return () => false
    return (row) => compareInJournal(this.certificates.position(row), since) > 0
  }

  add(deed: Deed, event: LoggedEvent): void {
    // What a clock that is wrong says of the future would never be late.
    const recorded = fromTimestamp(event.recorded)
    const at = Math.min(fromTimestamp(event['@timestamp']), recorded)
    // Nor does a log begin before its authority, as a clock that was never set says.
    const from = at < this.#notBefore ? recorded : at
    this.#from = Math.min(this.#from, from)
    this.#until = Math.max(this.#until, at)
    for (const what of deed.tells) this.#told.set(what, Math.min(this.#told.get(what) ?? Infinity, from))
    this.#events++
    this.#noteRecord(event.id)
    if (deed.kind === 'crl_issued') this.#addCrl(event, at)
    else this.#addCertificate(deed, event, at)
  }

  #addCrl({ pki, position, id }: LoggedEvent, at: number): void {
    const name = pki?.fingerprint ?? (pki?.crlNumber === undefined ? undefined : numbered(pki.crlNumber))
    if (name === undefined) return
    // Where fingerprints are told, partitions and deltas have numbers of their own.
    if (pki?.crlNumber !== undefined && pki.fingerprint === undefined)
      this.clones.crlIssued(pki.crlNumber, { log: position.source, record: id, at })
    this.#crls.set(name, at)
    if (this.#crls.size <= MAX_CRLS) return
    // Added newest first or oldest first: the one that was stored first goes.
    const [first, last] = [this.#crls.entries().next().value, [name, at] as const]
    const [oldest, time] = first !== undefined && first[1] <= at ? first : last
    this.#crls.delete(oldest)
    this.#drop('crls', time)
  }

  #addCertificate({ kind, notAfter }: Deed, event: LoggedEvent, at: number): void {
    const { pki, x509 } = event
    const { certificates } = this
    if (pki?.serial === undefined || !isSerialNumber(pki.serial)) return
    const row = this.#rowOf(pki.serial)
    if (row === undefined) {
      this.isFull = true
      for (const what of ['issued', 'revoked'] as const) this.#drop(what, at)
      return
    }
    const expires = x509 === undefined ? notAfter : fromTimestamp(x509.not_after)
    if (expires !== undefined) certificates.setNotAfter(row, expires)
    const digest = pki.sha256 ?? (SHA256.test(pki.fingerprint ?? '') ? pki.fingerprint : undefined)
    if (digest !== undefined) certificates.setDigest(row, digest)
    if (kind === 'issued') {
      this.#addToClones(row, event, at)
      this.#addIssuance(row, event, at)
    }
    const isStatus = kind !== 'issued'
    const position = parseRecordId(event.id)
    // In the order of the journal, whatever order they are added in, and whatever the clock of the log said.
    const isNews =
      !certificates.hasStatus(row) ||
      (position !== undefined && compareInJournal(position, certificates.position(row)) > 0)
    if (isStatus && isNews) {
      if (kind === 'released') certificates.release(row)
      else certificates.revoke(row, at)
    }
    if (position !== undefined && isNews && (isStatus || !certificates.hasStatus(row)))
      certificates.setPosition(row, position)
  }

  /** Its row, that of another that has expired where there is no room; undefined: there is none. */
  #rowOf(serial: string): Row | undefined {
    const { certificates } = this
    const known = certificates.find(serial)
    if (known !== undefined || !certificates.isFull) return known ?? certificates.put(serial)
    const row = certificates.expired(this.#until - STAYS_EXPIRED)
    if (row === undefined) return undefined
    this.#drop('issued', certificates.issuedAt(row) ?? -Infinity)
    this.#drop('revoked', certificates.revokedAt(row) ?? -Infinity)
    certificates.reuse(row, serial)
    return row
  }

  /** From then on all is known again. */
  #drop(what: Telling, at: number): void {
    this.#dropped.set(what, Math.max(at, this.#dropped.get(what) ?? -Infinity))
  }

  /** More than one event may tell of it, each something else. */
  #addIssuance(row: Row, event: LoggedEvent, at: number): void {
    const { certificates } = this
    const expectations = this.#expectations
    certificates.setIssuedAt(row, Math.min(at, certificates.issuedAt(row) ?? at))
    const profile = expectations.profileOf(event)
    const service = expectations.serviceOf(event)
    certificates.setIssuance(row, {
      isExpected: expectations.isExpected(event),
      ...(profile === undefined ? {} : { profile }),
      ...(service === undefined ? {} : { service }),
    })
  }

  #addToClones(row: Row, { position: { source: log }, id: record }: LoggedEvent, at: number): void {
    const { certificates } = this
    const known = this.#logs[certificates.issuedIn(row) - 1]
    const before =
      known === undefined
        ? undefined
        : { log: known, record: this.recordOf(row), at: certificates.issuedAt(row) ?? at }
    this.clones.issued(certificates.serialOf(row), { log, record, at }, before)
    if (before === undefined) certificates.setIssuedIn(row, this.#logs.indexOf(log) + 1)
  }

  #noteRecord(id: RecordId): void {
    const record = parseRecordId(id)
    const newest = this.#newest
    if (record === undefined) return
    if (newest !== undefined && compareInJournal(record, newest) <= 0) return
    this.#newest = record
  }
}

const SHA256 = /^[0-9a-f]{64}$/

/** Not to be taken for a fingerprint. */
function numbered(crlNumber: string): string {
  return `#${crlNumber}`
}
