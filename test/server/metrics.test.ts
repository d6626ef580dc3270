import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { FACT_METRICS } from '../../server/factMetrics.ts'
import { METRICS } from '../../server/metricTable.ts'
import { MetricsProjection } from '../../server/metrics.ts'
import type { DeclaredTarget } from '../../server/metrics.ts'
import type { TargetState } from '../../store/contract.ts'
import { PROBE_KINDS, type ProbeKind } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import {
  FakeJournal,
  T0,
  action,
  audit,
  decision,
  failure,
  observation,
  observationOf,
  tick,
  unchanged,
} from '../store/records.ts'
import { needsPrometheus, runTool } from '../support/prometheus.ts'
import { parseExposition } from './exposition.ts'
import { statusOf } from './support.ts'

const CRL: DeclaredTarget = {
  probe: 'crl',
  subject: 'ca_crl[issuing-1]',
  address: observationOf().target,
  interval: 60_000,
}
const TLS: DeclaredTarget = {
  probe: 'tls',
  subject: 'service_tls_health[shop,prod]',
  address: 'shop.example:443',
  interval: 300_000,
}
const OCSP: DeclaredTarget = {
  probe: 'ocsp',
  subject: 'ocsp_responder_status[issuing-1]',
  address: 'http://ocsp.example/',
  interval: 60_000,
}
const S0 = T0 / 1000

const SUBJECT_OF: Readonly<Record<ProbeKind, string>> = {
  crl: 'ca_crl[issuing-1]',
  crl_set: 'ca_crl[issuing-1]',
  ocsp: 'ocsp_responder_status[issuing-1]',
  ocsp_matrix: 'ocsp_responder_status[issuing-1]',
  tls: 'service_tls_health[shop,prod]',
  mtls: 'service_tls_health[shop,prod]',
  ca: 'intermediate_ca_cert[issuing-1]',
  health: 'ca_server[ejbca]',
  reconciliation: 'ca_crl[issuing-1]',
  issuance: 'deployed_service_cert[shop,prod]',
  deployment: 'deployed_service_cert[shop,prod]',
  job: 'scheduled_job[dagster,renew]',
  issued: 'intermediate_ca_cert[issuing-1]',
  ocsp_revocations: 'ocsp_responder_status[issuing-1]',
  repair: 'ca_crl[issuing-1]',
  attestation: 'pki_governance',
  follow: 'monitor[vigil.test_other]',
  backup: 'monitor[vigil.test]',
  slo: 'ca_crl[issuing-1]',
  log: 'audit_log[ejbca]',
  self: 'monitor[vigil.test]',
}

/** Targets as nobody should configure them. */
const HOSTILE = [
  'http://crl.example/"\\\n',
  'x"} 1\nvigil_fake_metric{a="b',
  '\\',
  '\\n is no end of line',
  '\r\n# TYPE vigil_fake gauge\r\nvigil_fake 1',
  '{},= ',
  '',
  ' \t\u0000\u001b[31m\u0085\u2028\u202e\ufeff',
  'xn--\u00e9\u{1f512}',
  'x'.repeat(10_000),
]

function projection(...targets: DeclaredTarget[]): MetricsProjection {
  const metrics = new MetricsProjection(new Registry())
  metrics.declare({ targets, sources: ['ejbca-vm'] })
  return metrics
}

async function exposed(metrics: MetricsProjection): Promise<string> {
  let text = ''
  for await (const part of metrics.expose(statusOf())) text += part
  return text
}

/** Lines of series whose name or labels hold `text`. */
async function series(metrics: MetricsProjection, text: string): Promise<string[]> {
  return (await exposed(metrics))
    .split('\n')
    .filter((line) => line.startsWith('vigil_') && line.includes(text))
}

