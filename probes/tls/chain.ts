import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { findPaths, type PathsFound } from '../../pki/path.ts'

// The certificates of a handshake as they were sent, and the ways that a client with nothing but them and the declared anchor has.

/** Valid paths that are looked for. Of a cross-signed root there are two or three. */
const MAX_PATHS = 8
/** RFC 6960 section 4.2.2.2. */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
/** Subjects that a fact names. */
const MAX_NAMED = 20

export interface SentChain {
  readonly leaf: Certificate
  /** Those after the leaf that can be read, in their order. */
  readonly others: readonly Certificate[]
  /** All that were sent, the leaf included. */
  readonly sent: number
}

/**
 * Reads what was sent. A certificate that is declared too is the declared object, so that its signature is verified once. Throws PkiError(decode) when
 * the leaf can't be read; undefined: nothing was sent. Another that can't be read can't be part of a path; what needed it says so.
 */
export function readChain(
  ders: readonly Uint8Array[],
  declared: readonly Certificate[],
): SentChain | undefined {
  const [first, ...rest] = ders
  if (first === undefined) return undefined
  const others = rest.flatMap((der) => {
    const known = declared.find((certificate) => Buffer.compare(certificate.der, der) === 0)
    if (known !== undefined) return [known]
    try {
      return [parseCertificate(der)]
    } catch (error) {
      if (error instanceof PkiError) return []
      throw error
    }
  })
  return { leaf: parseCertificate(first), others, sent: ders.length }
}

/** What a client that believes only in the anchor makes of what was sent. */
export interface SentPaths {
  readonly found: PathsFound
  /** Of the valid paths the one that lasts longest, since a client may take any; without one, one that only time ended. */
  readonly best: readonly Certificate[] | undefined
}

export function pathsSent({ leaf, others }: SentChain, anchor: Certificate, now: number): SentPaths {
  const found = findPaths({ leaf, intermediates: others, trusted: [[anchor]], now }, MAX_PATHS)
  const ended = found.rejected.filter(
    ({ path, error }) => reaches(path, anchor) && TIME_CODES.has(error.code),
  )
  const candidates = found.valid.length > 0 ? found.valid : ended.map(({ path }) => path)
  const [best] = candidates.toSorted((a, b) => endOf(b).notAfter - endOf(a).notAfter)
  return { found, best }
}

const TIME_CODES: ReadonlySet<string> = new Set(['certificate_expired', 'certificate_not_yet_valid'])

export function chainFacts(
  { leaf, others, sent }: SentChain,
  { found, best }: SentPaths,
  anchor: Certificate,
): FactsOf<'chain'> {
  const complete = isComplete(found, anchor)
  const anchorSent = others.some(({ sha256 }) => sha256 === anchor.sha256)
  const signers = others.filter(
    ({ isCa, extendedKeyUsage }) => isCa && extendedKeyUsage?.includes(OCSP_SIGNING) === true,
  )
  const seen = { sent, anchorSent, ocspSigners: namesOf(signers) }
  if (best === undefined) return { ...seen, ...(complete === undefined ? {} : { complete }) }
  const needed = new Set([best, ...found.valid].flat().map(({ sha256 }) => sha256))
  const unneeded = others.filter(({ sha256 }) => !needed.has(sha256) && sha256 !== anchor.sha256)
  const places = best
    .filter(({ sha256 }) => sha256 !== anchor.sha256)
    .map((one) => [leaf, ...others].findIndex(({ sha256 }) => sha256 === one.sha256))
  return {
    ...seen,
    ...(complete === undefined ? {} : { complete }),
    ordered: places.every((place, i) => i === 0 || place > (places[i - 1] ?? 0)),
    unneeded: namesOf(unneeded),
    ...(unneeded.length === 0 ? {} : { unneededNotAfter: toTimestamp(endOf(unneeded).notAfter) }),
  }
}

function namesOf(certificates: readonly Certificate[]): string[] {
  return certificates
    .map(({ subject }) => subject.text)
    .toSorted()
    .slice(0, MAX_NAMED)
}

export function bestPathFacts({ found, best }: SentPaths): FactsOf<'path'> | undefined {
  const anchor = best?.at(-1)
  if (best === undefined || anchor === undefined) return undefined
  const end = endOf(best)
  const authorities = best.slice(1)
  return {
    length: best.length,
    count: found.valid.length,
    notAfter: toTimestamp(end.notAfter),
    firstToEnd: end.subject.text,
    ...(authorities.length === 0 ? {} : { authoritiesNotAfter: toTimestamp(endOf(authorities).notAfter) }),
    anchor: anchor.subject.text,
  }
}

/** undefined: some signature on the way is wrong or of an unknown kind, so that it is not the chain's completeness that is in question. */
function isComplete({ valid, rejected }: PathsFound, anchor: Certificate): boolean | undefined {
  if (valid.length > 0) return true
  const [furthest] = rejected
  if (furthest === undefined || furthest.error.code === 'issuer_not_found') return false
  return reaches(furthest.path, anchor) && furthest.error.phase !== 'signature' ? true : undefined
}

function reaches(path: readonly Certificate[], anchor: Certificate): boolean {
  return path.at(-1)?.sha256 === anchor.sha256
}

/** The one that ends first; the highest of several that end together, since it is replaced first. */
function endOf(certificates: readonly Certificate[]): Certificate {
  const [first, ...rest] = certificates
  if (first === undefined) throw new RangeError('expected a certificate')
  return rest.reduce((end, one) => (one.notAfter <= end.notAfter ? one : end), first)
}
