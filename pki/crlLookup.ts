import { packDate } from './crlDate.ts'
import { readEntry } from './crlEntries.ts'
import type { CrlEntry, PlainEntry } from './crlEntries.ts'
import { WORDS } from './crlIndex.ts'
import type { CrlIndex } from './crlIndex.ts'
import type { ReadAt } from './crlOctets.ts'
import { LIST_DEPTH, LIST_PATH, fingerprintOf, reasonNumber } from './crlScan.ts'
import { Der, TAG } from './der.ts'
import { PkiError } from './error.ts'
import { namesMatch, sameOctets } from './name.ts'
import type { Name } from './name.ts'
import { serialContent } from './serial.ts'

/** A list of entries that was accepted, and where its octets are. */
interface EntryList {
  readonly readAt: ReadAt
  /** Octets of the CRL before the first entry, and up to the end of the last. */
  readonly content: number
  readonly end: number
  readonly version: 1 | 2
  readonly issuer: Name
  readonly namesIssuers: boolean
  readonly ber: boolean
  readonly index: CrlIndex | undefined
}

/** What an index adds. */
export type IndexedList = EntryList & { readonly index: CrlIndex }

export interface Duplicates {
  /** Entries whose certificate an earlier entry is about. */
  readonly count: number
  /** The first of them. */
  readonly first: CrlEntry | undefined
}

interface Access {
  find(serial: string, issuer?: Name): CrlEntry | undefined
  list(): Iterable<CrlEntry>
}

interface IndexedAccess extends Access {
  readonly indexed: IndexedList
  duplicates(): Duplicates
}

/** The entries as the CRL offers them. */
export function access(list: IndexedList): IndexedAccess
export function access(list: EntryList): Access
export function access(list: EntryList): Access | IndexedAccess {
  const { index } = list
  if (index === undefined) {
    return {
      find: (serial, issuer = list.issuer) => findEntry(list, serial, issuer),
      list: () => listEntries(list),
    }
  }
  const indexed = { ...list, index }
  return {
    find: (serial, issuer = list.issuer) => findIndexed(indexed, serial, issuer),
    list: () => listEntries(list),
    indexed,
    duplicates: () => {
      const { count, first } = index.duplicates
      return { count, first: first === undefined ? undefined : entryAt(indexed, first) }
    },
  }
}

interface ReadEntry {
  readonly entry: PlainEntry
  /** Offset of the first octet behind it. */
  readonly behind: number
}

/** Octets that are read to find one entry; longer ones are read again. Of the usual ones 64 are enough. */
const USUAL_ENTRY = 128
/** Octets that are read at a time to go through all entries. */
const PIECE = 256 * 1024
const NOTHING = new Uint8Array()

/** The first entry about that certificate, of all in their order. */
function findEntry(list: EntryList, serial: string, issuer: Name): CrlEntry | undefined {
  const octets = serialContent(serial)
  if (octets === undefined) return undefined
  // In BER there are many ways to write a serial number.
  const candidates = list.namesIssuers || list.ber ? listEntries(list) : entriesWith(list, octets)
  for (const entry of candidates) if (isAbout(entry, list, serial, issuer)) return entry
  return undefined
}

function findIndexed(list: IndexedList, serial: string, issuer: Name): CrlEntry | undefined {
  const octets = serialContent(serial)
  if (octets === undefined) return undefined
  const wanted = fingerprintOf(octets, issuer, list.issuer)
  const first = list.index.first(wanted.high, wanted.low)
  if (first < 0) return undefined
  const entry = entryAt(list, first)
  if (isAbout(entry, list, serial, issuer)) return entry
  // Not in practice: another serial number has this fingerprint.
  for (const ordinal of list.index.matches(wanted)) {
    const other = entryAt(list, ordinal)
    if (isAbout(other, list, serial, issuer)) return other
  }
  return undefined
}

function isAbout(entry: CrlEntry, list: EntryList, serial: string, issuer: Name): boolean {
  return entry.serial === serial && namesMatch(entry.certificateIssuer ?? list.issuer, issuer)
}

/** The entry with that ordinal. Throws PkiError(decode) when its octets are not those that were read before. */
export function entryAt(list: IndexedList, ordinal: number): CrlEntry {
  const { index } = list
  const { entry } = readOne(list, index.offsetOf(ordinal))
  // 5.3.3: an issuer that was named holds until the next is.
  const naming = entry.certificateIssuer === undefined ? index.namingUpTo(ordinal) : undefined
  const certificateIssuer =
    naming === undefined
      ? entry.certificateIssuer
      : readOne(list, index.offsetOf(naming)).entry.certificateIssuer
  checkSame(list, ordinal, entry, certificateIssuer)
  return asCrlEntry(entry, certificateIssuer)
}

