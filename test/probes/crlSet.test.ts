import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { issueCrl } from '../../lab/issue.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { CrlDistribution } from '../../probes/crl/distribution.ts'
import { probeCrlSet } from '../../probes/crlSet.ts'
import { compareInWorker } from '../../probes/crlSet/compare.ts'
import { overlapOf } from '../../probes/crlSet/overlap.ts'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { CrlSetTarget } from '../../probes/probe.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { context, succeeded } from './support.ts'

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)
const SUBJECT = 'ca_crl[issuing-1]'
const SERVICE = 'service_tls_health[shop,prod]'

const at = (url: string, changes: Partial<CrlDistribution> = {}): CrlDistribution => ({
  url,
  series: url,
  urls: [url],
  deltaUrls: [],
  partition: undefined,
  isDelta: false,
  schedule: undefined,
  ...changes,
})

const copies = (...urls: string[]): CrlDistribution[] =>
  urls.map((url) => at(url, { urls, series: urls[0] ?? '' }))
const partition = (name: string): CrlDistribution => at(`http://a/${name}.crl`, { partition: name })

const crl = (number: number, sha256 = `sha of ${number}`, changes: FactsOf<'crl'> = {}): FactsOf<'crl'> => ({
  number: String(number),
  sha256,
  thisUpdate: toTimestamp(NOW),
  scope: '',
  size: 100,
  distributionPoints: [],
  ...changes,
})

/** What a run of the set finds, where the probes of its CRLs saw these; `undefined`: no CRL that verified. */
async function look(
  addresses: readonly CrlDistribution[],
  seen: Readonly<Record<string, FactsOf<'crl'> | undefined>>,
  options: {
    readonly served?: FactsOf<'certificate'>
    readonly artifacts?: Readonly<Record<string, Uint8Array>>
    readonly before?: FactsOf<'crlSet'>
    readonly asked?: string[]
  } = {},
): Promise<FactsOf<'crlSet'> | undefined> {
  const target: CrlSetTarget = {
    probe: 'crl_set',
    subject: SUBJECT,
    address: 'crl_set:issuing-1',
    interval: 60_000,
    timeout: 10_000,
    issuer,
    declared: addresses,
  }
  const memory = new RecordedMemory([
    target,
    { subject: SERVICE, probe: 'tls', address: 'shop:443' },
    ...addresses.map(({ url }) => ({ subject: SUBJECT, probe: 'crl' as const, address: url })),
  ])
  const remember = (probe: 'crl' | 'tls' | 'crl_set', subject: string, address: string, facts: Facts): void =>
    memory.remember({
      ...{ subject, probe, target: address, vantage: 'test', start: toTimestamp(NOW), duration: 1 },
      ...{ outcome: 'success', facts, artifacts: [] },
    })
  for (const [url, facts] of Object.entries(seen))
    remember('crl', SUBJECT, url, facts === undefined ? {} : { crl: facts })
  if (options.served !== undefined) remember('tls', SERVICE, 'shop:443', { certificate: options.served })
  if (options.before !== undefined) remember('crl_set', SUBJECT, target.address, { crlSet: options.before })
  const artifact = (digest: string): Promise<Uint8Array | undefined> => {
    options.asked?.push(digest)
    return Promise.resolve(options.artifacts?.[digest])
  }
  return succeeded(await probeCrlSet(target, context({ memory, artifact }))).facts.crlSet
}

describe('copies of a CRL', () => {
  const [http, mirror] = ['http://a/1.crl', 'http://b/1.crl']

  it('that are the same say nothing', async () => {
    assert.deepEqual((await look(copies(http, mirror), { [http]: crl(5), [mirror]: crl(5) }))?.differing, [])
  })

  it('of which one is behind are named with both numbers', async () => {
    const { differing } = (await look(copies(http, mirror), { [http]: crl(5), [mirror]: crl(4) })) ?? {}
    assert.deepEqual(differing, [
      `${mirror} number 4 of ${toTimestamp(NOW)}, newest is number 5 of ${toTimestamp(NOW)}`,
    ])
  })

  it('need not be declared to be copies: two full CRLs of one authority are', async () => {
    const addresses = [at(http), at(mirror)]
    assert.equal((await look(addresses, { [http]: crl(5), [mirror]: crl(4) }))?.differing?.length, 1)
    const ofCas = crl(4, 'other', { scope: 'CAs only #1' })
    assert.deepEqual((await look(addresses, { [http]: crl(5), [mirror]: ofCas }))?.differing, [])
  })

  it('that cannot be fetched differ from nothing', async () => {
    assert.deepEqual(
      (await look(copies(http, mirror), { [http]: crl(5), [mirror]: undefined }))?.differing,
      [],
    )
  })

  it('that nobody looked at yet give no facts', async () => {
    assert.equal(await look(copies(http, mirror), { [http]: crl(5) }), undefined)
  })
})

