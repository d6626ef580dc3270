import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { issueCrl, type RevokedEntry } from '../../lab/issue.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { probeIssuance } from '../../probes/issuance.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { IssuanceTarget, ReconciliationTarget } from '../../probes/probe.ts'
import { probeReconciliation } from '../../probes/reconciliation.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { issuedEvent, ledgerOf, logged, revokedEvent } from './reconciliation/heard.ts'
import { context, succeeded } from './support.ts'

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)
const SUBJECT = 'ca_crl[issuing-1]'
const URLS = ['http://a/1.crl', 'http://b/1.crl'] as const
const [URL] = URLS
/** The log begins. */
const BEGIN = NOW - 10 * HOUR

const base = { interval: 60_000, timeout: 10_000, address: 'log:issuing-1', issuer }
const target: ReconciliationTarget = {
  ...base,
  probe: 'reconciliation',
  subject: SUBJECT,
  declared: URLS.map((url) => ({
    url,
    series: URL,
    urls: URLS,
    deltaUrls: [],
    partition: undefined,
    isDelta: false,
    schedule: undefined,
  })),
}

interface Published {
  readonly revoked?: readonly RevokedEntry[]
  /** Milliseconds. */
  readonly thisUpdate?: number
  /** Of the same CRL once more. */
  readonly octets?: Uint8Array
}

async function crlOf({ revoked = [], thisUpdate = NOW }: Published): Promise<Uint8Array> {
  const validity = { thisUpdate, nextUpdate: thisUpdate + DAY }
  return issueCrl({ issuer: ca, number: 7n, revoked: [...revoked], ...validity })
}

const digest = (algorithm: string, octets: Uint8Array): string =>
  createHash(algorithm).update(octets).digest('hex')

const stored = (octets: Uint8Array, at = NOW): AuditEvent =>
  logged('CRL_STORED', at, { fingerprint: digest('sha1', octets) })

/** The facts of a run, where the log says this (and stored the CRL, unless `storesCrl` is false). */
async function look(
  published: Published,
  events: readonly AuditEvent[],
  options: {
    readonly before?: FactsOf<'reconciliation'>
    /** When that was, in milliseconds. */
    readonly looked?: number | undefined
    /** The CRL that it was about. */
    readonly earlier?: Uint8Array | undefined
    readonly unstored?: true
    readonly reads?: string[]
  } = {},
): Promise<FactsOf<'reconciliation'> | undefined> {
  const octets = published.octets ?? (await crlOf(published))
  const sha256 = digest('sha256', octets)
  const crl = {
    sha256,
    number: '7',
    size: octets.length,
    thisUpdate: toTimestamp(published.thisUpdate ?? NOW),
  }
  const memory = new RecordedMemory([target, { subject: SUBJECT, probe: 'crl', address: URL }])
  const start = toTimestamp(options.looked ?? BEGIN)
  const remember = (probe: 'crl' | 'reconciliation', address: string, facts: Facts): void =>
    memory.remember({
      ...{ subject: SUBJECT, probe, target: address, vantage: 'test', start, duration: 1 },
      ...{ outcome: 'success', facts, artifacts: [] },
    })
  remember('crl', URL, { crl })
  if (options.before !== undefined)
    remember('reconciliation', target.address, { reconciliation: options.before })
  const ledger = ledgerOf([...events, ...(options.unstored === true ? [] : [stored(octets)])])
  const artifact = (name: string): Promise<Uint8Array | undefined> => {
    options.reads?.push(name)
    const kept = [octets, options.earlier].find((one) => one !== undefined && digest('sha256', one) === name)
    return Promise.resolve(kept)
  }
  return succeeded(await probeReconciliation(target, context({ memory, ledger, artifact }))).facts
    .reconciliation
}

interface Look {
  readonly facts: FactsOf<'reconciliation'>
  readonly octets: Uint8Array | undefined
  readonly looked?: number | undefined
}

/** One look after another. */
async function next(
  published: Published,
  events: readonly AuditEvent[],
  before?: Look,
): Promise<Look & { readonly octets: Uint8Array }> {
  const octets = published.octets ?? (await crlOf(published))
  // Whether CRLs were stored is not the question; the place of events stays.
  const facts = await look({ ...published, octets }, events, {
    ...(before === undefined ? {} : { before: before.facts, looked: before.looked, earlier: before.octets }),
    unstored: true,
  })
  assert.ok(facts !== undefined)
  return { facts, octets }
}

