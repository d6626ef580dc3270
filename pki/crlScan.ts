import { hash } from 'node:crypto'
import { EPOCH, NO_DATE, packDate, utcSeconds } from './crlDate.ts'
import { REVOCATION_REASONS, readEntry, unknownCritical } from './crlEntries.ts'
import type { EntryExtension, PlainEntry, ReasonCounts, RevocationReason } from './crlEntries.ts'
import {
  DATE,
  HIGH,
  HIGH_KEYS,
  LENGTH_KEY,
  LOW,
  LOW_KEYS,
  OFFSET,
  WORDS,
  fingerprint,
  modulo,
} from './crlIndex.ts'
import type { CrlIndex, Fingerprint } from './crlIndex.ts'
import { Der, TAG } from './der.ts'
import type { DerParts } from './der.ts'
import { PkiError } from './error.ts'
import { nameKey, namesMatch } from './name.ts'
import type { Name } from './name.ts'
import { OID } from './oid.ts'

// The entries of a CRL: up to millions, so none becomes an object unless somebody asks for it.

export const LIST_PATH = 'tbsCertList.revokedCertificates'
/** Its level of nesting. */
export const LIST_DEPTH = 3
/** Octets of one element that is read as a whole: an entry, a name, the extensions. Real ones stay under 10,000. */
export const MAX_ELEMENT = 1024 * 1024
/** OIDs of unknown critical entry extensions that are named; the CRL is unusable after the first. */
const MAX_UNKNOWN = 16
/** Octets of the header of any element of less than 4 GiB. */
export const MAX_HEADER = 6

/** The number that stands for "no reason given": 7 is not used. */
const NO_REASON = 7

/** What the list of entries is, beyond its octets. */
export interface ListContext {
  readonly version: 1 | 2
  readonly issuer: Name
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly parts: DerParts
  /** Where entries are noted to be found again. */
  readonly index: CrlIndex | undefined
}

/** What one pass over the entries tells. */
export interface EntryFacts {
  /** How many entries there are. */
  readonly entries: number
  readonly reasons: ReasonCounts
  /** The last revocationDate, milliseconds since the epoch; undefined: no entries. */
  readonly latestRevocation: number | undefined
  /** Entries whose revocationDate is later than the CRL's thisUpdate. */
  readonly revokedLater: number
  /** Entries whose serial number is not positive, or longer than 20 octets (4.1.2.2). */
  readonly oddSerials: number
  /** Some entry names the issuer of its certificate (5.3.3): the list is an indirect one. */
  readonly namesIssuers: boolean
  /** Every extension that some entry has, once for each criticality. */
  readonly entryExtensions: readonly EntryExtension[]
}

/** Octets of the longest serial number that RFC 5280 allows. */
const MAX_SERIAL = 20
/** Octets of an entry's extensions when they are just a reasonCode, not critical. */
const PLAIN_EXTENSIONS = 14
/** Extensions of entries that are told apart. RFC 5280 and X.509 define five. */
const MAX_EXTENSIONS = 32
/** Entries for which there is room after an estimate, in excess of it. */
const HEADROOM = 1.01
/**
 * Octets that the fast path reads in one call. Many short calls are compiled once, and soon; within one long call the compiler would have to
 * replace the code that is running, twice, which in a new process costs more than a million entries do.
 */
const BLOCK = 16 * 1024
const UNSALTED: Fingerprint = { high: 0, low: 0 }
const NO_INDEX = { words: new Uint32Array(), reasons: new Uint8Array(), capacity: 0 }

/**
 * Reads the entries of revokedCertificates (RFC 5280 5.1.2.6) as their octets arrive. The common shape, a short entry with a UTCTime
 * and at most a plain reasonCode, is only ever *accepted* by the fast path; all others, and all errors, go through `readEntry`.
 */
export class EntryScanner {
  /** How many octets, from the first that was not consumed on, the next call needs at least. */
  need = MAX_HEADER
  readonly #context: ListContext
  /** Of the first entry, in the CRL. */
  #start: number | undefined
  #count = 0
  /** By number. */
  readonly #reasons = new Uint32Array(REVOCATION_REASONS.length)
  #revokedLater = 0
  #oddSerials = 0
  /** As packed, of the fast path; and in milliseconds, of other entries. */
  #latest = NO_DATE
  #latestOther = -Infinity
  #namesIssuers = false
  readonly #extensions: { oid: string; critical: boolean; count: number }[] = []
  readonly #unknownCritical = new Set<string>()
  /** Tells the fingerprints of another issuer's serial numbers from those of the CRL's own issuer. */
  #salt = UNSALTED

  constructor(context: ListContext) {
    this.#context = context
  }

  get count(): number {
    return this.#count
  }

