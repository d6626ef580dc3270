import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'
import { authenticateCrl, checkCrlTimes } from './crl.ts'
import type { Crl } from './crl.ts'
import type { CrlEntry, RevocationReason } from './crlEntries.ts'
import { appliesTo, impliedPoint, interimReasons, isFromIssuer, scopeMismatch } from './crlScope.ts'
import { ALL_REASONS } from './distributionPoint.ts'
import type { DistributionPoint, ReasonFlag } from './distributionPoint.ts'
import { PkiError, failureOf } from './error.ts'
import { namesMatch } from './name.ts'
import { buildPath } from './path.ts'
import type { PathResult } from './path.ts'
import { describe } from './pathValidation.ts'

export interface RevocationQuestion {
  /** A valid path: the leaf first, the anchor last. */
  readonly path: readonly Certificate[]
  readonly crls: readonly Crl[]
  /** Where the certificates of CRL issuers are looked for that are not in the path; nothing in them is believed. */
  readonly intermediates: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type RevocationStatus =
  | { readonly status: 'good' }
  | {
      readonly status: 'revoked'
      /** Milliseconds since the epoch. */
      readonly revokedAt: number
      /** undefined: not given. */
      readonly reason: RevocationReason | undefined
      readonly error: PkiError
    }
  /** No CRL, or not enough of them: neither good nor revoked. `error` is that of the CRL that came furthest. */
  | { readonly status: 'undetermined'; readonly error: PkiError }

export interface CertificateRevocation {
  readonly certificate: Certificate
  readonly status: RevocationStatus
}

/** Certificates of one name that are tried as signer of one CRL. A CA that changes its keys every year has fewer. */
const MAX_SIGNERS = 16
/** CRLs tried in one question, for all certificates and for the certificates of other CRL issuers. */
const MAX_ATTEMPTS = 1024

/**
 * RFC 5280 6.3 for every certificate of a path but the anchor, leaf first, from the CRLs given; deltas are used where they apply. Each
 * answer takes the certificates above for granted: the path holds when all are good. Never throws for what certificates and CRLs say.
 */
export function checkPathRevocation(question: RevocationQuestion): readonly CertificateRevocation[] {
  const check = new RevocationCheck(question)
  return question.path
    .slice(0, -1)
    .map((certificate) => ({ certificate, status: check.statusOf(certificate) }))
}

/** How far a CRL came, lowest first. */
const RANK = {
  scope: 0,
  noSigner: 1,
  otherKey: 2,
  signerPath: 3,
  cannotSign: 4,
  signature: 5,
  signerRevoked: 6,
  profile: 7,
  time: 8,
} as const

interface Failure {
  /** Of `RANK`. */
  readonly rank: number
  readonly error: PkiError
}

class RevocationCheck {
  readonly #question: RevocationQuestion
  /** Newest first, so that of two that are current the one counts that knows more. */
  readonly #complete: readonly Crl[]
  readonly #deltas: readonly Crl[]
  readonly #paths = new Map<string, PathResult>()
  readonly #signatures = new Map<Crl, Map<Certificate, PkiError | undefined>>()
  /** Certificates whose status is being determined, outermost first. */
  readonly #open = new Set<string>()
  #attempts = 0

  constructor(question: RevocationQuestion) {
    this.#question = question
    const newestFirst = question.crls.toSorted((a, b) => b.thisUpdate - a.thisUpdate)
    this.#complete = newestFirst.filter(({ isDelta }) => !isDelta)
    this.#deltas = newestFirst.filter(({ isDelta }) => isDelta)
  }

  /** 6.3.3. */
  statusOf(certificate: Certificate): RevocationStatus {
    this.#open.add(certificate.sha256)
    try {
      return this.#askPoints(certificate)
    } finally {
      this.#open.delete(certificate.sha256)
    }
  }

  #askPoints(certificate: Certificate): RevocationStatus {
    let missing = ALL_REASONS
    let furthest: Failure = { rank: -1, error: crlNotFound(certificate, 'got none') }
    for (const point of [...certificate.crlDistributionPoints, impliedPoint(certificate)]) {
      for (const crl of this.#complete) {
        if (!isFromIssuer(crl, point, certificate)) continue // (b) (1)
        const reasons = interimReasons(crl, point) // (d)
        if (reasons.isDisjointFrom(missing)) continue // (e)
        const answer = this.#ask(crl, point, certificate)
        if ('error' in answer) {
          if (answer.rank > furthest.rank) furthest = answer
          continue
        }
        if (answer.entry !== undefined) return revoked(certificate, answer.entry)
        missing = missing.difference(reasons) // (l)
      }
    }
    if (missing.size === 0) return { status: 'good' }
    const isPartial = missing.size < ALL_REASONS.size
    return {
      status: 'undetermined',
      error: isPartial ? reasonsNotCovered(certificate, missing, furthest.error) : furthest.error,
    }
  }

