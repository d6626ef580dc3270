import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IncidentStep } from '../../model/action.ts'
import { inventorySchema } from '../../model/config.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { IncidentError } from '../../alerts/error.ts'
import type { Incident } from '../../alerts/incident.ts'
import { Incidents } from '../../alerts/incidents.ts'
import { Topology } from '../../alerts/topology.ts'
import { loadPack } from '../../rules/loadPack.ts'
import type { Stored, StoredAction } from '../../store/contract.ts'
import { HOUR, JournalDouble, MINUTE } from '../rules/journalDouble.ts'
import { findingOf } from './findings.ts'

const PACK = loadPack('internal-pki')
const RULES = new Map(PACK.rules.map((rule) => [rule.id, rule]))
const INVENTORY = inventorySchema.parse({
  authorities: [
    { id: 'root', class: 'offline', certificate: 'root.pem' },
    { id: 'issuing-1', certificate: 'issuing-1.pem', issuer: 'root' },
    { id: 'issuing-2', certificate: 'issuing-2.pem', issuer: 'root' },
  ],
  services: [
    { id: 'shop', endpoint: 'shop.test:443', issuer: 'issuing-1' },
    { id: 'mail', endpoint: 'mail.test:443', issuer: 'issuing-1' },
    { id: 'pay', endpoint: 'pay.test:443', issuer: 'issuing-2' },
  ],
})

const RESPONDER = 'ocsp_responder_status[issuing-1]'
const CRL = 'ca_crl[issuing-1]'
const SHOP = 'deployed_service_cert[shop,prod]'
const MAIL = 'deployed_service_cert[mail,prod]'
const PAY = 'deployed_service_cert[pay,prod]'

/** An `Incidents` with a journal in memory, from which it can be built anew. */
class Setup {
  readonly journal = new JournalDouble()
  readonly sealed: SealedRecord[] = []
  incidents = this.#make()

  #make(): Incidents {
    return new Incidents({
      topology: new Topology(INVENTORY),
      rules: () => RULES,
      record: (records) => Promise.resolve(this.#seal(records)),
      onError: (error) => {
        throw error
      },
    })
  }

  #seal(records: readonly NewRecord[]): readonly SealedRecord[] {
    const sealed = this.journal.seal(...records)
    this.sealed.push(...sealed)
    return sealed
  }

  async decide(
    rule: string,
    subject: string,
    state: FindingState,
    parts: Partial<Finding> = {},
  ): Promise<void> {
    const severity = RULES.get(rule)?.severity ?? 'critical'
    const body = findingOf(state, this.journal.now, { rule, subject, severity, ...parts })
    await this.#apply(this.#seal([{ kind: 'decision', time: body.since, body }]))
  }

  async pass(ms: number): Promise<void> {
    this.journal.now += ms
    await this.#apply(
      this.#seal([{ kind: 'tick', time: toTimestamp(this.journal.now), body: { reason: 'interval' } }]),
    )
  }

  async #apply(batch: readonly SealedRecord[]): Promise<void> {
    this.incidents.apply(batch)
    await this.incidents.settled()
  }

  /** As after a restart, with what a store has from the journal. */
  async restart(): Promise<void> {
    const actions: StoredAction[] = []
    const findings = new Map<string, Stored<Finding>>()
    for (const { kind, body, id, recorded } of this.sealed) {
      if (kind === 'action') actions.push({ ...body, record: id, recorded })
      if (kind === 'decision') findings.set(`${body.rule} ${body.subject}`, { ...body, id, recorded })
    }
    this.incidents = this.#make()
    this.incidents.hydrate({
      now: this.journal.now,
      findings: [...findings.values()],
      actions: actions.reverse(),
    })
    await this.incidents.settled()
  }

  steps(): readonly IncidentStep[] {
    return this.sealed.flatMap((r) => (r.kind === 'action' && r.body.kind === 'incident' ? [r.body] : []))
  }

  /** What is open: about what, with whom. */
  open(): Record<string, readonly string[]> {
    return Object.fromEntries(
      this.incidents
        .list()
        .filter((i) => i.state !== 'closed')
        .map((i) => [i.about, present(i)]),
    )
  }

  only(): Incident {
    const [incident, ...rest] = this.incidents.list().filter((i) => i.state !== 'closed')
    assert.ok(incident !== undefined && rest.length === 0)
    return incident
  }
}

function present({ members }: Incident): readonly string[] {
  return members.filter((m) => m.left === undefined).map((m) => `${m.role} ${m.rule} ${m.subject}`)
}

