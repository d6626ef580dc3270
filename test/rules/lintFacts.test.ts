import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKey, issueCrl } from '../../lab/issue.ts'
import { canonicalize } from '../../journal/canonical.ts'
import { parseCrl } from '../../pki/crl.ts'
import { lintCrl } from '../../pki/lints/crl.ts'
import { lintFacts, lintOutcomes } from '../../pki/lints/facts.ts'
import { LINTS } from '../../pki/lints/table.ts'
import { factsRead } from '../../rules/evaluate.ts'
import { factValues } from '../../rules/factValues.ts'
import { parsePack } from '../../rules/pack.ts'
import { NOW, DAY, entity } from '../pki/support.ts'

function ruleWith(condition: string) {
  const pack = parsePack(
    `schema: 1
id: test
version: 1.0.0
title: Test
rules:
  - id: numbered
    title: Numbered
    rationale: Because.
    source: { document: RFC 5280, basis: standard }
    applies_to: { subjects: [ca_crl] }
    condition: ${condition}
    summary: 'CRL without number'
    severity: warning
`,
    'p.yaml',
  )
  const [rule] = pack.rules
  assert.ok(rule !== undefined)
  return rule
}

async function crlFactsOf(number: bigint | undefined) {
  const ca = await entity({ subject: 'CA', key: generateKey('p256') })
  const der = await issueCrl({
    issuer: ca,
    number,
    thisUpdate: NOW - DAY,
    nextUpdate: NOW + DAY,
    revoked: [],
  })
  const results = lintCrl(parseCrl(der), { issuer: ca.parsed })
  return { results, lint: lintFacts(results) }
}

const scope = (lint: ReturnType<typeof lintFacts>) => ({
  facts: factValues({ lint }),
  parameters: {},
  now: new Date(NOW),
})

describe('outcomes of lints as facts', () => {
  it('are read by a rule under their ids, and are in its evidence', async () => {
    const rule = ruleWith('lint.crl_number_present != "fail"')
    const good = await crlFactsOf(1n)
    const bad = await crlFactsOf(undefined)
    assert.deepEqual(rule.condition.evaluate(scope(good.lint)), { kind: 'value', value: true })
    assert.deepEqual(rule.condition.evaluate(scope(bad.lint)), { kind: 'value', value: false })
    assert.deepEqual(factsRead(rule, { lint: bad.lint }).lint, { crl_number_present: 'fail' })
    assert.deepEqual(factsRead(rule, { lint: good.lint }).lint, { crl_number_present: 'pass' })
  })

  it('can be counted and searched', async () => {
    const { lint } = await crlFactsOf(undefined)
    const rule = ruleWith('lint.failures == 1 && "crl_number_present" in lint.failed')
    assert.deepEqual(rule.condition.evaluate(scope(lint)), { kind: 'value', value: true })
  })

  it('come back as they were, for each lint of the kind that was judged', async () => {
    const { results, lint } = await crlFactsOf(undefined)
    assert.deepEqual(lintOutcomes(lint), Object.fromEntries(results.map(({ id, outcome }) => [id, outcome])))
    assert.equal(Object.keys(lintOutcomes(lint)).length, LINTS.filter(({ kind }) => kind === 'crl').length)
  })

  it('are not established for objects that were not judged', async () => {
    const { lint } = await crlFactsOf(1n)
    const outcome = ruleWith('lint.cert_serial_positive == "pass"').condition.evaluate(scope(lint))
    assert.equal(outcome.kind, 'missing')
  })

  it('of another edition of the table are known only where they failed', async () => {
    const { lint } = await crlFactsOf(undefined)
    const older = {
      ...lint,
      judged: lint.judged?.map((line) => line.replace(/ [0-9a-f]{8} /, ' 00000000 ')) ?? [],
    }
    assert.deepEqual(lintOutcomes(older), { crl_number_present: 'fail' })
  })

  it('are not invented from something else', () => {
    for (const lint of [{}, { judged: 'crl', failed: 7 }, { judged: [1, 'crl'], failed: [null] }]) {
      assert.deepEqual(lintOutcomes(lint), {})
    }
  })

  it('take less than 300 octets beside the ids of what failed', async () => {
    const { lint } = await crlFactsOf(1n)
    assert.ok(canonicalize({ lint }).length < 300, canonicalize({ lint }))
  })

  it('refuse the id of a lint that does not exist when the pack is loaded', () => {
    assert.throws(() => ruleWith('lint.crl_no_such_lint == "pass"'))
  })
})
