import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatProblem } from '../../model/problem.ts'
import { maintenanceSchema, type MaintenanceConfig } from '../../model/slos.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Finding } from '../../model/finding.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { checkMaintenance, Maintenance, type MaintenancePlan } from '../../rules/maintenance.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import { crlObservation, DAY, HOUR, JournalDouble, MINUTE, START } from './journalDouble.ts'

const CRL = { subject: 'ca_crl[issuing-1]', tags: new Set(['zone-a']) }

function configured(...entries: readonly object[]): readonly MaintenanceConfig[] {
  return maintenanceSchema.parse(entries.map((entry) => ({ reason: 'new disks', subjects: ['*'], ...entry })))
}

function planOf(...entries: readonly object[]): MaintenancePlan {
  const plan = new Maintenance(configured(...entries)).of(CRL)
  assert.ok(plan !== undefined)
  return plan
}

const at = (text: string): number => Date.parse(text)
const spans = (plan: MaintenancePlan, from: string, to: string): readonly string[] =>
  plan
    .within({ from: at(from), to: at(to) })
    .map((interval) => `${toTimestamp(interval.from)} ${toTimestamp(interval.to)}`)

describe('maintenance', () => {
  it('begins with the first moment of from, and is over at to', () => {
    const plan = planOf({ from: '2026-11-22T10:00:00Z', to: '2026-11-22T12:00:00Z' })
    const [from, to] = [at('2026-11-22T10:00:00Z'), at('2026-11-22T12:00:00Z')]
    assert.deepEqual(plan.at(from - 1), { until: from, waiver: undefined })
    assert.deepEqual(plan.at(from), {
      until: to,
      waiver: { owner: 'maintenance', reason: 'new disks', expires: toTimestamp(to) },
    })
    assert.notEqual(plan.at(to - 1).waiver, undefined)
    assert.deepEqual(plan.at(to), { until: Infinity, waiver: undefined })
    assert.notEqual(plan.at(from).waiver, undefined, 'also when the clock goes back')
  })

  it('comes again by a cron expression, to the millisecond', () => {
    const plan = planOf({ cron: '0 2 * * *', duration: '30m' })
    const [from, to] = [at('2026-11-23T02:00:00Z'), at('2026-11-23T02:30:00Z')]
    assert.equal(plan.at(START).until, from)
    assert.equal(plan.at(from - 1).waiver, undefined)
    assert.equal(plan.at(from).waiver?.expires, toTimestamp(to))
    assert.equal(plan.at(to - 1).waiver?.expires, toTimestamp(to))
    assert.deepEqual(plan.at(to), { until: from + DAY, waiver: undefined })
    assert.deepEqual(spans(plan, '2026-11-23T02:10:00.001Z', '2026-11-24T02:10:00Z'), [
      '2026-11-23T02:10:00.001Z 2026-11-23T02:30:00.000Z',
      '2026-11-24T02:00:00.000Z 2026-11-24T02:10:00.000Z',
    ])
  })

  it('keeps its time of day where summer time begins and ends', () => {
    const plan = planOf({ cron: '0 4 * * *', duration: '1h', timezone: 'Europe/Berlin' })
    assert.deepEqual(spans(plan, '2027-03-27T00:00:00Z', '2027-03-29T00:00:00Z'), [
      '2027-03-27T03:00:00.000Z 2027-03-27T04:00:00.000Z',
      '2027-03-28T02:00:00.000Z 2027-03-28T03:00:00.000Z',
    ])
    assert.deepEqual(spans(plan, '2026-10-24T00:00:00Z', '2026-10-26T00:00:00Z'), [
      '2026-10-24T02:00:00.000Z 2026-10-24T03:00:00.000Z',
      '2026-10-25T03:00:00.000Z 2026-10-25T04:00:00.000Z',
    ])
  })

  it('that overlaps is one time, muted by the one that lasts longest', () => {
    const plan = planOf(
      { from: '2026-11-22T10:00:00Z', to: '2026-11-22T12:00:00Z' },
      { from: '2026-11-22T11:00:00Z', to: '2026-11-22T13:00:00Z', reason: 'network' },
    )
    assert.deepEqual(spans(plan, '2026-11-22', '2026-11-23'), [
      '2026-11-22T10:00:00.000Z 2026-11-22T13:00:00.000Z',
    ])
    assert.equal(plan.at(at('2026-11-22T11:30:00Z')).waiver?.reason, 'network')
  })

  it('is about the subjects and the tags that it names', () => {
    const covers = (entry: object): boolean =>
      new Maintenance(configured({ from: '2026-11-22', to: '2026-11-23', ...entry })).of(CRL) !== undefined
    assert.ok(covers({ subjects: ['*[issuing-1]'] }))
    assert.ok(!covers({ subjects: ['*[issuing-2]'] }))
    assert.ok(covers({ subjects: [], tags: ['zone-a'] }))
    assert.ok(!covers({ subjects: [], tags: ['zone-b'] }))
  })
})

