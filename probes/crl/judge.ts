import type { Facts } from '../../model/facts.ts'
import type { ProbeError } from '../../model/observation.ts'
import type { Certificate } from '../../pki/certificate.ts'
import {
  checkComplete,
  checkCrlTimes,
  crlFacts,
  parseCrl,
  verifyCrl,
  type IndexedCrl,
} from '../../pki/crl.ts'
import type { ReadAt } from '../../pki/crlOctets.ts'
import { scopeFacts } from '../../pki/crlScopeFacts.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import { lintCrl } from '../../pki/lints/crl.ts'
import { lintFacts } from '../../pki/lints/facts.ts'
import { asProbeError, probeError } from '../observe.ts'
import { contentFacts } from './content.ts'
import type { CrlDistribution } from './distribution.ts'
import type { KnownCertificates } from './series.ts'

/** What a CRL is judged by. */
export interface CrlPolicy {
  readonly issuer: Certificate | undefined
  /** It is declared to be a delta CRL, which is not complete. */
  readonly isDelta: boolean
}

/** Plain data: it crosses from the worker. */
export interface CrlJudgement {
  /** Present when the signature verified, or when there was no issuer to verify with. */
  readonly facts: Pick<Facts, 'crl' | 'lint'> | undefined
  readonly error: ProbeError | undefined
}

/** What a CRL is compared with. Plain data. */
export interface CrlPast {
  /** What earlier runs established about the same address. */
  readonly known: Pick<Facts, 'crl' | 'crlSeries'> | undefined
  /** The CRL that was seen before, DER; undefined: there is none, or it is not kept. */
  readonly previous: Uint8Array | undefined
  readonly certificates: KnownCertificates
  readonly distribution: CrlDistribution | undefined
}

export type CrlContent = ReturnType<typeof contentFacts>

/** Octets at the start of a body in which PEM's first line is looked for: `openssl crl -text` writes text before it. */
const PEM_WINDOW = 4096

/** Judges one CRL as its octets arrive: decode, verify against the issuer, judge scope and times. The same in a worker and outside. */
export class CrlJudge {
  readonly #policy: CrlPolicy
  readonly #readAt: ReadAt
  readonly #reader
  #size = 0
  #failure: { readonly error: unknown } | undefined
  #judged: { readonly crl: IndexedCrl; readonly facts: Pick<Facts, 'crl' | 'lint'> } | undefined

  /** `readAt` gives the octets that were pushed again. */
  constructor(policy: CrlPolicy, readAt: ReadAt) {
    this.#policy = policy
    this.#readAt = readAt
    // The index is what finds a serial number that is listed twice, and what changed since the CRL before.
    this.#reader = openCrlReader({ readAt, index: true, sha256: true })
  }

  /** The next octets. What is wrong with them is said at the end. */
  push(octets: Uint8Array): void {
    this.#size += octets.length
    if (this.#failure !== undefined) return
    try {
      this.#reader.push(octets)
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** After the last octet; `now` in milliseconds. */
  finish(now: number): CrlJudgement {
    const text = textInsteadOfDer(this.#readAt(0, Math.min(this.#size, PEM_WINDOW)))
    if (text !== undefined) return { facts: undefined, error: text }
    const { issuer, isDelta } = this.#policy
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      const crl = this.#reader.finish()
      if (issuer !== undefined) verifyCrl(crl, issuer)
      this.#judged = {
        crl,
        facts: { crl: { ...crlFacts(crl), ...scopeFacts(crl) }, lint: lintFacts(lintCrl(crl, { issuer })) },
      }
      if (!isDelta) checkComplete(crl)
      else if (!crl.isDelta) return { facts: this.#judged.facts, error: notDelta() }
      checkCrlTimes(crl, now)
      return { facts: this.#judged.facts, error: undefined }
    } catch (error) {
      return { facts: this.#judged?.facts, error: asProbeError(error, now) }
    }
  }

  /** What the CRL is beside those before it; only of one that gave facts. */
  compare({ known, previous, certificates, distribution }: CrlPast): CrlContent {
    if (this.#judged === undefined) throw new RangeError('expected a CRL that gave facts')
    const { crl, facts } = this.#judged
    return contentFacts({
      crl,
      facts: facts.crl ?? {},
      known,
      previous: previous === undefined ? undefined : parseCrl(previous, { index: true }),
      certificates,
      distribution,
    })
  }
}

/** One that is in memory; `now` in milliseconds. */
export function judgeCrl(
  octets: Uint8Array,
  policy: CrlPolicy,
  now: number,
): { readonly judge: CrlJudge; readonly judgement: CrlJudgement } {
  const judge = new CrlJudge(policy, (offset, length) => octets.subarray(offset, offset + length))
  judge.push(octets)
  return { judge, judgement: judge.finish(now) }
}

function notDelta(): ProbeError {
  return probeError('profile', 'not_delta', 'expected a delta CRL, got a complete one')
}

/** RFC 5280 section 4.2.1.13: what is served over HTTP is DER. The usual mistakes get their own name. */
function textInsteadOfDer(head: Uint8Array): ProbeError | undefined {
  const start = Buffer.from(head).toString('latin1')
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
