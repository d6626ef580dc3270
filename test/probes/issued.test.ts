import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { probeIssued } from '../../probes/issued.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { IssuedTarget } from '../../probes/probe.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { issuedEvent, ledgerOf, revokedEvent } from './reconciliation/heard.ts'
import { context, succeeded } from './support.ts'

const BEGIN = NOW - 10 * HOUR
const SHOP = { subject: 'service_tls_health[shop,prod]', address: 'shop.example:443' }
const OCSP = { subject: 'ocsp_responder_status[issuing-1]', probe: 'ocsp', address: 'http://o/' } as const

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)

/** With a profile and names, as CERT_CREATION tells of it. */
function issued(
  serial: string,
  at: number,
  told: { profile?: string; names?: readonly string[] } = {},
): AuditEvent {
  const event = issuedEvent(serial, at, NOW + DAY)
  assert.ok(event.x509 !== undefined)
  const { profile = '9', names = [] } = told
  return {
    ...event,
    pki: { ...event.pki, profile },
    x509: { ...event.x509, alternative_names: names },
  }
}

interface World {
  readonly served?: FactsOf<'certificate'>
  readonly signer?: FactsOf<'ocsp'>
  readonly before?: Facts
  readonly target?: Partial<IssuedTarget>
  readonly expected?: readonly { readonly profile: string }[]
  readonly now?: number
}

async function look(
  events: readonly AuditEvent[],
  world: World = {},
): Promise<FactsOf<'issued'> | undefined> {
  const target: IssuedTarget = {
    ...{ probe: 'issued', subject: 'intermediate_ca_cert[issuing-1]', address: 'log:issuing-1' },
    ...{ interval: 60_000, timeout: 10_000, issuer, declared: [], asked: [], services: [SHOP] },
    ...world.target,
  }
  const memory = new RecordedMemory([target, { ...SHOP, probe: 'tls' }, OCSP])
  const remember = (
    of: { readonly subject: string; readonly address: string },
    probe: 'tls' | 'ocsp' | 'issued',
    facts: Facts,
  ): void =>
    memory.remember({
      ...{ subject: of.subject, probe, target: of.address, vantage: 'test', facts, duration: 1 },
      ...{ start: toTimestamp(NOW), outcome: 'success', artifacts: [] },
    })
  if (world.served !== undefined) remember(SHOP, 'tls', { certificate: world.served })
  if (world.signer !== undefined) remember(OCSP, 'ocsp', { ocsp: world.signer })
  if (world.before !== undefined) remember(target, 'issued', world.before)
  const expected = [...(world.expected ?? [])]
  const ledger = ledgerOf(events, 0, [], { expected, servernames: ['shop.example'] })
  const now = (): number => world.now ?? NOW
  return succeeded(await probeIssued(target, context({ memory, ledger, now }))).facts.issued
}

function counts(facts: FactsOf<'issued'> | undefined): readonly (number | undefined)[] {
  return [facts?.certificates, facts?.expected, facts?.inventoried, facts?.unknown]
}

const begin = issued('1', BEGIN, { profile: '1' })
const EXPECTED = [{ profile: '1' }]

