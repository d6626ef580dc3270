import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import { parseCertificate, type Certificate } from '../pki/certificate.ts'
import { PkiError } from '../pki/error.ts'
import { decodeCertificates } from '../pki/pem.ts'
import type { Credential } from './fetch/credential.ts'
import { FetchError } from './fetch/error.ts'

/** What there is to know of the client certificate that a service is shown. undefined: none is configured. */
export function clientFacts(credential: Credential | undefined): FactsOf<'prober'> {
  if (credential === undefined) return { configured: false }
  try {
    return { configured: true, ...identityFacts(leafOf(credential, 'client')) }
  } catch (error) {
    // The handshake fails for the same reason, and says so.
    if (error instanceof FetchError) return { configured: true }
    throw error
  }
}

export function identityFacts({ subject, serial, notBefore, notAfter }: Certificate): FactsOf<'prober'> {
  return {
    subject: subject.text,
    serial,
    notBefore: toTimestamp(notBefore),
    notAfter: toTimestamp(notAfter),
  }
}

/** The prober's own certificate; `name` says which, for the message. Throws FetchError(tls). */
export function leafOf({ certificate }: Credential, name: string): Certificate {
  try {
    const [der] = decodeCertificates(Buffer.from(certificate))
    if (der !== undefined) return parseCertificate(der)
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
  }
  const message = `expected a certificate among the prober's credentials (${name}), got something else`
  throw new FetchError('tls', 'client_credentials_unusable', message)
}