describe('partitions', () => {
  const two = [partition('1'), partition('2')]
  const [one, other] = ['http://a/1.crl', 'http://a/2.crl']

  it('without a CRL are missing, at whatever address', async () => {
    assert.deepEqual((await look(two, { [one]: crl(1), [other]: undefined }))?.missing, ['2'])
  })

  it('are no copies of each other, even where they do not say which they are', async () => {
    assert.deepEqual((await look(two, { [one]: crl(1), [other]: crl(2) }))?.differing, [])
  })

  it('are numbered without gaps', async () => {
    const declaredOnes = ['1', '2', '4', '9', 'north'].map(partition)
    const seen = Object.fromEntries(declaredOnes.map(({ url }) => [url, crl(1)]))
    assert.deepEqual((await look(declaredOnes, seen))?.numberingGaps, ['3', '5-8'])
  })

  it('that certificates and CRLs name must be declared', async () => {
    const [third, fourth] = ['http://a/3.crl', 'http://a/4.crl']
    const served = { issuer: issuer.certificate.subject.text, crlUrls: [one, third] }
    const seen = { [one]: crl(1), [other]: crl(2, 'x', { distributionPoints: [other, fourth] }) }
    assert.deepEqual((await look(two, seen, { served }))?.undeclared, [third, fourth])
    const foreign = { issuer: 'CN=Other', crlUrls: [third] }
    assert.deepEqual(
      (await look(two, { [one]: crl(1), [other]: crl(2) }, { served: foreign }))?.undeclared,
      [],
    )
  })

  it('that list one certificate both are found, once for as long as they stay', async () => {
    const artifacts = { a: await list('aa', 'bb'), b: await list('bb', 'cc', 'cc') }
    const seen = { [one]: crl(1, 'a'), [other]: crl(1, 'b') }
    const first = await look(two, seen, { artifacts })
    assert.deepEqual([first?.listedTwice, first?.twice], [1, ['bb on 1, 2']])
    const asked: string[] = []
    const second = await look(two, seen, { artifacts, before: first ?? {}, asked })
    assert.deepEqual([second, asked], [first, []])
    const renewed = { [one]: crl(1, 'a'), [other]: crl(2, 'c') }
    const third = await look(two, renewed, {
      artifacts: { ...artifacts, c: await list('cc') },
      before: first ?? {},
    })
    assert.deepEqual([third?.listedTwice, third?.twice], [0, []])
  })

  it('of which the octets are not at hand, are too many, or are not there are not compared', async () => {
    const artifacts = { a: await list('aa'), b: await list('aa') }
    const small = { [one]: crl(1, 'a'), [other]: crl(1, 'gone') }
    assert.equal((await look(two, small, { artifacts }))?.listedTwice, undefined)
    const large = { [one]: crl(1, 'a'), [other]: crl(1, 'b', { size: 300 * 1024 * 1024 }) }
    assert.equal((await look(two, large, { artifacts }))?.listedTwice, undefined)
    const three = [...two, partition('3')]
    const seen = { [one]: crl(1, 'a'), [other]: crl(1, 'b'), 'http://a/3.crl': undefined }
    assert.equal((await look(three, seen, { artifacts }))?.listedTwice, undefined)
  })

  it('of many entries are compared in a worker, with the same result', async () => {
    const serials = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => (0x100000 + from + i).toString(16))
    const lists = [
      { name: 'a', octets: await list(...serials(0, 5000)) },
      { name: 'b', octets: await list(...serials(4990, 5000)) },
    ]
    using deadline = new Deadline(60_000, new AbortController().signal)
    const overlap = await compareInWorker(lists, deadline)
    assert.deepEqual(overlap?.count, 10)
    const parsed = lists.map(({ name, octets }) => ({ name, crl: parseCrl(octets, { index: true }) }))
    assert.deepEqual(overlap, overlapOf(parsed))
  })

  async function list(...serials: string[]): Promise<Uint8Array> {
    return issueCrl({
      issuer: ca,
      number: 1n,
      thisUpdate: NOW - HOUR,
      nextUpdate: NOW + DAY,
      revoked: serials.map((serial) => ({ serial, at: NOW - DAY })),
    })
  }
})

describe('delta CRLs', () => {
  const [base, changes] = ['http://a/1.crl', 'http://a/1d.crl']
  const addresses = [at(base), at(changes, { series: base, isDelta: true })]
  const delta = (baseNumber: number, scope = '') =>
    crl(8, 'd', { isDelta: true, baseNumber: String(baseNumber), scope })

  it('are based on the complete CRL that is published, or on an earlier one', async () => {
    for (const number of [5, 4])
      assert.deepEqual(
        (await look(addresses, { [base]: crl(5), [changes]: delta(number) }))?.deltasUnusable,
        [],
      )
  })

  it('that are based on one that is not published cannot be used', async () => {
    const found = await look(addresses, { [base]: crl(5), [changes]: delta(6) })
    assert.deepEqual(found?.deltasUnusable, [`${changes} is based on CRL 6, published is 5`])
    assert.deepEqual([found.deltas, found.differing], [1, []])
  })

  it('for other certificates than their base cannot be used', async () => {
    const found = await look(addresses, { [base]: crl(5), [changes]: delta(5, 'CAs only #1') })
    assert.deepEqual(found?.deltasUnusable, [`${changes} is for other certificates than its base`])
  })

  it('are not judged while their base cannot be fetched', async () => {
    assert.deepEqual((await look(addresses, { [base]: undefined, [changes]: delta(6) }))?.deltasUnusable, [])
  })
})
