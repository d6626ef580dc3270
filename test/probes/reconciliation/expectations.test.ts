import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import type { AuthorityConfig } from '../../../model/config.ts'
import { declaredIssuance, Expectations } from '../../../probes/reconciliation/expectations.ts'
import { DAY, START } from '../../rules/journalDouble.ts'
import { issuedEvent, logged } from './heard.ts'

type Expected = AuthorityConfig['expected'][number]

interface Issued {
  readonly profile?: string
  readonly subject?: string
  readonly names?: readonly string[]
}

function issued({ profile, subject, names }: Issued): AuditEvent {
  const event = issuedEvent('2a', START, START + DAY)
  assert.ok(event.x509 !== undefined)
  return {
    ...event,
    pki: {
      ...event.pki,
      ...(profile === undefined ? {} : { profile }),
      ...(subject === undefined ? {} : { subject }),
    },
    x509: { ...event.x509, ...(names === undefined ? {} : { alternative_names: names }) },
  }
}

const isExpected = (expected: readonly Expected[], what: Issued): boolean =>
  new Expectations({ id: 'issuing-1', expected: [...expected], servernames: [] }).isExpected(issued(what))

describe('what an authority is expected to issue', () => {
  it('is nothing where nothing is declared', () => {
    assert.equal(isExpected([], { profile: '1' }), false)
  })

  it('is what fits one entry in everything that the entry says', () => {
    const clients = [{ profile: '1', subject: 'CN=*,O=Example' }, { profile: '4' }]
    assert.equal(isExpected(clients, { profile: '1', subject: 'CN=alice,O=Example' }), true)
    assert.equal(isExpected(clients, { profile: '1', subject: 'CN=alice,O=Other' }), false)
    assert.equal(isExpected(clients, { profile: '1' }), false)
    assert.equal(isExpected(clients, { profile: '4' }), true)
    assert.equal(isExpected(clients, { profile: '44' }), false)
    assert.equal(isExpected(clients, { subject: 'CN=alice,O=Example' }), false)
  })

  it('has names that all fit, whatever their case, and has some', () => {
    const builds = [{ names: ['*.build.example.org', 'build'] }]
    assert.equal(isExpected(builds, { names: ['a.build.example.org', 'BUILD'] }), true)
    assert.equal(isExpected(builds, { names: ['a.build.example.org', 'www.example.org'] }), false)
    assert.equal(isExpected(builds, { names: ['a.build.example.org.evil.test'] }), false)
    assert.equal(isExpected(builds, {}), false)
    const stored = logged('CERT_STORED', START, { serial: '2a', subject: 'CN=build' })
    assert.equal(new Expectations({ id: '', expected: builds, servernames: [] }).isExpected(stored), false)
  })
})

describe('whose certificate it is', () => {
  const services = [
    { issuer: 'issuing-1', servername: undefined, endpoint: 'shop.example:443' },
    { issuer: 'issuing-2', servername: 'other.example', endpoint: '192.0.2.1:443' },
    { issuer: 'issuing-1', servername: 'Mail.example', endpoint: '192.0.2.1:25' },
  ]
  const expectations = new Expectations(declaredIssuance({ id: 'issuing-1', expected: [] }, services))
  const serviceOf = (...names: string[]) => expectations.serviceOf(issued({ names }))

  it('is told by its names, those of the authority’s own services', () => {
    assert.equal(serviceOf('shop.example'), 1)
    assert.equal(serviceOf('www.example', 'MAIL.example'), 2)
    assert.equal(serviceOf('other.example'), undefined)
    assert.equal(serviceOf('*.example'), 1)
    assert.equal(serviceOf(), undefined)
  })
})

describe('profiles', () => {
  it('are called by their names; those beyond the number that is told apart together', () => {
    const expectations = new Expectations({ id: '', expected: [], servernames: [] })
    const numbers = Array.from({ length: 300 }, (_, i) =>
      expectations.profileOf(issued({ profile: `p${i}` })),
    )
    assert.deepEqual([numbers[0], numbers[253], numbers[254], numbers[299]], [1, 254, 255, 255])
    assert.equal(expectations.profileOf(issued({ profile: 'p7' })), 8)
    assert.deepEqual(
      [0, 8, 254, 255].map((n) => expectations.profileNamed(n)),
      ['unknown', 'p7', 'p253', 'others'],
    )
    assert.equal(expectations.profileOf(issued({})), undefined)
  })
})
