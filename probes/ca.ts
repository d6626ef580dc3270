import type { Facts } from '../model/facts.ts'
import type { Artifact, ProbeError } from '../model/observation.ts'
import { certificateFacts } from '../pki/certificateFacts.ts'
import { lintCertificate } from '../pki/lints/certificate.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import { aiaFacts, judgePublication, type Publication } from './ca/publication.ts'
import type { Deadline } from './fetch/deadline.ts'
import { exchange, type HttpAnswer, type HttpFailure } from './fetch/http.ts'
import { anchorOf, artifactOf, asProbeError, authorityFacts, observe, probeError } from './observe.ts'
import type { CaTarget, Issuer, Probe, ProbeContext } from './probe.ts'

const CERTIFICATE_TYPE = 'application/pkix-cert'
/** Places that one run looks at. Real authorities have one or two. */
const MAX_PLACES = 8
/** Characters of a URL that comes from a certificate. */
const MAX_URL = 2_000
/** Octets of what is published: a bag with a CA's cross-certificates has some 10 KB. */
const MAX_PUBLISHED = 256 * 1024
const MAX_REDIRECTS = 3

/**
 * An authority's own certificate, as declared, and whether it stands where the inventory and the certificates that it issued say that it is (RFC 5280
 * section 4.2.2.1): those that services were last seen to serve, and those of declared authorities. It fails only when there are such places and
 * none is well.
 */
export const probeCa: Probe<CaTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const { certificate } = target.issuer
    const facts = ownFacts(target.issuer)
    const own: Artifact = { mediaType: CERTIFICATE_TYPE, bytes: certificate.der }
    const places = placesOf(target, context)
    const publications = new Map<string, Publication>()
    const artifacts: Artifact[] = [own]
    let error: ProbeError | undefined
    for (const { url, source } of places) {
      const answer = await fetchPublished(url, source, { target, context, deadline, parts: places.length })
      const publication = judgePublication(answer, certificate)
      publications.set(url, publication)
      if (publication.state === 'good') continue
      error ??= errorOf(url, answer, publication, context.now())
      if (answer.ok) artifacts.push(...artifactOf(CERTIFICATE_TYPE, answer.body, { verified: false }))
    }
    const isWell = places.length === 0 || [...publications.values()].some(({ state }) => state === 'good')
    return { facts: { ...facts, aia: aiaFacts(publications) }, error: isWell ? undefined : error, artifacts }
  })

/** What an authority's certificate says. Pure. */
export function ownFacts(issuer: Issuer): Facts {
  const { certificate, ancestors } = issuer
  return {
    ...authorityFacts(issuer),
    certificate: certificateFacts(certificate),
    lint: lintFacts(lintCertificate(certificate, { issuer: ancestors[0] ?? certificate })),
  }
}

interface Place {
  readonly url: string
  readonly source: 'declared' | 'found'
}

/** The declared ones first, then those that certificates name, in the order of their text, so that runs repeat. */
function placesOf({ urls, named, issuer }: CaTarget, { memory }: ProbeContext): readonly Place[] {
  const found = new Set(named)
  for (const { facts } of memory.all('tls')) {
    const { certificate, tls } = facts
    if (tls?.pathValid !== true || certificate?.issuer !== issuer.certificate.subject.text) continue
    for (const url of certificate.caIssuerUrls ?? []) found.add(url)
  }
  const places = [
    ...urls.map((url) => ({ url, source: 'declared' as const })),
    ...[...found].toSorted().map((url) => ({ url, source: 'found' as const })),
  ]
  const isFirst = ({ url }: Place, i: number): boolean => places.findIndex((other) => other.url === url) === i
  return places.filter((place, i) => isHttp(place.url) && isFirst(place, i)).slice(0, MAX_PLACES)
}

/** What certificates name with `ldap://` is not looked at. */
function isHttp(url: string): boolean {
  return url.length <= MAX_URL && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

async function fetchPublished(
  url: string,
  source: Place['source'],
  run: { target: CaTarget; context: ProbeContext; deadline: Deadline; parts: number },
): Promise<HttpAnswer | HttpFailure> {
  using share = run.deadline.share(run.parts)
  return await exchange(
    {
      url,
      source,
      method: 'GET',
      headers: { accept: `${CERTIFICATE_TYPE}, application/pkcs7-mime, */*;q=0.5` },
      body: undefined,
      maxBody: Math.min(MAX_PUBLISHED, run.context.maxSize),
      maxRedirects: MAX_REDIRECTS,
      anchor: anchorOf(run.target.issuer),
    },
    share,
    run.context,
  )
}

function errorOf(
  url: string,
  answer: HttpAnswer | HttpFailure,
  publication: Publication,
  now: number,
): ProbeError {
  if (!answer.ok) return asProbeError(answer.error, now)
  const got = 'got' in publication ? publication.got : undefined
  switch (publication.state) {
    case 'wrongFormat': {
      const message = `expected a certificate in DER, or a bag of certificates, at ${url}, got something else`
      return probeError('decode', 'not_a_certificate', message)
    }
    case 'wrongType': {
      const message = `expected Content-Type ${CERTIFICATE_TYPE} from ${url}, got ${got ?? 'none'}`
      return probeError('http', 'bad_media_type', message)
    }
    case 'wrongCertificate': {
      const message = `expected the certificate of the authority at ${url}, got one of another name or key`
      return probeError('consistency', 'certificate_mismatch', message)
    }
    case 'missing':
    case 'good':
      return probeError('http', 'http_status', `expected HTTP status 200 from ${url}, got ${answer.status}`)
  }
}
