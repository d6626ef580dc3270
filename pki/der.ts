import { readBerTime } from './berTime.ts'
import { PkiError } from './error.ts'
import type { PkiErrorCode } from './error.ts'
import { Notes } from './note.ts'
import type { Note, NoteCode } from './note.ts'
import { tlv } from './derWriter.ts'
import { knownOid, rememberOid } from './oidCache.ts'
import { generalizedTimeAt, utcTimeAt } from './time.ts'

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

/** Levels of nesting. The deepest that is really written, a directory name in a distribution point of a certificate, needs 15. */
const MAX_DEPTH = 32
/** Elements in one object (for a CRL: in one entry, and in each field that is not the list of them). A certificate with 1,000 names has 1,100. */
const MAX_ELEMENTS = 50_000
/** Octets of one OBJECT IDENTIFIER. OIDs with a UUID arc need 20. */
const MAX_OID = 64
/** Octets of one INTEGER that is read as a number with a meaning (not a key): RFC 5280 allows 20, some CAs wrote more. */
const MAX_INTEGER = 41

/** Types whose value BER may cut into segments (X.690 8.6, 8.7, 8.23): BIT STRING, OCTET STRING, and the character strings and times. */
const STRINGS: ReadonlySet<number> = new Set([
  TAG.bitString,
  TAG.octetString,
  ...[0x0c, 0x12, 0x13, 0x14, 0x16, TAG.utcTime, TAG.generalizedTime, 0x1a, 0x1c, 0x1e],
])
/** RFC 5280 4.1.2.5: dates from and before these instants are UTCTime. */
const UTC_TIME_START = Date.UTC(1950, 0)
const UTC_TIME_END = Date.UTC(2050, 0)
/** Identifier octet: the encoding is constructed. */
const CONSTRUCTED = 0x20

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

