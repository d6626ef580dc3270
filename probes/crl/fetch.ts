import type { FactsOf } from '../../model/facts.ts'
import type { ProbeError } from '../../model/observation.ts'
import { contentFacts, freshness } from '../fetch/caching.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { readFileUrl } from '../fetch/file.ts'
import { exchange } from '../fetch/http.ts'
import { searchLdap } from '../fetch/ldap.ts'
import { parseLdapUrl } from '../fetch/ldapUrl.ts'
import { anchorOf, asProbeError, probeError } from '../observe.ts'
import type { CrlTarget, ProbeContext } from '../probe.ts'
import { conditionOf, type Validator } from './revalidation.ts'

export const CRL_TYPE = 'application/pkix-crl'
/** Distribution points redirect to a CDN at most; a chain is a mistake. */
const MAX_REDIRECTS = 3

type HttpFacts = FactsOf<'http'>

/** How octets came, or why they did not. */
export type Fetched =
  | {
      readonly kind: 'whole'
      readonly http: HttpFacts
      /** How to ask for the next one; undefined: in full. */
      readonly validator: Omit<Validator, 'sha256'> | undefined
    }
  | { readonly kind: 'unchanged'; readonly http: HttpFacts; readonly validator: Validator }
  | { readonly kind: 'failed'; readonly http: HttpFacts | undefined; readonly error: ProbeError }

export interface CrlRequest {
  readonly target: CrlTarget
  /** undefined: the target has no host. */
  readonly address: string | undefined
  /** Asks only for something else than this. */
  readonly validator: Validator | undefined
  readonly into: (octets: Uint8Array) => void
}

/** Fetches a CRL from one address of its host. Rejects only when the outer signal of the deadline aborts. */
export async function fetchCrl(
  request: CrlRequest,
  context: ProbeContext,
  deadline: Deadline,
): Promise<Fetched> {
  const { url } = request.target
  switch (schemeOf(url)) {
    case 'ldap':
    case 'ldaps':
      return whole(url, context, async () => request.into(await searchDirectory(request, context, deadline)))
    case 'file':
      return whole(url, context, () =>
        readFileUrl(url, { into: request.into, maxSize: context.maxSize }, deadline),
      )
    default:
      return fetchByHttp(request, context, deadline)
  }
}

async function searchDirectory(
  { target, address }: CrlRequest,
  { maxSize }: ProbeContext,
  deadline: Deadline,
): Promise<Uint8Array> {
  const anchor = target.issuer === undefined ? undefined : anchorOf(target.issuer)
  return searchLdap({ query: parseLdapUrl(target.url), address: address ?? '', maxSize, anchor }, deadline)
}

/** What has no header fields: it came, or it did not. */
async function whole(url: string, { now }: ProbeContext, read: () => Promise<void>): Promise<Fetched> {
  try {
    await read()
    return { kind: 'whole', http: { scheme: schemeOf(url) }, validator: undefined }
  } catch (error) {
    return { kind: 'failed', http: undefined, error: asProbeError(error, now()) }
  }
}

async function fetchByHttp(
  { target, address, validator, into }: CrlRequest,
  context: ProbeContext,
  deadline: Deadline,
): Promise<Fetched> {
  const answer = await exchange(
    {
      url: target.url,
      method: 'GET',
      headers: { accept: `${CRL_TYPE}, */*;q=0.5`, ...validator?.headers },
      body: undefined,
      maxBody: context.maxSize,
      maxRedirects: MAX_REDIRECTS,
      anchor: target.issuer === undefined ? undefined : anchorOf(target.issuer),
      ...(address === undefined ? {} : { address }),
      source: 'declared',
      into,
    },
    deadline,
    context,
  )
  if (!answer.ok) return { kind: 'failed', http: undefined, error: asProbeError(answer.error, context.now()) }
  const { status, headers, finalUrl, redirects } = answer
  const way = { scheme: schemeOf(target.url), redirects: redirectedTo(redirects, finalUrl) }
  if (status === 304 && validator !== undefined) {
    const content = { ...validator.content, ...contentFacts(headers) }
    return {
      kind: 'unchanged',
      http: { ...way, ...content, ...freshness(headers) },
      validator: { ...validator, content, headers: conditionOf(headers) ?? validator.headers },
    }
  }
  const content = { status, mediaType: '', ...contentFacts(headers) }
  const http = { ...way, ...content, ...freshness(headers) }
  if (status === 200) {
    const condition = conditionOf(headers)
    return { kind: 'whole', http, validator: condition && { headers: condition, content } }
  }
  const message = `expected HTTP status 200 from ${finalUrl}, got ${status}`
  return { kind: 'failed', http, error: probeError('http', 'http_status', message) }
}

export function schemeOf(url: string): string {
  return new URL(url).protocol.slice(0, -1)
}

/** URLs that were followed, in order: without the first, with the last. */
function redirectedTo(redirects: readonly string[], finalUrl: string): readonly string[] {
  return redirects.length === 0 ? [] : [...redirects.slice(1), finalUrl]
}
