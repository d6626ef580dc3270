import { PkiError } from './error.ts'
import type { PkiErrorCode } from './error.ts'
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
/** Elements in one object (for a CRL: in one entry and in everything that is not an entry). A certificate with 1,000 names has 1,100. */
const MAX_ELEMENTS = 50_000
/** Octets of one OBJECT IDENTIFIER. OIDs with a UUID arc need 20. */
const MAX_OID = 64
/** Octets of one INTEGER that is read as a number with a meaning (not a key): RFC 5280 allows 20, some CAs wrote more. */
const MAX_INTEGER = 41

interface Budget {
  elements: number
}

/**
 * A cursor over the content of one DER element (X.690): zero-copy and strict. It refuses indefinite and non-minimal lengths,
 * lengths that pass their parent, tag numbers above 30, non-minimal integers and OIDs, padding bits, and booleans other than 00 and FF.
 * It does accept what X.690 forbids but the world is full of: a DEFAULT value written out, and a SET OF that is not sorted.
 * Errors name the octet and the field. Every element must be read, or walked by `any`; `finish` refuses what was not.
 */
export class Der {
  readonly bytes: Uint8Array
  readonly tag: number
  /** Offset of the identifier octet, of the first content octet, and of the first octet behind. */
  readonly start: number
  readonly content: number
  readonly end: number
  /** Next octet to be read. */
  #at: number
  readonly #parent: Der | undefined
  readonly #name: string | number
  readonly #depth: number
  readonly #budget: Budget

  private constructor(
    bytes: Uint8Array,
    place: { tag: number; start: number; content: number; end: number },
    parent: Der | undefined,
    name: string | number,
    budget: Budget,
  ) {
    this.bytes = bytes
    this.tag = place.tag
    this.start = place.start
    this.content = place.content
    this.end = place.end
    this.#at = place.content
    this.#parent = parent
    this.#name = name
    this.#depth = parent === undefined ? 0 : parent.#depth + 1
    this.#budget = budget
    if (this.#depth > MAX_DEPTH) this.fail('too_deep', `expected at most ${MAX_DEPTH} levels of nesting`)
    if (++budget.elements > MAX_ELEMENTS)
      this.fail('too_many', `expected at most ${MAX_ELEMENTS} elements in one object`)
  }

  /** The outermost SEQUENCE, which must fill `bytes` exactly. `maxSize` in octets. */
  static open(bytes: Uint8Array, what: string, maxSize: number): Der {
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
      {
        elements: 0,
      },
    )
    if (bytes[0] !== TAG.sequence) {
      outside.fail('not_der', `${what}: expected DER, a SEQUENCE (30), got ${describeStart(bytes)}`, 0)
    }
    const inner = outside.enter(TAG.sequence, '')
    outside.finish()
    return inner
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

  /** The whole element, header included. */
  get der(): Uint8Array {
    return this.bytes.subarray(this.start, this.end)
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
    throw new PkiError('decode', code, message, { offset, path: this.path })
  }

  /** Fails for the field `name` inside this element. */
  #failIn(name: string | number, code: PkiErrorCode, message: string, offset = this.#at): never {
    const outer = this.path
    const field = typeof name === 'number' ? `[${name}]` : name
    const dot = outer === '' || field === '' || typeof name === 'number' ? '' : '.'
    throw new PkiError('decode', code, message, { offset, path: outer + dot + field })
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
    if (got !== tag) this.#failIn(name, 'unexpected_tag', `expected ${hexTag(tag)}, got ${hexTag(got ?? 0)}`)
    return this.#element(name)
  }

  /** The same when the next element has that tag, else undefined. */
  optional(tag: number, name: string | number): Der | undefined {
    return this.next === tag ? this.enter(tag, name) : undefined
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
   * A cursor on the element at `offset` inside this one, independent of what this cursor has read, and with a count of its own:
   * for lists that are too long to hold a cursor for each of their items.
   */
  at(offset: number, name: number): Der {
    const place = this.#header(offset, name)
    return new Der(this.bytes, place, this, name, { elements: 0 })
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
    if (this.end - this.content !== 1 || (octet !== 0x00 && octet !== 0xff)) {
      this.fail('bad_boolean', 'expected one octet, 00 or FF')
    }
    return octet === 0xff
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
    if (!isMinimalInteger(this.bytes, this.content, length)) {
      this.fail('bad_integer', 'expected the shortest encoding')
    }
    return this.value
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

  /** A non-negative INTEGER. */
  bigInteger(name: string, tag: number = TAG.integer): bigint {
    const e = this.enter(tag, name)
    const value = e.asInteger()
    if (((value[0] ?? 0) & 0x80) !== 0) e.fail('bad_value', 'expected a number that is not negative')
    return BigInt(`0x${Buffer.from(value).toString('hex')}`)
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
    if (unused > 0 && (last & ((1 << unused) - 1)) !== 0)
      e.fail('bad_bit_string', 'expected padding bits of zero')
    return { octets: e.bytes.subarray(e.content + 1, e.end), unused }
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
    return this.next === TAG.utcTime ? this.enter(TAG.utcTime, name).asUtcTime() : this.generalizedTime(name)
  }

  generalizedTime(name: string): number {
    return this.enter(TAG.generalizedTime, name).asGeneralizedTime()
  }

  asUtcTime(): number {
    const ms = this.end - this.content === 13 ? utcTimeAt(this.bytes, this.content) : NaN
    if (Number.isNaN(ms)) this.fail('bad_time', 'expected YYMMDDHHMMSSZ')
    return ms
  }

  asGeneralizedTime(): number {
    const ms = this.end - this.content === 15 ? generalizedTimeAt(this.bytes, this.content) : NaN
    if (Number.isNaN(ms)) this.fail('bad_time', 'expected YYYYMMDDHHMMSSZ of the years 1950 to 9999')
    return ms
  }

  null(name: string): void {
    const e = this.enter(TAG.null, name)
    if (e.content !== e.end) e.fail('bad_value', 'expected NULL without content')
  }

  #element(name: string | number): Der {
    const place = this.#header(this.#at, name)
    this.#at = place.end
    return new Der(this.bytes, place, this, name, this.#budget)
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
    let length = first
    let content = start + 2
    if (first === 0x80) {
      this.#failIn(name, 'indefinite_length', 'expected a definite length, got 80', start + 1)
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
        this.#failIn(name, 'bad_length', 'expected the shortest encoding of the length', start + 1)
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