/** Identifier and length octets of an element, and its offsets: of the first octet, of the content, behind it, and behind the element. */
export interface Extent {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
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
    place: { tag: number; start: number; content: number; end: number },
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
  #failIn(name: string | number, code: PkiErrorCode, message: string, offset = this.#at): never {
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
    if (this.#at >= this.end) this.#failIn(name, 'truncated', `expected ${hexTag(tag)}, got the end`)
    const got = this.bytes[this.#at]
    if (got !== tag && !this.#isSegmented(tag))
      this.#failIn(name, 'unexpected_tag', `expected ${hexTag(tag)}, got ${hexTag(got ?? 0)}`)
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
    if (this.#at >= this.end) this.#failIn(name, 'truncated', 'expected an element, got the end')
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
    const place = this.#header(this.#at, name)
    return { ...place, behind: first === 0x80 ? place.end + 2 : place.end }
  }

  /** Steps over everything: the caller has read the content by other means. */
  skipAll(): void {
    this.#at = this.end
  }

  boolean(name: string): boolean {
    const e = this.enter(TAG.boolean, name)
    e.skipAll()
    return e.asBoolean()
  }

  /** Content as a BOOLEAN. */
  asBoolean(): boolean {
    const octet = this.bytes[this.content]
    if (this.end - this.content !== 1 || (octet !== 0x00 && octet !== 0xff && !this.isBer)) {
      this.fail('bad_boolean', 'expected one octet, 00 or FF')
    }
    if (octet !== 0x00 && octet !== 0xff) this.note('boolean_value')
    return octet !== 0x00
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
    const length = this.end - this.content
    if (length === 0) this.fail('bad_integer', 'expected at least one octet')
    if (length > MAX_INTEGER) {
      this.fail('too_large', `expected an integer of at most ${MAX_INTEGER} octets, got ${length}`)
    }
    if (isMinimalInteger(this.bytes, this.content, length)) return this.value
    if (!this.isBer) this.fail('bad_integer', 'expected the shortest encoding')
    this.note('long_integer')
    let from = this.content
    while (!isMinimalInteger(this.bytes, from, this.end - from)) from++
    return this.bytes.subarray(from, this.end)
  }

  /** A non-negative INTEGER or ENUMERATED of at most 31 bits. */
  smallInteger(name: string, tag: number = TAG.integer): number {
    const e = this.enter(tag, name)
    const value = e.asInteger()
    if (value.length > 4 || ((value[0] ?? 0) & 0x80) !== 0) {
      e.fail('bad_value', 'expected a number from 0 to 2147483647')
    }
    return value.reduce((sum, octet) => sum * 256 + octet, 0)
  }

  /** A non-negative INTEGER; with BER a negative one too. */
  bigInteger(name: string, tag: number = TAG.integer): bigint {
    const e = this.enter(tag, name)
    const value = e.asInteger()
    const number = BigInt(`0x${Buffer.from(value).toString('hex')}`)
    if (((value[0] ?? 0) & 0x80) === 0) return number
    if (!this.isBer) e.fail('bad_value', 'expected a number that is not negative')
    e.note('negative_number')
    return BigInt.asIntN(value.length * 8, number)
  }

  octets(name: string, tag: number = TAG.octetString): Uint8Array {
    return this.enter(tag, name).value
  }

  /** The octets of a BIT STRING; the padding bits of the last one are zero. */
  bits(name: string, tag: number = TAG.bitString): { octets: Uint8Array; unused: number } {
    const e = this.enter(tag, name)
    const unused = e.bytes[e.content]
    const length = e.end - e.content
    if (length === 0 || unused === undefined || unused > 7 || (length === 1 && unused !== 0)) {
      return e.fail('bad_bit_string', 'expected a count of unused bits from 0 to 7, and the bits')
    }
    const last = e.bytes[e.end - 1] ?? 0
    if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) {
      if (!this.isBer) e.fail('bad_bit_string', 'expected padding bits of zero')
      e.note('padding_bits')
    }
    return { octets: e.bytes.subarray(e.content + 1, e.end), unused }
  }

  /** The octets of a BIT STRING with named bits, whose last bit is one (X.690 11.2.2). A padding bit that is set reads as zero. */
  namedBits(name: string, tag: number = TAG.bitString): Uint8Array {
    const offset = this.#at
    const { octets, unused } = this.bits(name, tag)
    const last = octets.at(-1) ?? 1 << unused
    if ((last & (1 << unused)) === 0) this.#noteIn(name, 'trailing_zero_bits', offset)
    if ((last & ((1 << unused) - 1)) === 0) return octets
    return Uint8Array.from(octets).fill((last >> unused) << unused, octets.length - 1)
  }

  /** A BIT STRING that holds whole octets: a key or a signature. */
  wholeBits(name: string): Uint8Array {
    const offset = this.#at
    const { octets, unused } = this.bits(name)
    if (unused !== 0) this.#failIn(name, 'bad_bit_string', `expected no unused bits, got ${unused}`, offset)
    return octets
  }

  oid(name: string): string {
    return this.enter(TAG.oid, name).asOid()
  }

  /** Content as an OBJECT IDENTIFIER, in dotted form. */
  asOid(): string {
    const known = knownOid(this.bytes, this.content, this.end)
    if (known !== undefined) return known
    const text = this.#readOid()
    rememberOid(this.bytes, this.content, this.end, text)
    return text
  }

  #readOid(): string {
    const length = this.end - this.content
    if (length === 0 || length > MAX_OID)
      this.fail('bad_oid', `expected 1 to ${MAX_OID} octets, got ${length}`)
    if (((this.bytes[this.end - 1] ?? 0) & 0x80) !== 0) this.fail('bad_oid', 'expected the last arc to end')
    const arcs: string[] = []
    let arc = 0n
    let small = 0
    let starts = true
    for (let i = this.content; i < this.end; i++) {
      const octet = this.bytes[i] ?? 0
      if (starts && octet === 0x80) this.fail('bad_oid', 'expected the shortest encoding of an arc', i)
      starts = (octet & 0x80) === 0
      // Arcs above 2^46 (UUIDs under 2.25) need more than a number holds exactly.
      if (small <= 0x3fff_ffff_ffff && arc === 0n) small = small * 128 + (octet & 0x7f)
      else {
        arc = (arc === 0n ? BigInt(small) : arc) * 128n + BigInt(octet & 0x7f)
      }
      if (!starts) continue
      if (arcs.length > 0) arcs.push(arc === 0n ? String(small) : String(arc))
      else if (arc !== 0n) arcs.push('2', String(arc - 80n))
      else if (small < 80) arcs.push(small < 40 ? '0' : '1', String(small % 40))
      else arcs.push('2', String(small - 80))
      arc = 0n
      small = 0
    }
    return arcs.join('.')
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
    const ms = this.end - this.content === 13 ? utcTimeAt(this.bytes, this.content) : NaN
    return Number.isNaN(ms) ? this.#oddTime('utc', 'expected YYMMDDHHMMSSZ') : ms
  }

  asGeneralizedTime(): number {
    const ms = this.end - this.content === 15 ? generalizedTimeAt(this.bytes, this.content) : NaN
    return Number.isNaN(ms)
      ? this.#oddTime('generalized', 'expected YYYYMMDDHHMMSSZ of the years 1950 to 9999')
      : ms
  }

  #oddTime(kind: 'utc' | 'generalized', message: string): number {
    const time = this.isBer ? readBerTime(this.value, kind) : undefined
    if (time === undefined) return this.fail('bad_time', message)
    for (const code of time.codes) this.note(code)
    return time.ms
  }

