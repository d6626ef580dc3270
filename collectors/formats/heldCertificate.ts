import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Artifact } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'

/** Longest certificate in base64 that is looked at, in characters. One with an ML-DSA-87 key and signature has 11,000. */
const MAX_BASE64 = 400_000
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/
/** Times in X.509 that a timestamp can hold: the years 0 to 9999. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59)

export interface HeldCertificate {
  readonly x509: NonNullable<AuditEvent['x509']>
  readonly serial: string
  readonly sha256: string
}

/** A certificate that a record holds in base64 or PEM, decoded. undefined: it is none. */
export function heldCertificate(text: string): HeldCertificate | undefined {
  const der = certificateBytes(text)
  if (der === undefined) return undefined
  try {
    const { serial, notBefore, notAfter, subject, issuer, identities, sha256 } = parseCertificate(der)
    if (notBefore < 0 || notAfter > LAST) return undefined
    return {
      serial,
      sha256,
      x509: {
        serial_number: serial.toUpperCase(),
        not_before: toTimestamp(notBefore),
        not_after: toTimestamp(notAfter),
        subject: { distinguished_name: subject.text },
        issuer: { distinguished_name: issuer.text },
        ...(identities.length === 0 ? {} : { alternative_names: identities }),
      },
    }
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** What is kept of it in the journal: named by the `pki.sha256` of its event. */
export function certificateArtifact(text: string): Artifact | undefined {
  const bytes = certificateBytes(text)
  return bytes === undefined ? undefined : { mediaType: 'application/pkix-cert', bytes }
}

function certificateBytes(text: string): Buffer | undefined {
  if (text.length > MAX_BASE64) return undefined
  const base64 = PEM.exec(text)?.[1] ?? text
  return BASE64.test(base64) ? Buffer.from(base64, 'base64') : undefined
}