describe('findings with one root', () => {
  it('are one incident: a dead responder, and the services whose status cannot be known', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.decide('ocsp_status_good', MAIL, 'unknown')
    const incident = t.only()
    assert.equal(incident.about, 'authority[issuing-1]')
    assert.deepEqual(incident.root, { rule: 'ocsp_responder_available', subject: RESPONDER })
    assert.equal(incident.severity, 'critical')
    assert.deepEqual(present(incident), [
      `cause ocsp_responder_available ${RESPONDER}`,
      `symptom ocsp_status_good ${SHOP}`,
      `symptom ocsp_status_good ${MAIL}`,
    ])
    assert.match(incident.members[1]?.reason ?? '', /depends on ocsp_responder_status\[issuing-1\]/)
  })

  it('are one incident: a dead host of CRLs, its partitions, the cross-check and the services whose status nobody can say', async () => {
    const t = new Setup()
    const partition = (n: number) => ({ target: `http://crl.test/issuing-1-${n}.crl` })
    await t.decide('crl_available', CRL, 'fail', partition(0))
    await t.decide('crl_not_expired', CRL, 'fail', partition(1))
    await t.decide('crl_partitions_complete', CRL, 'fail', { target: 'crl_set:issuing-1' })
    await t.decide('crl_addresses_well', CRL, 'fail', partition(0))
    await t.decide('ocsp_crl_status_agrees', RESPONDER, 'unknown')
    await t.decide('cert_not_revoked', SHOP, 'unknown')
    await t.decide('cert_not_revoked', MAIL, 'unknown')
    const incident = t.only()
    assert.equal(incident.about, 'authority[issuing-1]')
    assert.deepEqual(
      present(incident).filter((member) => member.startsWith('symptom')),
      [`symptom cert_not_revoked ${SHOP}`, `symptom cert_not_revoked ${MAIL}`],
    )
    // Of another issuer.
    await t.decide('cert_not_revoked', PAY, 'fail')
    assert.deepEqual(t.open()['service[pay,prod]'], [`cause cert_not_revoked ${PAY}`])
  })

  it('are one incident: what clients get of a service, how it lets them in, and its certificate', async () => {
    const t = new Setup()
    await t.decide('tls_chain_complete', 'service_tls_health[shop,prod]', 'fail')
    await t.decide('mtls_refuses_foreign', 'service_tls_health[shop,prod]', 'fail')
    await t.decide('cert_newest_served', SHOP, 'fail')
    assert.equal(t.only().about, 'service[shop,prod]')
    await t.decide('ca_server_healthy', 'ca_server[ejbca]', 'fail')
    assert.deepEqual(Object.keys(t.open()).sort(), ['ca_server[ejbca]', 'service[shop,prod]'])
  })

  it('are one incident about a CA whose CRL and responder both fail', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    assert.deepEqual(t.open(), {
      'authority[issuing-1]': [`cause crl_available ${CRL}`, `cause ocsp_responder_available ${RESPONDER}`],
    })
  })

  it('are one incident about a CA whose certificate fails, up the whole path', async () => {
    const t = new Setup()
    await t.decide('ca_certificate_in_force', 'intermediate_ca_cert[root]', 'fail')
    await t.decide('tls_path_ok', 'service_tls_health[shop,prod]', 'fail')
    await t.decide('tls_path_ok', 'service_tls_health[pay,prod]', 'fail')
    assert.deepEqual(Object.keys(t.open()), ['authority[root]'])
    assert.equal(present(t.only()).length, 3)
  })

  it('stay apart from what another authority issued, and from what has a cause of its own', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', PAY, 'unknown')
    await t.decide('cert_lifetime_threshold', SHOP, 'fail')
    await t.decide('tls_identity_ok', 'service_tls_health[mail,prod]', 'fail')
    assert.deepEqual(t.open(), {
      'authority[issuing-1]': [`cause ocsp_responder_available ${RESPONDER}`],
      'service[shop,prod]': [`cause cert_lifetime_threshold ${SHOP}`],
      'service[mail,prod]': ['cause tls_identity_ok service_tls_health[mail,prod]'],
    })
  })

  it('are not explained by a warning, nor is a status that is there', async () => {
    const t = new Setup()
    await t.decide('ocsp_slow', RESPONDER, 'fail', { severity: 'warning' })
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    assert.deepEqual(Object.keys(t.open()), ['authority[issuing-1]'])
    assert.equal(present(t.only()).length, 1)
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', MAIL, 'fail')
    assert.deepEqual(t.open()['service[mail,prod]'], [`cause ocsp_status_good ${MAIL}`])
  })

  it('move to a cause that turns up, and their own incident ends with that', async () => {
    const t = new Setup()
    await t.decide('tls_path_ok', 'service_tls_health[shop,prod]', 'fail')
    const own = t.only()
    await t.decide('ca_certificate_in_force', 'intermediate_ca_cert[issuing-1]', 'fail')
    assert.deepEqual(Object.keys(t.open()), ['authority[issuing-1]'])
    const before = t.incidents.list().find((i) => i.id === own.id)
    assert.equal(before?.closed?.text, 'its findings belong to authority[issuing-1]')
  })

  it('name who comes and goes, but for the root, which every step names', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.decide('ocsp_status_good', SHOP, 'pass')
    await t.decide('ocsp_responder_available', RESPONDER, 'pass')
    assert.deepEqual(
      t.steps().flatMap(({ status, detail }) => (status === 'left' ? [detail] : [])),
      [`ocsp_status_good on ${SHOP}: it passes`, 'it passes'],
    )
  })

  it('leave for an incident of their own when they show a status of their own', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.decide('ocsp_status_good', SHOP, 'fail')
    assert.deepEqual(t.open(), {
      'authority[issuing-1]': [`cause ocsp_responder_available ${RESPONDER}`],
      'service[shop,prod]': [`cause ocsp_status_good ${SHOP}`],
    })
  })

  it('are named in steps of bounded size, however many there are', async () => {
    const t = new Setup()
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    const services = Array.from({ length: 450 }, (_, i) => `deployed_service_cert[s${i},prod]`)
    const many = inventorySchema.parse({
      ...INVENTORY,
      services: services.map((_, i) => ({ id: `s${i}`, endpoint: 's.test:443', issuer: 'issuing-1' })),
    })
    const recorded: IncidentStep[] = []
    const incidents = new Incidents({
      topology: new Topology(many),
      rules: () => RULES,
      record: (records) => {
        for (const r of records) if (r.kind === 'action' && r.body.kind === 'incident') recorded.push(r.body)
        return Promise.resolve(t.journal.seal(...records))
      },
    })
    const since = t.journal.now
    const unknown = services.map((subject) =>
      findingOf('unknown', since, { rule: 'ocsp_status_good', subject }),
    )
    const down = findingOf('fail', since, { rule: 'ocsp_responder_available', subject: RESPONDER })
    incidents.apply(t.journal.decide(...unknown, down))
    await incidents.settled()
    assert.equal(incidents.list().length, 1)
    assert.deepEqual(
      recorded.map((s) => [s.status, s.members.length]),
      [
        ['opened', 1],
        ['joined', 200],
        ['joined', 200],
        ['joined', 50],
      ],
    )
    const [id] = recorded.map((s) => s.id)
    incidents.apply(t.journal.decide(...unknown.map((f) => ({ ...f, state: 'pass' as const }))))
    await incidents.settled()
    assert.equal(incidents.list()[0]?.state, 'open')
    assert.ok(recorded.every((s) => s.id === id))
  })
})