const begin = issuedEvent('1', BEGIN, NOW + DAY)
const issued = issuedEvent('2a', BEGIN + HOUR, NOW + DAY)

describe('a revocation that the log knows', () => {
  it('and that is on the CRL is not missing', async () => {
    const at = NOW - HOUR
    const facts = await look({ revoked: [{ serial: '2a', at }] }, [begin, issued, revokedEvent('2a', at)])
    assert.deepEqual([facts?.revocations, facts?.missing, facts?.unlogged], [1, 0, 0])
    assert.equal(facts?.newestPublished, '2a')
  })

  it('and that no CRL has is missing, since it was logged, with the record that says so', async () => {
    const at = NOW - 2 * HOUR
    const facts = await look({}, [begin, issued, revokedEvent('2a', at)])
    assert.equal(facts?.missing, 1)
    assert.equal(facts.missingSince, toTimestamp(at))
    assert.deepEqual(facts.missingCertificates, [`2a ${toTimestamp(at)} vigil.test/0/2/0`])
  })

  it('is not missing when the certificate has expired, or was on hold and is not any more', async () => {
    const expired = issuedEvent('2b', BEGIN, NOW - HOUR)
    const events = [begin, expired, revokedEvent('2b', BEGIN + 1000), issued]
    const released = [revokedEvent('2a', NOW - 3 * HOUR, 6), revokedEvent('2a', NOW - HOUR, 8)]
    assert.equal((await look({}, [...events, ...released]))?.missing, 0)
  })
})

describe('how long a revocation took to be published', () => {
  const revoke = (serial: string, at: number) => ({ event: revokedEvent(serial, at), entry: { serial, at } })
  const first = revoke('2a', NOW - 2 * HOUR)
  const second = revoke('2b', NOW - HOUR)

  it('is not known of what was on the CRL when vigil first looked', async () => {
    const facts = await look({ revoked: [first.entry] }, [begin, first.event])
    assert.deepEqual([facts?.newestPublished, facts?.latency, facts?.published], ['2a', undefined, 0])
  })

  it('is counted once, of each that was seen to come', async () => {
    const events = [begin, first.event]
    const missing = await next({ thisUpdate: NOW - 3 * HOUR }, events)
    const come = await next({ revoked: [first.entry] }, events, missing)
    assert.deepEqual(
      [come.facts.latency, come.facts.published, come.facts.publishedTime],
      [2 * HOUR, 1, 2 * HOUR],
    )
    assert.deepEqual(come.facts.publishedWithin?.slice(3, 7), ['1800 0', '3600 0', '7200 1', '14400 1'])
    const same = await next({ octets: come.octets }, [...events, issued], come)
    assert.deepEqual([same.facts.latency, same.facts.published], [2 * HOUR, 1])
    const both = { revoked: [first.entry, second.entry], thisUpdate: NOW + 1000 }
    const later = await next(both, [...events, issued, second.event], same)
    assert.deepEqual([later.facts.latency, later.facts.published], [HOUR + 1000, 2])
    assert.equal(later.facts.publishedTime, 3 * HOUR + 1000)
  })

  it('goes on until the CRL is seen, however early it was signed', async () => {
    const missing = await next({ thisUpdate: NOW - 3 * HOUR }, [begin, first.event])
    const lying = { revoked: [first.entry], thisUpdate: NOW - 2 * HOUR + 1000 }
    const come = await next(lying, [begin, first.event], { ...missing, looked: NOW - HOUR })
    assert.equal(come.facts.latency, HOUR)
  })

  it('is told by the CRL where the log tells of it later', async () => {
    const early = await next({ revoked: [first.entry], thisUpdate: NOW - HOUR }, [begin])
    const heard = await next({ octets: early.octets, thisUpdate: NOW - HOUR }, [begin, first.event], early)
    assert.deepEqual([heard.facts.published, heard.facts.latency], [1, HOUR])
    const again = revoke('2a', NOW)
    const events = [begin, first.event, again.event]
    const other = await next({ octets: early.octets, thisUpdate: NOW - HOUR }, events, heard)
    assert.equal(other.facts.published, 1, 'the CRL is from before it was revoked again')
  })

  it('is not told where the CRL from before is not kept any more', async () => {
    const missing = await next({ thisUpdate: NOW - 3 * HOUR }, [begin, first.event])
    const gone = { facts: missing.facts, octets: undefined, looked: undefined }
    assert.equal((await next({ revoked: [first.entry] }, [begin, first.event], gone)).facts.published, 0)
  })
})

