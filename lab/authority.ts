// An online issuing CA of the lab: issues, revokes, answers for its certificates' status, and makes CRLs.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../model/time.ts'
import type { AuditLog } from './auditLog.ts'
import { logCrl, logIssued, logRevoked, type LoggedCertificate } from './ejbcaEvents.ts'
import { LabError } from './error.ts'
import {
  generateKey,
  issueCertificate,
  issueCrl,
  randomSerial,
  type Issuer,
  type KeyPair,
  type OcspStatus,
  type RevokedEntry,
} from './issue.ts'

export const ORGANIZATION = 'Vigil Lab'
export const COUNTRY = 'SE'

interface AuthorityUrls {
  readonly crl: string
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
  readonly log: AuditLog
  readonly now: Clock
  readonly random?: (size: number) => Uint8Array
  /** From thisUpdate to nextUpdate, in milliseconds. */
  readonly crlLifetime: number
}

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
}

export class IssuingAuthority {
  readonly id: string
  /** As EJBCA prints it. */
  readonly dn: string
  readonly name: string
  readonly issuer: Issuer
  readonly urls: AuthorityUrls
  readonly #options: AuthorityOptions
  readonly #issued = new Map<string, LoggedCertificate>()
  readonly #revoked = new Map<string, RevokedEntry>()
  readonly #entities = new Set<string>()
  #crlNumber = 0n

  constructor(options: AuthorityOptions) {
    this.id = options.id
    this.name = options.name
    this.dn = distinguishedName(options.subject)
    this.issuer = options.issuer
    this.urls = options.urls
    this.#options = options
  }

  get crlNumber(): bigint {
    return this.#crlNumber
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
      crlUrl: this.urls.crl,
      // An OCSP signer says ocsp-nocheck; a pointer to itself would contradict that (RFC 6960 section 4.2.2.2.1).
      ...(order.profile === 'ocsp_signer'
        ? {}
        : { ocspUrl: this.urls.ocsp, caIssuersUrl: this.urls.caIssuers }),
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
    logIssued(this.#options.log, order.who, logged, this.#entities.has(order.username) ? 'known' : 'new')
    this.#entities.add(order.username)
    return { der, key, serial, notAfter: order.notAfter, authority: this, logged }
  }

  /** CRLReason as in RFC 5280 section 5.3.1. */
  revoke(serial: string, reason: number, who: string): void {
    const certificate = this.#issued.get(serial)
    if (certificate === undefined) {
      throw new LabError('unknown_target', `${this.id} never issued serial ${serial}`)
    }
    if (this.#revoked.has(serial)) return
    this.#revoked.set(serial, { serial, at: this.#options.now(), reason })
    logRevoked(this.#options.log, who, certificate, reason)
  }

  /** `unknown` for a serial that was never issued here. */
  statusOf(serial: string): OcspStatus {
    const revoked = this.#revoked.get(serial)
    if (revoked !== undefined) return { status: 'revoked', ...revoked }
    return { status: this.#issued.has(serial) ? 'good' : 'unknown' }
  }

  /** The next CRL, signed now. */
  async nextCrl(who: string): Promise<Uint8Array> {
    const der = await this.#signCrl(this.#options.now())
    logCrl(this.#options.log, who, { authority: this, number: this.#crlNumber, der })
    return der
  }

  /** A CRL from before the lab (and its log) began, for a distribution point that will one day fall back to it. */
  async pastCrl(thisUpdate: number): Promise<Uint8Array> {
    return this.#signCrl(thisUpdate)
  }

  async #signCrl(thisUpdate: number): Promise<Uint8Array> {
    this.#crlNumber += 1n
    return issueCrl({
      issuer: this.issuer,
      number: this.#crlNumber,
      thisUpdate,
      nextUpdate: thisUpdate + this.#options.crlLifetime,
      revoked: [...this.#revoked.values()],
    })
  }
}

/** CN first, as EJBCA orders and prints names. */
function distinguishedName(commonName: string): string {
  return `CN=${commonName},O=${ORGANIZATION},C=${COUNTRY}`
}
