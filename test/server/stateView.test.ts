import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inventorySchema } from '../../model/config.ts'
import type { Facts } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import { toTimestamp } from '../../model/time.ts'
import type { DeclaredTarget } from '../../server/metrics.ts'
import { statePage } from '../../server/views/state.ts'
import type { TargetState } from '../../store/contract.ts'
import { findingOf } from '../alerts/findings.ts'
import { observationOf, T0 } from '../store/records.ts'
import { statusOf } from './support.ts'

const INVENTORY = inventorySchema.parse({
  authorities: [{ id: 'issuing-1', certificate: 'issuing.pem' }],
  systems: [{ id: 'ejbca', kind: 'ejbca', url: 'https://ca.example:8443' }],
})

const target = (probe: DeclaredTarget['probe'], subject: string, address: string): DeclaredTarget => ({
  probe,
  subject,
  address,
  interval: 60_000,
})
const CA = target('ca', 'intermediate_ca_cert[issuing-1]', 'inventory:issuing-1')
const CRL = target('crl', 'ca_crl[issuing-1]', 'http://crl.example/0.crl')
const SET = target('crl_set', 'ca_crl[issuing-1]', 'crl_set:issuing-1')
const OCSP = target('ocsp', 'ocsp_responder_status[issuing-1]', 'http://ocsp.example/')
const MATRIX = target('ocsp_matrix', 'ocsp_responder_status[issuing-1]', 'http://ocsp.example/')
const HEALTH = target('health', 'ca_server[ejbca]', 'https://ca.example:8443')
const TARGETS = [CA, CRL, SET, OCSP, MATRIX, HEALTH]

function seen({ probe, subject, address }: DeclaredTarget, facts: Facts): TargetState {
  const observation = observationOf({ probe, subject, target: address, facts })
  return {
    observation: { ...observation, id: 'vigil/1/1/0', recorded: toTimestamp(T0) },
    lastStart: toTimestamp(T0),
    lastDuration: 5,
    known: facts,
  }
}

function page(latest: readonly TargetState[], findings: readonly Partial<Finding>[] = []) {
  return statePage({
    inventory: INVENTORY,
    targets: TARGETS,
    latest,
    findings: findings.map((parts) => ({
      ...findingOf('fail', T0, parts),
      id: 'vigil/1/2/0',
      recorded: toTimestamp(T0),
    })),
    actions: [],
    incidents: [],
    status: statusOf(),
    now: T0,
  })
}

describe('the page about everything', () => {
  it('shows of an authority its certificate, its CRLs each and together, and its responders once', () => {
    const certificate = {
      subject: 'CN=Issuing 1',
      notBefore: toTimestamp(T0),
      notAfter: toTimestamp(T0 + 1000),
    }
    const latest = [
      seen(CA, { certificate, aia: { urls: ['a', 'b'], good: ['a'] } }),
      seen(SET, { crlSet: { addresses: 3, missing: ['2'], differing: [] } }),
    ]
    const failing = { subject: CRL.subject, rule: 'crl_partitions_complete', target: SET.address }
    const rows = page(latest, [failing]).authorities[0]?.endpoints ?? []
    assert.deepEqual(
      rows.map(({ probe, address, content, detail }) => [probe, address, content, detail]),
      [
        ['Certificate', '', 'CN=Issuing 1', 'published at 1 of 2 places'],
        ['CRL', CRL.address, null, ''],
        ['CRLs together', '', '3 CRLs', '1 missing'],
        ['OCSP', OCSP.address, null, ''],
      ],
    )
    assert.deepEqual(
      rows.map(({ verdict }) => verdict.state),
      ['unknown', 'unknown', 'fail', 'unknown'],
    )
  })

  it('shows a verdict at each of the targets that a subject has: what passes passes at all of them', () => {
    const one = { subject: CRL.subject, target: CRL.address }
    const verdicts = (...findings: Partial<Finding>[]) =>
      page([], findings)
        .authorities[0]?.endpoints.filter(({ subject }) => subject === CRL.subject)
        .map(({ verdict }) => verdict.state)
    assert.deepEqual(verdicts({ ...one, state: 'pass' }), ['pass', 'pass'])
    assert.deepEqual(verdicts({ ...one, state: 'pass' }, { ...one, state: 'fail', rule: 'crl_valid' }), [
      'fail',
      'pass',
    ])
  })

  it('shows what systems say of themselves, as text', () => {
    const health = { status: 'ALLOK', version: '9.3', problems: ['<b>disk</b>\u202e'] }
    const [system] = page([seen(HEALTH, { health })]).systems
    assert.equal(system?.status, 'ALLOK')
    assert.equal(system.run?.success, true)
    assert.doesNotMatch(system.problems.join(), /\u202e/)
    assert.equal(page([]).systems[0]?.run?.never, true)
  })
})
