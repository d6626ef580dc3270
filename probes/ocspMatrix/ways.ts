import type { FactsOf } from '../../model/facts.ts'
import { cachingDeviations } from '../../pki/ocspCaching.ts'
import type { OcspForm, OcspInquiry } from '../ocspInquiry.ts'

// What answers to one question, put in different ways, say beside each other. Pure.

/** A way to ask about a certificate that is known to be good. */
export interface Way extends Pick<OcspForm, 'transport' | 'hash'> {
  readonly withNonce: boolean
}

export const PLAIN_POST: Way = { transport: 'post', hash: 'sha1', withNonce: false }
export const PLAIN_GET: Way = { ...PLAIN_POST, transport: 'get' }
const NONCE_POST: Way = { ...PLAIN_POST, withNonce: true }
const SHA256_POST: Way = { ...PLAIN_POST, hash: 'sha256' }

/** Every way, by POST first. */
export const WAYS: readonly Way[] = (['post', 'get'] as const).flatMap((transport) =>
  (['sha1', 'sha256'] as const).flatMap((hash) =>
    [false, true].map((withNonce) => ({ transport, hash, withNonce })),
  ),
)

/** `get sha256 nonce` */
export function nameOf({ transport, hash, withNonce }: Way): string {
  return `${transport} ${hash}${withNonce ? ' nonce' : ''}`
}

/** The status, or why there is none: the same text whenever the same is wrong. */
export function outcomeOf({ facts, error, status }: OcspInquiry): string {
  if (error === undefined) return facts?.status ?? 'unknown'
  return error.code === 'http_status' ? `http_${status ?? 0}` : error.code
}

/** What was asked, by the name of its way; what there was no time for is missing. */
export type Answers = ReadonlyMap<string, OcspInquiry>

/** Questions by GET that had another outcome than the same by POST. */
export function differingGets(answers: Answers): readonly { readonly name: string; inquiry: OcspInquiry }[] {
  return WAYS.filter(({ transport }) => transport === 'get').flatMap((way) => {
    const inquiry = answers.get(nameOf(way))
    const byPost = answers.get(nameOf({ ...way, transport: 'post' }))
    if (inquiry === undefined || byPost === undefined || outcomeOf(inquiry) === outcomeOf(byPost)) return []
    return [{ name: nameOf(way), inquiry }]
  })
}

/** `elsewhere`: the plain GET at other addresses. `now`: when the answers came, in milliseconds. */
export function wayFacts(
  answers: Answers,
  elsewhere: ReadonlyMap<string, OcspInquiry>,
  now: number,
): FactsOf<'ocspMatrix'> {
  const outcome = (way: Way): string | undefined => {
    const inquiry = answers.get(nameOf(way))
    return inquiry === undefined ? undefined : outcomeOf(inquiry)
  }
  const post = outcome(PLAIN_POST)
  const bySha256 = outcome(SHA256_POST)
  const get = answers.get(nameOf(PLAIN_GET))
  const differing = [
    ...differingGets(answers).map(({ name, inquiry }) => `${name}: ${outcomeOf(inquiry)}`),
    ...[...elsewhere].flatMap(([address, inquiry]) =>
      outcomeOf(inquiry) === post ? [] : [`${address}: ${outcomeOf(inquiry)}`],
    ),
  ]
  return {
    answers: [...answers].map(([name, inquiry]) => `${name}: ${outcomeOf(inquiry)}`).toSorted(),
    ...(post === undefined ? {} : { post }),
    ...(get === undefined
      ? {}
      : { getAgrees: differing.length === 0, getDiffering: differing.toSorted(), ...caching(get, now) }),
    ...(bySha256 === undefined ? {} : { sha256Agrees: bySha256 === post }),
    ...nonceFacts(answers.get(nameOf(NONCE_POST))),
  }
}

function nonceFacts(inquiry: OcspInquiry | undefined): Pick<FactsOf<'ocspMatrix'>, 'nonce'> {
  if (inquiry === undefined) return {}
  if (inquiry.error !== undefined) return { nonce: outcomeOf(inquiry) }
  return { nonce: inquiry.verified?.nonceEchoed === true ? 'echoed' : 'ignored' }
}

/** May the question have a nonce? */
export function takesNonce(answers: Answers): boolean {
  const inquiry = answers.get(nameOf(NONCE_POST))
  return inquiry !== undefined && inquiry.error === undefined
}

function caching({ verified, headers }: OcspInquiry, now: number): Pick<FactsOf<'ocspMatrix'>, 'caching'> {
  if (verified === undefined) return {}
  const { single, response } = verified
  const deviations = cachingDeviations(
    {
      date: headers['date'],
      lastModified: headers['last-modified'],
      expires: headers['expires'],
      etag: headers['etag'],
      cacheControl: headers['cache-control'],
      pragma: headers['pragma'],
    },
    { thisUpdate: single.thisUpdate, nextUpdate: single.nextUpdate, producedAt: response.producedAt },
    now,
  )
  return { caching: deviations.map(({ code }) => code).toSorted() }
}
