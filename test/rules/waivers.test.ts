import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WaiverConfig } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import { formatProblem } from '../../model/problem.ts'
import { toTimestamp } from '../../model/time.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { judgedSubjects } from '../../rules/subjects.ts'
import { checkWaivers, expiredWaivers } from '../../rules/waivers.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import { crlObservation, DAY, HOUR, JournalDouble, MINUTE, SECOND, START } from './journalDouble.ts'

const pack = loadPack('internal-pki')
const CRL = 'ca_crl[issuing-1]'
const targets = targetsFor(INVENTORY)

function waiver(part: Partial<WaiverConfig> = {}): WaiverConfig {
  return {
    rule: 'crl_freshness_ok',
    subject: CRL,
    owner: 'pki-team',
    reason: 'the authority is being moved',
    expires: START + HOUR,
    ...part,
  }
}

function options(waivers: readonly WaiverConfig[], parameters = {}) {
  return { packs: [pack], inventory: INVENTORY, parameters, targets, waivers }
}

const ofRule = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter((f) => f.rule === 'crl_freshness_ok' && f.subject === CRL)

describe('a waiver', () => {
  it('stands beside the failing verdict until the moment at which it ends, and then no longer', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine(options([waiver()], { crl_freshness_ok: { evidence_max_age: '7d' } }))
    const [failed] = ofRule(
      engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - 2 * DAY }))),
    )
    assert.equal(failed?.state, 'fail', 'the verdict stays what it is')
    assert.deepEqual(failed.waiver, {
      owner: 'pki-team',
      reason: 'the authority is being moved',
      expires: toTimestamp(START + HOUR),
    })
    journal.now = START + HOUR - 1
    assert.deepEqual(ofRule(engine.apply(journal.tick())), [])
    journal.now = START + HOUR
    const [over] = ofRule(engine.apply(journal.tick()))
    assert.equal(over?.state, 'fail')
    assert.equal(over.waiver, undefined)
    assert.equal(over.since, failed.since, 'it has failed since then all the same')
    journal.now += HOUR
    assert.deepEqual(ofRule(engine.apply(journal.tick())), [], 'told once')
  })

  it('ends by time alone also where nothing else depends on time', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine(options([waiver({ rule: 'crl_next_update_reasonable' })]))
    const long = crlObservation({ at: START, thisUpdate: START, nextUpdate: START + 30 * DAY })
    const [first] = journal.observe(long)
    assert.ok(first)
    engine.apply([first])
    for (let at = START + MINUTE; at < START + HOUR; at += MINUTE) {
      journal.now = at
      engine.apply(journal.repeat(first.id))
    }
    journal.now = START + HOUR
    const changes = engine.apply(journal.tick())
    assert.deepEqual(
      changes.map((f) => [f.rule, f.state, f.waiver]),
      [['crl_next_update_reasonable', 'fail', undefined]],
    )
  })

  it('covers what its pattern matches, and nothing else', () => {
    const engine = new RuleEngine(options([waiver({ rule: 'crl_available', subject: 'ca_crl[iss*-?]' })]))
    engine.apply(new JournalDouble().tick())
    assert.notEqual(engine.finding('crl_available', CRL)?.waiver, undefined)
    assert.equal(engine.finding('crl_available', 'ca_crl[root]')?.waiver, undefined)
    assert.equal(engine.finding('crl_valid', CRL)?.waiver, undefined)
  })

  it('comes and goes with a reload, and each is told', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine(options([]))
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - 2 * DAY })))
    journal.now += SECOND
    engine.reconfigure(options([waiver()]))
    const begun = ofRule(engine.apply(journal.tick()))
    assert.deepEqual(
      begun.map((f) => [f.state, f.since, f.waiver?.owner]),
      [['fail', toTimestamp(START), 'pki-team']],
    )
    engine.reconfigure(options([]))
    assert.deepEqual(
      ofRule(engine.apply(journal.tick())).map((f) => f.waiver),
      [undefined],
    )
  })
})

describe('a reload', () => {
  it('judges what is known by the new rules, keeps since when, and ends what is gone', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine(options([]))
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - HOUR })))
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.state, 'pass')
    journal.now += MINUTE
    const fewer = { ...pack, rules: pack.rules.filter((rule) => rule.id !== 'crl_valid') }
    engine.reconfigure({ ...options([], { crl_freshness_ok: { max_age: '30m' } }), packs: [fewer] })
    const changes = engine.apply(journal.tick()).filter((f) => f.subject === CRL)
    assert.deepEqual(
      changes.map((f) => `${f.rule} ${f.state}`),
      ['crl_freshness_ok fail', 'crl_valid not_applicable'],
    )
    assert.equal(engine.finding('crl_available', CRL)?.since, toTimestamp(START))
    assert.deepEqual(engine.apply(journal.tick()), [])
  })

  it('that fails changes nothing', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine(options([]))
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START })))
    const before = engine.findings()
    assert.throws(() => engine.reconfigure({ ...options([]), packs: [pack, { ...pack, id: 'copy' }] }))
    assert.deepEqual(engine.findings(), before)
    assert.deepEqual(engine.apply(journal.tick()), [])
  })
})

describe('waivers in the configuration', () => {
  const judged = judgedSubjects(pack.rules, INVENTORY, targets)
  const problems = (...waivers: readonly WaiverConfig[]): string[] =>
    [...checkWaivers(waivers, judged, START), ...expiredWaivers(waivers, START)].map(formatProblem)

  it('are fine within a year', () => {
    assert.deepEqual(
      problems(
        waiver({ expires: START + 366 * DAY }),
        waiver({ subject: 'ca_crl[?]' }).rule === '' ? waiver() : waiver({ rule: 'crl_valid', subject: '*' }),
      ),
      [],
    )
  })

  it('may not end in the past, now, or in more than a year', () => {
    const ended = (at: string) =>
      `rules.waivers[0].expires: the waiver of crl_freshness_ok for ${CRL} ended at ${at}: remove it, or have it renewed`
    assert.deepEqual(problems(waiver({ expires: START })), [ended('2026-11-22T08:00:00Z')])
    assert.deepEqual(problems(waiver({ expires: START - DAY })), [ended('2026-11-21T08:00:00Z')])
    assert.deepEqual(problems(waiver({ expires: START + 366 * DAY + 1 })), [
      'rules.waivers[0].expires: expected a time within a year, not after 2027-11-23T08:00:00Z, got 2027-11-23T08:00:00.001Z',
    ])
  })

  it('must be about a rule in force and a subject that it judges', () => {
    assert.deepEqual(problems(waiver({ rule: 'crl_fresh' })), [
      'rules.waivers[0].rule: "crl_fresh" is not a rule of the packs in force',
    ])
    assert.deepEqual(problems(waiver({ subject: 'ca_crl[issuing-2]' })), [
      `rules.waivers[0].subject: crl_freshness_ok judges no subject "ca_crl[issuing-2]"; it judges ${CRL}`,
    ])
  })

  it('may not stand twice for one finding, or contradict each other', () => {
    assert.deepEqual(
      problems(waiver(), waiver({ subject: 'ca_crl[*]', expires: START + DAY, owner: 'other' })),
      [
        `rules.waivers[1].subject: rules.waivers[0] is about crl_freshness_ok and ${CRL} already: keep one of the two`,
      ],
    )
  })
})
