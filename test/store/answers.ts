import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Action } from '../../model/action.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Store } from '../../store/contract.ts'
import { rollUpsOf } from './contents.ts'
import {
  FakeJournal,
  T0,
  action,
  audit,
  decision,
  failure,
  incidentStep,
  observation,
  observationOf,
  unchanged,
} from './records.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const at = (ms: number) => toTimestamp(T0 + ms)

/** What every store answers, by what it was given. */
export function storeAnswers(newStore: () => Promise<Store>): void {
  it('keeps changes and failures as documents, and nothing of a run that repeats the one before', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const runs = [
      observation({ start: at(0) }),
      observation({ start: at(1) }),
      failure({ start: at(2) }),
      failure({ start: at(3) }),
      observation({ start: at(4) }),
      observation({ start: at(5), facts: { crl: { number: '42' } } }),
    ]
    await store.apply(runs.flatMap((run) => journal.seal(run)))
    const kept = await store.observations({ subject: 'ca_crl[issuing-1]', from: at(0), limit: 99 })
    assert.deepEqual(
      kept.map((o) => o.start),
      [at(5), at(4), at(3), at(2), at(0)],
    )
    const later = await store.observations({ subject: 'ca_crl[issuing-1]', from: at(3), limit: 2 })
    assert.deepEqual(
      later.map((o) => o.start),
      [at(5), at(4)],
    )
    assert.deepEqual(await store.observations({ subject: 'ca_crl[issuing-2]', from: at(0), limit: 9 }), [])
  })

  it('knows the newest run of every target, and when it was last repeated', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const [a, b] = journal.seal(observation(), observation({ target: 'http://other.example/1.crl' }))
    await store.apply([a!, b!])
    await store.apply(
      journal.seal(unchanged(T0 + MINUTE, [a!, T0 + MINUTE + 3, 7.5], [a!, T0 + 2 * MINUTE, 8])),
    )
    const latest = await store.latestObservations()
    assert.deepEqual(
      latest.map((l) => [l.observation.target, l.observation.id, l.lastStart, l.lastDuration]),
      [
        [observationOf().target, a!.id, at(2 * MINUTE), 8],
        ['http://other.example/1.crl', b!.id, at(0), 12],
      ],
    )
    assert.deepEqual(latest[0]?.observation, { ...observationOf(), id: a!.id, recorded: a!.recorded })
  })

  it('does not take an item that comes late for the newest run', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const [good] = journal.seal(observation())
    const bad = journal.seal(failure({ start: at(2 * MINUTE) }))
    const late = journal.seal(unchanged(T0 + MINUTE, [good!, T0 + MINUTE, 9]))
    await store.apply([good!, ...bad, ...late])
    const [latest] = await store.latestObservations()
    assert.equal(latest?.observation.outcome, 'failure')
    assert.equal(latest.lastStart, at(2 * MINUTE))
    assert.deepEqual(
      (await rollUpsOf(store)).map((r) => [r.runs, r.failures]),
      [[3, 1]],
    )
  })

  it('knows the facts of earlier runs that a failed run could not establish again', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    await store.apply(journal.seal(observation()))
    await store.apply(journal.seal(failure({ facts: { authority: { id: 'issuing-1', class: 'offline' } } })))
    const [latest] = await store.latestObservations()
    assert.deepEqual(latest?.known, {
      authority: { id: 'issuing-1', class: 'offline' },
      crl: observationOf().facts.crl,
    })
    assert.equal(latest.observation.facts.crl, undefined)
  })

  it('a later run replaces a group of facts whole', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    await store.apply(journal.seal(observation({ facts: { ocsp: { serial: '1', status: 'good' } } })))
    await store.apply(journal.seal(observation({ facts: { ocsp: { serial: '1' } } })))
    assert.deepEqual((await store.latestObservations())[0]?.known, { ocsp: { serial: '1' } })
  })

  it('counts every run once in its hour, by duration', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const [good] = journal.seal(observation({ duration: 0.5 }))
    const [bad] = journal.seal(failure({ start: at(HOUR - 1), duration: 100_000 }))
    const repeats = journal.seal(
      unchanged(T0 + HOUR, [good!, T0 + 2, 1], [bad!, T0 + HOUR, 2], [bad!, T0 + HOUR + 1, 1.99]),
    )
    for (const batch of [[good!], [bad!], repeats]) await store.apply(batch)
    const buckets = (counts: Record<number, number>) => Array.from({ length: 64 }, (_, i) => counts[i] ?? 0)
    const { subject, probe, target } = observationOf()
    assert.deepEqual(await rollUpsOf(store), [
      {
        hour: at(0),
        subject,
        probe,
        target,
        runs: 3,
        failures: 1,
        buckets: buckets({ 0: 1, 1: 1, 63: 1 }),
      },
      { hour: at(HOUR), subject, probe, target, runs: 2, failures: 2, buckets: buckets({ 4: 1, 5: 1 }) },
    ])
    const hours = async (from: number, to: number) =>
      (await store.rollUps({ from: at(from), to: at(to) })).map((r) => r.hour)
    assert.deepEqual(await hours(0, HOUR), [at(0)])
    assert.deepEqual(await hours(1, HOUR + 1), [at(HOUR)])
  })

  it('tells targets of one subject apart in its roll-ups', async () => {
    const store = await newStore()
    const target = 'http://a.example/1.crl'
    await store.apply(new FakeJournal().seal(observation(), failure({ target })))
    assert.deepEqual(
      (await rollUpsOf(store)).map((r) => [r.target, r.runs, r.failures]),
      [
        [target, 1, 1],
        [observationOf().target, 1, 0],
      ],
    )
  })

  it('gives the roll-ups of one subject alone', async () => {
    const store = await newStore()
    await store.apply(new FakeJournal().seal(observation(), observation({ subject: 'ca_crl[issuing-2]' })))
    const query = { from: at(0), to: at(HOUR), subject: 'ca_crl[issuing-2]' }
    assert.deepEqual(
      (await store.rollUps(query)).map((r) => r.subject),
      ['ca_crl[issuing-2]'],
    )
  })

  it('finds audit events by time, user, action and authority, newest first', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    await store.apply(
      journal.seal(
        audit({ time: T0 + 1, user: 'ada', action: 'CERT_CREATION', authority: 'issuing-1' }),
        audit({ time: T0 + 3, user: 'bob', action: 'CRL_CREATION', authority: 'issuing-2' }),
        audit({ time: T0 + 2, user: 'ada', action: 'CERT_REVOKED', name: 'Some CA' }),
      ),
    )
    const times = async (query: Omit<Parameters<Store['auditEvents']>[0], 'limit'>, limit = 9) =>
      (await store.auditEvents({ ...query, limit })).map((e) => Date.parse(e['@timestamp']) - T0)
    assert.deepEqual(await times({}), [3, 2, 1])
    assert.deepEqual(await times({}, 2), [3, 2])
    assert.deepEqual(await times({ from: at(2) }), [3, 2])
    assert.deepEqual(await times({ from: at(1), to: at(3) }), [2, 1])
    assert.deepEqual(await times({ user: 'ada' }), [2, 1])
    assert.deepEqual(await times({ user: 'ad' }), [])
    assert.deepEqual(await times({ action: 'CRL_CREATION' }), [3])
    assert.deepEqual(await times({ authority: 'issuing-2' }), [3])
    assert.deepEqual(await times({ authority: 'Some CA' }), [2])
    assert.deepEqual(await times({ authority: 'issuing-1', user: 'bob' }), [])
  })

  it('pages through audit events of one millisecond without loss or repetition', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const records = journal.seal(...Array.from({ length: 7 }, (_, i) => audit({ offset: i * 100 })))
    await store.apply(records)
    const seen: string[] = []
    for (;;) {
      const after = seen.at(-1)
      const page = await store.auditEvents({ limit: 3, ...(after === undefined ? {} : { after }) })
      if (page.length === 0) break
      seen.push(...page.map((e) => e.id))
    }
    assert.deepEqual(seen, records.map((r) => r.id).reverse())
    await assert.rejects(store.auditEvents({ limit: 3, after: 'other/0/0/0' }), { code: 'unknown_record' })
  })

  it('takes hostile text as text', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const users = [
      `'; DROP TABLE audit; --`,
      '%',
      '_',
      'a\u0000b',
      '\u001b[31mred',
      '🔑"\\{}*:',
      '__proto__',
      '<script>alert(1)</script>',
      'x'.repeat(40_000),
    ]
    await store.apply(journal.seal(...users.map((user, i) => audit({ user, offset: i }))))
    for (const user of users) {
      const found = await store.auditEvents({ user, limit: 99 })
      assert.deepEqual(
        found.map((e) => e.user?.name),
        [user],
      )
    }
  })

  it('knows the current finding of every rule and subject, and all decisions before it', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    const rule = 'cert_lifetime_threshold'
    const subject = 'deployed_service_cert[shop,prod]'
    await store.apply(journal.seal(decision({ state: 'unknown' }), decision({ rule, subject })))
    await store.apply(journal.seal(decision({ state: 'fail' })))
    assert.deepEqual(
      (await store.findings()).map((f) => [f.subject, f.rule, f.state]),
      [
        ['ca_crl[issuing-1]', 'crl_freshness_ok', 'fail'],
        [subject, rule, 'pass'],
      ],
    )
    const waiver = { owner: 'pki-team', reason: 'moving', expires: '2027-01-31T00:00:00.000Z' }
    await store.apply(journal.seal(decision({ rule: 'crl_available', state: 'fail', waiver })))
    const [waived] = (await store.findings()).filter((f) => f.rule === 'crl_available')
    assert.deepEqual(waived?.waiver, waiver)
    const states = async (query: Parameters<Store['decisions']>[0]) =>
      (await store.decisions(query)).map((f) => f.state)
    assert.deepEqual(await states({ limit: 9 }), ['fail', 'fail', 'pass', 'unknown'])
    assert.deepEqual(await states({ limit: 1 }), ['fail'])
    assert.deepEqual(await states({ subject, limit: 9 }), ['pass'])
    assert.deepEqual(await states({ subject: 'ca_crl[none]', limit: 9 }), [])
  })

  it('keeps every step of an action, newest first', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    for (const status of ['requested', 'accepted', 'verified'] as const)
      await store.apply(journal.seal(action({ kind: 'remediation', status })))
    const statuses = async (limit: number) => (await store.actions({ limit })).map((a) => a.status)
    assert.deepEqual(await statuses(9), ['verified', 'accepted', 'requested'])
    assert.deepEqual(await statuses(2), ['verified', 'accepted'])
    await store.apply(journal.seal(action({ kind: 'alert', status: 'sent' })))
    const ofKind = async (kind: Action['kind']) =>
      (await store.actions({ kind, limit: 2 })).map((a) => a.status)
    assert.deepEqual(await ofKind('remediation'), ['verified', 'accepted'])
    assert.deepEqual(await ofKind('alert'), ['sent'])
    assert.deepEqual(await ofKind('incident'), [])
    await store.apply(journal.seal(incidentStep))
    const [step] = await store.actions({ kind: 'incident', limit: 2 })
    assert.ok(step !== undefined)
    const { record, recorded } = step
    assert.deepEqual(step, { ...incidentStep.body, record, recorded })
  })

  it('knows how far each file of each log source was read', async () => {
    const store = await newStore()
    const journal = new FakeJournal()
    await store.apply(
      journal.seal(
        audit({ offset: 500 }),
        audit({ offset: 100 }),
        audit({ fingerprint: 'bb', offset: 2 ** 40 }),
        audit({ source: 'dogtag', offset: 7 }),
      ),
    )
    assert.deepEqual(await store.sourcePositions(), [
      { source: 'dogtag', fingerprint: 'aa', end: 107 },
      { source: 'ejbca-vm', fingerprint: 'aa', end: 600 },
      { source: 'ejbca-vm', fingerprint: 'bb', end: 2 ** 40 + 100 },
    ])
  })
}