describe('a revocation of a certificate that may have expired, as far as the log says', () => {
  const dogtag = (action: string, at: number, serial: string): AuditEvent => {
    const event = logged(action, at, { serial, details: { RequestType: 'revoke' } })
    return { ...event, event: { ...event.event, module: 'dogtag' } }
  }
  const begun = dogtag('CERT_REQUEST_PROCESSED', BEGIN, '1')
  const revoked = (serial: string, at: number): AuditEvent =>
    dogtag('CERT_STATUS_CHANGE_REQUEST_PROCESSED', at, serial)
  const unstored = { unstored: true } as const

  it('is not missed where it was before the first look: it may have left the CRL', async () => {
    const facts = await look({}, [begun, revoked('2a', NOW - HOUR)], unstored)
    assert.deepEqual([facts?.revocations, facts?.missing, facts?.undated], [1, 0, 1])
    assert.equal(facts?.settledUntil, toTimestamp(NOW))
  })

  it('is missed where it comes after that, until it is published, and not when it leaves later', async () => {
    const first = await look({}, [begun], unstored)
    assert.ok(first !== undefined)
    const at = NOW + 2 * HOUR
    const log = [begun, revoked('2a', at)]
    const crl = { thisUpdate: NOW + 3 * HOUR }
    const missed = await look(crl, log, { ...unstored, before: first })
    assert.ok(missed !== undefined)
    assert.deepEqual([missed.missing, missed.missingSince, missed.undated], [1, toTimestamp(at), 0])
    const again = await look({ thisUpdate: NOW + 4 * HOUR }, log, { ...unstored, before: missed })
    assert.equal(again?.missing, 1, 'and goes on to be')
    const published = { thisUpdate: NOW + 5 * HOUR, revoked: [{ serial: '2a', at }] }
    const there = await look(published, log, { ...unstored, before: again })
    assert.ok(there !== undefined)
    assert.deepEqual([there.missing, there.undated], [0, 0])
    const gone = await look({ thisUpdate: NOW + 1000 * DAY }, log, { ...unstored, before: there })
    assert.deepEqual([gone?.missing, gone?.undated], [0, 1])
  })

  it('counts where the log is behind: one that is older than the newest that is known', async () => {
    const first = await look({}, [begun], unstored)
    assert.ok(first !== undefined)
    const later = { thisUpdate: NOW + 5 * HOUR }
    const idle = await look(later, [begun], { ...unstored, before: first })
    assert.ok(idle !== undefined)
    const facts = await look(later, [begun, revoked('2a', NOW + HOUR)], { ...unstored, before: idle })
    assert.equal(facts?.missing, 1)
  })

  it('is the one thing that such a log says of CRLs: nothing is said of those that were not logged', async () => {
    const facts = await look({}, [begun], unstored)
    assert.deepEqual(
      [facts?.told, facts?.crlsUnlogged, facts?.unlogged],
      [['issued', 'revoked'], undefined, 0],
    )
    const partial = logged('certificate_revoked', NOW - HOUR, { serial: '2a' })
    const event = { ...partial, event: { ...partial.event, module: 'certctl' } }
    const told = await look({ revoked: [{ serial: 'bad', at: NOW - 1000 }] }, [event], unstored)
    assert.deepEqual([told?.told, told?.revocations, told?.unlogged], [[], 1, undefined])
  })
})