describe('missing evidence that nothing explains', () => {
  it('opens an incident when somebody must be told, and not before', async () => {
    const t = new Setup()
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.pass(59 * MINUTE)
    assert.deepEqual(t.open(), {})
    await t.pass(MINUTE)
    assert.deepEqual(Object.keys(t.open()), ['service[shop,prod]'])
  })

  it('is not waited for longer because the clock was set back', async () => {
    const t = new Setup()
    t.journal.now += 5 * HOUR
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.pass(-5 * HOUR)
    await t.pass(59 * MINUTE)
    assert.deepEqual(t.open(), {})
    await t.pass(2 * MINUTE)
    assert.deepEqual(Object.keys(t.open()), ['service[shop,prod]'])
  })
})

describe('the end of an incident', () => {
  it('comes by itself when all its findings are over; another failure is a new incident', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    await t.decide('crl_not_expired', CRL, 'fail')
    const { id } = t.only()
    await t.decide('crl_available', CRL, 'pass')
    await t.decide('crl_not_expired', CRL, 'unknown')
    assert.equal(t.only().id, id, 'missing evidence is no repair')
    await t.decide('crl_not_expired', CRL, 'pass')
    const [closed] = t.incidents.list()
    assert.equal(closed?.state, 'closed')
    assert.equal(closed.closed?.by, 'vigil')
    await t.decide('crl_available', CRL, 'fail')
    assert.notEqual(t.only().id, id)
  })

  it('does not set the symptoms off when the cause is repaired', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.pass(5 * HOUR)
    await t.decide('ocsp_responder_available', RESPONDER, 'pass')
    await t.pass(MINUTE)
    assert.deepEqual(present(t.only()), [`symptom ocsp_status_good ${SHOP}`])
    await t.decide('ocsp_status_good', SHOP, 'pass')
    assert.deepEqual(t.open(), {})
  })

  it('comes when a waiver covers what is left; a waived cause still explains its symptoms', async () => {
    const t = new Setup()
    const waiver = { owner: 'x', reason: 'y', expires: toTimestamp(t.journal.now + 48 * HOUR) }
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_responder_available', RESPONDER, 'fail', { waiver })
    assert.deepEqual(t.open(), {})
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    assert.deepEqual(t.open(), {})
    await t.pass(2 * HOUR)
    assert.deepEqual(t.open(), { 'authority[issuing-1]': [`symptom ocsp_status_good ${SHOP}`] })
    await t.pass(48 * HOUR)
    assert.equal(present(t.only()).length, 2, 'a waiver that has run out covers nothing')
  })
})

