// A service and the certificate that is deployed on it.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../model/time.ts'
import type { Issued, IssuingAuthority } from './authority.ts'
import { Changes, type Change } from './changes.ts'
import { toPem, type CertificateRequest, type KeyPair } from './issue.ts'
import { startTlsService, type Credentials, type Presentation, type TlsService } from './tlsService.ts'

/** CRLReason keyCompromise (RFC 5280 section 5.3.1). */
const KEY_COMPROMISE = 1

/** What a fault makes of what the service presents at an address. */
export type PresentationChange = Change<Presentation, never, { readonly address: string }>

interface DeploymentOptions {
  readonly id: string
  readonly environment: string
  readonly owner: string
  /** TLS server name, and the certificate's identity. */
  readonly servername: string
  readonly authority: IssuingAuthority
  /** Of the server: each can present something else. */
  readonly addresses: readonly string[]
  /** In the endpoint. */
  readonly host: string
  /** Whose client certificates are asked for; undefined: none. */
  readonly client: Presentation['client'] | undefined
  /** How it gets the OCSP answer that it staples; undefined: it staples none. */
  readonly staple: ((serial: string) => Promise<Uint8Array>) | undefined
  readonly now: Clock
  /** Validity of a new certificate, in milliseconds. */
  readonly lifetime: number
  /** Where the newest certificate that was issued for the service is written. */
  readonly file: string
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
  readonly #changes = new Changes<Presentation, never, { readonly address: string }>()
  /** The service's own certificate, even while another's is served. */
  #own: Issued
  /** Without the changes of faults. */
  #base: Presentation

  static async start(options: DeploymentOptions, who: string): Promise<Deployment> {
    const own = await issueFor(options, who, options.now(), options.now() + options.lifetime)
    await writeIssued(options, own)
    const base = presentationOf(options, own)
    const service = await startTlsService({
      name: options.id,
      presentations: new Map(options.addresses.map((address) => [address, base])),
    })
    return new Deployment(options, own, base, service)
  }

  private constructor(options: DeploymentOptions, own: Issued, base: Presentation, service: TlsService) {
    this.id = options.id
    this.environment = options.environment
    this.owner = options.owner
    this.servername = options.servername
    this.authority = options.authority
    this.mutual = options.client !== undefined
    this.#options = options
    this.#own = own
    this.#base = base
    this.#service = service
  }

  /** host:port */
  get endpoint(): string {
    return `${this.#options.host}:${this.#service.port}`
  }

  get certificateFile(): string {
    return this.#options.file
  }

  get own(): Issued {
    return this.#own
  }

  /** What is presented from now on, also after a rotation; returns what takes it back. */
  async change(change: PresentationChange): Promise<() => Promise<void>> {
    const undo = this.#changes.add(change)
    await this.#present()
    return async () => {
      undo()
      await this.#present()
    }
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
    await this.#deployOwn(await issueFor(this.#options, who, notBefore, notAfter), who)
  }

  /** A new certificate is issued, and the service goes on with the old one. */
  async renewOnly(who: string): Promise<void> {
    const now = this.#options.now()
    await writeIssued(this.#options, await issueFor(this.#options, who, now, now + this.#options.lifetime))
  }

  /** A certificate that is issued otherwise than the others, with this key or a new one. */
  async deployOdd(
    odd: {
      readonly changes?: Partial<CertificateRequest>
      readonly lifetime?: number
      readonly key?: KeyPair
      readonly log?: 'silent'
    },
    who: string,
  ): Promise<void> {
    const now = this.#options.now()
    const { lifetime = this.#options.lifetime, ...how } = odd
    await this.#deployOwn(await issueFor(this.#options, who, now, now + lifetime, how), who)
  }

  /** What another service serves, with its key. */
  async deployForeign(other: Deployment): Promise<void> {
    this.#base = presentationOf(this.#options, other.own)
    await this.#present()
  }

  /** The certificate stays on the service; the caller has the CRL published. */
  revokeOwn(who: string): void {
    this.authority.revoke(this.#own.serial, KEY_COMPROMISE, who)
  }

  close(): Promise<void> {
    return this.#service.close()
  }

  async #deployOwn(issued: Issued, who: string): Promise<Issued> {
    this.#own = issued
    this.#base = presentationOf(this.#options, issued)
    await writeIssued(this.#options, issued)
    await this.#present()
    this.#options.onDeployed(issued, who)
    return issued
  }

  async #present(): Promise<void> {
    for (const address of this.#options.addresses)
      await this.#service.present(address, await this.#changes.apply(this.#base, { address }))
  }
}

function issueFor(
  options: DeploymentOptions,
  who: string,
  notBefore: number,
  notAfter: number,
  how: {
    readonly changes?: Partial<CertificateRequest>
    readonly key?: KeyPair
    readonly log?: 'silent'
  } = {},
): Promise<Issued> {
  return options.authority.issue({
    username: options.id,
    profile: 'tls_server',
    dns: [options.servername],
    notBefore,
    notAfter,
    who,
    ...how,
  })
}

async function writeIssued({ file }: DeploymentOptions, { der }: Issued): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, toPem(der, 'CERTIFICATE'))
}

function presentationOf({ client, staple }: DeploymentOptions, issued: Issued): Presentation {
  return {
    ...credentialsOf(issued),
    ...(client === undefined ? {} : { client }),
    ...(staple === undefined ? {} : { staple: () => staple(issued.serial) }),
  }
}

/** As a service is given it: the certificate, its issuing CA, and the key. */
export function credentialsOf(issued: Issued): Credentials {
  return { certificate: issued.der, chain: [issued.authority.issuer.certificate], key: issued.key }
}
