import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../../model/config.ts'
import { declaredCrls, distributionFacts } from '../../../probes/crl/distribution.ts'

const parse = (...crl: unknown[]) =>
  configSchema.safeParse({ inventory: { authorities: [{ id: 'ca', certificate: 'ca.pem', crl }] } })

function declared(...crl: unknown[]) {
  const { inventory } = parse(...crl).data ?? {}
  const [authority] = inventory?.authorities ?? []
  assert.ok(authority, 'the configuration is sound')
  return declaredCrls(authority)
}

function refused(crl: unknown): string {
  return (parse(crl).error?.issues ?? []).map(({ message }) => message).join('; ')
}

test('a URL alone is a CRL of its own', () => {
  assert.deepEqual(declared({ url: 'http://a/1.crl' }), [
    {
      url: 'http://a/1.crl',
      series: 'http://a/1.crl',
      urls: ['http://a/1.crl'],
      deltaUrls: [],
      partition: undefined,
      isDelta: false,
      schedule: undefined,
    },
  ])
})

test('copies and delta belong to one CRL; the delta has the distribution point of its base', () => {
  const [main, copy, delta, ...rest] = declared({
    url: 'http://b/1.crl',
    copies: ['http://a/1.crl'],
    issued_every: '1d',
    delta: { url: 'http://b/1d.crl', issued_at: '0 * * * *' },
  })
  assert.deepEqual(rest, [])
  assert.deepEqual([main?.series, copy?.series, delta?.series], Array(3).fill('http://b/1.crl'))
  assert.deepEqual(copy?.urls, ['http://a/1.crl', 'http://b/1.crl'])
  assert.deepEqual(main?.deltaUrls, ['http://b/1d.crl'])
  assert.deepEqual(main.schedule, { kind: 'every', period: 86_400_000 })
  assert.deepEqual(
    [delta?.isDelta, delta?.urls],
    [true, ['http://a/1.crl', 'http://b/1.crl', 'http://b/1d.crl']],
  )
  assert.deepEqual(delta?.schedule, { kind: 'cron', expression: '0 * * * *', timezone: 'UTC' })
})

test('partitions are numbered from 1, or named one by one and in ranges', () => {
  const urls = (partitions: unknown) =>
    declared({ url: 'http://a/{partition}.crl', partitions }).map(({ url }) => url)
  assert.deepEqual(urls(2), ['http://a/1.crl', 'http://a/2.crl'])
  assert.deepEqual(urls(['0-1', 'north', '1']), ['http://a/0.crl', 'http://a/1.crl', 'http://a/north.crl'])
  assert.equal(urls(1000).length, 1000)
})

test('an address that is declared twice is one target', () => {
  assert.equal(
    declared({ url: 'http://a/1.crl', copies: ['http://a/1.crl'] }, { url: 'http://a/1.crl' }).length,
    1,
  )
})

test('facts say which partition an address is', () => {
  const [first] = declared({ url: 'http://a/{partition}.crl', partitions: ['north'], issued_every: '1h' })
  assert.ok(first)
  const { partitioned, partition, scheduled } = distributionFacts(first)
  assert.deepEqual([partitioned, partition, scheduled], [true, 'north', true])
})

test('what contradicts itself is refused', () => {
  assert.match(refused({ url: 'http://a/1.crl', partitions: 2 }), /\{partition\} in every URL/)
  assert.match(refused({ url: 'http://a/{partition}.crl' }), /\{partition\} in every URL/)
  assert.match(
    refused({ url: 'http://a/{partition}.crl', partitions: 2, delta: { url: 'http://a/d.crl' } }),
    /\{partition\} in every URL/,
  )
  assert.match(
    refused({ url: 'http://a/1.crl', issued_every: '1d', issued_at: '0 6 * * *' }),
    /either issued_every/,
  )
  assert.match(refused({ url: 'http://a/1.crl', timezone: 'UTC' }), /only with issued_at/)
  for (const partitions of [0, 1001, ['0-1000'], ['2-1'], ['../x'], []])
    assert.notEqual(refused({ url: 'http://a/{partition}.crl', partitions }), '', JSON.stringify(partitions))
})
