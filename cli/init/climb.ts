import { getCACertificates } from 'node:tls'
import type { Certificate } from '../../pki/certificate.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { namesMatch } from '../../pki/name.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { verifySignature } from '../../pki/signature.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import type { Reach } from './reach.ts'
import { usableUrl } from './urls.ts'

/** Certificates from a leaf to its root; real chains have 2 to 4. */
const MAX_DEPTH = 8
/** Places where one certificate says that its issuer's is. */
const MAX_PLACES = 3

/** A certificate, and where it came from, for people. */
export interface Sourced {
  readonly certificate: Certificate
  readonly source: string
}

/** Finds the issuers of certificates: among those that are known, those that this system trusts, and where certificates say that they are. */
export class Climber {
  readonly #reach: Reach
  readonly #pool: Sourced[] = []
  readonly #note: (text: string) => void
  readonly #asked = new Set<string>()
  #roots: readonly Sourced[] | undefined

  constructor(reach: Reach, note: (text: string) => void) {
    this.#reach = reach
    this.#note = note
  }

  /** A certificate that may be an issuer; nothing is believed of it but what its signatures show. */
  add(...found: readonly Sourced[]): void {
    this.#pool.push(...found)
  }

  /** From the certificate's issuer upwards, each verified with the next one's key. Ends at a root, or where nobody knows further. */
  async above(certificate: Certificate): Promise<readonly Sourced[]> {
    const chain: Sourced[] = []
    const seen = new Set([certificate.sha256])
    let at = certificate
    while (!isIssuedBy(at, at)) {
      const issuer = await this.#issuerOf(at)
      if (issuer === undefined) break
      at = issuer.certificate
      if (chain.length === MAX_DEPTH || seen.has(at.sha256)) {
        this.#note(
          `the chain of ${certificate.subject.text} has more than ${MAX_DEPTH} certificates, or is a circle`,
        )
        break
      }
      seen.add(at.sha256)
      chain.push(issuer)
    }
    return chain
  }

  async #issuerOf(certificate: Certificate): Promise<Sourced | undefined> {
    const known = this.#find(certificate, this.#pool) ?? this.#find(certificate, this.#systemRoots())
    if (known !== undefined) return known
    for (const url of certificate.caIssuerUrls.slice(0, MAX_PLACES)) {
      const place = usableUrl(url)
      if (place === undefined) {
        this.#note(`not read: ${url}, where the issuer of ${certificate.subject.text} is said to be`)
        continue
      }
      if (this.#asked.has(place)) continue
      this.#asked.add(place)
      try {
        this.add(
          ...(await this.#reach.certificatesAt(place)).map((found) => ({
            certificate: found,
            source: place,
          })),
        )
      } catch (error) {
        if (!(error instanceof FetchError) && !(error instanceof PkiError)) throw error
        this.#note(`the issuer of ${certificate.subject.text} is said to be at ${place}: ${error.message}`)
      }
      const found = this.#find(certificate, this.#pool)
      if (found !== undefined) return found
    }
    return undefined
  }

  #find(certificate: Certificate, among: readonly Sourced[]): Sourced | undefined {
    return among.find((candidate) => isIssuedBy(certificate, candidate.certificate))
  }

  #systemRoots(): readonly Sourced[] {
    this.#roots ??= getCACertificates('default').flatMap((pem) => {
      try {
        return decodeCertificates(Buffer.from(pem)).map((der) => ({
          certificate: parseCertificate(der),
          source: 'the roots that this system trusts',
        }))
      } catch (error) {
        if (error instanceof PkiError) return []
        throw error
      }
    })
    return this.#roots
  }
}

/** Names the issuer, which may issue, and whose key verifies. */
function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!namesMatch(certificate.issuer, issuer.subject)) return false
  if (!issuer.isCa && issuer.version !== 1) return false
  try {
    verifySignature(certificate, issuer, 'certificate')
    return true
  } catch (error) {
    if (error instanceof PkiError) return false
    throw error
  }
}
