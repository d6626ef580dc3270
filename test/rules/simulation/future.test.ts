import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WaiverConfig } from '../../../model/config.ts'
import { FACTS } from '../../../model/facts.ts'
import type { Observation } from '../../../model/observation.ts'
import { toTimestamp } from '../../../model/time.ts'
import type { RuleEngineOptions } from '../../../rules/engine.ts'
import { LatestRuns } from '../../../rules/latestRuns.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { parsePack, type Pack } from '../../../rules/pack.ts'
import { asRemadeAt, runLater } from '../../../rules/simulation/later.ts'
import { simulateFuture, type FutureChange, type FutureReport } from '../../../rules/simulation/future.ts'
import { INVENTORY, targetsFor } from '../inventory.ts'
import {
  crlObservation,
  DAY,
  HOUR,
  JournalDouble,
  MINUTE,
  ocspObservation,
  START,
  tlsObservation,
} from '../journalDouble.ts'

const SERVICE = 'deployed_service_cert[shop,prod]'
const POLICY_DATE = Date.parse('2027-03-15T00:00:00Z')

function pack(rules: string): Pack {
  return parsePack(`schema: 1\nid: own\nversion: 1.0.0\ntitle: Own\nrules:\n${rules}`, 'own.yaml')
}

const VALIDITY = `
  - id: validity
    title: Not issued for too long
    rationale: Keys age.
    source: { document: TLS BR, version: 2.2.6, section: 6.3.2, basis: standard }
    judged_by: certificate.notBefore
    applies_to: { subjects: [deployed_service_cert] }
    parameters: { max_validity: [{ value: 398d }, { value: 200d, from: 2026-03-15 }, { value: 100d, from: 2027-03-15 }] }
    condition: certificate.notAfter - certificate.notBefore <= parameters.max_validity
    summary: 'valid for {certificate.notAfter - certificate.notBefore}, allowed are {parameters.max_validity}'
    severity: warning
`
const KEY = `
  - id: key_size
    title: The key is long enough
    rationale: Factoring gets better.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [deployed_service_cert] }
    parameters: { least: [{ value: 2048 }, { value: 3072, from: 2027-01-01 }] }
    condition: certificate.keyBits >= parameters.least
    summary: 'key has {certificate.keyBits} bits, wanted are {parameters.least}'
    severity: critical
    for: 2h
    runbook: docs/runbooks/x.md
`
const STATEMENT = `
  - id: cps_reviewed
    title: The CPS is reviewed
    rationale: It says what is done.
    source: { document: RFC 3647, basis: standard }
    applies_to: { subjects: [pki_governance] }
    evidence: { attestation: cps_review }
    condition: attestation.by != ''
    summary: 'the CPS was reviewed at {attestation.at}'
    severity: warning
`

interface Case {
  readonly packs: readonly Pack[]
  /** Default: the same. */
  readonly later?: readonly Pack[]
  readonly waivers?: readonly WaiverConfig[]
  readonly observations: readonly Observation[]
  readonly at: number
}

function simulate({ packs, later = packs, waivers = [], observations, at }: Case): FutureReport {
  const journal = new JournalDouble()
  const runs = new LatestRuns()
  for (const record of journal.observe(...observations)) runs.add(record)
  const options: RuleEngineOptions = {
    packs,
    inventory: INVENTORY,
    parameters: {},
    waivers,
    targets: targetsFor(INVENTORY),
  }
  return simulateFuture({
    inForce: options,
    then: { ...options, packs: later },
    latest: runs.latest(),
    now: START + MINUTE,
    at,
  })
}

/** `group rule subject from`, of what is not routine. */
function lines({ changes }: FutureReport): readonly string[] {
  return changes
    .filter(({ routine }) => !routine)
    .map(({ group, rule, from }) => `${group} ${rule} ${from === undefined ? 'now' : toTimestamp(from)}`)
    .toSorted()
}

function change(report: FutureReport, rule: string): FutureChange {
  return report.changes.find((c) => c.rule === rule) ?? assert.fail(`no change of ${rule}`)
}

function served(validity: number, parts: { keyBits?: number; notBefore?: number } = {}): Observation {
  const { keyBits = 4096, notBefore = START } = parts
  const observation = tlsObservation({ at: START, notBefore, notAfter: notBefore + validity, status: 'good' })
  const { certificate, ...facts } = observation.facts
  return { ...observation, facts: { ...facts, certificate: { ...certificate, keyBits } } }
}

