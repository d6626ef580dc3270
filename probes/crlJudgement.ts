import type { Facts } from '../model/facts.ts'
import type { ProbeError } from '../model/observation.ts'
import type { Certificate } from '../pki/certificate.ts'
import { checkComplete, checkCrlTimes, crlFacts, parseCrl, verifyCrl } from '../pki/crl.ts'
import { lintCrl } from '../pki/lints/crl.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import { asProbeError, probeError } from './observe.ts'

/** Plain data: it crosses from the worker. */
export interface CrlJudgement {
  /** Present when the signature verified, or when there was no issuer to verify with. */
  readonly facts: Pick<Facts, 'crl' | 'lint'> | undefined
  readonly error: ProbeError | undefined
}

/** Octets at the start of a body in which PEM's first line is looked for: `openssl crl -text` writes text before it. */
const PEM_WINDOW = 4096

/** Decode, verify against the issuer, judge scope and times. Pure; `now` in milliseconds. */
export function judgeCrl(body: Uint8Array, issuer: Certificate | undefined, now: number): CrlJudgement {
  const text = textInsteadOfDer(body)
  if (text !== undefined) return { facts: undefined, error: text }
  let facts: CrlJudgement['facts']
  try {
    // The index is what finds a serial number that is listed twice.
    const crl = parseCrl(body, { index: true })
    if (issuer !== undefined) verifyCrl(crl, issuer)
    facts = { crl: crlFacts(crl), lint: lintFacts(lintCrl(crl, { issuer })) }
    checkComplete(crl)
    checkCrlTimes(crl, now)
    return { facts, error: undefined }
  } catch (error) {
    return { facts, error: asProbeError(error, now) }
  }
}

/** RFC 5280 section 4.2.1.13: what is served over HTTP is DER. The usual mistakes get their own name. */
function textInsteadOfDer(body: Uint8Array): ProbeError | undefined {
  const start = Buffer.from(body.subarray(0, PEM_WINDOW)).toString('latin1')
  const expected = 'expected a DER CRL (RFC 5280 section 4.2.1.13)'
  if (/^-----BEGIN [A-Z0-9 ]+-----/m.test(start)) {
    return probeError('decode', 'pem_instead_of_der', `${expected}, got PEM`)
  }
  // A SEQUENCE of more than 127 octets starts with 30 81, 30 82 or 30 83: MI in base64.
  if (/^\s*MI[A-Za-z0-9+/\r\n]{30}/.test(start)) {
    return probeError('decode', 'base64_instead_of_der', `${expected}, got base64`)
  }
  return undefined
}