  null(name: string): void {
    const e = this.enter(TAG.null, name)
    if (e.content !== e.end) e.fail('bad_value', 'expected NULL without content')
  }

  #element(name: string | number): Der {
    const place = this.#header(this.#at, name)
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

  #noteIn(name: string | number, code: NoteCode, offset: number): void {
    this.#shared.notes.add(code, this.#offset(offset), () => this.#pathIn(name))
  }

  /** Identifier and length octets at `start` (X.690 8.1.2, 8.1.3, 10.1). */
  #header(
    start: number,
    name: string | number,
  ): { tag: number; start: number; content: number; end: number } {
    const bytes = this.bytes
    const tag = bytes[start]
    const first = bytes[start + 1]
    if (tag === undefined || start + 2 > this.end || first === undefined) {
      return this.#failIn(name, 'truncated', 'expected a tag and a length, got the end', start)
    }
    if ((tag & 0x1f) === 0x1f) this.#failIn(name, 'unexpected_tag', 'expected a tag number below 31', start)
    if (tag === 0) this.#failIn(name, 'unexpected_tag', 'expected an element, got end-of-contents', start)
    let length = first
    let content = start + 2
    if (first === 0x80) {
      if (!this.#shared.ber || (tag & CONSTRUCTED) === 0) {
        this.#failIn(name, 'indefinite_length', 'expected a definite length, got 80', start + 1)
      }
      this.#noteIn(name, 'indefinite_length', start)
      return { tag, start, content, end: this.#endOfContents(content, name) }
    }
    if (first > 0x80) {
      const count = first & 0x7f
      if (count > 4) {
        this.#failIn(name, 'bad_length', `expected a length of at most 4 octets, got ${count}`, start + 1)
      }
      content += count
      if (content > this.end) this.#failIn(name, 'truncated', 'expected a length, got the end', start + 1)
      length = 0
      for (let i = start + 2; i < content; i++) length = length * 256 + (bytes[i] ?? 0)
      if (length < 0x80 || bytes[start + 2] === 0) {
        if (!this.#shared.ber) {
          this.#failIn(name, 'bad_length', 'expected the shortest encoding of the length', start + 1)
        }
        this.#noteIn(name, 'long_length', start)
      }
    }
    const end = content + length
    if (end > this.end) {
      this.#failIn(
        name,
        'truncated',
        `expected at most ${this.end - content} octets of content, got a length of ${length}`,
        start,
      )
    }
    return { tag, start, content, end }
  }

  /**
   * Where the content of an element of indefinite length that begins at `from` ends: before the first end-of-contents octets that belong to it
   * (X.690 8.1.5). Elements of definite length are stepped over, so that all levels together read at most `MAX_DEPTH` times the object.
   */
  #endOfContents(from: number, name: string | number): number {
    const { bytes, end } = this
    let at = from
    for (let open = 1; ;) {
      const tag = bytes[at]
      const first = bytes[at + 1]
      if (tag === undefined || first === undefined || at + 2 > end) {
        return this.#failIn(name, 'truncated', 'expected end-of-contents octets, got the end', from)
      }
      if (tag === 0 && first === 0) {
        if (--open === 0) return at
        at += 2
      } else if (first === 0x80) {
        if (++open > MAX_DEPTH) {
          this.#failIn(name, 'too_deep', `expected at most ${MAX_DEPTH} levels of nesting`, at)
        }
        at += 2
      } else {
        const count = first > 0x80 ? first & 0x7f : 0
        if (count > 4) {
          this.#failIn(name, 'bad_length', `expected a length of at most 4 octets, got ${count}`, at + 1)
        }
        let length = count === 0 ? first : 0
        for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
        at += 2 + count + length
      }
    }
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

/** X.690 8.3.2: the first nine bits are neither all zero nor all one. */
export function isMinimalInteger(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 1) return true
  const first = bytes[at]
  const second = bytes[at + 1] ?? 0
  return !((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))
}

function isSegmented(tag: number): boolean {
  return (tag & CONSTRUCTED) !== 0 && STRINGS.has(tag & ~CONSTRUCTED)
}

/** Content of the BIT STRING that the contents of these make: only the last may have unused bits (X.690 8.6.4). */
function joinBits(parts: readonly Uint8Array[], segments: Der): Uint8Array {
  const unused = parts.at(-1)?.[0] ?? 0
  if (parts.some((part, i) => part.length === 0 || (i < parts.length - 1 && part[0] !== 0))) {
    segments.fail('bad_bit_string', 'expected unused bits in the last segment only')
  }
  return Buffer.concat([Uint8Array.of(unused), ...parts.map((part) => part.subarray(1))])
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
