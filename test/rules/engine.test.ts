import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inventorySchema, type Inventory } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import type { SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { RulesError } from '../../rules/error.ts'
import { loadPack } from '../../rules/loadPack.ts'
import type { ParameterOverrides } from '../../rules/parameters.ts'
import type { LatestObservation, Stored } from '../../store/contract.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import {
  crlObservation,
  DAY,
  HOUR,
  JournalDouble,
  MINUTE,
  ocspObservation,
  SECOND,
  START,
  tlsObservation,
} from './journalDouble.ts'

const pack = loadPack('internal-pki')
const CRL = 'ca_crl[issuing-1]'

function engineOf(parameters: ParameterOverrides = {}, inventory: Inventory = INVENTORY): RuleEngine {
  return new RuleEngine({ packs: [pack], inventory, parameters, targets: targetsFor(inventory) })
}

function brief(findings: readonly Finding[], rule?: string): string[] {
  return findings
    .filter((f) => rule === undefined || f.rule === rule)
    .map((f) => `${f.rule} ${f.subject} ${f.state}`)
}

function stored(record: SealedRecord): Stored<Finding> {
  assert.equal(record.kind, 'decision')
  return { ...record.body, id: record.id, recorded: record.recorded }
}

describe('a subject without evidence', () => {
  it('is unknown from the first record on, for every rule that concerns it', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const changes = engine.apply(journal.tick())
    const states = new Map(changes.map((f) => [`${f.rule} ${f.subject}`, f.state]))
    assert.equal(states.get(`crl_freshness_ok ${CRL}`), 'unknown')
    assert.equal(states.get('crl_freshness_ok ca_crl[root]'), 'not_applicable')
    assert.equal(states.get('offline_crl_freshness_ok ca_crl[root]'), 'unknown')
    assert.equal(states.get('tls_reachable service_tls_health[shop,prod]'), 'unknown')
    assert.equal(states.get('ocsp_status_good deployed_service_cert[shop,prod]'), 'unknown')
    assert.ok(changes.every((f) => f.state === 'unknown' || f.state === 'not_applicable'))
    assert.equal(changes.length, engine.findings().length)
    assert.ok(changes.every((f) => f.since === toTimestamp(START)))
  })

  it('is unknown even before any record', () => {
    const findings = engineOf().findings()
    assert.ok(findings.length > 0)
    assert.ok(findings.every((f) => f.state === 'unknown'))
  })

  it('is not asked about revocation where no responder is declared', () => {
    const inventory = inventorySchema.parse({
      authorities: [{ id: 'ca', certificate: 'ca.pem' }],
      services: [{ id: 'shop', endpoint: 'shop.test:443', issuer: 'ca' }],
    })
    const engine = engineOf({}, inventory)
    engine.apply(new JournalDouble().tick())
    const finding = engine.finding('ocsp_status_good', 'deployed_service_cert[shop,prod]')
    assert.equal(finding?.state, 'not_applicable')
    assert.match(finding.summary, /no OCSP responder is declared/)
  })
})

