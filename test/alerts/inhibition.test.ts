// What wakes somebody: incidents and alerts of vigil through the sample configuration and a real Alertmanager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { AlertmanagerClient } from '../../alerts/alertmanager.ts'
import { AlertDispatcher } from '../../alerts/dispatcher.ts'
import { Incidents } from '../../alerts/incidents.ts'
import { Topology } from '../../alerts/topology.ts'
import { inventorySchema } from '../../model/config.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord } from '../../model/record.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { JournalDouble } from '../rules/journalDouble.ts'
import { alertmanagerSample, startPager, until, type Pager } from '../support/pager.ts'
import { findingOf } from './findings.ts'
import { needsAlertmanager, startReal } from './realAlertmanager.ts'

const LIMIT = 60_000
const SERVICES = 10_000

const RULES = new Map(loadPack('internal-pki').rules.map((rule) => [rule.id, rule]))
const INVENTORY = inventorySchema.parse({
  authorities: [
    { id: 'issuing-1', certificate: 'issuing-1.pem' },
    { id: 'issuing-2', certificate: 'issuing-2.pem' },
  ],
  services: [
    ...Array.from({ length: SERVICES }, (_, i) => ({
      id: `s${i}`,
      endpoint: 's.test:443',
      issuer: 'issuing-1',
    })),
    { id: 'other', endpoint: 'other.test:443', issuer: 'issuing-2' },
  ],
})

/** Incidents and alerts as the process wires them, with a clock that runs. */
function vigil(url: string) {
  const journal = new JournalDouble()
  const record = (records: readonly NewRecord[]) => Promise.resolve(journal.seal(...records))
  const incidents = new Incidents({
    topology: new Topology(INVENTORY),
    rules: () => RULES,
    record,
  })
  const dispatcher = new AlertDispatcher({
    receivers: [new AlertmanagerClient({ url })],
    rules: () => RULES,
    place: (finding) => incidents.place(finding),
    record,
    origin: 'vigil.test',
    tickLimit: 120_000,
    interval: 60_000,
    now: Date.now,
    random: Math.random,
    schedule: () => () => undefined,
  })
  return {
    incidents,
    async decide(...findings: readonly Finding[]) {
      journal.now = Date.now()
      const batch = journal.decide(...findings)
      incidents.apply(batch)
      dispatcher.apply(batch)
      await dispatcher.settled()
      assert.equal(dispatcher.status().undelivered, 0, dispatcher.status().receivers[0]?.lastError)
    },
    [Symbol.asyncDispose]: () => dispatcher.close(),
  }
}

type Vigil = ReturnType<typeof vigil>

function services(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `service_tls_health[s${i},prod]`)
}

function finding(rule: string, subject: string, state: FindingState): Finding {
  const severity = RULES.get(rule)?.severity ?? 'critical'
  return findingOf(state, Date.now(), { rule, subject, severity })
}

const alerts = z.array(
  z.object({ labels: z.record(z.string(), z.string()), status: z.object({ state: z.string() }) }),
)

const groups = z.array(z.object({ alerts: z.array(z.unknown()) }))

/** How many alerts the part of Alertmanager that notifies holds; it is behind the part that takes them. */
async function grouped(url: string, filter: string): Promise<number> {
  const response = await fetch(`${url}api/v2/alerts/groups?filter=${encodeURIComponent(filter)}`)
  return groups.parse(await response.json()).reduce((sum, group) => sum + group.alerts.length, 0)
}

/** Who was told of what: state, incident, subjects that fire. */
function pagesOf(pager: Pager) {
  return pager
    .at('pager')
    .map(({ status, groupLabels, alerts: told }) => [
      status,
      groupLabels['incident'],
      told
        .flatMap(({ status: state, labels }) => (state === 'firing' ? [labels['subject'] ?? ''] : []))
        .sort(),
    ])
}

/** The services are heard of before their authority, as it may happen. */
async function die(t: Vigil, services: readonly string[]): Promise<void> {
  await t.decide(
    ...services.map((subject) => finding('tls_path_ok', subject, 'fail')),
    finding('ca_certificate_in_force', 'intermediate_ca_cert[issuing-1]', 'fail'),
    finding('crl_available', 'ca_crl[issuing-1]', 'fail'),
  )
}

const CAUSES = ['ca_crl[issuing-1]', 'intermediate_ca_cert[issuing-1]']

test(
  'an authority that has died is one page, and not one for each of its ten thousand services',
  { timeout: LIMIT + 10_000, ...needsAlertmanager() },
  async () => {
    const signal = AbortSignal.timeout(LIMIT)
    using pager = await startPager()
    await using alertmanager = await startReal(alertmanagerSample(pager.origin))
    await using t = vigil(alertmanager.url)
    await die(t, services(SERVICES))
    await t.decide(finding('tls_path_ok', 'service_tls_health[other,prod]', 'fail'))
    assert.equal(t.incidents.list().length, 2)

    await until('both pages', signal, () => (pager.at('pager').length >= 2 ? true : undefined))
    const url = `${alertmanager.url}api/v2/alerts?filter=${encodeURIComponent('cause="authority[issuing-1]"')}`
    const symptoms = alerts.parse(await (await fetch(url)).json())
    assert.equal(symptoms.length, SERVICES, 'they can be seen')
    assert.ok(symptoms.every((alert) => alert.status.state === 'suppressed'))
    assert.deepEqual(
      pagesOf(pager).toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
      [
        ['firing', 'authority[issuing-1]', CAUSES],
        ['firing', 'service[other,prod]', ['service_tls_health[other,prod]']],
      ],
    )
  },
)

test(
  'what is still broken when the cause has gone is one page again',
  { timeout: LIMIT + 10_000, ...needsAlertmanager() },
  async () => {
    const signal = AbortSignal.timeout(LIMIT)
    using pager = await startPager()
    await using alertmanager = await startReal(alertmanagerSample(pager.origin))
    await using t = vigil(alertmanager.url)
    const [first = '', second = '', ...rest] = services(5)
    await die(t, [first, second, ...rest])
    await until('the page', signal, () => pager.at('pager')[0])

    await t.decide(...rest.map((subject) => finding('tls_path_ok', subject, 'pass')))
    await until('Alertmanager has sorted them', signal, async () =>
      (await grouped(alertmanager.url, 'cause="authority[issuing-1]"')) === 2 ? true : undefined,
    )
    await t.decide(
      finding('ca_certificate_in_force', 'intermediate_ca_cert[issuing-1]', 'pass'),
      finding('crl_available', 'ca_crl[issuing-1]', 'pass'),
    )
    await until('the page about what is left', signal, () => pager.at('pager')[1])
    await t.decide(...[first, second].map((subject) => finding('tls_path_ok', subject, 'pass')))
    await until('the end', signal, () => pager.at('pager')[2])
    assert.deepEqual(pagesOf(pager), [
      ['firing', 'authority[issuing-1]', CAUSES],
      ['firing', 'authority[issuing-1]', [first, second]],
      ['resolved', 'authority[issuing-1]', []],
    ])
  },
)
