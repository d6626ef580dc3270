import { CONSTRUCTED, MAX_DEPTH, readHeader } from './derHeader.ts'
import type { Header } from './derHeader.ts'
import {
  joinBits,
  readBigInteger,
  readBits,
  readBoolean,
  readGeneralizedTime,
  readInteger,
  readNamedBits,
  readOid,
  readSmallInteger,
  readUtcTime,
  readWholeBits,
} from './derValue.ts'
import { tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import type { PkiErrorCode } from './error.ts'
import { Notes } from './note.ts'
import type { Note, NoteCode } from './note.ts'

/** Identifier octets (X.690 8.1.2) of the types that certificates, CRLs and OCSP use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[n]` of a constructed type (EXPLICIT, or IMPLICIT over a SEQUENCE), and `[n] IMPLICIT` of a primitive one. */
export const explicit = (n: number): number => 0xa0 | n
export const implicit = (n: number): number => 0x80 | n

/** Elements in one object (for a CRL: in one entry, and in each field that is not the list of them). A certificate with 1,000 names has 1,100. */
const MAX_ELEMENTS = 50_000
/** Types whose value BER may cut into segments (X.690 8.6, 8.7, 8.23): BIT STRING, OCTET STRING, and the character strings and times. */
const STRINGS: ReadonlySet<number> = new Set([
  TAG.bitString,
  TAG.octetString,
  ...[0x0c, 0x12, 0x13, 0x14, 0x16, TAG.utcTime, TAG.generalizedTime, 0x1a, 0x1c, 0x1e],
])
/** RFC 5280 4.1.2.5: dates from and before these instants are UTCTime. */
const UTC_TIME_START = Date.UTC(1950, 0)
const UTC_TIME_END = Date.UTC(2050, 0)

export interface DerOptions {
  /** Accepts BER where its meaning is unambiguous, and notes it. For looking at what others wrote, not for trusting it. */
  readonly ber?: boolean | undefined
}

/** What the cursors of one object share. */
interface Shared {
  elements: number
  readonly ber: boolean
  readonly notes: Notes
  /** Octets of the object before `bytes`. */
  readonly base: number
  /** In the joined segments of a constructed string: where that string began, which stands for every offset inside. */
  readonly origin: number | undefined
}

/** Of an object that comes in parts: what the cursors on all of them share. */
export type DerParts = Shared

/** Where the cursor on a part stands. */
interface PartPlace {
  /** The field as the RFC names it, and its level of nesting. */
  readonly path: string
  readonly depth: number
  /** Octets of the object before `bytes`. */
  readonly base: number
  /** In `bytes`: from where to read, and where the content of the field ends, which may lie behind them. */
  readonly from: number
  readonly end: number
}

/** Of an element that may not be here in full. */
export interface Extent extends Header {
  /** Offset behind the element: behind the end-of-contents octets too, where the length is indefinite. */
  readonly behind: number
}

/**
 * A cursor over the content of one DER element (X.690): zero-copy and strict. It refuses indefinite and non-minimal lengths,
 * lengths that pass their parent, tag numbers above 30, non-minimal integers and OIDs, padding bits, and booleans other than 00 and FF.
 * It does accept what X.690 forbids but the world is full of (a DEFAULT value written out, a SET OF that is not sorted), and with `ber` more;
 * whatever was accepted so is in `notes`.
 * Errors name the octet and the field. Every element must be read, or walked by `any`; `finish` refuses what was not.
 */
export class Der {
  readonly bytes: Uint8Array
  readonly tag: number
  /** Offset of the identifier octet, of the first content octet, and of the first octet behind the content. */
  readonly start: number
  readonly content: number
  readonly end: number
  /** Next octet to be read. */
  #at: number
  readonly #parent: Der | undefined
  readonly #name: string | number
  readonly #depth: number
  readonly #shared: Shared

  private constructor(
    bytes: Uint8Array,
    place: Header,
    parent: Der | undefined,
    name: string | number,
    shared: Shared,
    depth = parent === undefined ? 0 : parent.#depth + 1,
  ) {
    this.bytes = bytes
    this.tag = place.tag
    this.start = place.start
    this.content = place.content
    this.end = place.end
    this.#at = place.content
    this.#parent = parent
    this.#name = name
    this.#depth = depth
    this.#shared = shared
    if (this.#depth > MAX_DEPTH) this.fail('too_deep', `expected at most ${MAX_DEPTH} levels of nesting`)
    if (++shared.elements > MAX_ELEMENTS)
      this.fail('too_many', `expected at most ${MAX_ELEMENTS} elements in one object`)
  }

  /** The outermost SEQUENCE, which must fill `bytes` exactly. `maxSize` in octets. */
  static open(bytes: Uint8Array, what: string, maxSize: number, { ber = false }: DerOptions = {}): Der {
    if (bytes.length > maxSize) {
      throw new PkiError(
        'decode',
        'too_large',
        `${what}: expected at most ${maxSize} octets, got ${bytes.length}`,
      )
    }
    if (bytes.length === 0) {
      throw new PkiError('decode', 'truncated', `${what}: expected DER, got nothing`, { offset: 0 })
    }
    const outside = new Der(
      bytes,
      { tag: TAG.sequence, start: 0, content: 0, end: bytes.length },
      undefined,
      '',
      { elements: 0, ber, notes: new Notes(), base: 0, origin: undefined },
    )
    if (bytes[0] !== TAG.sequence) {
      outside.fail('not_der', `${what}: expected DER, a SEQUENCE (30), got ${describeStart(bytes)}`, 0)
    }
    const inner = outside.enter(TAG.sequence, '')
    outside.finish()
    return inner
  }

  /** For an object that comes in parts. */
  static parts({ ber = false }: DerOptions = {}): DerParts {
    return { elements: 0, ber, notes: new Notes(), base: 0, origin: undefined }
  }

  /** A cursor on a field of such an object, as far as it is in `bytes`. Whoever reads an element makes sure by `extent` that all of it is. */
  static part(parts: DerParts, bytes: Uint8Array, { path, depth, base, from, end }: PartPlace): Der {
    const place = { tag: TAG.sequence, start: from, content: from, end }
    return new Der(bytes, place, undefined, path, { ...parts, base }, depth)
  }

  /** Nothing is left. */
  get done(): boolean {
    return this.#at >= this.end
  }

  /** Identifier octet of the next element; undefined at the end. */
  get next(): number | undefined {
    return this.#at < this.end ? this.bytes[this.#at] : undefined
  }

  /** Offset of the next element. */
  get offset(): number {
    return this.#at
  }

  /** Octets from the start of the object to this element. */
  get place(): number {
    return this.#shared.origin ?? this.#shared.base + this.start
  }

  /** Offset of the first octet behind the element: behind the end-of-contents octets too, where the length is indefinite. */
  get behind(): number {
    return this.bytes[this.start + 1] === 0x80 && this.#parent !== undefined ? this.end + 2 : this.end
  }

  /** The whole element as it came, header included. */
  get der(): Uint8Array {
    return this.bytes.subarray(this.start, this.behind)
  }

  /** What was accepted so far, anywhere in the object, although it should not be written so. */
  get notes(): readonly Note[] {
    return this.#shared.notes.list
  }

  /** Whether the caller asked for BER. */
  get isBer(): boolean {
    return this.#shared.ber
  }

  note(code: NoteCode, offset = this.start): void {
    this.#shared.notes.add(code, this.#offset(offset), () => this.path)
  }

  /** The content octets. */
  get value(): Uint8Array {
    return this.bytes.subarray(this.content, this.end)
  }

  /** The field as the RFC names it. */
  get path(): string {
    const outer = this.#parent?.path ?? ''
    if (typeof this.#name === 'number') return `${outer}[${this.#name}]`
    return outer === '' || this.#name === '' ? outer + this.#name : `${outer}.${this.#name}`
  }

  fail(code: PkiErrorCode, message: string, offset = this.start): never {
    throw new PkiError('decode', code, message, { offset: this.#offset(offset), path: this.path })
  }

  /** In the object. */
  #offset(offset: number): number {
    return this.#shared.origin ?? this.#shared.base + offset
  }

  #pathIn(name: string | number): string {
    const outer = this.path
    const field = typeof name === 'number' ? `[${name}]` : name
    const dot = outer === '' || field === '' || typeof name === 'number' ? '' : '.'
    return outer + dot + field
  }

  /** Fails for the field `name` inside this element. */
  failIn(name: string | number, code: PkiErrorCode, message: string, offset = this.#at): never {
    const path = this.#pathIn(name)
    throw new PkiError('decode', code, message, { offset: this.#offset(offset), path })
  }

  /** Refuses anything behind the last field. */
  finish(): void {
    if (this.#at !== this.end) {
      this.fail('trailing_bytes', `expected the end, got ${this.end - this.#at} more octets`, this.#at)
    }
  }

  /** Reads the next element's header, checks its tag, and steps over it. */
  enter(tag: number, name: string | number): Der {
    if (this.#at >= this.end) this.failIn(name, 'truncated', `expected ${hexTag(tag)}, got the end`)
    const got = this.bytes[this.#at]
    if (got !== tag && !this.#isSegmented(tag))
      this.failIn(name, 'unexpected_tag', `expected ${hexTag(tag)}, got ${hexTag(got ?? 0)}`)
    return this.#element(name)
  }

  /** The same when the next element has that tag, else undefined. */
  optional(tag: number, name: string | number): Der | undefined {
    return this.next === tag || this.#isSegmented(tag) ? this.enter(tag, name) : undefined
  }

  /** The only element inside `[n] EXPLICIT`, when that tag is next. */
  explicit(n: number, name: string): Der | undefined {
    return this.optional(explicit(n), name)
  }

  /** Any element; what is inside is walked, so that its structure is DER too. */
  any(name: string | number): Der {
    if (this.#at >= this.end) this.failIn(name, 'truncated', 'expected an element, got the end')
    const element = this.#element(name)
    element.#walk()
    return element
  }

  /**
   * Where the next element of a part begins and ends, be it here in full or not; undefined: not even its header is.
   * Throws as `enter` does when the header is wrong or the element passes the end of the field.
   */
  extent(name: string | number): Extent | undefined {
    const { bytes, end } = this
    const first = bytes[this.#at + 1]
    const octets = 2 + (first !== undefined && first > 0x80 && first <= 0x84 ? first & 0x7f : 0)
    const isHere = first !== undefined && this.#at + octets <= bytes.length
    if (!isHere && this.#at + octets <= end) return undefined
    const place = readHeader(this, this.#at, name)
    return { ...place, behind: first === 0x80 ? place.end + 2 : place.end }
  }

  /** Steps over everything: the caller has read the content by other means. */
  skipAll(): void {
    this.#at = this.end
  }

  boolean(name: string): boolean {
    return this.enter(TAG.boolean, name).asBoolean()
  }

  /** Content as a BOOLEAN. */
  asBoolean(): boolean {
    return readBoolean(this)
  }

  /** Content as a BOOLEAN whose default, FALSE, should not have been written. */
  asFlag(): boolean {
    const value = this.asBoolean()
    if (!value) this.note('default_written')
    return value
  }

  /** Content octets of an INTEGER or ENUMERATED: two's complement, minimal. */
  integer(name: string, tag: number = TAG.integer): Uint8Array {
    return this.enter(tag, name).asInteger()
  }

  asInteger(): Uint8Array {
    return readInteger(this)
  }

  /** A non-negative INTEGER or ENUMERATED of at most 31 bits. */
  smallInteger(name: string, tag: number = TAG.integer): number {
    return readSmallInteger(this.enter(tag, name))
  }

  /** A non-negative INTEGER; with BER a negative one too. */
  bigInteger(name: string, tag: number = TAG.integer): bigint {
    return readBigInteger(this.enter(tag, name))
  }

  octets(name: string, tag: number = TAG.octetString): Uint8Array {
    return this.enter(tag, name).value
  }

  /** The octets of a BIT STRING; the padding bits of the last one are zero. */
  bits(name: string, tag: number = TAG.bitString): { octets: Uint8Array; unused: number } {
    return readBits(this.enter(tag, name))
  }

  /** The octets of a BIT STRING with named bits, whose last bit is one (X.690 11.2.2). A padding bit that is set reads as zero. */
  namedBits(name: string, tag: number = TAG.bitString): Uint8Array {
    return readNamedBits(this.enter(tag, name))
  }

  /** A BIT STRING that holds whole octets: a key or a signature. */
  wholeBits(name: string): Uint8Array {
    return readWholeBits(this.enter(TAG.bitString, name))
  }

  oid(name: string): string {
    return this.enter(TAG.oid, name).asOid()
  }

  /** Content as an OBJECT IDENTIFIER, in dotted form. */
  asOid(): string {
    return readOid(this)
  }

  /** Time (RFC 5280 4.1.2.5): UTCTime or GeneralizedTime, with seconds, `Z`, no fraction; milliseconds since the epoch. */
  time(name: string): number {
    const utc = this.optional(TAG.utcTime, name)
    if (utc !== undefined) return utc.asUtcTime()
    const e = this.enter(TAG.generalizedTime, name)
    const ms = e.asGeneralizedTime()
    if (ms >= UTC_TIME_START && ms < UTC_TIME_END) e.note('generalized_time')
    return ms
  }

  generalizedTime(name: string): number {
    return this.enter(TAG.generalizedTime, name).asGeneralizedTime()
  }

  asUtcTime(): number {
    return readUtcTime(this)
  }

  asGeneralizedTime(): number {
    return readGeneralizedTime(this)
  }

  null(name: string): void {
    const e = this.enter(TAG.null, name)
    if (e.content !== e.end) e.fail('bad_value', 'expected NULL without content')
  }

  #element(name: string | number): Der {
    const place = readHeader(this, this.#at, name)
    const element = new Der(this.bytes, place, this, name, this.#shared)
    if (!this.#shared.ber) {
      this.#at = place.end
      return element
    }
    this.#at = element.behind
    return isSegmented(place.tag) ? this.#join(element, name) : element
  }

  /** With BER, a string in segments is as good as a whole one. */
  #isSegmented(tag: number): boolean {
    return this.#shared.ber && STRINGS.has(tag) && this.next === (tag | CONSTRUCTED)
  }

  /** The string whose segments these are, in one (X.690 8.6.4, 8.7.3). */
  #join(segments: Der, name: string | number): Der {
    segments.note('constructed_string')
    const tag = segments.tag & ~CONSTRUCTED
    // Segments of a character string are OCTET STRINGs.
    const type = tag === TAG.bitString ? TAG.bitString : TAG.octetString
    const parts: Uint8Array[] = []
    for (let i = 0; !segments.done; i++) parts.push(segments.enter(type, i).value)
    const content = type === TAG.bitString ? joinBits(parts, segments) : Buffer.concat(parts)
    const bytes = tlv(tag, content)
    const place = { tag, start: 0, content: bytes.length - content.length, end: bytes.length }
    const shared = { ...this.#shared, origin: this.#offset(segments.start) }
    return new Der(bytes, place, this, name, shared)
  }

  /** Notes something about the field `name` inside this element. */
  noteIn(name: string | number, code: NoteCode, offset: number): void {
    this.#shared.notes.add(code, this.#offset(offset), () => this.#pathIn(name))
  }

  /** Walks the inside of an element that is not understood; `MAX_DEPTH` bounds the recursion. */
  #walk(): void {
    if ((this.tag & 0x20) === 0) {
      this.skipAll()
      return
    }
    for (let i = 0; !this.done; i++) this.#element(i).#walk()
  }
}

function isSegmented(tag: number): boolean {
  return (tag & CONSTRUCTED) !== 0 && STRINGS.has(tag & ~CONSTRUCTED)
}

function hexTag(tag: number): string {
  const known = Object.entries(TAG).find(([, value]) => value === tag)?.[0]
  const hex = tag.toString(16).padStart(2, '0')
  return known === undefined ? `tag ${hex}` : `${known} (${hex})`
}

/** What a file that is not DER begins with, for the error message. */
function describeStart(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 24)).toString('latin1')
  return /^[\x20-\x7e\t\r\n]+$/.test(start)
    ? `text that starts with ${JSON.stringify(start)}`
    : (bytes[0] ?? 0).toString(16).padStart(2, '0')
}