describe('a verdict', () => {
  it('is returned once, when its state changes, with its facts and evidence', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const records = journal.observe(crlObservation({ at: START, thisUpdate: START - HOUR }))
    const passed = engine.apply(records).filter((f) => f.rule === 'crl_freshness_ok' && f.subject === CRL)
    assert.equal(passed.length, 1)
    assert.deepEqual(passed[0], {
      rule: 'crl_freshness_ok',
      pack: 'internal-pki',
      subject: CRL,
      state: 'pass',
      severity: 'critical',
      since: toTimestamp(START),
      summary: 'The CRL is recent',
      target: 'http://crl.test/issuing-1.crl',
      facts: { probe: { at: toTimestamp(START) }, crl: { thisUpdate: toTimestamp(START - HOUR) } },
      parameters: { max_age: '24h' },
      evidence: [records[0]?.id],
    })
    journal.now += MINUTE
    const again = crlObservation({ at: journal.now, thisUpdate: START - HOUR / 2 })
    assert.deepEqual(engine.apply(journal.observe(again)), [])
  })

  it('changes with time alone, on a tick', () => {
    const journal = new JournalDouble()
    const engine = engineOf({ crl_freshness_ok: { evidence_max_age: '7d' } })
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - 23 * HOUR })))
    journal.now = START + HOUR
    assert.deepEqual(brief(engine.apply(journal.tick()), 'crl_freshness_ok'), [])
    journal.now = START + HOUR + SECOND
    const changes = engine.apply(journal.tick())
    assert.deepEqual(brief(changes, 'crl_freshness_ok'), [`crl_freshness_ok ${CRL} fail`])
    assert.equal(changes[0]?.since, toTimestamp(START + HOUR + SECOND))
  })

  it('follows overridden parameters, and says which were in force', () => {
    const engine = engineOf({ crl_freshness_ok: { max_age: '30m' } })
    engine.apply(new JournalDouble().observe(crlObservation({ at: START, thisUpdate: START - HOUR })))
    const finding = engine.finding('crl_freshness_ok', CRL)
    assert.equal(finding?.state, 'fail')
    assert.deepEqual(finding.parameters, { max_age: '30m' })
  })

  it('becomes unknown when its evidence grows old, and recovers with the next run', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const [first] = journal.observe(crlObservation({ at: START, thisUpdate: START }))
    assert.ok(first)
    engine.apply([first])
    journal.now = START + 3 * MINUTE
    assert.deepEqual(engine.apply(journal.tick()), [])
    journal.now += SECOND
    const changes = engine.apply(journal.tick())
    assert.ok(brief(changes).includes(`crl_available ${CRL} unknown`))
    assert.match(
      engine.finding('crl_available', CRL)?.summary ?? '',
      /2026-11-22T08:00:00.000Z, is older than 3m$/,
    )
    const back = engine.apply(journal.repeat(first.id))
    assert.ok(brief(back).includes(`crl_available ${CRL} pass`))
  })

  it('stays with runs that repeat unchanged, and names the newest repetition as evidence', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const [first] = journal.observe(crlObservation({ at: START, thisUpdate: START }))
    assert.ok(first)
    engine.apply([first])
    for (let i = 1; i <= 10; i++) {
      journal.now = START + i * MINUTE
      assert.deepEqual(engine.apply(journal.repeat(first.id)), [])
      assert.deepEqual(engine.apply(journal.tick()), [])
    }
    const finding = engine.finding('crl_available', CRL)
    assert.equal(finding?.since, toTimestamp(START))
    assert.deepEqual(finding.facts.probe, { at: toTimestamp(START + 10 * MINUTE), phase: '' })
    assert.deepEqual(finding.evidence, [first.id, 'vigil.test/0/19/0'])
  })

  it('is judged anew by how long a run took, though it saw the same', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const responder = 'ocsp_responder_status[issuing-1]'
    const [first] = journal.observe(ocspObservation({ at: START, status: 'good', duration: 20 }))
    assert.ok(first)
    engine.apply([first])
    assert.equal(engine.finding('ocsp_responder_available', responder)?.state, 'pass')
    journal.now += MINUTE
    engine.apply(journal.repeat(first.id, 2500))
    assert.equal(engine.finding('ocsp_responder_available', responder)?.state, 'pending')
    assert.equal(engine.finding('ocsp_status_good', responder)?.state, 'pass')
  })

  it('is the worst of the targets, and names the one that decided', () => {
    const inventory = inventorySchema.parse({
      authorities: [
        { id: 'issuing-1', certificate: 'x', crl: [{ url: 'http://a.test/' }, { url: 'http://b.test/' }] },
      ],
    })
    const journal = new JournalDouble()
    const engine = engineOf({ crl_available: { for: '0s' } }, inventory)
    const good = { at: START, thisUpdate: START }
    engine.apply(journal.observe(crlObservation({ ...good, url: 'http://a.test/' })))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'unknown')
    engine.apply(journal.observe(crlObservation({ at: START, url: 'http://b.test/', failure: {} })))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'fail')
    assert.equal(engine.finding('crl_available', CRL)?.target, 'http://b.test/')
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.state, 'unknown')
    engine.apply(journal.observe(crlObservation({ ...good, url: 'http://b.test/' })))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pass')
  })

  it('passes by the target that was seen longest ago, with the evidence of all', () => {
    const inventory = inventorySchema.parse({
      authorities: [
        { id: 'issuing-1', certificate: 'x', crl: [{ url: 'http://a.test/' }, { url: 'http://b.test/' }] },
      ],
    })
    const journal = new JournalDouble()
    const engine = engineOf({}, inventory)
    const at = START + MINUTE
    const [a] = journal.observe(crlObservation({ at, thisUpdate: START, url: 'http://a.test/' }))
    const [b] = journal.observe(crlObservation({ at: START, thisUpdate: START, url: 'http://b.test/' }))
    assert.ok(a && b)
    journal.now = at
    engine.apply([a, b])
    const finding = engine.finding('crl_available', CRL)
    assert.equal(finding?.state, 'pass')
    assert.equal(finding.facts.probe?.at, toTimestamp(START), 'nothing older than this was relied on')
    assert.equal(finding.target, 'http://b.test/')
    assert.deepEqual(finding.evidence, [b.id, a.id])
  })

  it('ignores observations of what the inventory does not declare', () => {
    const engine = engineOf()
    const foreign = crlObservation({ at: START, thisUpdate: START, url: 'http://elsewhere.test/' })
    engine.apply(new JournalDouble().observe(foreign))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'unknown')
  })

  it('is judged for both subjects that one TLS run shows', () => {
    const engine = engineOf()
    engine.apply(new JournalDouble().observe(tlsObservation({ at: START, notAfter: START + 10 * DAY })))
    assert.equal(engine.finding('tls_path_ok', 'service_tls_health[shop,prod]')?.state, 'pass')
    assert.equal(engine.finding('cert_lifetime_threshold', 'deployed_service_cert[shop,prod]')?.state, 'fail')
  })

  it('is unknown when the probe itself failed', () => {
    const failure = { phase: 'consistency', code: 'internal_error', message: 'unexpected failure' } as const
    const engine = engineOf()
    engine.apply(new JournalDouble().observe(crlObservation({ at: START, failure })))
    for (const finding of engine
      .findings()
      .filter((f) => f.subject === CRL && f.state !== 'not_applicable')) {
      assert.equal(finding.state, 'unknown')
      assert.match(finding.summary, /unexpected failure/)
    }
  })

  it('is not taken from a fact of the wrong type', () => {
    const engine = engineOf()
    const observation = crlObservation({ at: START, thisUpdate: START })
    const facts = { crl: { ...observation.facts.crl, thisUpdate: 'yesterday' } }
    engine.apply(new JournalDouble().observe({ ...observation, facts }))
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.state, 'unknown')
  })
})

