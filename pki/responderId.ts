import { keyHash } from './certId.ts'
import type { Certificate } from './certificate.ts'
import { Der, TAG } from './der.ts'
import { tlv } from './derWriter.ts'
import { namesMatch, readName } from './name.ts'
import type { Name } from './name.ts'

/** Who signed an OCSP answer (RFC 6960 4.2.2.3): by name, or by SHA-1 over the key. */
export type ResponderId = ResponderName | ResponderKey

/** The octets are what is compared first; the name is only read when somebody wants to know more than whether it is the expected one. */
export class ResponderName {
  readonly by = 'name'
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  #name: Name | undefined

  /** The Name from `start` to `end`, which has been checked; without `name` it is DER. */
  constructor(bytes: Uint8Array, start: number, end: number, name?: Name) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#name = name
  }

  get name(): Name {
    return (this.#name ??= this.#read())
  }

  names({ subject }: Certificate): boolean {
    return hasOctets(this.#bytes, this.#start, this.#end, subject.der) || namesMatch(this.name, subject)
  }

  /** For messages. */
  toString(): string {
    return this.name.text
  }

  #read(): Name {
    const around = tlv(TAG.sequence, this.#bytes.subarray(this.#start, this.#end))
    return readName(Der.open(around, 'ResponderID', around.length), 'byName')
  }
}

export class ResponderKey {
  readonly by = 'key'
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number

  /** The content of the OCTET STRING, from `start` to `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** Lower-case hex. */
  get keyHash(): string {
    return Buffer.from(this.#bytes.subarray(this.#start, this.#end)).toString('hex')
  }

  names(certificate: Certificate): boolean {
    return hasOctets(this.#bytes, this.#start, this.#end, keyHash(certificate))
  }

  /** For messages. */
  toString(): string {
    return `key ${this.keyHash}`
  }
}

function hasOctets(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  if (end - start !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false
  return true
}
