import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toTimestamp } from '../../model/time.ts'
import { addMonths, inclusive, midpoint } from '../../rules/celFunctions.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { evaluate } from '../../rules/evaluate.ts'
import { factValues } from '../../rules/factValues.ts'
import { parsePack, type Rule } from '../../rules/pack.ts'
import { resolveSettings, type ParameterOverrides } from '../../rules/parameters.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import { crlObservation, DAY, JournalDouble, MINUTE, SECOND, START, tlsObservation } from './journalDouble.ts'

const SERVICE = 'deployed_service_cert[shop,prod]'

function rulesOf(yaml: string): readonly Rule[] {
  return parsePack(`schema: 1\nid: dated\nversion: 1.0.0\ntitle: Dated\nrules:\n${yaml}`, 'dated.yaml').rules
}

const VALIDITY = `
  - id: validity
    title: Not issued for too long
    rationale: Keys age.
    source: { document: TLS BR, version: 2.2.6, section: 6.3.2, basis: standard }
    effective: { from: 2020-09-01 }
    judged_by: certificate.notBefore
    applies_to: { subjects: [deployed_service_cert] }
    parameters:
      max_validity:
        - { value: 398d }
        - { value: 200d, from: 2026-03-15 }
        - { value: 100d, from: 2027-03-15 }
        - { value: 47d, from: 2029-03-15 }
    condition: inclusive(certificate.notBefore, certificate.notAfter) <= parameters.max_validity
    summary: 'valid for {certificate.notAfter - certificate.notBefore}, allowed are {parameters.max_validity}'
    severity: critical
    runbook: docs/runbooks/x.md
`

/** What the first rule says of a certificate of so many days (the last second not counted twice) issued at a time. */
function judge(notBefore: string, seconds: number, overrides: ParameterOverrides[string] = {}) {
  const [rule] = rulesOf(VALIDITY)
  assert.ok(rule)
  const { settings, problems } = resolveSettings(rule, overrides)
  assert.deepEqual(problems, [])
  // The validity period includes both its ends.
  const notAfter = toTimestamp(Date.parse(notBefore) + (seconds - 1) * 1000)
  const facts = factValues({ certificate: { notBefore: toTimestamp(Date.parse(notBefore)), notAfter } })
  // What time it is now must not matter.
  return evaluate(rule, settings, facts, new Date('2031-01-01'))
}

describe('a value that changes by date', () => {
  for (const [notBefore, days] of [
    ['2026-03-14T23:59:59Z', 398],
    ['2026-03-15T00:00:00Z', 200],
    ['2027-03-14T23:59:59Z', 200],
    ['2027-03-15T00:00:00Z', 100],
    ['2029-03-14T23:59:59Z', 100],
    ['2029-03-15T00:00:00Z', 47],
  ] as const) {
    it(`is ${days} days for a certificate of ${notBefore}, to the second`, () => {
      assert.equal(judge(notBefore, days * 86_400).verdict, 'pass')
      const over = judge(notBefore, days * 86_400 + 1)
      assert.equal(over.verdict, 'fail')
      assert.deepEqual(over.edition?.version.written, { max_validity: `${days}d` })
    })
  }

  it('is what the configuration says, for all time or by date', () => {
    assert.equal(judge('2020-09-01T00:00:00Z', 30 * 86_400 + 1, { max_validity: '30d' }).verdict, 'fail')
    const own = [
      { value: '90d', from: undefined },
      { value: '10d', from: Date.parse('2025-01-01') },
    ]
    assert.equal(judge('2024-12-31T23:59:59Z', 90 * 86_400, { max_validity: own }).verdict, 'pass')
    const later = judge('2025-01-01T00:00:00Z', 90 * 86_400, { max_validity: own })
    assert.equal(later.verdict, 'fail')
    assert.equal(later.edition?.version.origins['max_validity']?.origin, 'configuration')
  })

  it('stands in the finding, with the reason', () => {
    const engine = new RuleEngine({
      packs: [{ ...parsePack(packOf(VALIDITY), 'dated.yaml') }],
      inventory: INVENTORY,
      parameters: {},
      targets: targetsFor(INVENTORY),
    })
    const notBefore = Date.parse('2026-04-01T00:00:00Z')
    engine.apply(
      new JournalDouble().observe(tlsObservation({ at: START, notBefore, notAfter: notBefore + 300 * DAY })),
    )
    const finding = engine.finding('validity', SERVICE)
    assert.equal(finding?.state, 'fail')
    assert.deepEqual(finding.parameters, { max_validity: '200d' })
    assert.equal(
      finding.summary,
      'valid for 300d, allowed are 200d (max_validity 200d from 2026-03-15 until 2027-03-15, by certificate.notBefore 2026-04-01)',
    )
  })

  it('makes the verdict unknown where the object does not show its date', () => {
    const [rule] = rulesOf(VALIDITY)
    assert.ok(rule)
    const { settings } = resolveSettings(rule, {})
    const verdict = evaluate(rule, settings, factValues({ certificate: { keyBits: 2048 } }), new Date(START))
    assert.equal(verdict.verdict, 'unknown')
    assert.match('reason' in verdict ? verdict.reason : '', /certificate\.notBefore.*was not established/)
  })
})