describe('commands', () => {
  const who = { by: 'alice' }

  it('acknowledge, own and comment, each recorded with who said it', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    const { id } = t.only()
    await t.incidents.command({ command: 'ack', id, ...who, text: 'on it' })
    await t.incidents.command({ command: 'own', id, ...who, owner: 'pki-team' })
    const told = await t.incidents.command({ command: 'comment', id, by: 'bob', text: 'disk full' })
    assert.equal(told.state, 'acknowledged')
    assert.deepEqual([told.acknowledged?.by, told.owner], ['alice', 'pki-team'])
    assert.deepEqual(told.comments, [{ at: toTimestamp(t.journal.now), by: 'bob', text: 'disk full' }])
    assert.deepEqual(
      t.steps().map((s) => [s.status, s.by]),
      [
        ['opened', 'vigil'],
        ['acknowledged', 'alice'],
        ['owned', 'alice'],
        ['commented', 'bob'],
      ],
    )
  })

  it('do not close what fails without force and a reason', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    const { id } = t.only()
    const refused = (error: unknown) => error instanceof IncidentError && error.code === 'refused'
    await assert.rejects(
      t.incidents.command({ command: 'close', id, ...who, force: false, text: 'x' }),
      refused,
    )
    await assert.rejects(t.incidents.command({ command: 'close', id, ...who, force: true }), refused)
    assert.equal(t.steps().length, 1, 'nothing is recorded of what is refused')
    const closed = await t.incidents.command({
      command: 'close',
      id,
      ...who,
      force: true,
      text: 'known outage',
    })
    assert.equal(closed.closed?.text, 'known outage (with 1 findings still in trouble)')
    assert.equal(closed.closed.by, 'alice')
  })

  it('that close what fails keep it closed until it has passed, over a restart too', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    const { id } = t.only()
    await t.incidents.command({ command: 'close', id, ...who, force: true, text: 'known' })
    await t.pass(MINUTE)
    await t.decide('crl_available', CRL, 'unknown')
    await t.decide('crl_available', CRL, 'fail')
    await t.restart()
    await t.pass(MINUTE)
    assert.deepEqual(t.open(), {})
    await t.decide('crl_available', CRL, 'pass')
    await t.decide('crl_available', CRL, 'fail')
    assert.notEqual(t.only().id, id)
  })

  it('that close what fails do not hide what its symptoms turn out to be', async () => {
    const t = new Setup()
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    const { id } = t.only()
    await t.incidents.command({ command: 'close', id, ...who, force: true, text: 'known' })
    await t.decide('ocsp_status_good', MAIL, 'unknown')
    assert.deepEqual(t.open(), {})
    await t.decide('ocsp_status_good', SHOP, 'fail')
    assert.deepEqual(t.open(), { 'service[shop,prod]': [`cause ocsp_status_good ${SHOP}`] })
  })

  it('about nothing are refused', async () => {
    const t = new Setup()
    const nobody = { command: 'ack', id: 'inc-000000000000', ...who } as const
    await assert.rejects(t.incidents.command(nobody), { code: 'not_found' })
  })
})

describe('a restart', () => {
  it('finds in the journal the very incidents that were there', async () => {
    const t = new Setup()
    await t.decide('ocsp_status_good', MAIL, 'unknown')
    await t.decide('ocsp_responder_available', RESPONDER, 'fail')
    await t.decide('ocsp_status_good', SHOP, 'unknown')
    await t.decide('crl_available', 'ca_crl[issuing-2]', 'fail')
    await t.incidents.command({ command: 'ack', id: t.incidents.list()[0]?.id ?? '', by: 'alice' })
    await t.pass(MINUTE)
    await t.decide('crl_available', 'ca_crl[issuing-2]', 'pass')
    await t.decide('ocsp_status_good', MAIL, 'pass')
    const before = t.incidents.list()
    const steps = t.steps().length
    await t.restart()
    assert.deepEqual(t.incidents.list(), before)
    assert.equal(t.steps().length, steps, 'and says nothing twice')
  })

  it('says what happened meanwhile', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    const body = findingOf('pass', t.journal.now, { rule: 'crl_available', subject: CRL })
    t.sealed.push(...t.journal.seal({ kind: 'decision', time: body.since, body }))
    await t.restart()
    assert.equal(t.incidents.list()[0]?.state, 'closed')
  })

  it('gives an incident that was decided but not journaled the same id', async () => {
    const t = new Setup()
    await t.decide('crl_available', CRL, 'fail')
    const { id } = t.only()
    t.sealed.splice(1)
    await t.restart()
    assert.equal(t.only().id, id)
  })
})
