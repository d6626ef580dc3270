// What a prober has to show of itself: certificates, as files that an operator would keep for it.
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import { generateKey, issueCertificate, toPem, type Issuer, type KeyPair } from './issue.ts'

const DAY_MS = 86_400_000
const LIFETIME_MS = 365 * DAY_MS
/** CRLReason superseded (RFC 5280 section 5.3.1). */
const SUPERSEDED = 4

/** What services are tested with: that they must accept, and that they must refuse. */
export type CredentialName = 'valid' | 'foreign' | 'expired' | 'revoked'

export interface CredentialFiles {
  readonly certificate_file: string
  readonly key_file: string
}

export interface ProberOptions {
  /** Where the files go. */
  readonly directory: string
  /** Of the service that asks for certificates. */
  readonly authority: IssuingAuthority
  readonly now: Clock
  /** Administrator. */
  readonly who: string
}

export class Prober {
  readonly #options: ProberOptions
  /** Of the foreign certificate: DER of a CA that nobody here has reason to trust. */
  readonly foreignAuthority: Uint8Array
  /** The valid certificate, with that of its CA. */
  chain: readonly Uint8Array[] = []
  key: KeyPair

  static async open(options: ProberOptions): Promise<Prober> {
    const { directory, authority, now, who } = options
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const at = now()
    const foreign = await foreignCa(at)
    const key = generateKey('p256')
    const prober = new Prober(options, foreign.certificate, key)
    await prober.renew(LIFETIME_MS)

    const stranger = generateKey('p256')
    const certificate = await issueCertificate({
      subject: 'vigil-prober of elsewhere',
      key: stranger,
      issuer: foreign,
      profile: 'tls_client',
      notBefore: at - DAY_MS,
      notAfter: at + LIFETIME_MS,
    })
    await prober.#write('foreign', [certificate], stranger)

    const order = { profile: 'tls_client', who } as const
    const past = { notBefore: at - 2 * DAY_MS, notAfter: at - DAY_MS }
    const expired = await authority.issue({ ...order, ...past, username: 'vigil-prober-expired' })
    await prober.#write('expired', [expired.der, authority.issuer.certificate], expired.key)

    const current = { notBefore: at - DAY_MS, notAfter: at + LIFETIME_MS }
    const revoked = await authority.issue({ ...order, ...current, username: 'vigil-prober-revoked' })
    authority.revoke(revoked.serial, SUPERSEDED, who)
    await prober.#write('revoked', [revoked.der, authority.issuer.certificate], revoked.key)
    return prober
  }

  private constructor(options: ProberOptions, foreignAuthority: Uint8Array, key: KeyPair) {
    this.#options = options
    this.foreignAuthority = foreignAuthority
    this.key = key
  }

  filesOf(name: CredentialName): CredentialFiles {
    const { directory } = this.#options
    return {
      certificate_file: join(directory, `${name}.pem`),
      key_file: join(directory, `${name}.key`),
    }
  }

  /** A new valid certificate with this much life left (milliseconds), of a full one. */
  async renew(left: number): Promise<void> {
    const { authority, now, who } = this.#options
    const notAfter = now() + left
    const issued = await authority.issue({
      username: 'vigil-prober',
      profile: 'tls_client',
      notBefore: Math.min(now() - DAY_MS, notAfter - LIFETIME_MS),
      notAfter,
      key: this.key,
      who,
    })
    this.chain = [issued.der, authority.issuer.certificate]
    await this.#write('valid', this.chain, issued.key)
  }

  /** Back to what `open` made. */
  restore(): Promise<void> {
    return this.renew(LIFETIME_MS)
  }

  /** Each file whole at any time; a prober may read while it is replaced. */
  async #write(name: CredentialName, chain: readonly Uint8Array[], key: KeyPair): Promise<void> {
    const files = this.filesOf(name)
    const replace = async (file: string, text: string): Promise<void> => {
      await writeFile(`${file}.new`, text, { mode: 0o600 })
      await chmod(`${file}.new`, 0o600)
      await rename(`${file}.new`, file)
    }
    await replace(files.key_file, key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    await replace(files.certificate_file, chain.map((der) => toPem(der, 'CERTIFICATE')).join(''))
  }
}

async function foreignCa(at: number): Promise<Issuer> {
  const key = generateKey('p256')
  const certificate = await issueCertificate({
    subject: 'Elsewhere CA',
    organization: 'Elsewhere',
    key,
    profile: 'ca',
    notBefore: at - DAY_MS,
    notAfter: at + 2 * LIFETIME_MS,
  })
  return { certificate, key }
}