function packOf(yaml: string): string {
  return `schema: 1\nid: dated\nversion: 1.0.0\ntitle: Dated\nrules:\n${yaml}`
}

describe('a rule with a date', () => {
  it('does not apply to what was made a second before, and says so', () => {
    const early = judge('2020-08-31T23:59:59Z', 5000 * 86_400)
    assert.equal(early.verdict, 'not_applicable')
    assert.equal(
      'reason' in early ? early.reason : '',
      'in force from 2020-09-01 on; certificate.notBefore is 2020-08-31T23:59:59Z',
    )
    assert.equal(judge('2020-09-01T00:00:00Z', 5000 * 86_400).verdict, 'fail')
  })

  const LIVE = `
  - id: live
    title: CRLs are small
    rationale: Devices.
    source: { document: Plan, basis: practice }
    effective: { from: 2026-11-22T08:01:00Z, until: 2026-11-22T08:03:00Z }
    applies_to: { subjects: [ca_crl], class: online }
    parameters:
      most: [{ value: 5 }, { value: 1, from: 2026-11-22T08:02:00Z }]
    condition: crl.entries <= parameters.most
    summary: has {crl.entries}, allowed are {parameters.most}
    severity: warning
    evidence: { max_age: 7d }
`

  it('judged by the present begins, changes and ends with time alone, at the second', () => {
    const journal = new JournalDouble()
    const engine = new RuleEngine({
      packs: [parsePack(packOf(LIVE), 'dated.yaml')],
      inventory: INVENTORY,
      parameters: {},
      targets: targetsFor(INVENTORY),
    })
    engine.apply(journal.observe(crlObservation({ at: START, thisUpdate: START })))
    const states: string[] = []
    for (let at = START; at <= START + 4 * MINUTE; at += SECOND) {
      journal.now = at
      for (const change of engine.apply(journal.tick()))
        if (change.subject === 'ca_crl[issuing-1]')
          states.push(`${toTimestamp(at).slice(11, 19)} ${change.state}`)
    }
    assert.equal(
      engine.finding('live', 'ca_crl[issuing-1]')?.summary,
      'CRLs are small: not in force any more since 2026-11-22T08:03:00Z',
    )
    assert.deepEqual(states, ['08:01:00 pass', '08:02:00 fail', '08:03:00 not_applicable'])
  })
})

describe('when', () => {
  it('makes a rule not applicable to an object that it is not about', () => {
    const [rule] = rulesOf(
      VALIDITY.replace('    condition:', '    when: certificate.keyBits > 0\n    condition:'),
    )
    assert.ok(rule)
    const { settings } = resolveSettings(rule, {})
    const of = (keyBits: number | undefined) =>
      evaluate(
        rule,
        settings,
        factValues({
          certificate: {
            notBefore: '2026-01-01T00:00:00Z',
            notAfter: '2026-02-01T00:00:00Z',
            ...(keyBits === undefined ? {} : { keyBits }),
          },
        }),
        new Date(START),
      )
    assert.equal(of(0).verdict, 'not_applicable')
    assert.equal(of(2048).verdict, 'pass')
    assert.equal(of(undefined).verdict, 'unknown', 'what it is about cannot be said')
  })
})