describe('metrics', () => {
  it('has every series of a declared target from the start, with NaN for what is not known', async () => {
    const metrics = projection(CRL)
    const target = 'authority="issuing-1",target="http://crl.example/issuing-1.crl"'
    const run = 'probe="crl",subject="ca_crl[issuing-1]",target="http://crl.example/issuing-1.crl"'
    assert.deepEqual(await series(metrics, 'issuing-1'), [
      `vigil_probe_success{${run}} NaN`,
      `vigil_probe_duration_seconds{${run}} NaN`,
      `vigil_probe_last_run_timestamp_seconds{${run}} NaN`,
      `vigil_probe_last_success_timestamp_seconds{${run}} NaN`,
      `vigil_probe_interval_seconds{${run}} 60`,
      `vigil_probe_runs_total{${run},outcome="success"} 0`,
      `vigil_probe_runs_total{${run},outcome="failure"} 0`,
      `vigil_crl_this_update_timestamp_seconds{${target}} NaN`,
      `vigil_crl_next_update_timestamp_seconds{${target}} NaN`,
      `vigil_crl_entries{${target}} NaN`,
      `vigil_crl_number{${target}} NaN`,
      `vigil_crl_size_bytes{${target}} NaN`,
      `vigil_crl_lint_failures{${target}} NaN`,
      `vigil_crl_next_due_timestamp_seconds{${target}} NaN`,
      `vigil_crl_entries_vanished{${target}} NaN`,
      `vigil_crl_fresh_until_timestamp_seconds{${target}} NaN`,
      `vigil_crl_addresses{${target}} NaN`,
      `vigil_crl_addresses_failed{${target}} NaN`,
      `vigil_crl_addresses_differing{${target}} NaN`,
    ])
  })

  it('shows what a run established, in base units', async () => {
    const metrics = projection(CRL)
    const crl = {
      number: '41',
      thisUpdate: toTimestamp(T0),
      nextUpdate: toTimestamp(T0 + 86_400_000),
      entries: 7,
      size: 412,
    }
    const addresses = { all: ['192.0.2.1', '192.0.2.2'], failed: ['192.0.2.2 timeout'], differing: [] }
    metrics.apply(
      new FakeJournal().seal(
        observation({ start: toTimestamp(T0 + 500), duration: 34.5, facts: { crl, addresses } }),
      ),
    )
    const values = async (text: string) => (await series(metrics, text)).map((l) => l.replace(/\{.*\}/, ''))
    assert.deepEqual(await values('authority="issuing-1"'), [
      `vigil_crl_this_update_timestamp_seconds ${S0}`,
      `vigil_crl_next_update_timestamp_seconds ${S0 + 86_400}`,
      'vigil_crl_entries 7',
      'vigil_crl_number 41',
      'vigil_crl_size_bytes 412',
      'vigil_crl_lint_failures NaN',
      'vigil_crl_next_due_timestamp_seconds NaN',
      'vigil_crl_entries_vanished NaN',
      'vigil_crl_fresh_until_timestamp_seconds NaN',
      'vigil_crl_addresses 2',
      'vigil_crl_addresses_failed 1',
      'vigil_crl_addresses_differing 0',
    ])
    assert.deepEqual(await values('subject="ca_crl[issuing-1]"'), [
      'vigil_probe_success 1',
      'vigil_probe_duration_seconds 0.0345',
      `vigil_probe_last_run_timestamp_seconds ${S0 + 0.5}`,
      `vigil_probe_last_success_timestamp_seconds ${S0 + 0.5}`,
      'vigil_probe_interval_seconds 60',
      'vigil_probe_runs_total 1',
      'vigil_probe_runs_total 0',
    ])
  })

  it('shows what objectives come to, and NaN for what has no events', async () => {
    const metrics = projection()
    const objectives = [{ subject: 'ca_crl[issuing-1]', address: 'availability' }]
    metrics.declare({ targets: [], sources: [], objectives })
    const labels = 'subject="ca_crl[issuing-1]",objective="availability"'
    const shown = async () =>
      (await series(metrics, 'vigil_slo_')).map((line) => line.replace(`{${labels}`, '{').replace('{}', ''))
    assert.ok((await shown()).every((line) => line.endsWith(' NaN')))
    const slo = {
      objective: 'availability',
      target: 0.999,
      window: 30 * 86_400_000,
      good: 90,
      total: 100,
      observed: 7_200_000,
      excluded: 60_000,
      budget: 2_592_000,
      budgetRemaining: -1.5,
      burn5m: 0,
      burn1h: 14.4,
    }
    const about = { subject: 'ca_crl[issuing-1]', probe: 'slo', duration: 0, facts: { slo } } as const
    metrics.apply(
      new FakeJournal().seal(
        observation({ ...about, target: 'availability' }),
        observation({ ...about, target: 'nobody asked for this' }),
      ),
    )
    assert.deepEqual(await shown(), [
      'vigil_slo_target_ratio 0.999',
      'vigil_slo_window_seconds 2592000',
      'vigil_slo_good_events 90',
      'vigil_slo_events 100',
      'vigil_slo_observed_seconds 7200',
      'vigil_slo_excluded_seconds 60',
      'vigil_slo_budget_seconds 2592',
      'vigil_slo_budget_remaining_ratio -1.5',
      'vigil_slo_burn_rate{,window="5m"} 0',
      'vigil_slo_burn_rate{,window="30m"} NaN',
      'vigil_slo_burn_rate{,window="1h"} 14.4',
      'vigil_slo_burn_rate{,window="2h"} NaN',
      'vigil_slo_burn_rate{,window="6h"} NaN',
      'vigil_slo_burn_rate{,window="1d"} NaN',
      'vigil_slo_burn_rate{,window="3d"} NaN',
    ])
    metrics.declare({ targets: [], sources: [] })
    assert.deepEqual(await shown(), [])
  })

  it('M01: has every fact of every kind from the start, and after runs that failed', async () => {
    const targets = PROBE_KINDS.map((probe) => ({ ...CRL, probe, subject: SUBJECT_OF[probe] }))
    const metrics = projection(...targets)
    const expected = FACT_METRICS.map(({ name, states }) => `${name} ${states?.values.length ?? 1}`).sort()
    const shown = async (): Promise<string[]> => {
      const found = Map.groupBy(parseExposition(await exposed(metrics)), ({ name }) => name)
      return FACT_METRICS.map(({ name }) => `${name} ${found.get(name)?.length ?? 0}`).sort()
    }
    assert.deepEqual(await shown(), expected)
    const journal = new FakeJournal()
    for (const { probe, subject, address } of targets)
      metrics.apply(journal.seal(failure({ probe, subject, target: address, facts: {} })))
    assert.deepEqual(await shown(), expected)
  })

  it('M01: keeps times and counts of a target that fails or has expired', async () => {
    const metrics = projection(CRL)
    const journal = new FakeJournal()
    metrics.apply(journal.seal(observation()))
    metrics.apply(
      journal.seal(failure({ error: { phase: 'time', code: 'expired', message: '' } }), failure(), failure()),
    )
    const nextUpdate = Date.parse('2026-11-23T05:00:00Z') / 1000
    assert.deepEqual(await series(metrics, 'next_update'), [
      `vigil_crl_next_update_timestamp_seconds{authority="issuing-1",target="${CRL.address}"} ${nextUpdate}`,
    ])
    assert.match((await series(metrics, 'vigil_probe_success'))[0] ?? '', / 0$/)
    assert.deepEqual(await series(metrics, 'vigil_probe_failures_total{probe="crl",phase="time"}'), [
      'vigil_probe_failures_total{probe="crl",phase="time"} 1',
    ])
    assert.deepEqual(await series(metrics, 'vigil_probe_failures_total{probe="crl",phase="connect"}'), [
      'vigil_probe_failures_total{probe="crl",phase="connect"} 2',
    ])
  })

  it('M02: a judgement does not outlive the run that made it', async () => {
    const metrics = projection(OCSP, TLS)
    const journal = new FakeJournal()
    const ocsp = { subject: OCSP.subject, probe: OCSP.probe, target: OCSP.address } as const
    const tls = { subject: TLS.subject, probe: TLS.probe, target: TLS.address } as const
    const values = async () =>
      [
        ...(await series(metrics, 'vigil_ocsp_status')),
        ...(await series(metrics, 'vigil_tls_path_valid')),
        ...(await series(metrics, 'vigil_tls_protocol')),
      ].map((l) => `${/(?:status|protocol)="([^"]+)"/.exec(l)?.[1] ?? ''} ${l.split(' ').at(-1)}`)
    const unknown = [
      'good NaN',
      'revoked NaN',
      'unknown NaN',
      ' NaN',
      'TLSv1 NaN',
      'TLSv1.1 NaN',
      'TLSv1.2 NaN',
      'TLSv1.3 NaN',
    ]

    metrics.apply(
      journal.seal(
        observation({ ...ocsp, facts: { ocsp: { status: 'good' } } }),
        observation({ ...tls, facts: { tls: { pathValid: false, protocol: 'TLSv1.2' } } }),
      ),
    )
    assert.deepEqual(await values(), [
      'good 1',
      'revoked 0',
      'unknown 0',
      ' 0',
      'TLSv1 0',
      'TLSv1.1 0',
      'TLSv1.2 1',
      'TLSv1.3 0',
    ])
    metrics.apply(
      journal.seal(failure({ ...ocsp, facts: { ocsp: { serial: '1' } } }), failure({ ...tls, facts: {} })),
    )
    assert.deepEqual(await values(), unknown)
  })

  it('a fact that the newest object lacks is not taken from the one before', async () => {
    const metrics = projection(CRL)
    const journal = new FakeJournal()
    metrics.apply(journal.seal(observation()))
    metrics.apply(journal.seal(observation({ facts: { crl: { number: '42' } } })))
    assert.match((await series(metrics, 'vigil_crl_next_update'))[0] ?? '', / NaN$/)
  })

  it('counts repeated runs, and follows the newest one', async () => {
    const metrics = projection(CRL)
    const journal = new FakeJournal()
    const [good] = journal.seal(observation())
    const [bad] = journal.seal(failure({ start: toTimestamp(T0 + 120_000) }))
    metrics.apply([good!, bad!])
    metrics.apply(
      journal.seal(
        unchanged(T0 + 60_000, [good!, T0 + 60_000, 7], [bad!, T0 + 180_000, 2000], [bad!, T0 + 240_000, 30]),
      ),
    )
    assert.deepEqual(
      (await series(metrics, 'subject="ca_crl[issuing-1]"')).map((l) =>
        l.replace(/\{.*?(,outcome="\w+")?\}/, '$1'),
      ),
      [
        'vigil_probe_success 0',
        'vigil_probe_duration_seconds 0.03',
        `vigil_probe_last_run_timestamp_seconds ${S0 + 240}`,
        `vigil_probe_last_success_timestamp_seconds ${S0}`,
        'vigil_probe_interval_seconds 60',
        'vigil_probe_runs_total,outcome="success" 2',
        'vigil_probe_runs_total,outcome="failure" 3',
      ],
    )
    assert.deepEqual(await series(metrics, 'vigil_probe_run_duration_seconds_count{probe="crl"}'), [
      'vigil_probe_run_duration_seconds_count{probe="crl"} 5',
    ])
  })

  it('takes up after a restart where the store left off', async () => {
    const metrics = projection(CRL)
    const journal = new FakeJournal()
    const [bad] = journal.seal(failure())
    const state: TargetState = {
      observation: { ...bad!.body, id: bad!.id, recorded: bad!.recorded } as TargetState['observation'],
      lastStart: toTimestamp(T0 + 60_000),
      lastDuration: 250,
      known: observationOf().facts,
    }
    metrics.hydrate({ latest: [state], findings: [] })
    assert.match((await series(metrics, 'vigil_crl_next_update'))[0] ?? '', / \d+$/)
    metrics.apply(journal.seal(unchanged(T0 + 120_000, [bad!, T0 + 120_000, 300])))
    assert.deepEqual(
      (await series(metrics, 'subject="ca_crl[issuing-1]"')).map((l) =>
        l.replace(/\{.*?(,outcome="\w+")?\}/, '$1'),
      ),
      [
        'vigil_probe_success 0',
        'vigil_probe_duration_seconds 0.3',
        `vigil_probe_last_run_timestamp_seconds ${S0 + 120}`,
        'vigil_probe_last_success_timestamp_seconds NaN',
        'vigil_probe_interval_seconds 60',
        'vigil_probe_runs_total,outcome="success" 0',
        'vigil_probe_runs_total,outcome="failure" 1',
      ],
    )
  })

  it('drops the series of a target that leaves the configuration, and takes no more of it in', async () => {
    const metrics = projection(CRL, TLS)
    const journal = new FakeJournal()
    metrics.apply(journal.seal(observation()))
    metrics.declare({ targets: [TLS], sources: ['ejbca-vm'] })
    metrics.apply(journal.seal(observation()))
    assert.deepEqual(await series(metrics, 'issuing-1'), [])
    assert.ok((await series(metrics, 'shop')).length > 0)
  })

  it('has one current state for every finding, under its current severity', async () => {
    const metrics = projection()
    const journal = new FakeJournal()
    metrics.hydrate({ latest: [], findings: [decision({ state: 'unknown' }).body as never] })
    metrics.apply(
      journal.seal(decision({ state: 'fail', severity: 'warning', since: toTimestamp(T0 + 1500) })),
    )
    assert.deepEqual(await series(metrics, 'crl_freshness_ok'), [
      ...['not_applicable', 'pass', 'pending', 'fail', 'unknown'].map(
        (state) =>
          `vigil_finding_state{rule="crl_freshness_ok",subject="ca_crl[issuing-1]",severity="warning",waived="false",state="${state}"} ${state === 'fail' ? 1 : 0}`,
      ),
      `vigil_finding_since_timestamp_seconds{rule="crl_freshness_ok",subject="ca_crl[issuing-1]"} ${S0 + 1.5}`,
    ])
  })

  it('counts audit events and actions; a hostile event name makes no series', async () => {
    const metrics = projection()
    const journal = new FakeJournal()
    const flood = Array.from({ length: 500 }, (_, i) => audit({ action: `EVENT_${i}` }))
    metrics.apply(journal.seal(audit(), audit({ action: 'a"\n} 1\nvigil_fake 1' }), ...flood, action(), tick))
    const events = await series(metrics, 'vigil_audit_events_total')
    assert.ok(
      events.includes(
        'vigil_audit_events_total{source="ejbca-vm",action="CERT_CREATION",outcome="success"} 1',
      ),
    )
    assert.ok(
      events.includes('vigil_audit_events_total{source="ejbca-vm",action="unparsed",outcome="unknown"} 0'),
    )
    assert.equal(events.length, 200, 'the number of names is bounded')
    assert.equal(
      events
        .find((e) => e.includes('"other"'))
        ?.split(' ')
        .at(-1),
      String(1 + 500 - 197),
    )
    assert.deepEqual(await series(metrics, 'vigil_fake'), [])
    assert.ok(
      (await series(metrics, 'vigil_actions_total')).includes(
        'vigil_actions_total{kind="alert",status="sent"} 1',
      ),
    )
    assert.deepEqual(await series(metrics, 'vigil_tick'), [`vigil_tick_timestamp_seconds ${S0}`])
  })

  it('shows hostile names as they are, and they make no series of their own', async () => {
    const metrics = projection(...HOSTILE.map((address) => ({ ...CRL, address })))
    const parsed = parseExposition(await exposed(metrics))
    for (const name of ['vigil_crl_entries', 'vigil_probe_success'])
      assert.deepEqual(
        parsed.filter((s) => s.name === name).map(({ labels }) => labels.get('target')),
        HOSTILE,
      )
    assert.deepEqual(
      parsed.filter(({ name }) => name.includes('fake')),
      [],
    )
  })

  it('is taken by promtool, hostile names and all', needsPrometheus(), async () => {
    const targets = PROBE_KINDS.flatMap((probe) =>
      HOSTILE.map((address) => ({ ...CRL, probe, subject: SUBJECT_OF[probe], address })),
    )
    const text = await exposed(projection(...targets))
    await runTool('promtool', ['check', 'metrics'], text.replaceAll(/^(# \w+ )?(nodejs|process)_.*\n/gm, ''))
  })

  it('says how far journal and store are', async () => {
    const own = ['vigil_journal', 'vigil_store', 'vigil_ready', 'vigil_problems', 'vigil_build']
    const lines = (await Promise.all(own.map((name) => series(projection(), name)))).flat()
    assert.deepEqual(lines, [
      'vigil_journal_entries 10',
      'vigil_journal_unpublished_entries 2',
      `vigil_journal_last_seal_timestamp_seconds ${S0}`,
      `vigil_journal_last_checkpoint_timestamp_seconds ${S0 - 30}`,
      'vigil_store_lag_entries 1',
      'vigil_ready 1',
      'vigil_problems 0',
      'vigil_build_info{version="0.1.0"} 1',
    ])
  })

  it('exposes exactly the metrics of its tables', async () => {
    const text = await exposed(projection(CRL, OCSP, TLS))
    const names = [...text.matchAll(/^# TYPE (vigil_\w+) (\w+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    )
    const tables = [...Object.values(METRICS), ...FACT_METRICS].map((m) => `${m.name} ${m.type}`)
    assert.deepEqual(names.sort(), tables.sort())
  })
})