  /** 6.3.3 (b) to (k) for one CRL: what it says of a certificate, or why it says nothing. */
  #ask(
    crl: Crl,
    point: DistributionPoint,
    certificate: Certificate,
  ): { readonly entry: CrlEntry | undefined } | Failure {
    const mismatch = scopeMismatch(crl, point, certificate) // (b)
    if (mismatch !== undefined) {
      return { rank: RANK.scope, error: crlNotFound(certificate, `got one that ${mismatch}`) }
    }
    if (++this.#attempts > MAX_ATTEMPTS) {
      const message = `expected an answer within ${MAX_ATTEMPTS} attempts, got more CRLs of equal names`
      return { rank: RANK.time, error: new PkiError('path', 'too_many_paths', message) }
    }
    const signer = this.#signerOf(crl) // (f), (g)
    if ('error' in signer) return signer
    const unusable = failureOf(() => checkIssuersNamed(crl))
    if (unusable !== undefined) return { rank: RANK.profile, error: unusable }
    const delta = this.#deltaFor(crl, signer.certificate) // (c), (h)
    // 5.2.4: with its delta, a list whose successor is due is as complete as the delta is current.
    const outdated = delta === undefined ? failureOf(() => checkCrlTimes(crl, this.#question.now)) : undefined
    if (outdated !== undefined) return { rank: RANK.time, error: outdated }
    const { serial, issuer } = certificate
    const entry = delta?.find(serial, issuer) ?? crl.find(serial, issuer) // (i), (j)
    return { entry: entry?.reason === 'removeFromCRL' ? undefined : entry } // (k)
  }

  /** The newest delta CRL that is current, applies, and is signed with the key that signed the complete one. */
  #deltaFor(complete: Crl, signer: Certificate): Crl | undefined {
    const { now } = this.#question
    return this.#deltas.find(
      (delta) =>
        appliesTo(delta, complete) &&
        failureOf(() => checkCrlTimes(delta, now)) === undefined &&
        failureOf(() => checkIssuersNamed(delta)) === undefined &&
        this.#authenticationError(delta, signer) === undefined,
    )
  }

  /** 6.3.3 (f), (g): whose key signed the CRL, with a path to the same anchor. It may be another key of the CA, or another CRL issuer. */
  #signerOf(crl: Crl): { readonly certificate: Certificate } | Failure {
    let furthest: Failure = { rank: RANK.noSigner, error: signerNotFound(crl) }
    for (const candidate of this.#signersNamed(crl)) {
      const result = this.#judgeSigner(crl, candidate)
      if ('certificate' in result) return result
      if (result.rank > furthest.rank) furthest = result
    }
    return furthest
  }

  /** Those of the path itself first, then by their key identifiers. */
  #signersNamed(crl: Crl): readonly Certificate[] {
    const { path, intermediates } = this.#question
    const named = [...path, ...intermediates].filter(({ subject }) => namesMatch(subject, crl.issuer))
    const bySha = new Map(named.map((certificate) => [certificate.sha256, certificate]))
    const { authorityKeyId } = crl
    const cost = ({ subjectKeyId }: Certificate): number =>
      authorityKeyId === undefined || subjectKeyId === undefined ? 1 : authorityKeyId === subjectKeyId ? 0 : 2
    return [...bySha.values()].toSorted((a, b) => cost(a) - cost(b)).slice(0, MAX_SIGNERS)
  }

  /** The signer as it stands in its path, where a key may have inherited parameters. */
  #judgeSigner(crl: Crl, candidate: Certificate): { readonly certificate: Certificate } | Failure {
    const path = this.#pathOf(candidate)
    if (!path.valid) return { rank: RANK.signerPath, error: signerRejected(crl, path.error) } // (f)
    const [certificate = candidate] = path.path
    const notSigned = this.#authenticationError(crl, certificate) // (f): cRLSign; (g)
    if (notSigned !== undefined) {
      return { rank: authenticationRank(notSigned), error: notSigned }
    }
    const unusable = this.#revocationOf(path.path)
    if (unusable !== undefined) return { rank: RANK.signerRevoked, error: signerRejected(crl, unusable) }
    return { certificate }
  }

  /** From a CRL issuer to the anchor of the path that is asked about. */
  #pathOf(signer: Certificate): PathResult | { readonly valid: true; readonly path: readonly Certificate[] } {
    const { path, intermediates, now } = this.#question
    const at = path.findIndex(({ sha256 }) => sha256 === signer.sha256)
    if (at >= 0) return { valid: true, path: path.slice(at) }
    const known = this.#paths.get(signer.sha256)
    if (known !== undefined) return known
    const anchor = path.at(-1)
    const result = buildPath({
      leaf: signer,
      intermediates: [...path, ...intermediates],
      trusted: anchor === undefined ? [] : [[anchor]],
      now,
    })
    this.#paths.set(signer.sha256, result)
    return result
  }

  /**
   * Why some certificate on the path of a CRL issuer may not be used; undefined: none is revoked. Those of the path that is asked about are
   * asked about anyway. One whose own status is just being determined is taken as good: a CRL may list its own signer, and no other would.
   */
  #revocationOf(signerPath: readonly Certificate[]): PkiError | undefined {
    const inQuestion = new Set(this.#question.path.map(({ sha256 }) => sha256))
    for (const certificate of signerPath) {
      if (inQuestion.has(certificate.sha256) || this.#open.has(certificate.sha256)) continue
      const status = this.statusOf(certificate)
      if (status.status !== 'good') return status.error
    }
    return undefined
  }

  /** Each signature is checked once: a CRL may be large. */
  #authenticationError(crl: Crl, signer: Certificate): PkiError | undefined {
    const known = this.#signatures.get(crl) ?? new Map<Certificate, PkiError | undefined>()
    this.#signatures.set(crl, known)
    if (known.has(signer)) return known.get(signer)
    const error = failureOf(() => authenticateCrl(crl, signer))
    known.set(signer, error)
    return error
  }
}