describe('an advisory rule', () => {
  it('is information, whatever its severity', () => {
    const [rule] = rulesOf(
      VALIDITY.replace('basis: standard', 'basis: standard, advisory: true').replace(/ +runbook.*\n/, ''),
    )
    assert.equal(rule?.severity, 'info')
  })
})

describe('tags', () => {
  const tagged = (authority: string, service: string) => {
    const inventory = {
      ...INVENTORY,
      authorities: INVENTORY.authorities.map((a) => ({
        ...a,
        tags: a.id === 'issuing-1' ? [authority] : [],
      })),
      services: INVENTORY.services.map((s) => ({ ...s, tags: [service] })),
    }
    const yaml = VALIDITY.replace(
      'subjects: [deployed_service_cert]',
      'subjects: [deployed_service_cert], tags: [public]',
    )
    const engine = new RuleEngine({
      packs: [parsePack(packOf(yaml), 'dated.yaml')],
      inventory,
      parameters: {},
      targets: targetsFor(inventory),
    })
    engine.apply(new JournalDouble().observe(tlsObservation({ at: START, notAfter: START + 30 * DAY })))
    return engine.finding('validity', SERVICE)
  }

  it('select subjects by the service or its issuer', () => {
    assert.equal(tagged('x', 'public')?.state, 'pass')
    assert.equal(tagged('public', 'x')?.state, 'pass')
    const other = tagged('x', 'y')
    assert.equal(other?.state, 'not_applicable')
    assert.match(other.summary, /tagged public in the inventory/)
  })

  it('of authorities are those of their logs, and any are those of the PKI as a whole', () => {
    const statement = (subject: string) => `
  - id: signed
    title: Somebody signed
    rationale: Because.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [${subject}], tags: [public] }
    evidence: { attestation: review }
    condition: 'true'
    summary: expired
    severity: warning
`
    const inventory = {
      ...INVENTORY,
      authorities: INVENTORY.authorities.map((a) => ({ ...a, tags: a.id === 'root' ? ['public'] : [] })),
      logs: ['root', 'issuing-1'].map((id) => ({
        id: `log-${id}`,
        format: 'ejbca' as const,
        path: 'x',
        authorities: [id],
      })),
    }
    const states = (subject: string, of: typeof inventory) => {
      const engine = new RuleEngine({
        packs: [parsePack(packOf(statement(subject)), 'signed.yaml')],
        inventory: of,
        parameters: {},
        targets: [],
      })
      engine.apply(new JournalDouble().tick())
      return engine.findings().map(({ subject: about, state }) => `${about} ${state}`)
    }
    assert.deepEqual(states('audit_log', inventory), [
      'audit_log[log-root] unknown',
      'audit_log[log-issuing-1] not_applicable',
    ])
    assert.deepEqual(states('pki_governance', inventory), ['pki_governance unknown'])
    const untagged = { ...inventory, authorities: INVENTORY.authorities }
    assert.deepEqual(states('pki_governance', untagged), ['pki_governance not_applicable'])
  })
})

describe('arithmetic of standards', () => {
  const at = (text: string): Date => new Date(text)

  it('counts both ends of a period', () => {
    assert.equal(inclusive(at('2026-01-01T00:00:00Z'), at('2026-01-01T23:59:59Z')).valueOf(), DAY)
  })

  it('counts months as the calendar does', () => {
    const day = (from: string, months: bigint): string =>
      addMonths(at(from), months).toISOString().slice(0, 10)
    assert.equal(day('2027-02-28', 12n), '2028-02-28')
    assert.equal(day('2028-02-29', 12n), '2029-02-28')
    assert.equal(day('2026-10-31', 1n), '2026-11-30')
    assert.equal(day('2026-03-31', -1n), '2026-02-28')
    assert.equal(addMonths(at('2026-12-31T23:59:59Z'), 2n).toISOString(), '2027-02-28T23:59:59.000Z')
  })

  it('finds the middle of an interval', () => {
    assert.equal(
      midpoint(at('2026-01-01T00:00:00Z'), at('2026-01-01T16:00:00Z')).toISOString(),
      '2026-01-01T08:00:00.000Z',
    )
  })
})