describe('a rule with for', () => {
  const failing = (at: number) => crlObservation({ at, failure: {} })

  it('is pending first, and fails when the time is over', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    assert.ok(brief(engine.apply(journal.observe(failing(START)))).includes(`crl_available ${CRL} pending`))
    journal.now = START + 2 * MINUTE - SECOND
    assert.deepEqual(brief(engine.apply(journal.tick()), 'crl_available'), [])
    journal.now = START + 2 * MINUTE
    assert.deepEqual(brief(engine.apply(journal.tick()), 'crl_available'), [`crl_available ${CRL} fail`])
  })

  it('passes again without having failed', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    engine.apply(journal.observe(failing(START)))
    journal.now += MINUTE
    const changes = engine.apply(journal.observe(crlObservation({ at: journal.now, thisUpdate: START })))
    assert.ok(brief(changes).includes(`crl_available ${CRL} pass`))
    journal.now += 2 * MINUTE
    engine.apply(journal.observe(failing(journal.now)))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pending')
  })

  it('does not forget how long it failed while evidence was missing', () => {
    const journal = new JournalDouble()
    const engine = engineOf({ crl_available: { evidence_max_age: '30s' } })
    engine.apply(journal.observe(failing(START)))
    journal.now = START + MINUTE
    engine.apply(journal.tick())
    assert.equal(engine.finding('crl_available', CRL)?.state, 'unknown')
    journal.now = START + 3 * MINUTE
    engine.apply(journal.observe(failing(journal.now)))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'fail')
  })
})

