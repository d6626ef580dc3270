import { toTimestamp } from '../model/time.ts'

// The lightweight profile (RFC 5019, obsoleted by RFC 9919) as far as HTTP is concerned: what the structure of an answer should be is for lints.

/** Header fields of an HTTP response with an OCSP answer, as they came. */
export interface OcspHeaders {
  readonly date?: string | undefined
  readonly lastModified?: string | undefined
  readonly expires?: string | undefined
  readonly etag?: string | undefined
  readonly cacheControl?: string | undefined
  readonly pragma?: string | undefined
}

export type CachingDeviationCode =
  | 'date_missing'
  | 'last_modified_missing'
  | 'last_modified_differs'
  | 'expires_missing'
  | 'expires_differs'
  | 'etag_missing'
  | 'cache_control_missing'
  | 'max_age_missing'
  | 'max_age_after_next_update'
  | 'directive_missing'
  | 'caching_forbidden'

export interface CachingDeviation {
  readonly code: CachingDeviationCode
  readonly message: string
}

/** Times in the answer itself; milliseconds since the epoch. */
interface OcspTimes {
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly producedAt: number
}

/** RFC 9919 7.2 (RFC 5019 6.2): SHOULD, so that caches between keep answers, and none for too long. */
const DIRECTIVES = ['public', 'no-transform', 'must-revalidate'] as const

/**
 * How the headers of an authoritative answer deviate from RFC 9919 6 and 7.2 (RFC 5019 5 and 6.2). The profile asks for them where an answer can
 * be cached: has a nextUpdate, and is to a GET. `now`: when it arrived, in milliseconds; the Date header counts where it can be read.
 */
export function cachingDeviations(headers: OcspHeaders, times: OcspTimes, now: number): CachingDeviation[] {
  const { nextUpdate } = times
  if (nextUpdate === undefined) return []
  const found: CachingDeviation[] = []
  const add = (code: CachingDeviationCode, expected: string, got: string) =>
    found.push({ code, message: `expected ${expected}, got ${got}` })

  const sent = httpDate(headers.date)
  if (sent === undefined) add('date_missing', 'a Date', headers.date ?? 'none')

  if (headers.lastModified === undefined) add('last_modified_missing', 'a Last-Modified', 'none')
  else {
    // 7.2 says thisUpdate, the pattern of a header in section 6 producedAt; mostly they are the same.
    const modified = httpDate(headers.lastModified)
    if (modified !== seconds(times.thisUpdate) && modified !== seconds(times.producedAt)) {
      add(
        'last_modified_differs',
        `Last-Modified ${toTimestamp(times.thisUpdate)} (thisUpdate)`,
        headers.lastModified,
      )
    }
  }

  if (headers.expires === undefined) add('expires_missing', 'an Expires', 'none')
  else if (httpDate(headers.expires) !== seconds(nextUpdate)) {
    add('expires_differs', `Expires ${toTimestamp(nextUpdate)} (nextUpdate)`, headers.expires)
  }

  if (headers.etag === undefined) add('etag_missing', 'an ETag', 'none')

  const directives = directivesOf(headers.cacheControl)
  if (headers.cacheControl === undefined) add('cache_control_missing', 'a Cache-Control', 'none')
  else {
    const missing = DIRECTIVES.filter((name) => !directives.has(name))
    if (missing.length > 0)
      add('directive_missing', `Cache-Control ${missing.join(', ')}`, headers.cacheControl)
    const maxAge = directives.get('max-age')
    if (maxAge === undefined || !/^\d{1,10}$/.test(maxAge)) {
      add('max_age_missing', 'Cache-Control max-age in seconds', headers.cacheControl)
    } else if ((sent ?? now) + Number(maxAge) * 1000 > nextUpdate) {
      add(
        'max_age_after_next_update',
        `a max-age that ends before ${toTimestamp(nextUpdate)} (nextUpdate)`,
        maxAge,
      )
    }
  }
  const forbidden = ['no-cache', 'no-store'].filter((name) => directives.has(name))
  if (directivesOf(headers.pragma).has('no-cache')) forbidden.push('Pragma no-cache')
  if (forbidden.length > 0) add('caching_forbidden', 'an answer that may be cached', forbidden.join(', '))
  return found
}

/** Milliseconds since the epoch of an IMF-fixdate (RFC 9110 5.6.7); undefined: absent, or another format, which nobody may send. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) {
    return undefined
  }
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

function seconds(time: number): number {
  return Math.floor(time / 1000) * 1000
}

/** RFC 9111 5.2: names in lower case, with the argument where there is one. */
function directivesOf(value: string | undefined): ReadonlyMap<string, string> {
  const directives = (value ?? '').split(',').map((directive) => directive.trim().split('='))
  return new Map(
    directives.map(([name = '', argument = '']) => [name.toLowerCase(), argument.replaceAll('"', '')]),
  )
}
