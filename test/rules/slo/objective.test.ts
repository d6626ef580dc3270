import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatProblem } from '../../../model/problem.ts'
import { slosSchema } from '../../../model/slos.ts'
import { checkOverrides } from '../../../rules/slo/objective.ts'
import { DAY, MINUTE } from '../journalDouble.ts'
import { objectives, slosOf, TARGETS } from './support.ts'

const shown = (slos: object = {}): readonly string[] =>
  objectives(slos).map(
    ({ subject, kind, target, window, limit }) =>
      `${subject} ${kind} ${target} ${window / DAY}d ${limit ?? '-'}`,
  )

describe('objectives', () => {
  it('are the usual ones of every authority, responder and service', () => {
    assert.deepEqual(shown(), [
      'ca_crl[issuing-1] availability 0.999 30d -',
      'ca_crl[issuing-1] freshness 0.999 30d 86400000',
      'ocsp_responder_status[issuing-1] availability 0.999 30d -',
      'ocsp_responder_status[issuing-1] latency 0.99 30d 512',
      'ca_crl[root] availability 0.999 30d -',
      'ca_crl[root] freshness 0.999 30d -',
      'service_tls_health[shop,prod] availability 0.999 30d -',
      'service_tls_health[shop,prod] latency 0.99 30d 1024',
    ])
  })

  it('have their own figures, and those of the first override that names the subject', () => {
    const slos = {
      window: '7d',
      crl_availability: { enabled: false },
      crl_freshness: { enabled: false },
      tls_availability: { enabled: false },
      tls_latency: { target: 90, threshold: '2s' },
      ocsp_availability: { target: 99, window: '90d' },
      ocsp_latency: { enabled: false },
      overrides: [
        { objective: 'ocsp_availability', subject: '*[issuing-1]', target: 99.5 },
        { objective: 'crl_freshness', subject: 'ca_crl[root]', enabled: true, max_age: '365d' },
      ],
    }
    assert.deepEqual(shown(slos), [
      'ocsp_responder_status[issuing-1] availability 0.995 90d -',
      'ca_crl[root] freshness 0.999 7d 31536000000',
      'service_tls_health[shop,prod] latency 0.9 7d 2048',
    ])
  })

  it('know how far apart their events are', () => {
    const spacing = objectives({ interval: '2m' }).map((o) => [o.kind, o.spacing])
    assert.ok(spacing.every(([kind, ms]) => ms === (kind === 'freshness' ? 2 * MINUTE : MINUTE)))
  })
})

describe('objectives that cannot be meant so', () => {
  const refused = (slos: object): string => {
    const parsed = slosSchema.safeParse(slos)
    return parsed.success
      ? 'fine'
      : parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')
  }

  it('are refused by their form', () => {
    assert.equal(refused({}), 'fine')
    assert.equal(
      refused({ tls_latency: { target: 100 } }),
      'tls_latency.target: expected a percentage below 100, at most 99.9999: no service is always good',
    )
    assert.equal(
      refused({ tls_latency: { target: 0.99 } }),
      'tls_latency.target: expected a percentage such as 99.9, at least 50',
    )
    assert.equal(refused({ window: '36h' }), 'window: expected whole days from 7d to 90d')
    assert.equal(refused({ tls_latency: { threshold: '1m' } }), 'tls_latency.threshold: expected at most 30s')
    assert.equal(
      refused({ overrides: [{ objective: 'tls_availability', subject: '*', threshold: '1s' }] }),
      'overrides.0.threshold: expected only with ocsp_latency or tls_latency',
    )
    assert.equal(
      refused({ overrides: [{ objective: 'tls_latency', subject: '*', max_age: '1d' }] }),
      'overrides.0.max_age: expected only with crl_freshness',
    )
  })

  it('override nothing, or the same twice', () => {
    const slos = slosOf({
      overrides: [
        { objective: 'tls_latency', subject: 'service_tls_health[*]', target: 90 },
        { objective: 'tls_latency', subject: '*[shop,*]', target: 95 },
        { objective: 'crl_freshness', subject: 'ocsp_responder_status[issuing-1]' },
      ],
    })
    assert.deepEqual(checkOverrides(slos, TARGETS).map(formatProblem), [
      'slos.overrides[1].subject: slos.overrides[0] is about tls_latency and service_tls_health[shop,prod] already: keep one of the two',
      'slos.overrides[2].subject: crl_freshness is about no subject "ocsp_responder_status[issuing-1]"; it is about ca_crl[issuing-1], ca_crl[root]',
    ])
  })
})
