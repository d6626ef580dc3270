import type { AuditEvent } from '../../model/auditEvent.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatRecordId, parseRecordId, type Position, type RecordId } from '../../model/recordId.ts'
import { fromTimestamp } from '../../model/time.ts'
import { SerialTable, type Row } from './serialTable.ts'

// What the logs of the authorities say that they did: the one side of every reconciliation. Built from audit events, of which the journal has
// every one; what is not needed to compare is not kept.

/** Certificates of one authority: 200 MB. Of one with more nothing is said that needs all of them. */
const MAX_CERTIFICATES = 2 ** 22
/** CRLs of one authority whose fingerprints are kept, the newest: years of one every hour. */
const MAX_CRLS = 50_000

/** What an authority's log says of it, by the source's own names. */
export const LEDGER_ACTIONS = ['CRL_STORED', 'CERT_REVOKED', 'CERT_CREATION', 'CERT_STORED'] as const

type Action = (typeof LEDGER_ACTIONS)[number]

/** An event with the place of its record. */
export type LoggedEvent = AuditEvent & { readonly id: RecordId }

/** RFC 5280 5.3.1: removeFromCRL. EJBCA also writes -1, that it is not revoked. */
const REMOVE_FROM_CRL = 8

/** What one authority's log says. */
export interface AuthorityLedger {
  /** Time of the first event about the authority that is known, in milliseconds: what is older nobody can tell. */
  readonly from: number
  /** Everything since then is in it; false: there are too many certificates. */
  readonly complete: boolean
  /** Changes with everything that is added, and is the same again when the same was built anew. */
  readonly state: string
  readonly certificates: SerialTable
  /** Whether a CRL with one of these fingerprints (hex) was stored. */
  hasCrl(fingerprints: readonly string[]): boolean
  /** Time from which on all stored CRLs are known, in milliseconds. */
  readonly crlsFrom: number
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
  #isComplete = false

  constructor(authorities: Iterable<string>) {
    this.#books = new Map([...authorities].map((id) => [id, new Book()]))
  }

  get authorities(): Iterable<string> {
    return this.#books.keys()
  }

  /** What was journaled now, in its order. */
  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch)
      if (record.kind === 'audit') this.#add({ ...record.body, id: record.id }, 'new')
  }

  /** What was journaled before, the newest first; some of it may be there already. */
  addEarlier(events: readonly LoggedEvent[]): void {
    for (const event of events) this.#add(event, 'earlier')
  }

  /** All that was journaled before has been added. */
  complete(): void {
    this.#isComplete = true
  }

  of(authority: string): AuthorityLedger | undefined {
    const book = this.#isComplete ? this.#books.get(authority) : undefined
    return book?.isEmpty === false ? book : undefined
  }

  #add(event: LoggedEvent, order: Order): void {
    const { action, outcome, module } = event.event
    if (module !== 'ejbca' || outcome !== 'success' || !isAction(action)) return
    this.#books.get(event.pki?.caId ?? '')?.add(action, event, order)
  }
}

function isAction(action: string): action is Action {
  const actions: readonly string[] = LEDGER_ACTIONS
  return actions.includes(action)
}

/** Whether an event comes after all that are known, or before. */
type Order = 'new' | 'earlier'

class Book implements AuthorityLedger {
  readonly certificates = new SerialTable(MAX_CERTIFICATES)
  /** By fingerprint: when it was stored, in milliseconds. */
  readonly #crls = new Map<string, number>()
  #crlsDropped = -Infinity
  #from = Infinity
  #newest: ({ readonly origin: string; readonly epoch: number } & Position) | undefined
  #events = 0
  complete = true

  get isEmpty(): boolean {
    return this.#events === 0
  }

  get from(): number {
    return this.#from
  }

  get crlsFrom(): number {
    return Math.max(this.#from, this.#crlsDropped)
  }

  get state(): string {
    const { certificates } = this
    return [
      this.#newest?.epoch,
      this.#newest?.entry,
      this.#newest?.n,
      certificates.size,
      this.#crls.size,
    ].join(' ')
  }

  hasCrl(fingerprints: readonly string[]): boolean {
    return fingerprints.some((fingerprint) => this.#crls.has(fingerprint))
  }

  /** Of records of an earlier epoch of the journal the place is right, the epoch is not told. */
  recordOf(row: Row): RecordId {
    const { origin = '', epoch = 0 } = this.#newest ?? {}
    return formatRecordId(origin, epoch, this.certificates.position(row))
  }

  get through(): RecordId | undefined {
    const newest = this.#newest
    return newest && formatRecordId(newest.origin, newest.epoch, newest)
  }

  /** Of a place in another epoch of the journal nothing can be told: then of none. */
  saidSince(record: RecordId): (row: Row) => boolean {
    const since = parseRecordId(record)
    if (since === undefined || since.epoch !== this.#newest?.epoch) return () => false
    return (row) => isAfter({ ...this.certificates.position(row), epoch: since.epoch }, since)
  }

  add(action: Action, event: LoggedEvent, order: Order): void {
    const at = fromTimestamp(event['@timestamp'])
    this.#from = Math.min(this.#from, at)
    this.#events++
    this.#noteRecord(event.id)
    if (action === 'CRL_STORED') this.#addCrl(event, at)
    else this.#addCertificate(action, event, { at, order })
  }

  #addCrl({ pki }: LoggedEvent, at: number): void {
    if (pki?.fingerprint === undefined) return
    this.#crls.set(pki.fingerprint, at)
    if (this.#crls.size <= MAX_CRLS) return
    // Added newest first or oldest first: the one that was stored first goes.
    const [first, last] = [this.#crls.entries().next().value, [pki.fingerprint, at] as const]
    const [oldest, time] = first !== undefined && first[1] <= at ? first : last
    this.#crls.delete(oldest)
    this.#crlsDropped = Math.max(this.#crlsDropped, time)
  }

  #addCertificate(
    action: Action,
    event: LoggedEvent,
    { at, order }: { readonly at: number; readonly order: Order },
  ): void {
    const { pki, x509 } = event
    const { certificates } = this
    if (pki?.serial === undefined) return
    const row = certificates.put(pki.serial)
    if (row === undefined) {
      this.complete = false
      return
    }
    if (x509 !== undefined) certificates.setNotAfter(row, fromTimestamp(x509.not_after))
    if (pki.sha256 !== undefined) certificates.setDigest(row, pki.sha256)
    const isStatus = action === 'CERT_REVOKED' || pki.revocationReason !== undefined
    const isNews = order === 'new' || !certificates.hasStatus(row)
    if (isStatus && isNews) {
      if (isRelease(pki.revocationReason)) certificates.release(row)
      else certificates.revoke(row, at)
    }
    const position = parseRecordId(event.id)
    if (position !== undefined && isNews && (isStatus || !certificates.hasStatus(row)))
      certificates.setPosition(row, position)
  }

  #noteRecord(id: RecordId): void {
    const record = parseRecordId(id)
    const newest = this.#newest
    if (record === undefined) return
    if (newest !== undefined && !isAfter(record, newest)) return
    this.#newest = record
  }
}

function isRelease(reason: number | undefined): boolean {
  return reason !== undefined && (reason < 0 || reason === REMOVE_FROM_CRL)
}

interface Place extends Position {
  readonly epoch: number
}

function isAfter(a: Place, b: Place): boolean {
  return (a.epoch - b.epoch || a.entry - b.entry || a.n - b.n) > 0
}