describe('the journal as clock', () => {
  it('makes the same batch twice change nothing', () => {
    const journal = new JournalDouble()
    const batches = [
      journal.observe(crlObservation({ at: START, thisUpdate: START - 2 * DAY })),
      journal.tick(),
      journal.observe(crlObservation({ at: START, thisUpdate: START })),
    ]
    const engine = engineOf()
    for (const batch of batches) engine.apply(batch)
    const before = engine.findings()
    for (const batch of batches) assert.deepEqual(engine.apply(batch), [])
    assert.deepEqual(engine.findings(), before)
  })

  it('gives the same decisions however the records are batched', () => {
    const journal = new JournalDouble()
    const records: SealedRecord[] = []
    for (let i = 0; i < 20; i++) {
      journal.now += 20 * SECOND
      const parts = i % 3 === 0 ? { failure: {} } : { thisUpdate: START - i * 2 * HOUR }
      records.push(...journal.observe(crlObservation({ at: journal.now, ...parts })), ...journal.tick())
    }
    const one = engineOf()
    const all = one.apply(records)
    const many = engineOf()
    const each = records.flatMap((record) => many.apply([record]))
    const moves = (changes: readonly Finding[]) =>
      changes.filter((f) => f.subject === CRL).map((f) => `${f.rule} ${f.state} ${f.since}`)
    assert.deepEqual(moves(all), moves(each))
  })

  it('does not decide again what comes back as a decision', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const first = engine.apply(journal.tick())
    journal.now += SECOND
    // The verdict moves on before the first decisions come back.
    const second = engine.apply(journal.observe(crlObservation({ at: journal.now, thisUpdate: START })))
    assert.deepEqual(engine.apply(journal.decide(...first)), [])
    assert.deepEqual(engine.apply(journal.decide(...second)), [])
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pass')
    assert.deepEqual(engine.apply(journal.tick()), [])
  })

  it('takes over the decision of another evaluator', () => {
    const journal = new JournalDouble()
    const other = engineOf()
    const engine = engineOf()
    engine.apply(journal.tick())
    const observed = journal.observe(crlObservation({ at: START, thisUpdate: START }))
    const changes = other.apply(observed)
    const decisions = journal.decide(...changes)
    assert.deepEqual(engine.apply(decisions), [])
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pass')
  })

  it('follows when the clock was set back, and not when records run a little apart', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    journal.now = START + 365 * DAY
    engine.apply(journal.tick())
    journal.now = START
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - HOUR })))
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.state, 'pass')
    journal.now = START - SECOND
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START - 25 * HOUR })))
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.since, toTimestamp(START))
  })

  it('counts a failure from the present on when it began at a time that is future again', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    journal.now = START + 365 * DAY
    engine.apply(journal.observe(crlObservation({ at: journal.now, failure: {} })))
    journal.now = START
    engine.apply(journal.observe(crlObservation({ at: START, failure: {} })))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pending')
    journal.now = START + 2 * MINUTE
    engine.apply(journal.tick())
    assert.equal(engine.finding('crl_available', CRL)?.state, 'fail')
  })

  it('takes evidence from the future for none, and a later run although it says an earlier time', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const ahead = START + 365 * DAY
    journal.now = ahead
    const [seen] = journal.observe(crlObservation({ at: ahead, thisUpdate: START }))
    assert.ok(seen)
    engine.apply([seen])
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pass')
    journal.now = START
    engine.apply(journal.tick())
    const finding = engine.finding('crl_available', CRL)
    assert.equal(finding?.state, 'unknown')
    assert.match(finding.summary, /2027-11-22T08:00:00.000Z, lies in the future$/)
    engine.apply(journal.repeat(seen.id))
    assert.equal(engine.finding('crl_available', CRL)?.state, 'pass')
    journal.now += 3 * MINUTE + SECOND
    engine.apply(journal.tick())
    assert.equal(engine.finding('crl_available', CRL)?.state, 'unknown', 'it grows old like any other')
  })
})