  /** OIDs of critical entry extensions that are not processed. */
  get unknownCritical(): readonly string[] {
    return [...this.#unknownCritical]
  }

  get facts(): EntryFacts {
    const latest = Math.max(
      this.#latest === NO_DATE ? -Infinity : this.#latest * 1000 + EPOCH,
      this.#latestOther,
    )
    return {
      entries: this.#count,
      reasons: countReasons(this.#reasons),
      latestRevocation: this.#count === 0 ? undefined : latest,
      revokedLater: this.#revokedLater,
      oddSerials: this.#oddSerials,
      namesIssuers: this.#namesIssuers,
      entryExtensions: this.#extensions,
    }
  }

  /**
   * Consumes whole entries of `bytes` from `from` on; `end`: offset of the list's end, which may lie behind `bytes`; `base`: octets of the
   * CRL before `bytes`. Returns the offset of the first octet not consumed: `end` when the list is read. Throws PkiError(decode).
   */
  scan(bytes: Uint8Array, from: number, end: number, base: number): number {
    this.#start ??= base + from
    let at = from
    while (at < end) {
      const start = at
      at = this.#scanPlain(bytes, at, end, base)
      if (at >= end || at - start >= BLOCK) continue
      const next = this.#scanOther(bytes, at, end, base)
      if (next === undefined) return at
      at = next
    }
    return at
  }

  /** The fast path: stops before the first entry that it does not accept, and after a block. */
  #scanPlain(bytes: Uint8Array, from: number, end: number, base: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const limit = Math.min(bytes.length, end)
    const { index, version, thisUpdate } = this.#context
    const published = packDate(thisUpdate)
    const reasons = this.#reasons
    const { high: saltHigh, low: saltLow } = this.#salt
    const unexplained = reasons[NO_REASON] ?? 0
    let { words, reasons: reasonOf, capacity } = index ?? NO_INDEX
    let count = this.#count
    let later = this.#revokedLater
    let latest = this.#latest
    let at = from
    // Four octets: SEQUENCE, length below 128, INTEGER, length.
    while (at + 4 <= limit && at - from < BLOCK) {
      const head = view.getUint32(at)
      if ((head & 0xff80_ff00) !== 0x3000_0200) break
      const next = at + 2 + ((head >>> 16) & 0x7f)
      const length = head & 0xff
      const serial = at + 4
      const date = serial + length
      const rest = date + 15
      if (next > limit || rest > next || length < 2 || length > MAX_SERIAL) break
      // Positive and minimal: the first nine bits are not all zero, and the first is not one.
      const firstNine = view.getUint16(serial) >>> 7
      if (firstNine === 0 || firstNine >= 0x100) break
      if (view.getUint16(date) !== 0x170d || view.getUint8(date + 14) !== 0x5a) break
      const time = utcSeconds(view.getInt32(date + 2), view.getInt32(date + 6), view.getInt32(date + 10))
      if (time === NO_DATE) break
      let reason = NO_REASON
      if (rest !== next) {
        if (next - rest !== PLAIN_EXTENSIONS || version === 1) break
        // SEQUENCE OF one Extension, reasonCode without `critical`; its octet follows.
        if (view.getUint32(rest) !== 0x300c_300a || view.getUint32(rest + 4) !== 0x0603_551d) break
        if (view.getUint32(rest + 8) !== 0x1504_030a || view.getUint8(rest + 12) !== 1) break
        reason = view.getUint8(rest + 13)
        if (reason === NO_REASON || reason >= reasons.length) break
      }
      if (index !== undefined) {
        if (count === capacity) {
          this.#makeRoom(index, count, base + at, base + end)
          words = index.words
          reasonOf = index.reasons
          capacity = index.capacity
        }
        // As `fingerprint` does.
        let high = length * (HIGH_KEYS[LENGTH_KEY] ?? 0)
        let low = length * (LOW_KEYS[LENGTH_KEY] ?? 0)
        const pairs = length >> 1
        for (let i = 0; i < pairs; i++) {
          const pair = view.getUint16(serial + i * 2, true)
          high += pair * (HIGH_KEYS[i] ?? 0)
          low += pair * (LOW_KEYS[i] ?? 0)
        }
        if ((length & 1) !== 0) {
          const last = view.getUint8(date - 1)
          high += last * (HIGH_KEYS[pairs] ?? 0)
          low += last * (LOW_KEYS[pairs] ?? 0)
        }
        const word = count * WORDS
        words[word + HIGH] = modulo(high) ^ saltHigh
        words[word + LOW] = modulo(low) ^ saltLow
        words[word + OFFSET] = base + at
        words[word + DATE] = time
        reasonOf[count] = reason
      }
      reasons[reason] = (reasons[reason] ?? 0) + 1
      if (time > published) later++
      if (time > latest) latest = time
      count++
      at = next
    }
    const explained = count - this.#count - ((reasons[NO_REASON] ?? 0) - unexplained)
    if (explained > 0) this.#countExtension({ oid: OID.reasonCode, critical: false }, explained)
    this.#count = count
    this.#revokedLater = later
    this.#latest = latest
    if (index !== undefined) index.count = count
    return at
  }

  /** One entry of any shape; undefined: not all of it is here. */
  #scanOther(bytes: Uint8Array, at: number, end: number, base: number): number | undefined {
    const { parts, version, index } = this.#context
    const place = { path: LIST_PATH, depth: LIST_DEPTH, base, from: at, end }
    const list = Der.part(parts, bytes, place)
    const extent = list.extent(this.#count)
    if (extent === undefined) {
      this.need = MAX_HEADER
      return undefined
    }
    const size = extent.behind - at
    if (extent.tag === TAG.sequence && size > MAX_ELEMENT) {
      const message = `expected an entry of at most ${MAX_ELEMENT} octets, got ${size}`
      throw new PkiError('decode', 'too_large', message, {
        offset: base + at,
        path: `${LIST_PATH}[${this.#count}]`,
      })
    }
    if (extent.tag === TAG.sequence && extent.behind > bytes.length) {
      this.need = size
      return undefined
    }
    const entry = readEntry(list.enter(TAG.sequence, this.#count), version)
    if (index !== undefined) this.#remember(entry, index, base + at, base + end)
    this.#tally(entry)
    return extent.behind
  }

  #remember(entry: PlainEntry, index: CrlIndex, offset: number, end: number): void {
    if (entry.certificateIssuer !== undefined) this.#salt = this.#saltOf(entry.certificateIssuer)
    if (index.count === index.capacity) this.#makeRoom(index, index.count, offset, end)
    const reason = reasonNumber(entry.reason)
    index.add(salted(fingerprint(entry.serialOctets), this.#salt), offset, packDate(entry.revokedAt), reason)
    if (entry.certificateIssuer !== undefined) index.markNaming()
  }

  #tally(entry: PlainEntry): void {
    const { revokedAt, serialOctets } = entry
    const reason = reasonNumber(entry.reason)
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1
    this.#latestOther = Math.max(this.#latestOther, revokedAt)
    if (revokedAt > this.#context.thisUpdate) this.#revokedLater++
    const first = serialOctets[0] ?? 0
    const isZero = first === 0 && serialOctets.length === 1
    if (first >= 0x80 || isZero || serialOctets.length > MAX_SERIAL) this.#oddSerials++
    if (entry.certificateIssuer !== undefined) this.#namesIssuers = true
    for (const extension of entry.extensions) this.#countExtension(extension, 1)
    for (const oid of unknownCritical(entry)) {
      if (this.#unknownCritical.size < MAX_UNKNOWN) this.#unknownCritical.add(oid)
    }
    this.#count++
  }

  #countExtension({ oid, critical }: Pick<EntryExtension, 'oid' | 'critical'>, count: number): void {
    const known = this.#extensions.find((other) => other.oid === oid && other.critical === critical)
    if (known !== undefined) known.count += count
    else if (this.#extensions.length < MAX_EXTENSIONS) this.#extensions.push({ oid, critical, count })
  }

  /** For as many entries as there will be when the rest are as long as those so far. */
  #makeRoom(index: CrlIndex, count: number, at: number, end: number): void {
    const start = this.#start ?? at
    index.grow(((count * (end - start)) / Math.max(at - start, 1)) * HEADROOM)
  }

  #saltOf(issuer: Name): Fingerprint {
    if (namesMatch(issuer, this.#context.issuer)) return UNSALTED
    return saltFor(issuer)
  }
}

/** As it is counted and indexed. */
export function reasonNumber(reason: RevocationReason | undefined): number {
  return reason === undefined ? NO_REASON : REVOCATION_REASONS.indexOf(reason)
}

/** Of the serial numbers of an entry that is about another issuer's certificate. */
function saltFor(issuer: Name): Fingerprint {
  const digest = hash('sha256', nameKey(issuer), 'buffer')
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) }
}

/** The fingerprint under which an entry about that certificate is indexed in a CRL of `crlIssuer`. */
export function fingerprintOf(serial: Uint8Array, issuer: Name, crlIssuer: Name): Fingerprint {
  const plain = fingerprint(serial)
  return namesMatch(issuer, crlIssuer) ? plain : salted(plain, saltFor(issuer))
}

function salted({ high, low }: Fingerprint, salt: Fingerprint): Fingerprint {
  return { high: (high ^ salt.high) >>> 0, low: (low ^ salt.low) >>> 0 }
}

function countReasons(counts: Uint32Array): ReasonCounts {
  const count = (number: number) => counts[number] ?? 0
  return {
    unspecified: count(0),
    keyCompromise: count(1),
    cACompromise: count(2),
    affiliationChanged: count(3),
    superseded: count(4),
    cessationOfOperation: count(5),
    certificateHold: count(6),
    removeFromCRL: count(8),
    privilegeWithdrawn: count(9),
    aACompromise: count(10),
    none: count(NO_REASON),
  }
}
