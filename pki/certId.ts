import { hash } from 'node:crypto'
import { digestName, digestOid } from './algorithms.ts'
import type { Certificate } from './certificate.ts'
import { Der, TAG } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { serialText } from './serial.ts'

export type CertIdHash = 'sha1' | 'sha256'

interface CertIdFields {
  readonly hash: string
  readonly issuerNameHash: string
  readonly issuerKeyHash: string
  readonly serial: string
}

/** How OCSP names a certificate (RFC 6960 4.1.1). The octets are what is compared; text is made when somebody asks for it. */
export class CertId {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  #read: CertIdFields | undefined

  /** The element from `start` to `end`, which has been checked; without `fields` it is DER, and they are read on first use. */
  constructor(bytes: Uint8Array, start: number, end: number, fields?: CertIdFields) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#read = fields
  }

  /** Digest name, or the OID of one that is not known. */
  get hash(): string {
    return this.#fields().hash
  }

  /** Lower-case hex. */
  get issuerNameHash(): string {
    return this.#fields().issuerNameHash
  }

  /** Lower-case hex. */
  get issuerKeyHash(): string {
    return this.#fields().issuerKeyHash
  }

  /** Lower-case hex without leading zeros. */
  get serial(): string {
    return this.#fields().serial
  }

  /** The whole element as it was encoded. */
  get der(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** The same certificate, named by the same hash. */
  equals(other: CertId): boolean {
    if (this.#hasOctetsOf(other)) return true
    // Parameters of the hash algorithm, NULL or absent, make no difference.
    const a = this.#fields()
    const b = other.#fields()
    return (
      a.serial === b.serial &&
      a.hash === b.hash &&
      a.issuerNameHash === b.issuerNameHash &&
      a.issuerKeyHash === b.issuerKeyHash
    )
  }

  /** Does it name a certificate of that issuer? Never, when the hash algorithm is unknown. */
  isIssuedBy(issuer: Certificate): boolean {
    const { hash: algorithm, issuerNameHash, issuerKeyHash } = this.#fields()
    if (digestOid(algorithm) === undefined) return false
    const { name, key } = issuerHashes(issuer, algorithm)
    return issuerNameHash === name.toString('hex') && issuerKeyHash === key.toString('hex')
  }

  /** For messages. */
  toString(): string {
    const { hash: algorithm, issuerNameHash, issuerKeyHash, serial } = this.#fields()
    return `serial ${serial} (${algorithm}, issuer name ${issuerNameHash}, key ${issuerKeyHash})`
  }

  #hasOctetsOf(other: CertId): boolean {
    const length = this.#end - this.#start
    if (other.#end - other.#start !== length) return false
    for (let i = 0; i < length; i++) {
      if (this.#bytes[this.#start + i] !== other.#bytes[other.#start + i]) return false
    }
    return true
  }

  #fields(): CertIdFields {
    return (this.#read ??= readFields(Der.open(this.der, 'CertID', this.#end - this.#start)))
  }
}

/** Reads the CertID that comes next in `parent`. Throws PkiError(decode). */
export function readCertId(parent: Der): CertId {
  const certId = parent.enter(TAG.sequence, 'certID')
  return new CertId(certId.bytes, certId.start, certId.behind, readFields(certId))
}

function readFields(certId: Der): CertIdFields {
  const identifier = certId.enter(TAG.sequence, 'hashAlgorithm')
  const oid = identifier.oid('algorithm')
  if (!identifier.done) identifier.any('parameters')
  identifier.finish()
  const issuerNameHash = Buffer.from(certId.octets('issuerNameHash')).toString('hex')
  const issuerKeyHash = Buffer.from(certId.octets('issuerKeyHash')).toString('hex')
  const serial = serialText(certId.integer('serialNumber'))
  certId.finish()
  return { hash: digestName(oid) ?? oid, issuerNameHash, issuerKeyHash, serial }
}

interface IssuerHashes {
  readonly name: Buffer
  readonly key: Buffer
  /** hashAlgorithm, issuerNameHash and issuerKeyHash as a CertID holds them, in front of the serial number. */
  readonly prefix: Buffer
}

const CACHE = new WeakMap<Certificate, Map<string, IssuerHashes>>()

/** Computed once for each issuer: they are the same in every question about its certificates. `algorithm`: a digest name. */
export function issuerHashes(issuer: Certificate, algorithm: string): IssuerHashes {
  let known = CACHE.get(issuer)
  if (known === undefined) {
    known = new Map()
    CACHE.set(issuer, known)
  }
  let hashes = known.get(algorithm)
  if (hashes === undefined) {
    hashes = hashesOf(issuer, algorithm)
    known.set(algorithm, hashes)
  }
  return hashes
}

function hashesOf(issuer: Certificate, algorithm: string): IssuerHashes {
  const oid = digestOid(algorithm)
  if (oid === undefined) throw new RangeError(`expected the name of a digest, got ${algorithm}`)
  const name = hash(algorithm, issuer.subject.der, 'buffer')
  const key = hash(algorithm, issuer.keyBytes, 'buffer')
  const prefix = Buffer.concat([
    // RFC 9919 and 5019 write NULL, and some responders compare octets.
    tlv(TAG.sequence, tlv(TAG.oid, oidContent(oid)), tlv(TAG.null)),
    tlv(TAG.octetString, name),
    tlv(TAG.octetString, key),
  ])
  return { name, key, prefix }
}

/** RFC 6960 4.2.2.3: SHA-1 over the key of a responder. Only remembered for issuers: a delegate's certificate is often a new object each time. */
export function keyHash(responder: Certificate): Buffer {
  return CACHE.get(responder)?.get('sha1')?.key ?? hash('sha1', responder.keyBytes, 'buffer')
}
