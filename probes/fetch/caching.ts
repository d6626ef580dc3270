import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'

type Headers = Readonly<Record<string, string>>

/** Characters of a header's value that becomes a fact. */
const MAX_TEXT = 200
/** Seconds: what a larger number means (RFC 9111 section 1.2.2). */
const MAX_DELTA = 2 ** 31
/** Milliseconds since the epoch of the last year that RFC 3339 can write. */
const MAX_DATE = Date.UTC(9999, 11, 31)

/** Facts about what was transferred. A 304 leaves out what has not changed. */
export function contentFacts(headers: Headers): Pick<FactsOf<'http'>, 'mediaType' | 'etag' | 'lastModified'> {
  const { etag } = headers
  const lastModified = dateOf(headers['last-modified'])
  return {
    ...(headers['content-type'] === undefined ? {} : { mediaType: mediaTypeOf(headers['content-type']) }),
    ...(etag === undefined ? {} : { etag: etag.slice(0, MAX_TEXT) }),
    ...(lastModified === undefined ? {} : { lastModified }),
  }
}

/** RFC 9110 section 8.3.1: without parameters, in lower case. */
function mediaTypeOf(contentType: string): string {
  const [type = ''] = contentType.split(';')
  return type.trim().toLowerCase().slice(0, MAX_TEXT)
}

/**
 * How long any cache may serve the answer (RFC 9111 section 4.2.1). Of the lifetimes for shared and private caches the longer one counts. Without any,
 * caches guess, and nothing is said. A 304 says it like a whole answer (RFC 9110 section 15.4.5).
 */
export function freshness(headers: Headers): Pick<FactsOf<'http'>, 'freshFor' | 'freshUntil'> {
  const directives = directivesOf(headers['cache-control'] ?? '')
  if (directives.has('no-store') || directives.has('no-cache')) return { freshFor: 0 }
  const seconds = ['max-age', 's-maxage'].flatMap((name) => {
    const value = directives.get(name)
    // What is no number is stale at once.
    return value === undefined ? [] : [/^\d+$/.test(value) ? Math.min(Number(value), MAX_DELTA) : 0]
  })
  if (seconds.length > 0) return { freshFor: Math.max(...seconds) * 1000 }
  if (headers['expires'] === undefined) return {}
  const expires = dateOf(headers['expires'])
  // Section 5.3: what is no date, such as 0, is in the past.
  return expires === undefined ? { freshFor: 0 } : { freshUntil: expires }
}

function directivesOf(field: string): Map<string, string> {
  return new Map(
    field.split(',').map((directive) => {
      const [name = '', value = ''] = directive.split('=')
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')]
    }),
  )
}

function dateOf(value: string | undefined): string | undefined {
  const time = value === undefined ? NaN : Date.parse(value)
  return time >= 0 && time <= MAX_DATE ? toTimestamp(time) : undefined
}