describe('a finding in maintenance', () => {
  const pack = loadPack('internal-pki')
  const engineWith = (maintenance: readonly MaintenanceConfig[]): RuleEngine =>
    new RuleEngine({
      packs: [pack],
      inventory: INVENTORY,
      parameters: {
        crl_freshness_ok: { evidence_max_age: '7d' },
        crl_available: { evidence_max_age: '7d', for: '0s' },
      },
      targets: targetsFor(INVENTORY),
      maintenance,
    })
  const window = configured({
    from: toTimestamp(START + HOUR),
    to: toTimestamp(START + 2 * HOUR),
    subjects: [CRL.subject],
  })
  const ofCrl = (findings: readonly Finding[]): readonly Finding[] =>
    findings.filter((f) => f.subject === CRL.subject && f.state === 'fail')

  it('still fails, waived from the first moment to the last', () => {
    const journal = new JournalDouble()
    const engine = engineWith(window)
    const failure = crlObservation({ at: START, failure: { phase: 'connect' } })
    const [failed] = ofCrl(engine.apply(journal.observe(failure)))
    assert.deepEqual([failed?.rule, failed?.waiver], ['crl_available', undefined])
    journal.now = START + HOUR - 1
    assert.deepEqual(ofCrl(engine.apply(journal.tick())), [])
    journal.now = START + HOUR
    const [muted] = ofCrl(engine.apply(journal.tick()))
    assert.equal(muted?.state, 'fail')
    assert.equal(muted.since, failed?.since)
    assert.equal(muted.waiver?.expires, toTimestamp(START + 2 * HOUR))
    journal.now = START + 2 * HOUR - 1
    assert.deepEqual(ofCrl(engine.apply(journal.tick())), [])
    journal.now = START + 2 * HOUR
    const [over] = ofCrl(engine.apply(journal.tick()))
    assert.equal(over?.waiver, undefined)
  })

  it('is not told of while it passes', () => {
    const journal = new JournalDouble()
    const engine = engineWith(window)
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START })))
    const told: Finding[] = []
    for (let now = START + MINUTE; now <= START + 3 * HOUR; now += MINUTE) {
      journal.now = now
      told.push(
        ...engine.apply(journal.tick()).filter((f) => f.subject === CRL.subject && f.state === 'pass'),
      )
    }
    assert.deepEqual(told, [])
  })

  it('leaves a waiver of its own alone', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine({
      packs: [pack],
      inventory: INVENTORY,
      parameters: {},
      targets: targetsFor(INVENTORY),
      maintenance: configured({ from: toTimestamp(START), to: toTimestamp(START + HOUR) }),
      waivers: [
        {
          rule: 'crl_freshness_ok',
          subject: CRL.subject,
          owner: 'pki-team',
          reason: 'moved',
          expires: START + MINUTE,
        },
      ],
    })
    const old = crlObservation({ at: START, thisUpdate: START - 2 * DAY })
    const fresh = (findings: readonly Finding[]) =>
      findings.find((f) => f.rule === 'crl_freshness_ok' && f.subject === CRL.subject)
    assert.equal(fresh(engine.apply(journal.observe(old)))?.waiver?.owner, 'pki-team')
    journal.now = START + MINUTE
    assert.equal(fresh(engine.apply(journal.tick()))?.waiver?.owner, 'maintenance')
  })
})

describe('maintenance that cannot be meant so', () => {
  const refused = (...entries: readonly object[]): readonly string[] =>
    checkMaintenance(configured(...entries), [CRL], START).map(formatProblem)

  it('is told with what is known', () => {
    const once = { from: '2026-11-22', to: '2026-11-23' }
    assert.deepEqual(refused({ ...once, subjects: ['ca_crl[isuing-1]'], tags: ['zone-z'] }), [
      'maintenance[0].subjects[0]: no subject "ca_crl[isuing-1]" is watched; watched are ca_crl[issuing-1]',
      'maintenance[0].tags[0]: nothing is tagged "zone-z" in the inventory; tags are zone-a',
    ])
    assert.deepEqual(refused(once, { cron: '0 2 * * 7', duration: '4h', timezone: 'Europe/Berlin' }), [])
  })

  it('never ends, comes all the time, or never', () => {
    assert.deepEqual(refused({ cron: '0 * * * *', duration: '2h' }), [
      'maintenance[0].cron: "0 * * * *" comes again before or when its duration is over: it would never end',
    ])
    assert.deepEqual(refused({ cron: '0 0,12 * * *', duration: '12h' }), [
      'maintenance[0].cron: "0 0,12 * * *" comes again before or when its duration is over: it would never end',
    ])
    assert.deepEqual(refused({ cron: '*/10 * * * *', duration: '5m' }), [
      'maintenance[0].cron: expected at most 24 times a day, got "*/10 * * * *"',
    ])
    assert.deepEqual(refused({ cron: '0 0 30 2 *', duration: '5m' }), [
      'maintenance[0].cron: "0 0 30 2 *" in UTC is not a time that comes: it never comes',
    ])
    assert.match(
      refused({ cron: '0 2 * * *', duration: '5m', timezone: 'Mars/Olympus' })[0] ?? '',
      /is not a time that comes: /,
    )
    assert.match(refused({ cron: 'daily', duration: '5m' })[0] ?? '', /is not a time that comes: /)
  })

  it('is refused by its form', () => {
    const form = (entry: object): string => {
      const parsed = maintenanceSchema.safeParse([{ reason: 'x', subjects: ['*'], ...entry }])
      return parsed.success
        ? 'fine'
        : parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')
    }
    const once = { from: '2026-11-22', to: '2026-11-23' }
    assert.equal(form(once), 'fine')
    assert.equal(form({ from: '2026-11-22' }), '0: expected from and to together')
    assert.equal(form({ cron: '0 2 * * *' }), '0: expected cron and duration together')
    assert.equal(form({}), '0: expected either from and to, or cron and duration')
    assert.equal(
      form({ ...once, cron: '0 2 * * *', duration: '1h' }),
      '0: expected either from and to, or cron and duration',
    )
    assert.equal(form({ ...once, subjects: [] }), '0: expected subjects or tags')
    assert.equal(form({ from: '2026-11-23', to: '2026-11-23' }), '0.to: expected a time after from')
    assert.equal(
      form({ from: '2026-11-22', to: '2027-11-22' }),
      '0.to: expected at most 31 days after from: what lasts longer needs a waiver',
    )
    assert.equal(form({ cron: '0 2 * * *', duration: '13h' }), '0.duration: expected at most 12h')
  })
})
