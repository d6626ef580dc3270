import { readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import { NO_EXTENSIONS, readCrlExtensions } from './crlExtensions.ts'
import type { CrlExtensions } from './crlExtensions.ts'
import type { CrlIndex } from './crlIndex.ts'
import { EntryScanner, MAX_ELEMENT, MAX_HEADER } from './crlScan.ts'
import type { EntryFacts } from './crlScan.ts'
import { Der, TAG, explicit } from './der.ts'
import type { DerParts, Extent } from './der.ts'
import { PkiError } from './error.ts'
import { readName, sameOctets } from './name.ts'
import type { Name } from './name.ts'
import type { Note } from './note.ts'

/** What is read of a CRL (RFC 5280 5.1) in one pass. */
export interface CrlFields extends Readonly<CrlExtensions>, EntryFacts {
  readonly version: 1 | 2
  readonly issuer: Name
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly signatureAlgorithm: string
  readonly scheme: SignatureScheme
  readonly signature: Uint8Array
  /** Octets. */
  readonly size: number
  /** What was accepted although it should not be written so. */
  readonly notes: readonly Note[]
}

export interface CrlReaderOptions {
  /** Octets of the CRL. */
  readonly maxSize: number
  /** Octets of tbsCertList, where it must be held because its signature cannot be verified as a stream. */
  readonly maxHeld: number
  /** Whether BER is accepted; then all octets must come in one piece. */
  readonly ber: boolean
  /** Where entries are noted to be found again. */
  readonly index: CrlIndex | undefined
}

/** A constructed element that is being read. Offsets in the CRL: of its first octet, of the end of its content, and of the first octet behind. */
interface Frame {
  readonly path: string
  /** Level of nesting. */
  readonly depth: number
  readonly start: number
  readonly content: number
  readonly end: number
  readonly behind: number
}

/** Octets that are waited for before anything is read: those of a file that is no CRL are quoted. */
const FIRST_OCTETS = 24
/** Offsets in indexes have 32 bits. */
const MAX_OFFSET = 2 ** 32
/** What an element of unknown surroundings may reach to. */
const NO_END = Number.MAX_SAFE_INTEGER

const SEQUENCE: readonly number[] = [TAG.sequence]
/** BER may cut strings into segments: then they are constructed. */
const CONSTRUCTED = 0x20
const TIMES: readonly number[] = [TAG.utcTime, TAG.generalizedTime].flatMap((tag) => [tag, tag | CONSTRUCTED])
const BITS: readonly number[] = [TAG.bitString, TAG.bitString | CONSTRUCTED]
const OUTSIDE: Frame = { path: '', depth: 0, start: 0, content: 0, end: NO_END, behind: NO_END }
const NOWHERE: Frame = { ...OUTSIDE, end: 0, behind: 0 }
const NOTHING = new Uint8Array()

/** Says how many octets it needs, from the first that was not used on: more than there are. Goes on when they are there, or none will come. */
type Reading<T> = Generator<number, T, void>

/**
 * The one reader of CRLs: a push parser. It takes octets in pieces of any size and keeps none but those of an element that has not come
 * in full. What it says depends on the octets alone and not on how they were cut. Throws PkiError(decode), and then again at every call.
 */
export class CrlReader {
  readonly #options: CrlReaderOptions
  readonly #parts: DerParts
  readonly #reading: Reading<CrlFields>
  #fields: CrlFields | undefined
  #failure: { readonly error: unknown } | undefined

  /** The piece that is being read, its offset in the CRL, and the offset in it of the first octet that was not used. */
  #bytes: Uint8Array = NOTHING
  #base = 0
  #at = 0
  /** The beginning of an element whose rest is to come; how many octets of it there are, and how many are needed to go on. */
  #held = new Uint8Array(256)
  #heldLength = 0
  #need = 0
  /** Of the field that comes next, for a CRL that ends before it. */
  #path = ''

  #tbs: Frame | undefined
  #list: Frame | undefined
  #scheme: SignatureScheme | undefined

  constructor(options: CrlReaderOptions) {
    this.#options = options
    this.#parts = Der.parts({ ber: options.ber })
    this.#reading = this.#read()
  }

  /** Where tbsCertList is; known after the first octets. */
  get tbs(): { readonly start: number; readonly behind: number } {
    return this.#tbs ?? NOWHERE
  }

  /** Known before the entries come. */
  get scheme(): SignatureScheme | undefined {
    return this.#scheme
  }

  /** Where the entries are. */
  get list(): { readonly content: number; readonly end: number } {
    return this.#list ?? NOWHERE
  }

  push(chunk: Uint8Array): void {
    this.#guard(() => {
      let from = 0
      while (this.#heldLength > 0) {
        const missing = this.#need - this.#heldLength
        this.#hold(chunk.subarray(from, from + missing))
        from += missing
        if (this.#heldLength < this.#need) return
        const used = this.#advance(this.#held.subarray(0, this.#heldLength))
        this.#held.copyWithin(0, used, this.#heldLength)
        this.#heldLength -= used
      }
      if (from >= chunk.length) return
      const rest = chunk.subarray(from)
      this.#hold(rest.subarray(this.#advance(rest)))
    })
  }

  /** After the last octet. */
  finish(): CrlFields {
    return this.#guard(() => {
      const rest = this.#held.subarray(0, this.#heldLength)
      // What was waited for in vain is done without: octets that would have been quoted.
      const used = this.#advance(rest)
      return this.#fields ?? this.#failTruncated(rest.length - used)
    })
  }

  #guard<T>(run: () => T): T {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      return run()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  #hold(octets: Uint8Array): void {
    const length = this.#heldLength + octets.length
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, this.#need))
      larger.set(this.#held.subarray(0, this.#heldLength))
      this.#held = larger
    }
    this.#held.set(octets, this.#heldLength)
    this.#heldLength = length
  }

  /** Reads as far as these octets go; returns how many were used. */
  #advance(bytes: Uint8Array): number {
    this.#bytes = bytes
    this.#at = 0
    if (this.#fields === undefined) {
      const { done, value } = this.#reading.next()
      if (done === true) this.#fields = value
      else this.#need = value
    }
    const used = this.#at
    if (this.#fields !== undefined && used < bytes.length) {
      const message = 'expected the end of the CRL, got more octets'
      throw new PkiError('decode', 'trailing_bytes', message, { offset: this.#base + used })
    }
    this.#bytes = NOTHING
    this.#base += used
    return used
  }

  #failTruncated(rest: number): never {
    const message = 'expected the rest of the CRL, got the end'
    throw new PkiError('decode', 'truncated', message, { offset: this.#base + rest, path: this.#path })
  }

  /** RFC 5280 5.1, in its order. */
  *#read(): Reading<CrlFields> {
    const root = yield* this.#openRoot()
    const tbs = yield* this.#open(root, 'tbsCertList')
    this.#tbs = tbs
    const version = (yield* this.#optional(tbs, 'version', [TAG.integer], readVersion)) ?? 1
    const inner = yield* this.#field(tbs, 'signature', SEQUENCE, readSignatureScheme)
    this.#checkHeld(tbs, inner.scheme)
    this.#scheme = inner.scheme
    const issuer = yield* this.#field(tbs, 'issuer', SEQUENCE, readName)
    const thisUpdate = yield* this.#field(tbs, 'thisUpdate', TIMES, readTime)
    const nextUpdate = yield* this.#optional(tbs, 'nextUpdate', TIMES, readTime)
    const { index } = this.#options
    const scanner = new EntryScanner({ version, issuer, thisUpdate, parts: this.#parts, index })
    yield* this.#readEntries(tbs, scanner)
    const extensions =
      (yield* this.#optional(tbs, 'crlExtensions', [explicit(0)], (fields) =>
        readCrlExtensions(fields, version),
      )) ?? NO_EXTENSIONS
    this.#close(tbs)

    const outer = yield* this.#field(root, 'signatureAlgorithm', SEQUENCE, readSignatureScheme)
    // 5.1.1.2: the outer field is not signed; only the inner one may be believed.
    if (!sameOctets(inner.der, outer.der)) {
      const message = `expected ${inner.scheme.name} outside too, got ${outer.scheme.name}`
      const offset = this.#base + this.#at - outer.der.length
      throw new PkiError('decode', 'algorithm_mismatch', message, { offset, path: 'signatureAlgorithm' })
    }
    const signature = yield* this.#field(root, 'signatureValue', BITS, (fields, name) =>
      fields.wholeBits(name),
    )
    this.#close(root)
    return {
      ...extensions,
      ...scanner.facts,
      unknownCritical: [...extensions.unknownCritical, ...scanner.unknownCritical],
      version,
      issuer,
      thisUpdate,
      nextUpdate,
      signatureAlgorithm: inner.scheme.name,
      scheme: inner.scheme,
      signature,
      size: root.behind,
      notes: this.#parts.notes.list,
    }
  }

  *#openRoot(): Reading<Frame> {
    if (this.#bytes.length < FIRST_OCTETS) yield FIRST_OCTETS
    const start = this.#bytes.subarray(0, FIRST_OCTETS)
    // Says what it is instead.
    if (start[0] !== TAG.sequence) Der.open(start, 'CRL', FIRST_OCTETS)
    const root = yield* this.#open(OUTSIDE, '')
    const maxSize = Math.min(this.#options.maxSize, MAX_OFFSET)
    if (root.behind <= maxSize) return root
    const message = `CRL: expected at most ${maxSize} octets, got ${root.behind}`
    throw new PkiError('decode', 'too_large', message, { offset: 0 })
  }

  /** Algorithms without a digest of their own read what is signed twice, or after a prefix that depends on the key. */
  #checkHeld(tbs: Frame, { verification, name }: SignatureScheme): void {
    const { maxHeld } = this.#options
    const size = tbs.behind - tbs.start
    if ('unsupported' in verification || verification.digest !== undefined || size <= maxHeld) return
    const message = `expected at most ${maxHeld} octets under a ${name} signature, which cannot be verified as a stream, got ${size}`
    throw new PkiError('decode', 'too_large', message, { offset: tbs.start, path: tbs.path })
  }

  *#readEntries(tbs: Frame, scanner: EntryScanner): Reading<void> {
    const extent = yield* this.#extent(tbs, 'revokedCertificates')
    if (extent?.tag !== TAG.sequence) return
    const list = yield* this.#open(tbs, 'revokedCertificates')
    this.#list = list
    for (;;) {
      this.#at = scanner.scan(this.#bytes, this.#at, list.end - this.#base, this.#base)
      if (this.#base + this.#at >= list.end) break
      this.#path = `${list.path}[${scanner.count}]`
      yield scanner.need
    }
    // 5.1.2.6: without entries there is no list.
    if (scanner.count === 0) this.#cursor(list, list.start).note('empty_list')
    this.#at = list.behind - this.#base
  }

  /** Enters a SEQUENCE; its content need not be here. */
  *#open(frame: Frame, name: string): Reading<Frame> {
    yield* this.#extent(frame, name)
    const { path, start, content, end, behind } = this.#cursor(frame).enter(TAG.sequence, name)
    this.#at = content
    const base = this.#base
    return {
      path,
      depth: frame.depth + 1,
      start: base + start,
      content: base + content,
      end: base + end,
      behind: base + behind,
    }
  }

  /** Refuses anything behind the last field. */
  #close(frame: Frame): void {
    this.#cursor(frame).finish()
    this.#at = frame.behind - this.#base
  }

  /** Reads one field with one of these tags; `read` refuses others. */
  *#field<T>(
    frame: Frame,
    name: string,
    tags: readonly number[],
    read: (fields: Der, name: string) => T,
  ): Reading<T> {
    const extent = yield* this.#extent(frame, name)
    if (extent === undefined || !tags.includes(extent.tag)) return read(this.#cursor(frame), name)
    const size = extent.behind - extent.start
    if (size > MAX_ELEMENT) {
      const message = `expected at most ${MAX_ELEMENT} octets, got ${size}`
      const place = { offset: this.#base + this.#at, path: pathOf(frame, name) }
      throw new PkiError('decode', 'too_large', message, place)
    }
    while (this.#bytes.length - this.#at < size) yield size
    // The piece is not kept, and what is read refers to its octets.
    const bytes = new Uint8Array(this.#bytes.subarray(this.#at, this.#at + size))
    const base = this.#base + this.#at
    const place = { path: frame.path, depth: frame.depth, base, from: 0, end: size }
    const result = read(Der.part(this.#parts, bytes, place), name)
    this.#at += size
    return result
  }

  *#optional<T>(
    frame: Frame,
    name: string,
    tags: readonly number[],
    read: (fields: Der, name: string) => T,
  ): Reading<T | undefined> {
    const extent = yield* this.#extent(frame, name)
    return extent !== undefined && tags.includes(extent.tag)
      ? yield* this.#field(frame, name, tags, read)
      : undefined
  }

  /** Waits for the header of the next element; undefined: there is none. */
  *#extent(frame: Frame, name: string): Reading<Extent | undefined> {
    for (;;) {
      this.#path = pathOf(frame, name)
      const cursor = this.#cursor(frame)
      if (cursor.done) return undefined
      const extent = cursor.extent(name)
      if (extent !== undefined) return extent
      yield MAX_HEADER
    }
  }

  /** On what is left of an element, as far as it is here; `from`: offset in the CRL. */
  #cursor({ path, depth, end }: Frame, from = this.#base + this.#at): Der {
    const base = this.#base
    return Der.part(this.#parts, this.#bytes, { path, depth, base, from: from - base, end: end - base })
  }
}

function pathOf({ path }: Frame, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** 5.1.2.1: absent, or version 2. */
function readVersion(fields: Der, name: string): 1 | 2 {
  const version = fields.smallInteger(name)
  if (version !== 1) fields.fail('bad_version', `expected version 2 (1) or none, got ${version}`)
  return 2
}

function readTime(fields: Der, name: string): number {
  return fields.time(name)
}
