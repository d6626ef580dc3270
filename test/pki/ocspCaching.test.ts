import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cachingDeviations } from '../../pki/ocspCaching.ts'
import type { OcspHeaders } from '../../pki/ocspCaching.ts'

const thisUpdate = Date.parse('2023-03-19T01:00:00Z')
const DAY = 86_400_000
const times = { thisUpdate, nextUpdate: thisUpdate + 2 * DAY, producedAt: thisUpdate + 5000 }
const now = thisUpdate + DAY

/** The example of RFC 9919 7.2. */
const headers: OcspHeaders = {
  date: 'Mon, 20 Mar 2023 01:00:00 GMT',
  lastModified: 'Sun, 19 Mar 2023 01:00:00 GMT',
  etag: '"1234567890abcdef"',
  expires: 'Tue, 21 Mar 2023 01:00:00 GMT',
  cacheControl: 'max-age=86000,public,no-transform,must-revalidate',
}
const codes = (changes: OcspHeaders, at = now) =>
  cachingDeviations({ ...headers, ...changes }, times, at).map(({ code }) => code)

describe('HTTP headers of an OCSP answer', () => {
  it('are as the profile says', () => {
    assert.deepEqual(codes({}), [])
    assert.deepEqual(codes({ lastModified: 'Sun, 19 Mar 2023 01:00:05 GMT' }), [], 'producedAt')
    assert.deepEqual(codes({ cacheControl: 'MAX-AGE="0", Public , no-transform,must-revalidate' }), [])
  })

  it('are not there', () => {
    const missing = cachingDeviations({}, times, now).map(({ code }) => code)
    assert.deepEqual(missing, [
      'date_missing',
      'last_modified_missing',
      'expires_missing',
      'etag_missing',
      'cache_control_missing',
    ])
  })

  it('are not asked for where an answer has no end and cannot be cached', () => {
    assert.deepEqual(cachingDeviations({}, { ...times, nextUpdate: undefined }, now), [])
  })

  it('differ from the times in the answer', () => {
    assert.deepEqual(codes({ lastModified: 'Mon, 20 Mar 2023 01:00:00 GMT' }), ['last_modified_differs'])
    assert.deepEqual(codes({ expires: 'Tue, 21 Mar 2023 01:00:01 GMT' }), ['expires_differs'])
    for (const expires of [
      '0',
      '2023-03-21T01:00:00Z',
      'Tue, 21 Mar 2023 01:00:00 CET',
      'Tue, 41 Mar 2023 01:00:00 GMT',
    ]) {
      assert.deepEqual(codes({ expires }), ['expires_differs'], expires)
    }
    const [deviation] = cachingDeviations({ ...headers, expires: '0' }, times, now)
    assert.equal(deviation?.message, 'expected Expires 2023-03-21T01:00:00.000Z (nextUpdate), got 0')
  })

  it('let a cache keep the answer for longer than it is valid', () => {
    const lasting = (seconds: number) => ({
      cacheControl: `max-age=${seconds},public,no-transform,must-revalidate`,
    })
    assert.deepEqual(codes(lasting(86_400)), [])
    assert.deepEqual(codes(lasting(86_401)), ['max_age_after_next_update'])
    // Without a Date, the time of arrival counts.
    const later = codes({ ...lasting(86_400), date: undefined }, now + 1000)
    assert.deepEqual(later, ['date_missing', 'max_age_after_next_update'])
  })

  it('forbid caching, or leave something out', () => {
    assert.deepEqual(codes({ cacheControl: 'no-store' }), [
      'directive_missing',
      'max_age_missing',
      'caching_forbidden',
    ])
    assert.deepEqual(codes({ pragma: 'no-cache' }), ['caching_forbidden'])
    for (const maxAge of ['-1', '1.5', 'x', '']) {
      const cacheControl = `public,no-transform,must-revalidate,max-age=${maxAge}`
      assert.deepEqual(codes({ cacheControl }), ['max_age_missing'], maxAge)
    }
  })
})
