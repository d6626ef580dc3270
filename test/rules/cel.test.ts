import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RuleEnvironment, type Outcome } from '../../rules/cel.ts'
import { factValues, makeValueClass } from '../../rules/factValues.ts'

/** What comes of a condition about a certificate. */
function outcomeOf(condition: string): Outcome {
  const Parameters = makeValueClass()
  const compiled = new RuleEnvironment({ many: 'int', wraps: 'int' }, Parameters).compileCondition(condition)
  assert.ok(compiled.ok)
  const certificate = { notAfter: '2027-01-01T00:00:00.000Z', serial: 'f'.repeat(40) }
  return compiled.expression.evaluate({
    facts: factValues({ certificate }),
    parameters: new Parameters({ many: 10_000_000n, wraps: 2n ** 32n }),
    now: new Date('2026-11-22T12:00:00Z'),
  })
}

describe('a condition that cannot be evaluated', () => {
  for (const [what, condition] of [
    ['a time zone that there is not', 'certificate.notAfter.getFullYear(certificate.serial) > 2000'],
    ['a time that no calendar holds', 'addMonths(certificate.notAfter, parameters.many) > now'],
    ['its negation', '!(addMonths(certificate.notAfter, parameters.many) < now)'],
    ['more months than there are numbers for', 'addMonths(certificate.notAfter, parameters.wraps) > now'],
  ] as const)
    it(`is an error of this rule, and no verdict: ${what}`, () => {
      assert.equal(outcomeOf(condition).kind, 'error')
    })
})