describe('an entry of a CRL', () => {
  it('that nobody revoked is named', async () => {
    const at = NOW - HOUR
    const facts = await look({ revoked: [{ serial: 'bad', at }] }, [begin])
    assert.deepEqual([facts?.unlogged, facts?.unloggedEntries], [1, [`bad ${toTimestamp(at)}`]])
  })

  it('of a certificate that was issued, and that nobody revoked, is named too', async () => {
    const facts = await look({ revoked: [{ serial: '2a', at: NOW - HOUR }] }, [begin, issued])
    assert.equal(facts?.unlogged, 1)
  })

  it('from before the log begins is not judged', async () => {
    assert.equal(
      (
        await look(
          {
            revoked: [
              { serial: '0d', at: BEGIN - 1000 },
              { serial: '1d', at: BEGIN },
            ],
          },
          [begin],
        )
      )?.unlogged,
      0,
    )
  })

  it('that is on hold, and was released since, waits for the next CRL', async () => {
    const at = NOW - 2 * HOUR
    const events = [begin, issued, revokedEvent('2a', at, 6), revokedEvent('2a', NOW - HOUR, 8)]
    assert.equal((await look({ revoked: [{ serial: '2a', at, reason: 6 }] }, events))?.unlogged, 0)
  })
})

describe('a CRL', () => {
  it('that was not stored is named, unless it is from before the log begins', async () => {
    assert.deepEqual((await look({}, [begin]))?.crlsUnlogged, [])
    assert.deepEqual((await look({}, [begin], { unstored: true }))?.crlsUnlogged, [`${URL} 7`])
    const old = { thisUpdate: BEGIN - HOUR }
    assert.deepEqual((await look(old, [begin], { unstored: true }))?.crlsUnlogged, [])
  })

  it('is read again only when it or the log says something new', async () => {
    const octets = await crlOf({})
    const before = await look({ octets }, [begin])
    assert.ok(before !== undefined)
    const reads: string[] = []
    assert.deepEqual(await look({ octets }, [begin], { reads, before }), before)
    assert.deepEqual(reads, [])
    await look({ octets }, [begin, issued], { reads, before })
    await look({}, [begin], { reads, before, earlier: octets })
    assert.equal(reads.length, 3, 'another CRL, and the one before it')
  })

  it('that nobody has seen yet, or a log that says nothing, gives no facts', async () => {
    const memory = new RecordedMemory([target])
    const run = succeeded(await probeReconciliation(target, context({ memory, ledger: ledgerOf([begin]) })))
    assert.deepEqual(run.facts, { authority: { id: 'issuing-1', class: 'online' } })
    assert.equal(await look({}, [], { unstored: true }), undefined)
  })
})

describe('a certificate that is served', () => {
  const service = { subject: 'service_tls_health[shop,prod]', address: 'shop:443' }
  const own: IssuanceTarget = {
    ...base,
    probe: 'issuance',
    subject: 'deployed_service_cert[shop,prod]',
    service,
  }
  const sha256 = 'aa'.repeat(32)
  const served = { serial: '2a', sha256, notBefore: toTimestamp(NOW - HOUR) }

  async function status(
    events: readonly AuditEvent[],
    certificate: FactsOf<'certificate'> = served,
    tls: FactsOf<'tls'> = { pathValid: true, issuedDirectly: true },
  ): Promise<FactsOf<'issuance'> | undefined> {
    const memory = new RecordedMemory([{ ...service, probe: 'tls' }])
    memory.remember({
      ...{ subject: service.subject, probe: 'tls', target: service.address, vantage: 'test' },
      ...{ start: toTimestamp(NOW), duration: 1, outcome: 'success', artifacts: [] },
      facts: { certificate, tls },
    })
    const run = await probeIssuance(own, context({ memory, ledger: ledgerOf(events) }))
    return succeeded(run).facts.issuance
  }

  it('was issued as the log says, by its record', async () => {
    const facts = await status([begin, issuedEvent('2a', NOW - HOUR, NOW + DAY, sha256)])
    assert.deepEqual([facts?.status, facts?.record], ['logged', 'vigil.test/0/1/0'])
  })

  it('was not, or another one was with its serial number', async () => {
    assert.equal((await status([begin]))?.status, 'not_logged')
    const other = issuedEvent('2a', NOW - HOUR, NOW + DAY, 'bb'.repeat(32))
    assert.equal((await status([begin, other]))?.status, 'other_logged')
  })

  it('is not judged when it is from before the log, or the authority did not sign it itself', async () => {
    assert.equal((await status([begin], { ...served, notBefore: toTimestamp(BEGIN) }))?.status, 'not_judged')
    const judgements = [{ pathValid: false }, { pathValid: true, issuedDirectly: false }]
    for (const tls of judgements) assert.equal((await status([begin], served, tls))?.status, 'not_judged')
  })

  it('says nothing while the log says nothing', async () => {
    assert.equal(await status([]), undefined)
  })
})
