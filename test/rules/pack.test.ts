import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { formatProblem } from '../../model/problem.ts'
import { RulesError } from '../../rules/error.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { checkPacks, parsePack, type Pack } from '../../rules/pack.ts'

function packText(rule: string): string {
  return `schema: 1
id: test
version: 1.0.0
title: Test
rules:
${rule}`
}

const RULE = `  - id: fresh
    title: Fresh
    rationale: Because.
    source: { document: RFC 5280, basis: standard }
    applies_to: { subjects: [ca_crl] }
    parameters: { max_age: 24h, count: 3, status: good }
    condition: now - crl.thisUpdate <= parameters.max_age
    summary: 'CRL is {now - crl.thisUpdate} old'
    severity: warning
`

function problems(text: string): string[] {
  try {
    parsePack(text, 'p.yaml')
  } catch (error) {
    assert.ok(error instanceof RulesError)
    return error.problems.map(formatProblem)
  }
  return []
}

describe('a rule pack', () => {
  it('is read with its defaults', () => {
    const pack = parsePack(packText(RULE), 'p.yaml')
    const rule = pack.rules[0]
    assert.equal(rule?.for, 0)
    assert.equal(rule.unknownFor, 3_600_000)
    assert.equal(rule.evidenceMaxAge, undefined)
    assert.deepEqual(
      rule.condition.reads.map((r) => `${r.group}.${r.name}`),
      ['crl.thisUpdate'],
    )
    assert.equal(rule.condition.mentionsNow, true)
  })

  it('names file, line, key and fix of every mistake at once', () => {
    const text = packText(RULE)
      .replace('severity: warning', 'severity: bad\n    colour: red')
      .replace('    title: Fresh\n', '')
    assert.deepEqual(problems(text), [
      'p.yaml:6: rules[0].title: is missing: expected string',
      'p.yaml:13: rules[0].severity: Invalid option: expected one of "info"|"warning"|"critical"',
      'p.yaml:14: rules[0].colour: unknown key: check its spelling',
    ])
  })

  it('refuses what is not YAML', () => {
    assert.match(problems('rules: [')[0] ?? '', /^p\.yaml:1: not valid YAML: /)
  })

  it('refuses a pack of another schema', () => {
    assert.deepEqual(problems(packText(RULE).replace('schema: 1', 'schema: 2')), [
      'p.yaml:1: schema: expected 1, got 2: this pack needs a newer vigil',
    ])
  })

  it('refuses a rule id that stands twice', () => {
    assert.deepEqual(problems(packText(RULE + RULE)), [
      'p.yaml:15: rules[1].id: rule fresh stands here and at line 6: rename one',
    ])
  })

  it('refuses a critical rule without a runbook', () => {
    const found = problems(packText(RULE.replace('warning', 'critical')))
    assert.deepEqual(found, [
      'p.yaml:14: rules[0].severity: a critical rule pages somebody: name its runbook',
    ])
  })

  it('refuses a class for subjects that have none', () => {
    const found = problems(packText(RULE.replace('[ca_crl]', '[service_tls_health], class: online')))
    assert.match(found[0] ?? '', /^p\.yaml:10: rules\[0\]\.applies_to: only authorities have a class/)
  })

  for (const [what, condition, message] of [
    ['a fact that does not exist', 'crl.thisUpdat < now', /at character 5: No such key: thisUpdat/],
    ['operands that do not fit', 'crl.entries <= parameters.max_age', /no such overload: int <= /],
    ['a parameter that is not declared', 'crl.entries < parameters.cont', /No such key: cont/],
    ['what is not true or false', 'crl.entries', /expected true or false, got int/],
    ['an unknown name', 'crls.entries < 3', /Unknown variable: crls/],
    ['a syntax error', 'crl.entries < ', /Unexpected token: EOF/],
    ['a group without its member', '[crl].size() == 1', /"crl" is a group: name one of its members/],
    ['an index into a group', 'crl["entries"] == 3', /"crl" is a group/],
    ['regular expressions', 'crl.issuer.matches("(a+)+$")', /matches\(\) is not allowed/],
    [
      'macros within macros',
      'certificate.identities.all(a, certificate.identities.exists(b, a == b))',
      /exists\(\) inside another macro is not allowed/,
    ],
    [
      'bindings within macros',
      'certificate.identities.all(a, cel.bind(b, a + a, b == a))',
      /bind\(\) inside another macro/,
    ],
    [
      'a chain of macros that doubles its values at each step',
      'certificate.identities.map(a, a + a).map(b, b + b).size() > 0',
      /map\(\) or bind\(\) a second time is not allowed/,
    ],
    [
      'a duration that CEL cannot read',
      'now - crl.thisUpdate < duration("7d")',
      /duration\("7d"\) is not valid/,
    ],
    [
      'a time that is none',
      'crl.thisUpdate < timestamp("yesterday")',
      /timestamp\("yesterday"\) is not valid/,
    ],
    ['computed literals', 'now - crl.thisUpdate < duration(crl.issuer)', /takes a literal here/],
    [
      'sums of two durations, which the library gets wrong',
      '(now - crl.thisUpdate) + parameters.max_age < duration("1h")',
      /two durations cannot be added/,
    ],
    ['maps', '{"a": crl.issuer}.a == "b"', /map/i],
    ['an expression without end', `${'('.repeat(100)}true${')'.repeat(100)}`, /depth|nest/i],
  ] as const) {
    it(`refuses ${what} in a condition, with its line`, () => {
      const found = problems(
        packText(RULE.replace('now - crl.thisUpdate <= parameters.max_age', () => JSON.stringify(condition))),
      )
      assert.equal(found.length, 1)
      assert.match(found[0] ?? '', /^p\.yaml:12: rules\[0\]\.condition: at character \d+: /)
      assert.match(found[0] ?? '', message)
    })
  }

  for (const [what, parameter, message] of [
    [
      'a first value with a beginning',
      '[{ value: 24h, from: 2026-01-01 }]',
      'the first value needs no from: it holds until the next one begins',
    ],
    [
      'a later value without a beginning',
      '[{ value: 24h }, { value: 12h }]',
      'every value but the first needs a from: a date such as 2027-03-15',
    ],
    [
      'dates out of order',
      '[{ value: 24h }, { value: 12h, from: 2027-03-15 }, { value: 6h, from: 2026-03-15 }]',
      'expected ascending dates, got 2026-03-15 after 2027-03-15',
    ],
    [
      'values of several kinds',
      '[{ value: 24h }, { value: 12, from: 2027-03-15 }]',
      'expected values of one kind, got 12 after a duration',
    ],
  ] as const) {
    it(`refuses ${what} of a parameter`, () => {
      assert.deepEqual(problems(packText(RULE.replace('max_age: 24h', `max_age: ${parameter}`))), [
        `p.yaml:11: rules[0].parameters.max_age: ${message}`,
      ])
    })
  }

  it('refuses dates that there are not', () => {
    const withDates = (dates: string): string =>
      packText(RULE.replace('    condition', `    effective: { ${dates} }\n    condition`))
    assert.match(
      problems(withDates('from: 2026-02-30'))[0] ?? '',
      /^p\.yaml:12: rules\[0\]\.effective\.from: expected a date such as 2027-03-15/,
    )
    assert.deepEqual(problems(withDates('from: 2026-03-01, until: 2026-03-01')), [
      'p.yaml:12: rules[0].effective: expected until after from: it is never in force',
    ])
    assert.deepEqual(problems(withDates('from: 2026-02-28, until: 2026-03-01')), [])
  })

  it('refuses an unknown date to judge by', () => {
    const text = packText(RULE.replace('    condition', '    judged_by: crl.nextUpdate\n    condition'))
    assert.match(problems(text)[0] ?? '', /^p\.yaml:12: rules\[0\]\.judged_by: .*"crl\.thisUpdate"/)
  })

  it('of a newer schema is not judged by what we know', () => {
    const text = packText(RULE).replace('schema: 1', 'schema: 2').replace('title: Test', 'name: Test')
    assert.deepEqual(problems(text), ['p.yaml:1: schema: expected 1, got 2: this pack needs a newer vigil'])
  })

  it('lets conditions look into lists of texts', () => {
    const rule = RULE.replace('count: 3', 'allowed: [SHA256, SHA384]').replace(
      'now - crl.thisUpdate <= parameters.max_age',
      'crl.signatureAlgorithm in parameters.allowed',
    )
    assert.equal(parsePack(packText(rule), 'p.yaml').rules.length, 1)
  })

  it('type-checks summaries too', () => {
    const found = problems(packText(RULE.replace('{now - crl.thisUpdate}', '{crl.age} and {')))
    assert.deepEqual(found, [
      'p.yaml:13: rules[0].summary: at character 13: No such key: age',
      'p.yaml:13: rules[0].summary: at character 1: expected every { to have its }',
    ])
  })

  it('that cannot be read says so', () => {
    assert.throws(
      () => loadPack('/nonexistent/pack.yaml'),
      (error) =>
        error instanceof RulesError && error.code === 'pack_unreadable' && /ENOENT/.test(error.message),
    )
  })

  it('is read from a file of the user', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vigil-pack-'))
    try {
      const file = join(directory, 'own.yaml')
      writeFileSync(file, packText(RULE))
      assert.equal(loadPack(file).rules.length, 1)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('parameters in the configuration', () => {
  const packs: readonly Pack[] = [parsePack(packText(RULE), 'p.yaml')]

  it('may override what a rule declares, and its timing', () => {
    const values = {
      max_age: '2h',
      count: 5,
      status: '5m',
      for: '0s',
      unknown_for: '5m',
      evidence_max_age: '1h',
    }
    assert.deepEqual(checkPacks(packs, { fresh: values }), [])
  })

  it('are refused with path and fix where they do not fit', () => {
    const found = checkPacks(packs, { fresh: { max_age: 3, count: '3', max_agee: '1h' }, stale: {} })
    assert.deepEqual(found.map(formatProblem), [
      'rules.parameters.fresh.max_age: expected a duration such as 90s, 24h or 7d, got 3',
      'rules.parameters.fresh.count: expected a whole number, got "3"',
      'rules.parameters.fresh.max_agee: unknown parameter; fresh has: max_age, count, status, for, unknown_for, evidence_max_age',
      'rules.parameters.stale: no such rule in the packs; known rules: fresh',
    ])
  })

  it('cannot make up for one rule in two packs', () => {
    const second = parsePack(packText(RULE).replace('id: test', 'id: other'), 'q.yaml')
    const found = checkPacks([...packs, second], {})
    assert.deepEqual(found.map(formatProblem), [
      'rules.packs[1]: rule fresh stands at p.yaml:6 and q.yaml:6: rename one, or leave one pack out',
    ])
  })
})

describe('the shipped packs', () => {
  const pack = loadPack('internal-pki')

  it('have the rules that the control plane of the users names', () => {
    const ids = new Set(pack.rules.map((rule) => rule.id))
    for (const id of [
      'crl_freshness_ok',
      'crl_next_update_reasonable',
      'ocsp_responder_available',
      'ocsp_status_good',
      'cert_lifetime_threshold',
      'cert_max_lifetime_policy',
    ])
      assert.ok(ids.has(id), id)
  })
})
