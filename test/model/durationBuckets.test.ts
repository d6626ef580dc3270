import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bucketBound,
  durationBucket,
  durationPercentile,
  DURATION_BUCKETS,
} from '../../model/durationBuckets.ts'

describe('duration buckets', () => {
  it('bucket i holds what is below 2^(i/4) ms and not below the bound before it', () => {
    for (let i = 1; i < DURATION_BUCKETS - 1; i++) {
      const [low, high] = [bucketBound(i - 1), bucketBound(i)]
      assert.equal(durationBucket((low + high) / 2), i)
      assert.equal(durationBucket(high * (1 - 1e-9)), i)
      assert.equal(durationBucket(high * (1 + 1e-9)), i + 1)
    }
  })

  it('the first takes everything below 1 ms, the last everything from 46 s up', () => {
    for (const ms of [0, 0.99, -1, NaN]) assert.equal(durationBucket(ms), 0)
    assert.equal(durationBucket(1), 1)
    for (const ms of [46_341, 1e9, Infinity]) assert.equal(durationBucket(ms), 63)
    assert.equal(bucketBound(63), Infinity)
  })

  it('percentiles are upper bounds, and never more than the longest', () => {
    const buckets = new Array<number>(DURATION_BUCKETS).fill(0)
    assert.equal(durationPercentile(buckets, 0.5), undefined)
    buckets[durationBucket(10)] = 98
    buckets[durationBucket(700)] = 1
    buckets[durationBucket(90_000)] = 1
    const bound = bucketBound(durationBucket(10))
    assert.ok(bound > 10 && bound < 12)
    assert.equal(durationPercentile(buckets, 0.5, 90_000), bound)
    assert.equal(durationPercentile(buckets, 0.98, 90_000), bound)
    assert.equal(durationPercentile(buckets, 0.99, 90_000), bucketBound(durationBucket(700)))
    assert.equal(durationPercentile(buckets, 1, 90_000), 90_000)
    assert.equal(durationPercentile(buckets, 0, 4), 4)
  })
})