/** Of what `authenticateCrl` says. */
function authenticationRank({ phase, code }: PkiError): number {
  if (phase === 'path') return code === 'key_identifier_mismatch' ? RANK.otherKey : RANK.cannotSign
  return phase === 'signature' ? RANK.signature : RANK.profile
}

/** 5.3.3: entries may name another issuer only in a list that says of itself that it is indirect. */
function checkIssuersNamed(crl: Crl): void {
  if (!crl.namesIssuers || crl.issuingDistributionPoint?.indirect === true) return
  throw new PkiError(
    'profile',
    'indirect_crl',
    'expected indirectCRL in the issuing distribution point of a CRL that names certificate issuers, got none',
  )
}

function revoked(certificate: Certificate, { revokedAt, reason }: CrlEntry): RevocationStatus {
  const why = reason === undefined ? 'no reason given' : reason
  const error = new PkiError(
    'path',
    'certificate_revoked',
    `${describe(certificate)}: expected it not to be revoked, got revoked at ${toTimestamp(revokedAt)} (${why})`,
  )
  return { status: 'revoked', revokedAt, reason, error }
}

function signerNotFound({ issuer }: Crl): PkiError {
  return new PkiError(
    'path',
    'issuer_not_found',
    `CRL of ${issuer.text}: expected a certificate of its issuer, got none`,
  )
}

function signerRejected({ issuer }: Crl, cause: PkiError): PkiError {
  return new PkiError(
    'path',
    'crl_signer_rejected',
    `CRL of ${issuer.text}: expected a signer that can be trusted, but ${cause.message}`,
    { cause },
  )
}

function crlNotFound(certificate: Certificate, got: string): PkiError {
  return new PkiError(
    'path',
    'crl_not_found',
    `${describe(certificate)}: expected a CRL in whose scope it is, ${got}`,
  )
}

function reasonsNotCovered(
  certificate: Certificate,
  missing: ReadonlySet<ReasonFlag>,
  cause: PkiError,
): PkiError {
  return new PkiError(
    'path',
    'reasons_not_covered',
    `${describe(certificate)}: expected CRLs for all reasons, got none for ${[...missing].join(', ')}`,
    { cause },
  )
}
