// An online issuing CA of the lab: issues, revokes, answers for its certificates' status, and makes CRLs.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../model/time.ts'
import type { CaLog } from './caLog.ts'
import { Changes, type Change } from './changes.ts'
import type { CrlPart, CrlParts } from './crlPart.ts'
import type { LoggedCertificate } from './ejbcaEvents.ts'
import { LabError } from './error.ts'
import {
  generateKey,
  issueCertificate,
  issueCrl,
  randomSerial,
  type CertificateRequest,
  type CrlRequest,
  type Issuer,
  type KeyPair,
  type OcspStatus,
  type RevokedEntry,
} from './issue.ts'

export const ORGANIZATION = 'Vigil Lab'
export const COUNTRY = 'SE'

interface AuthorityUrls {
  readonly ocsp: string
  readonly caIssuers: string
}

interface AuthorityOptions {
  readonly id: string
  /** Name inside the CA software, as its log has it. */
  readonly name: string
  /** Common name. */
  readonly subject: string
  readonly issuer: Issuer
  readonly urls: AuthorityUrls
  readonly parts: CrlParts
  readonly log: CaLog
  readonly now: Clock
  readonly random?: (size: number) => Uint8Array
  /** From thisUpdate to nextUpdate, in milliseconds. */
  readonly crlLifetime: number
}

/** What a fault makes of a CRL before it is signed: another request, or the octets to publish. */
export type CrlChange = Change<CrlRequest, Uint8Array, { readonly part: CrlPart }>

export interface Issued {
  readonly der: Uint8Array
  readonly key: KeyPair
  /** Hex. */
  readonly serial: string
  readonly notAfter: number
  readonly authority: IssuingAuthority
  readonly logged: LoggedCertificate
}

interface IssueOrder {
  /** End entity. Known ones are renewed, new ones added. */
  readonly username: string
  readonly profile: 'tls_server' | 'tls_client' | 'ocsp_signer'
  readonly dns?: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
  readonly key?: KeyPair
  /** Administrator. */
  readonly who: string
  /** What the certificate says otherwise than its profile does. */
  readonly changes?: Partial<CertificateRequest>
  /** `silent`: somebody has the key, and the CA's software never hears of it. */
  readonly log?: 'silent'
}

export class IssuingAuthority {
  readonly id: string
  /** As EJBCA prints it. */
  readonly dn: string
  readonly name: string
  /** Common name. */
  readonly subject: string
  readonly issuer: Issuer
  readonly urls: AuthorityUrls
  readonly parts: CrlParts
  readonly #options: AuthorityOptions
  readonly #issued = new Map<string, LoggedCertificate>()
  readonly #revoked = new Map<string, RevokedEntry>()
  readonly #entities = new Set<string>()
  #logsCrls = true
  readonly #crlChanges = new Changes<CrlRequest, Uint8Array, { readonly part: CrlPart }>()
  /** By series. */
  readonly #crlNumbers = new Map<string, bigint>()
  /** By name of the part. */
  readonly #issuedCrls = new Map<string, { readonly number: bigint; readonly thisUpdate: number }>()

  constructor(options: AuthorityOptions) {
    this.id = options.id
    this.name = options.name
    this.subject = options.subject
    this.dn = distinguishedName(options.subject)
    this.issuer = options.issuer
    this.urls = options.urls
    this.parts = options.parts
    this.#options = options
  }

  /** Of the CRL issued last, of the first part. */
  get crlNumber(): bigint {
    return this.crlNumberOf(this.parts[0])
  }

  crlNumberOf({ series }: CrlPart): bigint {
    return this.#crlNumbers.get(series) ?? 0n
  }

  /** The next CRL of the part has the number after this one. */
  setCrlNumber({ series }: CrlPart, number: bigint): void {
    this.#crlNumbers.set(series, number)
  }

  /** What every CRL is made from now on; returns what takes it back. */
  changeCrls(change: CrlChange): () => void {
    return this.#crlChanges.add(change)
  }

