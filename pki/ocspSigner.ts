import { toTimestamp } from '../model/time.ts'
import { parseCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { PkiError } from './error.ts'
import { namesMatch, sameOctets } from './name.ts'
import type { OcspResponse } from './ocspResponse.ts'
import { OID } from './oid.ts'
import { verifySignature } from './signature.ts'

/** Delegations of one CA that are remembered. A CA has a responder certificate or a few, and changes them every few weeks or months. */
const MAX_REMEMBERED = 8

/**
 * Responder certificates that a CA has been seen to sign for this purpose, so that its signature on them need not be verified again with every
 * answer. Whether they are valid at the time is never remembered. Held by whoever asks the same responders repeatedly; forgets the oldest, and
 * a CA with its certificate.
 */
export class Delegations {
  readonly #byIssuer = new WeakMap<Certificate, Certificate[]>()

  find(der: Uint8Array, issuer: Certificate): Certificate | undefined {
    return this.#byIssuer.get(issuer)?.find((responder) => sameOctets(responder.der, der))
  }

  remember(responder: Certificate, issuer: Certificate): void {
    const known = this.#byIssuer.get(issuer) ?? []
    known.unshift(responder)
    known.splice(MAX_REMEMBERED)
    this.#byIssuer.set(issuer, known)
  }
}

export interface SignerQuestion {
  /** The CA whose certificates the answer is about. */
  readonly issuer: Certificate
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly delegations?: Delegations | undefined
}

/**
 * RFC 6960 3.2 (2) to (4): who signed, and may they now? The CA itself (4.2.2.2 item 2), or a responder that it delegated to (item 3).
 * The CA's own certificate has to be valid too: it says how long the CA stands for the status of what it issued (RFC 5280 4.1.2.5), and whoever
 * holds the key afterwards is not "currently authorized".
 * Throws PkiError(signature, path); when several could have signed, of the first that did not.
 */
export function findSigner(response: OcspResponse, question: SignerQuestion): Certificate {
  const { issuer, now } = question
  let failure: PkiError | undefined
  if (response.responderId.names(issuer)) {
    try {
      verifySignature(response, issuer, 'OCSP answer')
      checkValidity(issuer, now)
      return issuer
    } catch (error) {
      failure = pkiErrorOf(error)
    }
  }
  for (const der of response.certificates) {
    try {
      const signer = delegatedSigner(der, response, question)
      if (signer !== undefined) return signer
    } catch (error) {
      failure ??= pkiErrorOf(error)
    }
  }
  if (failure !== undefined) throw failure
  throw new PkiError(
    'path',
    'responder_not_found',
    `expected the certificate of responder ${String(response.responderId)}, got neither it nor the CA ${issuer.subject.text}`,
  )
}

function pkiErrorOf(error: unknown): PkiError {
  if (error instanceof PkiError) return error
  throw error
}

/** undefined: the certificate is not the responder's. */
function delegatedSigner(
  der: Uint8Array,
  response: OcspResponse,
  { issuer, now, delegations }: SignerQuestion,
): Certificate | undefined {
  // The CA's own certificate often comes along.
  if (sameOctets(der, issuer.der)) return undefined
  const known = delegations?.find(der, issuer)
  // What is remembered must not keep the whole answer.
  const candidate = known ?? parseCertificate(delegations === undefined ? der : Uint8Array.from(der))
  if (!response.responderId.names(candidate)) return undefined
  if (known === undefined) {
    checkDelegation(candidate, issuer)
    delegations?.remember(candidate, issuer)
  }
  checkValidity(candidate, now)
  checkValidity(issuer, now)
  verifySignature(response, candidate, 'OCSP answer')
  return candidate
}

/** 4.2.2.2 item 3: issued directly by the CA, with the key in question, for OCSP signing. */
function checkDelegation(candidate: Certificate, issuer: Certificate): void {
  if (!namesMatch(candidate.issuer, issuer.subject)) {
    throw notAuthorized(candidate, `one issued by ${issuer.subject.text}`, `issuer ${candidate.issuer.text}`)
  }
  verifySignature(candidate, issuer, `certificate of responder ${candidate.subject.text}`)
  if (candidate.extendedKeyUsage?.includes(OID.ocspSigning) !== true) {
    const got = candidate.extendedKeyUsage?.join(', ') ?? 'no extended key usage'
    throw notAuthorized(candidate, 'extended key usage OCSPSigning', got)
  }
  if (candidate.keyUsage?.has('digitalSignature') === false) {
    throw notAuthorized(candidate, 'key usage digitalSignature', [...candidate.keyUsage].join(', '))
  }
  if (candidate.unknownCritical.length > 0) {
    throw notAuthorized(
      candidate,
      'only critical extensions that are understood',
      candidate.unknownCritical.join(', '),
    )
  }
}

function notAuthorized({ subject }: Certificate, expected: string, got: string): PkiError {
  return new PkiError(
    'path',
    'responder_not_authorized',
    `responder ${subject.text}: expected ${expected}, got ${got}`,
  )
}

function checkValidity({ subject, notBefore, notAfter }: Certificate, now: number): void {
  if (now < notBefore) {
    throw new PkiError(
      'path',
      'certificate_not_yet_valid',
      `signer ${subject.text}: expected notBefore before ${toTimestamp(now)}, got ${toTimestamp(notBefore)}`,
    )
  }
  if (now > notAfter) {
    throw new PkiError(
      'path',
      'certificate_expired',
      `signer ${subject.text}: expected notAfter after ${toTimestamp(now)}, got ${toTimestamp(notAfter)}`,
    )
  }
}
