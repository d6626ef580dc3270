import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactsOf } from '../../model/facts.ts'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { RulesError } from '../../rules/error.ts'
import { parsePack } from '../../rules/pack.ts'
import { STATEMENTS, type WatchedTarget } from '../../rules/subjects.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import { crlObservation, DAY, JournalDouble, MINUTE, SECOND, START } from './journalDouble.ts'

const PACK = `
schema: 1
id: governance
version: 1.0.0
title: Governance
rules:
  - id: cps_reviewed
    title: The CPS was reviewed
    rationale: Promises age.
    source: { document: TLS BR, version: 2.2.6, section: '2.2', basis: standard }
    applies_to: { subjects: [pki_governance] }
    evidence: { attestation: cps_review }
    condition: 'true'
    summary: 'the review by {attestation.by} expired at {attestation.expires}'
    severity: warning
  - id: crl_reviewed
    title: The CRL profile was reviewed
    rationale: Profiles age.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl], class: online }
    evidence: { attestation: profile_review }
    condition: 'true'
    summary: expired
    severity: warning
`

function engineOf(): RuleEngine {
  return new RuleEngine({
    packs: [parsePack(PACK, 'governance.yaml')],
    inventory: INVENTORY,
    parameters: {},
    targets: targetsFor(INVENTORY),
  })
}

function attested(facts: FactsOf<'attestation'>, part: Partial<Observation> = {}): Observation {
  return {
    subject: 'pki_governance',
    probe: 'attestation',
    target: 'cps_review',
    vantage: 'default',
    start: toTimestamp(START),
    duration: 0,
    outcome: 'success',
    facts: { attestation: facts },
    artifacts: [],
    ...part,
  }
}

const review = {
  kind: 'cps_review',
  by: 'jane',
  at: toTimestamp(START - DAY),
  expires: toTimestamp(START + MINUTE),
}

describe('a rule that is judged by what somebody signed', () => {
  it('is unknown while nobody has', () => {
    const engine = engineOf()
    engine.apply(new JournalDouble().tick())
    assert.equal(engine.finding('cps_reviewed', 'pki_governance')?.state, 'unknown')
  })

  it('passes with the statement as evidence, and fails at the moment at which it expires, whatever its condition says', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    const [record] = journal.observe(attested(review))
    assert.ok(record)
    engine.apply([record])
    const passed = engine.finding('cps_reviewed', 'pki_governance')
    assert.equal(passed?.state, 'pass')
    assert.deepEqual(passed.evidence, [record.id])
    assert.equal(passed.facts.attestation?.expires, review.expires)
    journal.now = START + MINUTE - 1
    assert.deepEqual(engine.apply(journal.tick()), [])
    journal.now = START + MINUTE
    const [failed] = engine.apply(journal.tick())
    assert.equal(failed?.state, 'fail')
    assert.equal(failed.summary, 'the review by jane expired at 2026-11-22T08:01:00Z')
  })

  it('is unknown when the statement does not say when it expires', () => {
    const engine = engineOf()
    engine.apply(new JournalDouble().observe(attested({ kind: 'cps_review', by: 'jane' })))
    assert.equal(engine.finding('cps_reviewed', 'pki_governance')?.state, 'unknown')
  })

  it('is unknown again when nobody looks at the statement any more', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    engine.apply(journal.observe(attested({ ...review, expires: toTimestamp(START + DAY) })))
    journal.now = START + 3 * MINUTE + SECOND
    const [change] = engine.apply(journal.tick())
    assert.equal(change?.state, 'unknown')
  })

  it('takes no probe for a statement, and no statement for another', () => {
    const journal = new JournalDouble()
    const engine = engineOf()
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START })))
    assert.equal(engine.finding('crl_reviewed', 'ca_crl[issuing-1]')?.state, 'unknown')
    engine.apply(journal.observe(attested(review, { subject: 'ca_crl[issuing-1]' })))
    assert.equal(engine.finding('crl_reviewed', 'ca_crl[issuing-1]')?.state, 'unknown')
    engine.apply(
      journal.observe(attested(review, { subject: 'ca_crl[issuing-1]', target: 'profile_review' })),
    )
    assert.equal(engine.finding('crl_reviewed', 'ca_crl[issuing-1]')?.state, 'pass')
  })
})

describe('the directory of statements', () => {
  it('is judged where there is one, and nowhere else', () => {
    const made = PACK.replace('attestation: cps_review', 'attestation: directory')
    const findings = (...more: readonly WatchedTarget[]): number =>
      new RuleEngine({
        packs: [parsePack(made, 'governance.yaml')],
        inventory: INVENTORY,
        parameters: {},
        targets: [...targetsFor(INVENTORY), ...more],
      })
        .findings()
        .filter(({ rule }) => rule === 'cps_reviewed').length
    assert.equal(findings(), 0)
    assert.equal(findings(STATEMENTS), 1)
  })

  it('is about governance only', () => {
    assert.throws(
      () => parsePack(PACK.replace('profile_review', 'directory'), 'governance.yaml'),
      (error) =>
        error instanceof RulesError &&
        /directory of attestations is about pki_governance only/.test(error.message),
    )
  })
})
