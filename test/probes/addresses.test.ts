import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressFacts, lookAtEveryAddress, type Look } from '../../probes/addresses.ts'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { probeError } from '../../probes/observe.ts'

const network = {
  names: {
    ...systemNames({
      'many.example': Array.from({ length: 10 }, (_, i) => `127.0.0.${10 - i}`),
      'three.example': ['127.0.0.3', '127.0.0.1', '127.0.0.2'],
    }),
    system: () => Promise.reject(new FetchError('resolve', 'name_not_found', 'no such name')),
  },
}

function deadline(limit = 60_000, signal = new AbortController().signal): Deadline {
  return new Deadline(limit, signal)
}

const good: Look = { error: undefined, version: 'new' }
const refused: Look = { error: probeError('connect', 'refused', 'nobody'), version: undefined }

test('at most eight addresses are looked at, two at a time', async () => {
  using limit = deadline()
  let underWay = 0
  let most = 0
  const found = await lookAtEveryAddress('many.example', network, limit, async () => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    return good
  })
  assert.equal(found.looks.length, 8)
  assert.equal(most, 2)
  assert.deepEqual(addressFacts(found, 'new').all?.toSorted(), addressFacts(found, 'new').all)
})

test('each look has its share of the time, so that one that hangs leaves time for the others', async () => {
  using limit = deadline(60_000)
  const limits: number[] = []
  await lookAtEveryAddress('three.example', network, limit, (_address, share) => {
    limits.push(share.limit)
    return Promise.resolve(good)
  })
  assert.deepEqual(limits, [30_000, 30_000, 30_000])
})

test('addresses that fail and those that answer something else are named, in the same order in every run', async () => {
  using limit = deadline()
  const looksAt: Readonly<Record<string, Look>> = {
    '127.0.0.1': good,
    '127.0.0.2': { error: probeError('http', 'http_status', 'got 503'), version: undefined },
    '127.0.0.3': { error: undefined, version: 'old' },
  }
  const found = await lookAtEveryAddress('three.example', network, limit, (address) =>
    Promise.resolve(looksAt[address] ?? refused),
  )
  assert.deepEqual(addressFacts(found, 'new'), {
    all: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    failed: ['127.0.0.2 http_status'],
    differing: ['127.0.0.3'],
  })
})

test('the second address of localhost is looked at only when nobody listens at the first', async () => {
  using limit = deadline()
  const visited: string[] = []
  const visit = (answer: (address: string) => Look) =>
    lookAtEveryAddress('api.localhost', network, limit, (address) => {
      visited.push(address)
      return Promise.resolve(answer(address))
    })
  await visit(() => good)
  assert.deepEqual(visited.splice(0), ['127.0.0.1'])
  const { looks } = await visit((address) => (address === '::1' ? good : refused))
  assert.deepEqual(visited, ['127.0.0.1', '::1'])
  assert.deepEqual(addressFacts({ looks, skipped: [], error: undefined }, 'new').all, ['::1'])
})

test('a name without address is an error, and nothing is looked at', async () => {
  using limit = deadline()
  const names = { ...network.names, resolver: () => assert.fail('names of hosts files need no DNS') }
  const unknown = { names: { ...names, declared: new Map([['nowhere.example', []]]) } }
  const found = await lookAtEveryAddress('nowhere.example', unknown, limit, () => assert.fail('no address'))
  assert.equal(found.error?.code, 'name_not_found')
  assert.deepEqual(addressFacts(found, undefined), { all: [], failed: [], differing: [] })
})

test('IPv6 addresses are left out where the machine has none, and said to be', async () => {
  using limit = deadline()
  const dual = {
    names: systemNames({ 'dual.example': ['192.0.2.1', '2001:db8::1'], 'six.example': ['2001:db8::1'] }),
  }
  const see = async (host: string) =>
    addressFacts(
      await lookAtEveryAddress(host, dual, limit, () => Promise.resolve(good), { ipv6: false }),
      'new',
    )
  assert.deepEqual(await see('dual.example'), {
    all: ['192.0.2.1'],
    failed: [],
    differing: [],
    skipped: ['2001:db8::1'],
  })
  assert.deepEqual((await see('six.example')).all, ['2001:db8::1'], 'the only way there is')
})

test('a shutdown ends the looks', async () => {
  const stop = new AbortController()
  using limit = deadline(60_000, stop.signal)
  const run = lookAtEveryAddress('three.example', network, limit, (_address, share) => {
    stop.abort(new Error('stopping'))
    return share.race(new Promise<Look>(() => undefined), 'http', 'an answer')
  })
  await assert.rejects(run, /stopping/)
})
