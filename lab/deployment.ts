// A service and the certificate that is deployed on it.
import type { Clock } from '../model/time.ts'
import type { Issued, IssuingAuthority } from './authority.ts'
import { startTlsService, type TlsService } from './tlsService.ts'

/** CRLReason keyCompromise (RFC 5280 section 5.3.1). */
const KEY_COMPROMISE = 1

interface DeploymentOptions {
  readonly id: string
  readonly environment: string
  readonly owner: string
  /** TLS server name, and the certificate's identity. */
  readonly servername: string
  readonly authority: IssuingAuthority
  /** Present: client certificates of these CAs are required. DER. */
  readonly clientAuthorities?: readonly Uint8Array[]
  readonly now: Clock
  /** Validity of a new certificate, in milliseconds. */
  readonly lifetime: number
  readonly onDeployed: (deployed: Issued, who: string) => void
}

export class Deployment {
  readonly id: string
  readonly environment: string
  readonly owner: string
  readonly servername: string
  readonly authority: IssuingAuthority
  readonly mutual: boolean
  readonly #options: DeploymentOptions
  readonly #service: TlsService
  /** The service's own certificate, even while another's is served. */
  #own: Issued

  static async start(options: DeploymentOptions, who: string): Promise<Deployment> {
    const own = await issueFor(options, who, options.now(), options.now() + options.lifetime)
    const service = await startTlsService({
      name: options.id,
      credentials: credentialsOf(own),
      ...(options.clientAuthorities === undefined ? {} : { clientAuthorities: options.clientAuthorities }),
    })
    return new Deployment(options, own, service)
  }

  private constructor(options: DeploymentOptions, own: Issued, service: TlsService) {
    this.id = options.id
    this.environment = options.environment
    this.owner = options.owner
    this.servername = options.servername
    this.authority = options.authority
    this.mutual = options.clientAuthorities !== undefined
    this.#options = options
    this.#own = own
    this.#service = service
  }

  get port(): number {
    return this.#service.port
  }

  get own(): Issued {
    return this.#own
  }

  /** A new key and certificate of full lifetime, deployed at once. */
  async rotate(who: string): Promise<Issued> {
    const now = this.#options.now()
    return this.#deployOwn(await issueFor(this.#options, who, now, now + this.#options.lifetime), who)
  }

  /** A certificate as an old one would be by now: of full lifetime, of which this much is left, in milliseconds. */
  async deployNearExpiry(left: number, who: string): Promise<void> {
    const notAfter = this.#options.now() + left
    const notBefore = notAfter - Math.max(this.#options.lifetime, left)
    this.#deployOwn(await issueFor(this.#options, who, notBefore, notAfter), who)
  }

  /** What another service serves, with its key. */
  deployForeign(other: Deployment): void {
    this.#service.deploy(credentialsOf(other.own))
  }

  /** The certificate stays on the service; the caller has the CRL published. */
  revokeOwn(who: string): void {
    this.authority.revoke(this.#own.serial, KEY_COMPROMISE, who)
  }

  close(): Promise<void> {
    return this.#service.close()
  }

  #deployOwn(issued: Issued, who: string): Issued {
    this.#service.deploy(credentialsOf(issued))
    this.#own = issued
    this.#options.onDeployed(issued, who)
    return issued
  }
}

function issueFor(
  options: DeploymentOptions,
  who: string,
  notBefore: number,
  notAfter: number,
): Promise<Issued> {
  return options.authority.issue({
    username: options.id,
    profile: 'tls_server',
    dns: [options.servername],
    notBefore,
    notAfter,
    who,
  })
}

function credentialsOf(issued: Issued) {
  return { certificate: issued.der, chain: [issued.authority.issuer.certificate], key: issued.key }
}