  async issue(order: IssueOrder): Promise<Issued> {
    const key = order.key ?? generateKey('p256')
    const serial = randomSerial(this.#options.random ?? randomBytes)
    const der = await issueCertificate({
      subject: order.username,
      organization: ORGANIZATION,
      country: COUNTRY,
      key,
      issuer: this.issuer,
      serial,
      notBefore: order.notBefore,
      notAfter: order.notAfter,
      profile: order.profile,
      dns: order.dns ?? [],
      crlUrl: this.#crlUrlFor(serial),
      // An OCSP signer says ocsp-nocheck; a pointer to itself would contradict that (RFC 6960 section 4.2.2.2.1).
      ...(order.profile === 'ocsp_signer'
        ? {}
        : { ocspUrl: this.urls.ocsp, caIssuersUrl: this.urls.caIssuers }),
      ...order.changes,
    })
    const logged: LoggedCertificate = {
      authority: this,
      username: order.username,
      subjectDn: distinguishedName(order.username),
      requestDn: `C=${COUNTRY},O=${ORGANIZATION},CN=${order.username}`,
      dns: order.dns ?? [],
      profile: order.profile,
      spki: key.publicKey.export({ type: 'spki', format: 'der' }),
      der,
      serial,
    }
    this.#issued.set(serial, logged)
    if (order.log === 'silent') return { der, key, serial, notAfter: order.notAfter, authority: this, logged }
    this.#options.log.issued(order.who, logged, this.#entities.has(order.username) ? 'known' : 'new')
    this.#entities.add(order.username)
    return { der, key, serial, notAfter: order.notAfter, authority: this, logged }
  }

  /** CRLReason as in RFC 5280 section 5.3.1. `at`: milliseconds, now when absent. */
  revoke(serial: string, reason: number, who: string, at = this.#options.now()): void {
    const certificate = this.#issued.get(serial)
    if (certificate === undefined) {
      throw new LabError('unknown_target', `${this.id} never issued serial ${serial}`)
    }
    if (this.#revoked.has(serial)) return
    this.#revoked.set(serial, { serial, at, reason })
    this.#options.log.revoked(who, certificate, reason)
  }

  /** `unknown` for a serial that was never issued here. */
  statusOf(serial: string): OcspStatus {
    const revoked = this.#revoked.get(serial)
    if (revoked !== undefined) return { status: 'revoked', ...revoked }
    return { status: this.#issued.has(serial) ? 'good' : 'unknown' }
  }

  /** What is signed from now on stands in no log; returns what takes it back. */
  leaveCrlsOutOfLog(): () => void {
    this.#logsCrls = false
    return () => (this.#logsCrls = true)
  }

  /** The next CRL of a part, signed now. A delta CRL is issued after the full one that has its number. */
  async nextCrl(part: CrlPart, who: string): Promise<Uint8Array> {
    const der = await this.#signCrl(part, this.#options.now())
    if (this.#logsCrls)
      this.#options.log.crlIssued(who, { authority: this, number: this.crlNumberOf(part), der })
    return der
  }

  /** A CRL from before the lab (and its log) began, for a distribution point that will one day fall back to it. */
  async pastCrl(part: CrlPart, thisUpdate: number): Promise<Uint8Array> {
    return this.#signCrl(part, thisUpdate)
  }

  async #signCrl(part: CrlPart, thisUpdate: number): Promise<Uint8Array> {
    const number = part.kind === 'delta' ? this.crlNumberOf(part) : this.crlNumberOf(part) + 1n
    const plain = {
      issuer: this.issuer,
      number,
      thisUpdate,
      nextUpdate: thisUpdate + this.#options.crlLifetime,
      revoked: [...this.#revoked.values()],
    }
    const before = this.#issuedCrls.get(part.name) ?? { number, thisUpdate }
    const changed = await this.#crlChanges.apply(part.draft(plain, before), { part })
    if (changed instanceof Uint8Array) {
      this.#count(part, number, thisUpdate)
      return changed
    }
    // The CA counts on from what it published, a wrong number too.
    this.#count(part, changed.number ?? number, thisUpdate)
    return issueCrl(changed)
  }

  #count(part: CrlPart, number: bigint, thisUpdate: number): void {
    this.#crlNumbers.set(part.series, number)
    this.#issuedCrls.set(part.name, { number, thisUpdate })
  }

  #crlUrlFor(serial: string): string {
    return this.parts.find((part) => part.covers(serial))?.url ?? ''
  }
}

/** CN first, as EJBCA orders and prints names. */
function distinguishedName(commonName: string): string {
  return `CN=${commonName},O=${ORGANIZATION},C=${COUNTRY}`
}