describe('a certificate that the log says was issued', () => {
  it('is unknown, with when, which profile, and the record of the event', async () => {
    const facts = await look([begin, issued('2a', NOW - HOUR)], { expected: EXPECTED })
    assert.deepEqual(counts(facts), [2, 1, 0, 1])
    assert.equal(facts?.unknownSince, toTimestamp(NOW - HOUR))
    assert.deepEqual(facts.unknownCertificates, [`${toTimestamp(NOW - HOUR)} 2a 9 vigil.test/0/1/0`])
    assert.deepEqual(facts.unknownProfiles, ['9 1'])
  })

  it('is known when it is served, stands in a file, is asked about, or signs OCSP answers', async () => {
    const served = { issuer: issuer.certificate.subject.text, serial: '2a', notBefore: toTimestamp(NOW) }
    const file = { serial: '2b', notBefore: NOW, sha256: 'ab'.repeat(32) }
    const signer = { responderDelegated: true, responderSerial: '2d', responderNotBefore: toTimestamp(NOW) }
    const events = ['2a', '2b', '2c', '2d', '2e'].map((serial) => issued(serial, NOW - HOUR))
    const facts = await look(events, { served, signer, target: { declared: [file], asked: ['2c'] } })
    assert.deepEqual(counts(facts), [5, 0, 4, 1])
    assert.match(facts?.unknownCertificates?.[0] ?? '', / 2e /)
  })

  it('is known when the service that it is for has replaced it, and not before it serves it', async () => {
    const names = ['shop.example']
    const events = [
      issued('2a', NOW - 3 * HOUR, { names }),
      issued('2b', NOW - 2 * HOUR, { names }),
      issued('2c', NOW - HOUR, { names }),
      issued('2d', NOW - 3 * HOUR, { names: ['other.example'] }),
    ]
    const served = { issuer: issuer.certificate.subject.text, serial: '2b', notBefore: toTimestamp(NOW) }
    const facts = await look(events, { served })
    assert.deepEqual(counts(facts), [4, 0, 2, 2])
    assert.deepEqual(
      facts?.unknownCertificates?.map((text) => text.split(' ')[1]),
      ['2d', '2c'],
    )
  })

  it('does not count when it was revoked, or has expired meanwhile', async () => {
    const events = [begin, issued('2a', NOW - HOUR), issued('2b', NOW - HOUR), revokedEvent('2a', NOW)]
    assert.deepEqual(counts(await look(events, { expected: EXPECTED })), [2, 1, 0, 1])
    const before = { issued: (await look(events, { expected: EXPECTED })) ?? {} }
    const later = await look(events, { expected: EXPECTED, before, now: NOW + 2 * DAY })
    assert.deepEqual(counts(later), [0, 0, 0, 0])
    assert.equal(later?.unknownSince, undefined)
  })

  it('is one of many: all are counted, by profile, and the first of them named', async () => {
    const events = Array.from({ length: 500 }, (_, i) =>
      issued((0x1000 + i).toString(16), NOW - HOUR + i * 1000, { profile: i % 5 === 0 ? '9' : '1' }),
    )
    const facts = await look(events.toReversed())
    assert.deepEqual([facts?.unknown, facts?.unknownProfiles], [500, ['1 400', '9 100']])
    const serials = facts?.unknownCertificates?.map((text) => text.split(' ')[1])
    assert.deepEqual(
      serials,
      Array.from({ length: 20 }, (_, i) => (0x1000 + i).toString(16)),
    )
  })

  it('is not looked for again until something is news, or an hour has gone by', async () => {
    const facts = await look([begin])
    assert.ok(facts !== undefined)
    const marked = { ...facts, unknown: 77 }
    assert.equal((await look([begin], { before: { issued: marked } }))?.unknown, 77)
    assert.equal((await look([begin], { before: { issued: marked }, now: NOW + HOUR }))?.unknown, 1)
    assert.equal((await look([begin], { before: { issued: marked }, target: { asked: ['1'] } }))?.unknown, 0)
  })
})

describe('a certificate of the inventory', () => {
  const file = (serial: string, notBefore = NOW - HOUR) => ({ serial, notBefore, sha256: 'ab'.repeat(32) })

  it('that the log does not know is named, unless it is from before the log begins', async () => {
    const target = { declared: [file('2a'), file('2b', BEGIN - HOUR), file('1')] }
    assert.deepEqual((await look([begin], { target }))?.unlogged, ['2a in a file'])
  })

  it('is named when another one was issued with its serial number', async () => {
    const other = issuedEvent('2b', BEGIN + HOUR, NOW + DAY, 'cd'.repeat(32))
    const target = { declared: [file('2b', BEGIN - HOUR)] }
    assert.deepEqual((await look([begin, other], { target }))?.unlogged, ['2b in a file'])
  })

  it('that signs OCSP answers is named too', async () => {
    const signer = { responderDelegated: true, responderSerial: '5e', responderNotBefore: toTimestamp(NOW) }
    assert.deepEqual((await look([begin], { signer }))?.unlogged, ['5e signs OCSP answers'])
    const own = { ...signer, responderDelegated: false }
    assert.deepEqual((await look([begin], { signer: own }))?.unlogged, [])
  })

  it('is not judged while nobody knows the log', async () => {
    assert.equal(await look([]), undefined)
  })
})