describe('a limit that drops at a date', () => {
  it('does not touch what is served by then, and what is issued from the first second of that date on', () => {
    const report = simulate({ packs: [pack(VALIDITY)], observations: [served(200 * DAY)], at: POLICY_DATE })
    assert.deepEqual(lines(report), ['not_renewable validity 2027-03-15T00:00:00.000Z'])
    const found = change(report, 'validity')
    assert.equal(found.now, 'pass')
    assert.equal(
      found.summary,
      'valid for 200d, allowed are 100d (max_validity 100d from 2027-03-15 on, by certificate.notBefore 2027-03-15)',
    )
    assert.deepEqual(report.transitions, [{ now: 'pass', then: 'pass', pairs: 1 }])
  })

  it('is not there a second before', () => {
    const at = POLICY_DATE - 1000
    assert.deepEqual(lines(simulate({ packs: [pack(VALIDITY)], observations: [served(200 * DAY)], at })), [])
  })

  it('that has dropped already is said to be so now', () => {
    const notBefore = Date.parse('2026-03-14T00:00:00Z')
    const report = simulate({
      packs: [pack(VALIDITY)],
      observations: [served(398 * DAY, { notBefore })],
      at: START + DAY,
    })
    assert.deepEqual(lines(report), ['not_renewable validity now'])
  })

  it('by the present makes wrong what renewing does not mend, at its first second and whatever the wait', () => {
    const observations = [served(400 * DAY, { keyBits: 2048 })]
    const report = simulate({ packs: [pack(KEY)], observations, at: POLICY_DATE })
    assert.deepEqual(lines(report), ['wrong key_size 2027-01-01T00:00:00.000Z'])
    assert.equal(change(report, 'key_size').then, 'fail')
  })
})

describe('what grows old', () => {
  const packs = [loadPack('internal-pki')]
  const observations = [
    crlObservation({ at: START, thisUpdate: START - HOUR, nextUpdate: START + 2 * DAY }),
    crlObservation({
      at: START,
      authority: 'root',
      url: 'http://crl.test/root.crl',
      thisUpdate: START - 100 * DAY,
      nextUpdate: START + 80 * DAY,
    }),
    ocspObservation({ at: START, status: 'good' }),
    served(90 * DAY),
  ]

  it('lapses at a second of its own unless it is renewed; what machines renew all the time stands apart', () => {
    const report = simulate({ packs, observations, at: START + 100 * DAY })
    const at = (ms: number): string => toTimestamp(ms)
    assert.deepEqual(lines(report), [
      `lapsed cert_lifetime_share ${at(START + 81 * DAY + 1000)}`,
      `lapsed cert_lifetime_threshold ${at(START + 60 * DAY + 1000)}`,
      `lapsed crl_not_expired ${at(START + 80 * DAY + 1000)}`,
      `lapsed ocsp_status_good ${at(START + 90 * DAY + 1000)}`,
      `lapsed offline_crl_ceremony_due ${at(START + 35 * DAY + 1000)}`,
      `lapsed tls_path_ok ${at(START + 90 * DAY + 1000)}`,
      // Nobody asks for the chain of a certificate that is over.
      `mended tls_chain_complete ${at(START + 90 * DAY + 1000)}`,
      `mended tls_chain_ordered ${at(START + 90 * DAY + 1000)}`,
    ])
    const routine = report.changes.filter((c) => c.routine).map((c) => `${c.rule} ${c.subject}`)
    assert.deepEqual(routine.toSorted(), [
      'crl_freshness_ok ca_crl[issuing-1]',
      'crl_not_expired ca_crl[issuing-1]',
    ])
    assert.match(change(report, 'tls_path_ok').summary, /got 2027-02-20T08:00:00Z/)
  })

  it('is not the evidence: probes are taken to go on', () => {
    const report = simulate({ packs, observations, at: START + HOUR })
    assert.deepEqual(report.changes, [])
    assert.ok(report.transitions.some(({ now, then }) => now === 'pass' && then === 'pass'))
  })

  it('stays unknown where nothing is known now', () => {
    const report = simulate({ packs, observations: [], at: START + 100 * DAY })
    assert.deepEqual(report.changes, [])
    const states = new Set(report.transitions.flatMap(({ now, then }) => [now, then]))
    assert.deepEqual([...states].toSorted(), ['not_applicable', 'unknown'])
  })

  it('and was too old already stays unknown, however long its object lives', () => {
    const stale = { ...served(900 * DAY), start: toTimestamp(START - DAY) }
    const report = simulate({ packs, observations: [stale], at: START + 890 * DAY })
    assert.deepEqual(report.changes, [])
  })
})

describe('what people have signed', () => {
  const expires = START + 30 * DAY
  const statement: Observation = {
    ...served(DAY),
    probe: 'attestation',
    subject: 'pki_governance',
    target: 'cps_review',
    facts: {
      attestation: {
        kind: 'cps_review',
        by: 'jane.doe',
        at: toTimestamp(START - DAY),
        expires: toTimestamp(expires),
      },
    },
  }

  it('proves nothing any more from the moment it expires, until somebody signs again', () => {
    const report = simulate({ packs: [pack(STATEMENT)], observations: [statement], at: POLICY_DATE })
    assert.deepEqual(lines(report), [`lapsed cps_reviewed ${toTimestamp(expires)}`])
  })

  it('mutes a failure until the waiver has ended', () => {
    const waivers = [
      { rule: 'validity', subject: SERVICE, owner: 'shop', reason: 'replaced soon', expires },
    ] as const
    const observations = [served(300 * DAY)]
    const of = (at: number) => lines(simulate({ packs: [pack(VALIDITY)], waivers, observations, at }))
    assert.deepEqual(of(expires - 1000), [])
    assert.deepEqual(of(expires), [`unmuted validity ${toTimestamp(expires)}`])
  })
})

