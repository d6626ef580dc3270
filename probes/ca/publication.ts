import type { FactsOf } from '../../model/facts.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { readCertificateBag } from '../../pki/certificateBag.ts'
import { PkiError } from '../../pki/error.ts'
import { namesMatch } from '../../pki/name.ts'
import type { HttpAnswer, HttpFailure } from '../fetch/http.ts'

// What came from a place where an authority's certificate should be published (RFC 5280 section 4.2.2.1). Pure.

/** RFC 2585 section 4.1 for a certificate, RFC 5280 section 4.2.2.1 for a bag of them. */
const MEDIA_TYPES = { certificate: 'application/pkix-cert', bag: 'application/pkcs7-mime' } as const
/** Characters of a server's media type that a fact repeats. */
const MAX_TYPE = 80

/** How a publication is wrong, or `good`; the names of the facts. */
export type Publication =
  | { readonly state: 'good' | 'wrongFormat' | 'wrongCertificate' }
  | { readonly state: 'missing' | 'wrongType'; readonly got: string }

export function judgePublication(answer: HttpAnswer | HttpFailure, authority: Certificate): Publication {
  if (!answer.ok) return { state: 'missing', got: answer.error.code }
  if (answer.status !== 200) return { state: 'missing', got: `http_status ${answer.status}` }
  const published = readPublished(answer.body)
  if (published === undefined) return { state: 'wrongFormat' }
  // A renewed certificate of the same authority will do: who builds a path looks for name and key.
  const isThere = published.certificates.some(
    ({ subject, spkiSha256 }) =>
      spkiSha256 === authority.spkiSha256 && namesMatch(subject, authority.subject),
  )
  if (!isThere) return { state: 'wrongCertificate' }
  const type = (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === MEDIA_TYPES[published.kind]) return { state: 'good' }
  return {
    state: 'wrongType',
    got: type === '' ? 'none' : type.replace(/[^\x21-\x7e]/g, '?').slice(0, MAX_TYPE),
  }
}

interface Published {
  readonly kind: keyof typeof MEDIA_TYPES
  readonly certificates: readonly Certificate[]
}

/** undefined: neither a certificate in DER nor a bag of certificates. */
function readPublished(body: Uint8Array): Published | undefined {
  const certificate = unlessMalformed(() => parseCertificate(body))
  if (certificate !== undefined) return { kind: 'certificate', certificates: [certificate] }
  const bag = unlessMalformed(() => readCertificateBag(body))
  if (bag === undefined) return undefined
  const certificates = bag.flatMap((der) => unlessMalformed(() => parseCertificate(der)) ?? [])
  return { kind: 'bag', certificates }
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** `publications` by URL. */
export function aiaFacts(publications: ReadonlyMap<string, Publication>): FactsOf<'aia'> {
  const sorted = [...publications].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const inState = (state: Publication['state']): string[] =>
    sorted.flatMap(([url, found]) =>
      found.state === state ? ['got' in found ? `${url} ${found.got}` : url] : [],
    )
  return {
    urls: sorted.map(([url]) => url),
    good: inState('good'),
    missing: inState('missing'),
    wrongType: inState('wrongType'),
    wrongFormat: inState('wrongFormat'),
    wrongCertificate: inState('wrongCertificate'),
  }
}
