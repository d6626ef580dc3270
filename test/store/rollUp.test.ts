import assert from 'node:assert/strict'
import { it } from 'node:test'
import { BUCKETS, bucketOf, quantile } from '../../store/rollUp.ts'

it('puts every duration below the bound of its bucket and not below the bound before', () => {
  for (const ms of [
    0,
    0.3,
    0.999,
    1,
    1.18,
    1.19,
    2,
    3,
    4,
    7.9,
    8,
    34.6,
    999,
    1000,
    2 ** 15.5,
    2 ** 15.75 - 1,
  ]) {
    const i = bucketOf(ms)
    assert.ok(ms < 2 ** (i / 4), `${ms} in ${i}`)
    assert.ok(i === 0 || ms >= 2 ** ((i - 1) / 4), `${ms} in ${i}`)
  }
})

it('counts what is longer than all bounds in the last bucket', () => {
  assert.equal(bucketOf(2 ** 15.75), BUCKETS - 1)
  assert.equal(bucketOf(Infinity), BUCKETS - 1)
})

it('reads a quantile as the bound of its bucket', () => {
  const buckets = new Array<number>(BUCKETS).fill(0)
  assert.equal(quantile(buckets, 0.5), undefined)
  for (const ms of [...new Array<number>(98).fill(10), 100, 1000]) {
    const i = bucketOf(ms)
    buckets[i] = (buckets[i] ?? 0) + 1
  }
  assert.equal(quantile(buckets, 0), 2 ** (bucketOf(10) / 4))
  assert.equal(quantile(buckets, 0.5), 2 ** (bucketOf(10) / 4))
  assert.equal(quantile(buckets, 0.99), 2 ** (bucketOf(100) / 4))
  assert.equal(quantile(buckets, 1), 1024)
})