/** What was signed is what the index was made of; the octets may have changed since, and "not listed" would be the worst that they could say. */
function checkSame(
  { index, issuer }: IndexedList,
  ordinal: number,
  { serialOctets, revokedAt, reason }: PlainEntry,
  certificateIssuer: Name | undefined,
): void {
  const { high, low } = fingerprintOf(serialOctets, certificateIssuer ?? issuer, issuer)
  const [oldHigh, oldLow, , oldDate] = index.words.subarray(ordinal * WORDS)
  const isSameReason = index.reasons[ordinal] === reasonNumber(reason)
  const isSameDate = oldDate === packDate(revokedAt) >>> 0
  if (high === oldHigh && low === oldLow && isSameDate && isSameReason) return
  throw new PkiError('decode', 'bad_value', 'expected the entry that was read before, got another', {
    offset: index.offsetOf(ordinal),
    path: `${LIST_PATH}[${ordinal}]`,
  })
}

/** All entries, in their order. */
function* listEntries(list: EntryList): Generator<CrlEntry, undefined> {
  const pieces = inPieces(list)
  let issuer: Name | undefined
  for (let at = list.content; at < list.end;) {
    const { entry, behind } = readOne(pieces, at)
    issuer = entry.certificateIssuer ?? issuer
    yield asCrlEntry(entry, issuer)
    at = behind
  }
}

/** The entries with that serial number, of a list in which no other issuer is named. */
function* entriesWith(list: EntryList, serial: Uint8Array): Generator<CrlEntry, undefined> {
  const pieces = inPieces(list)
  for (let at = list.content; at < list.end;) {
    const bytes = pieces.readAt(at, Math.min(PIECE, list.end - at))
    const next = skipOthers(bytes, serial)
    if (next === bytes.length) at += next
    else {
      const { entry, behind } = readOne(pieces, at + next)
      if (sameOctets(entry.serialOctets, serial)) yield asCrlEntry(entry, undefined)
      at = behind
    }
  }
}

/** Offset of the first entry that may have that serial number, is not here in full, or is not of the usual size. */
function skipOthers(bytes: Uint8Array, serial: Uint8Array): number {
  let at = 0
  while (at + 4 <= bytes.length) {
    const next = at + 2 + (bytes[at + 1] ?? 0)
    if (next >= at + 2 + 0x80 || next > bytes.length) return at
    if (bytes[at + 3] === serial.length && startsWith(bytes, at + 4, serial)) return at
    at = next
  }
  return at
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

/** The same list, whose octets are read in larger pieces. */
function inPieces(list: EntryList): EntryList {
  let from = 0
  let bytes: Uint8Array = NOTHING
  const readAt: ReadAt = (offset, length) => {
    if (offset < from || offset + length > from + bytes.length) {
      from = offset
      bytes = list.readAt(offset, Math.min(Math.max(PIECE, length), list.end - offset))
    }
    return bytes.subarray(offset - from, offset - from + length)
  }
  return { ...list, readAt }
}

/** The entry at that offset, as it stands. Throws PkiError(decode) when the octets are no longer those that were accepted. */
function readOne({ readAt, end, version, ber }: EntryList, offset: number): ReadEntry {
  const rest = end - offset
  // Where an element of indefinite length ends is only known when all that follows is there.
  let length = ber ? rest : Math.min(USUAL_ENTRY, rest)
  for (;;) {
    const bytes = readAt(offset, length)
    if (bytes.length !== length) {
      const message = `expected the ${length} octets that were read before, got ${bytes.length}`
      throw new PkiError('decode', 'truncated', message, { offset, path: LIST_PATH })
    }
    const place = { path: LIST_PATH, depth: LIST_DEPTH, base: offset, from: 0, end: rest }
    const list = Der.part(Der.parts({ ber }), bytes, place)
    const extent = list.extent('')
    if (extent === undefined || extent.behind <= length) {
      const entry = readEntry(list.enter(TAG.sequence, ''), version)
      return { entry, behind: offset + list.offset }
    }
    length = extent.behind
  }
}

function asCrlEntry(
  { serial, revokedAt, reason, invalidityDate }: PlainEntry,
  certificateIssuer: Name | undefined,
): CrlEntry {
  return { serial, revokedAt, reason, invalidityDate, certificateIssuer }
}