describe('another pack at a date', () => {
  it('is compared with what is in force now', () => {
    const observations = [served(300 * DAY, { keyBits: 2048 })]
    const report = simulate({
      packs: [pack(VALIDITY)],
      later: [pack(KEY)],
      observations,
      at: POLICY_DATE,
    })
    assert.deepEqual(lines(report), ['wrong key_size 2027-01-01T00:00:00.000Z'])
    assert.equal(change(report, 'key_size').now, undefined)
  })

  it('of which nobody can say anything is neither right nor wrong', () => {
    const observations = [served(300 * DAY), crlObservation({ at: START, thisUpdate: START })]
    const report = simulate({
      packs: [pack(VALIDITY)],
      later: [pack(STATEMENT), pack(KEY.replaceAll('keyBits', 'keyStrength'))].map((own, i) => ({
        ...own,
        id: `own${i}`,
      })),
      observations,
      at: START + DAY,
    })
    assert.deepEqual(lines(report), ['unjudged cps_reviewed now', 'unjudged key_size now'])
    assert.match(change(report, 'key_size').summary, /certificate.keyStrength was not established/)
  })

  it('mends what was wrong', () => {
    const until = VALIDITY.replace('judged_by: certificate.notBefore', 'effective: { until: 2027-01-01 }')
    const report = simulate({ packs: [pack(until)], observations: [served(300 * DAY)], at: POLICY_DATE })
    assert.deepEqual(lines(report), ['mended validity 2027-01-01T00:00:00.000Z'])
    assert.equal(change(report, 'validity').then, 'not_applicable')
  })
})

describe('an object made anew', () => {
  it('has every one of its times decided upon', () => {
    const times = Object.entries(FACTS).flatMap(([group, facts]) =>
      Object.entries(facts).flatMap(([name, type]) => (type === 'timestamp' ? [[group, name] as const] : [])),
    )
    const facts: Record<string, Record<string, string>> = {}
    for (const [group, name] of times) (facts[group] ??= {})[name] = toTimestamp(START)
    const observation = { ...served(DAY), facts, id: 'vigil.test/0/0/0', recorded: toTimestamp(START) }
    const run = { observation, lastStart: toTimestamp(START), lastDuration: 1 }
    const after: unknown = asRemadeAt(runLater(run, START, START + DAY).observation, START, START + DAY).facts
    const stayed = times.filter(([group, name]) => {
      const held: unknown = Reflect.get(Object(after), group)
      return Reflect.get(Object(held), name) === toTimestamp(START)
    })
    // What happened is history; authorities and the prober's own certificate are not renewed by machines; the run itself gets its new time where it is judged.
    assert.deepEqual(stayed.map((path) => path.join('.')).toSorted(), [
      'backup.due',
      'backup.made',
      'chain.unneededNotAfter',
      'clones.crlsTwiceAt',
      'clones.serialsOutsideAt',
      'clones.serialsTwiceAt',
      'crlSeries.previousThisUpdate',
      'crlStatus.revokedAt',
      'crossCheck.since',
      'deployment.at',
      'drill.due',
      'drill.made',
      'follow.grown',
      'issuance.logFrom',
      'issuance.notBefore',
      'issued.logFrom',
      'issued.unknownSince',
      'job.due',
      'job.runningSince',
      'job.since',
      'job.started',
      'log.alterationsAt',
      'log.badSignaturesAt',
      'log.gapsAt',
      'log.lossesAt',
      'log.setbacksAt',
      'log.silentSince',
      'log.unparsedAt',
      'log.unsignedSince',
      'ocsp.revokedAt',
      'ocspRevocations.logFrom',
      'ocspRevocations.unpublishedSince',
      'path.authoritiesNotAfter',
      'path.notAfter',
      'probe.at',
      'prober.notAfter',
      'prober.notBefore',
      'reconciliation.logFrom',
      'reconciliation.missingSince',
      'reconciliation.settledUntil',
      'renewal.newestNotBefore',
      'repair.inVainSince',
      'repair.requested',
      'security.denialsAt',
      'security.errorsAt',
      'security.keyExportsAt',
      'security.logChangesAt',
      'security.newIssuersAt',
      'security.unplannedChangesAt',
      'security.violationsAt',
      'staple.revokedAt',
    ])
  })
})