describe('a restart', () => {
  function latest(record: SealedRecord, lastStart: number): LatestObservation {
    assert.equal(record.kind, 'observation')
    const observation = { ...record.body, id: record.id, recorded: record.recorded }
    return { observation, lastStart: toTimestamp(lastStart), lastDuration: 30 }
  }

  it('goes on where the store stands, without deciding anything again', () => {
    const journal = new JournalDouble()
    const [seen] = journal.observe(crlObservation({ at: START, thisUpdate: START - 30 * HOUR }))
    assert.ok(seen)
    const before = engineOf()
    const decisions = journal.decide(...before.apply([seen]))
    const engine = engineOf()
    journal.now = START + MINUTE
    const findings = decisions.map(stored)
    engine.hydrate({ now: journal.now, latest: [latest(seen, journal.now)], findings })
    assert.deepEqual(engine.apply(journal.tick()), [])
    assert.equal(engine.finding('crl_freshness_ok', CRL)?.since, toTimestamp(START))
    assert.deepEqual(engine.apply(journal.repeat(seen.id)), [])
  })

  it('keeps a pending finding pending since when it was', () => {
    const journal = new JournalDouble()
    const [seen] = journal.observe(crlObservation({ at: START, failure: {} }))
    assert.ok(seen)
    const decisions = journal.decide(...engineOf().apply([seen]))
    const engine = engineOf()
    journal.now = START + 2 * MINUTE
    engine.hydrate({ now: journal.now, latest: [latest(seen, START)], findings: decisions.map(stored) })
    assert.ok(brief(engine.apply(journal.tick())).includes(`crl_available ${CRL} fail`))
  })

  it('decides what it had not journaled before the end', () => {
    const journal = new JournalDouble()
    const [seen] = journal.observe(crlObservation({ at: START, thisUpdate: START - 30 * HOUR }))
    assert.ok(seen)
    const engine = engineOf()
    engine.hydrate({ now: START, latest: [latest(seen, START)], findings: [] })
    assert.ok(brief(engine.apply(journal.tick())).includes(`crl_freshness_ok ${CRL} fail`))
  })

  it('ends findings whose subject or rule is gone as not applicable', () => {
    const journal = new JournalDouble()
    const decisions = journal.decide(...engineOf().apply(journal.tick()))
    const authorities = INVENTORY.authorities.filter((a) => a.id === 'root')
    const engine = engineOf({}, { ...INVENTORY, authorities })
    engine.hydrate({ now: START, latest: [], findings: decisions.map(stored) })
    const changes = engine.apply(journal.tick()).filter((f) => f.subject === CRL)
    assert.ok(changes.length > 0)
    assert.ok(changes.every((f) => f.state === 'not_applicable'))
    assert.deepEqual(engine.apply(journal.tick()), [])
  })
})

describe('an engine', () => {
  it('refuses parameters that fit no rule', () => {
    assert.throws(
      () => engineOf({ crl_freshness: { max_age: '1h' } }),
      (error) => error instanceof RulesError && error.code === 'parameters_invalid',
    )
  })
})

describe('a decision that is journaled once more', () => {
  it('changes nothing while it stands, and is refused when another was made since', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const told = engine.apply(journal.tick()).find((f) => f.rule === 'crl_freshness_ok' && f.subject === CRL)
    assert.ok(told !== undefined)
    engine.apply(journal.decide(told))
    assert.equal(engine.tellAgain(told), true)
    // Meanwhile it passes: both come by in the order in which they were appended.
    const next = engine
      .apply(journal.observe(crlObservation({ at: START, thisUpdate: START })))
      .filter((f) => f.rule === told.rule)
    assert.deepEqual(brief(next), [`crl_freshness_ok ${CRL} pass`])
    assert.equal(engine.tellAgain(told), false)
    engine.apply(journal.decide(told, ...next))
    assert.equal(engine.finding(told.rule, CRL)?.state, 'pass')
    assert.deepEqual(engine.apply(journal.tick()), [])
  })
})
