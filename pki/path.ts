import { parseCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { PkiError, failureOf } from './error.ts'
import { nameKey } from './name.ts'
import { describe, isSelfIssued, validatePath } from './pathValidation.ts'
import type { PolicySettings } from './pathValidation.ts'
import { verifySignature } from './signature.ts'

/**
 * What is believed: from a certificate that a path must reach, over its issuers, up to the trust anchor. An anchor alone is a chain of
 * one; more than one certificate demands that the path goes through just these.
 */
export type TrustedChain = readonly [Certificate, ...Certificate[]]

export interface PathQuestion {
  readonly leaf: Certificate
  /** Certificates that may be used, in any order, cross-certificates among them; nothing in them is believed. */
  readonly intermediates: readonly Certificate[]
  readonly trusted: readonly TrustedChain[]
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly policies?: PolicySettings
}

export interface RejectedPath {
  /** Starts with the leaf; it ends with the anchor when it got that far. */
  readonly path: readonly Certificate[]
  readonly error: PkiError
}

export type PathResult =
  | {
      readonly valid: true
      /** Starts with the leaf, ends with the anchor. */
      readonly path: readonly Certificate[]
      /** The user-constrained-policy-set (RFC 5280 6.1.6); with anyPolicy every policy is valid. */
      readonly policies: ReadonlySet<string>
      /** What was tried before, furthest first. */
      readonly rejected: readonly RejectedPath[]
    }
  | {
      readonly valid: false
      /** The path that came furthest, and what it failed for: the first of `rejected`. */
      readonly path: readonly Certificate[]
      readonly error: PkiError
      readonly rejected: readonly RejectedPath[]
    }

/** All that was found, of several anchors or over several certificates of one authority. */
export interface PathsFound {
  /** Each starts with the leaf and ends with an anchor; the likeliest first. */
  readonly valid: readonly (readonly Certificate[])[]
  /** What was tried besides, furthest first. */
  readonly rejected: readonly RejectedPath[]
}

/** Intermediates that are looked at. Real servers send up to 5; a directory of a bridged PKI holds some hundreds. */
const MAX_CANDIDATES = 512
/** Certificates between the leaf and the trusted chain. Over the bridges of governments up to 7. */
const MAX_INTERMEDIATES = 10
/** Steps of the search, each with a signature to check: bounds what a peer can make us compute with certificates of equal names. */
const MAX_STEPS = 64
/** Rejected paths that are reported. */
const MAX_REJECTED = 32

/**
 * Finds a path from the leaf to a trusted chain and validates it (RFC 5280 6.1): the first valid one counts. Never throws for what the
 * certificates say; when no path is valid, the error is that of the one that came furthest.
 */
export function buildPath(question: PathQuestion): PathResult {
  const { found, rejected } = new PathSearch(question, 1).run()
  const [first] = found
  if (first !== undefined) return { ...first, rejected }
  const [best = { path: [question.leaf], error: issuerNotFound(question.leaf) }] = rejected
  return { valid: false, path: best.path, error: best.error, rejected }
}

/** The same for those who ask which ways there are: at most `most` valid paths, within the same limits of work. */
export function findPaths(question: PathQuestion, most: number): PathsFound {
  const { found, rejected } = new PathSearch(question, most).run()
  return { valid: found.map(({ path }) => path), rejected }
}

/** How far a path came, lowest first: no issuer, an issuer that did not sign, the end of the search, an anchor but not every signature, an anchor. */
const RANK = { notFound: 0, partial: 1, unfinished: 2, completeUnsigned: 3, complete: 4 } as const

interface Candidate extends RejectedPath {
  /** Of `RANK`; the fraction says how much of the path was validated. */
  readonly rank: number
}

/** By certificate: whose keys are known to have signed it. That never changes, and the authorities of an inventory stand in every path. */
const VERIFIED = new WeakMap<Certificate, WeakSet<Certificate>>()

function rememberSigner(certificate: Certificate, issuer: Certificate): void {
  const signers = VERIFIED.get(certificate) ?? new WeakSet<Certificate>()
  VERIFIED.set(certificate, signers.add(issuer))
}

/** Depth first, from the leaf upwards. */
class PathSearch {
  readonly #question: PathQuestion
  readonly #intermediates: ReadonlyMap<string, readonly Certificate[]>
  readonly #trusted: ReadonlyMap<string, readonly TrustedChain[]>
  readonly #signatures = new Map<Certificate, Map<Certificate, PkiError | undefined>>()
  readonly #most: number
  readonly #found: Found[] = []
  readonly #rejected: Candidate[] = []
  #steps = 0

  /** Ends with the `most`th valid path. */
  constructor(question: PathQuestion, most: number) {
    this.#question = question
    this.#most = most
    const { intermediates, trusted } = question
    const seen = new Set(trusted.flat().map(({ sha256 }) => sha256))
    const others = intermediates.slice(0, MAX_CANDIDATES).filter(({ sha256 }) => {
      const isNew = !seen.has(sha256)
      seen.add(sha256)
      return isNew
    })
    this.#intermediates = groupBy(others, ({ subject }) => nameKey(subject))
    this.#trusted = groupBy(trusted, ([first]) => nameKey(first.subject))
  }

  run(): { readonly found: readonly Found[]; readonly rejected: readonly RejectedPath[] } {
    const { leaf } = this.#question
    if (!this.#tryLeafItself()) this.#tryAbove([leaf], leaf)
    const ranked = this.#rejected.sort((a, b) => b.rank - a.rank)
    const rejected = ranked.slice(0, MAX_REJECTED).map(({ path, error }) => ({ path, error }))
    return { found: this.#found, rejected }
  }

  // What tries returns whether enough was found.

  /** The leaf is a certificate that is trusted. */
  #tryLeafItself(): boolean {
    const { leaf } = this.#question
    const chains = this.#trusted.get(nameKey(leaf.subject)) ?? []
    return chains.some((chain) => chain[0].sha256 === leaf.sha256 && this.#tryComplete(chain))
  }

  #tryAbove(path: readonly Certificate[], last: Certificate): boolean {
    const { now } = this.#question
    const name = nameKey(last.issuer)
    const chains = (this.#trusted.get(name) ?? []).filter(
      ([first]) => !path.some(({ sha256 }) => sha256 === first.sha256),
    )
    for (const chain of mostLikelyFirst(chains, ([first]) => first, last, now)) {
      if (this.#tryComplete([...path, ...chain])) return true
    }
    const issuers = (this.#intermediates.get(name) ?? []).filter((issuer) => !isLoop(path, issuer))
    if (issuers.length > 0 && path.length > MAX_INTERMEDIATES) {
      const message = `expected at most ${MAX_INTERMEDIATES} certificates between leaf and trusted issuer`
      this.#reject(RANK.partial, path, new PkiError('path', 'path_too_long', message))
      return false
    }
    for (const issuer of mostLikelyFirst(issuers, (certificate) => certificate, last, now)) {
      if (++this.#steps > MAX_STEPS) {
        if (this.#steps === MAX_STEPS + 1) this.#reject(RANK.unfinished, path, tooManyPaths())
        return false
      }
      // What a key without parameters inherits is known only from the anchor downwards.
      const error = lacksParameters(issuer) ? undefined : this.#signatureError(last, issuer)
      if (error !== undefined) {
        this.#reject(RANK.partial, [...path, issuer], error)
        continue
      }
      if (this.#tryAbove([...path, issuer], issuer)) return true
    }
    if (chains.length + issuers.length === 0) this.#reject(RANK.notFound, path, issuerNotFound(last))
    return false
  }

  /** From the leaf to the anchor: only now can it be judged. */
  #tryComplete(bare: readonly Certificate[]): boolean {
    const { now, policies = {} } = this.#question
    const path = withParameters(bare)
    const result = validatePath(path, {
      now,
      policies,
      checkSignature: (certificate, issuer) => {
        const error = this.#signatureError(certificate, issuer)
        if (error !== undefined) throw error
      },
    })
    if (result.valid) {
      this.#found.push({ valid: true, path, policies: result.policies })
      return this.#found.length >= this.#most
    }
    const { error, at } = result
    const rank = error.phase === 'signature' ? RANK.completeUnsigned : RANK.complete
    this.#reject(rank + (path.length - 1 - at) / path.length, path, error)
    return false
  }

  /** Each signature is checked once, however many paths it is part of. */
  #signatureError(certificate: Certificate, issuer: Certificate): PkiError | undefined {
    if (VERIFIED.get(certificate)?.has(issuer) === true) return undefined
    const known = this.#signatures.get(certificate) ?? new Map<Certificate, PkiError | undefined>()
    this.#signatures.set(certificate, known)
    if (known.has(issuer)) return known.get(issuer)
    const error = failureOf(() => verifySignature(certificate, issuer, describe(certificate)))
    known.set(issuer, error)
    if (error === undefined) rememberSigner(certificate, issuer)
    return error
  }

  #reject(rank: number, path: readonly Certificate[], error: PkiError): void {
    this.#rejected.push({ rank, path, error })
  }
}

type Found = Omit<Extract<PathResult, { valid: true }>, 'rejected'>

/** RFC 4158 5.2: the same entity with the same key again leads nowhere new, whatever certificate says so. */
function isLoop(path: readonly Certificate[], next: Certificate): boolean {
  return path.some(
    (other) =>
      nameKey(other.subject) === nameKey(next.subject) && Buffer.compare(other.spki, next.spki) === 0,
  )
}

/** Key identifiers (RFC 5280 4.2.1.1) and validity decide who is tried first, never who is refused. */
function mostLikelyFirst<T>(
  issuers: readonly T[],
  certificateOf: (issuer: T) => Certificate,
  { authorityKeyId }: Certificate,
  now: number,
): readonly T[] {
  const cost = (issuer: T): number => {
    const { subjectKeyId, notBefore, notAfter } = certificateOf(issuer)
    const isUnknown = authorityKeyId === undefined || subjectKeyId === undefined
    const keyCost = isUnknown ? 2 : authorityKeyId === subjectKeyId ? 0 : 4
    return keyCost + (notBefore <= now && now <= notAfter ? 0 : 1)
  }
  return issuers.toSorted((a, b) => cost(a) - cost(b))
}

function tooManyPaths(): PkiError {
  const message = `expected a path within ${MAX_STEPS} steps, got more certificates of equal names`
  return new PkiError('path', 'too_many_paths', message)
}

function lacksParameters({ keyAlgorithm, keyParameters }: Certificate): boolean {
  return keyAlgorithm === 'DSA' && keyParameters === undefined
}

/** 6.1.4 (d) to (f): a DSA key without parameters has those of the key above it. */
function withParameters(path: readonly Certificate[]): readonly Certificate[] {
  if (!path.some(lacksParameters)) return path
  const complete: Certificate[] = []
  for (const certificate of path.toReversed()) {
    const above = complete.at(-1)
    const inherits = lacksParameters(certificate) && above?.keyAlgorithm === 'DSA'
    const inheritedParameters = inherits ? above.keyParameters : undefined
    complete.push(
      inheritedParameters === undefined
        ? certificate
        : parseCertificate(certificate.der, { inheritedParameters }),
    )
  }
  return complete.reverse()
}

function issuerNotFound(certificate: Certificate): PkiError {
  const got = isSelfIssued(certificate)
    ? 'its own name as issuer, which is not trusted'
    : `no certificate of its issuer ${certificate.issuer.text}`
  return new PkiError(
    'path',
    'issuer_not_found',
    `${describe(certificate)}: expected a path to a trusted issuer, got ${got}`,
  )
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
