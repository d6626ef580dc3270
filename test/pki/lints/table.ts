import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Certificate } from '../../../pki/certificate.ts'
import type { Lint, LintResult } from '../../../pki/lints/lint.ts'

interface Good<T> {
  readonly object: T
  /** Absent: it has another issuer than the others. */
  readonly issuer?: Certificate
  /** What it fails all the same: standards contradict each other, and some lints only apply to what others refuse. */
  readonly fails?: readonly string[]
}

interface Tables<T> {
  readonly lints: readonly Lint<T>[]
  readonly run: (object: T, issuer: Certificate | undefined) => readonly LintResult[]
  readonly issuer: Certificate
  /** Of the failing case of a lint, in place of `issuer`. */
  readonly issuers?: Readonly<Record<string, Certificate>>
  /** Objects of which every lint passes at least one. */
  readonly good: readonly Good<T>[]
  /** Made before any rule with a date. */
  readonly old: T
  /** Objects of which every lint that does not apply to all does not apply to one. */
  readonly none: readonly T[]
  /** For every lint an object that fails it. */
  readonly failing: Readonly<Record<string, () => T>>
}

/** Every lint is seen to fail, to pass and, unless it applies to everything, not to apply. */
export function testLints<T>({
  lints,
  run,
  issuer,
  issuers = {},
  good,

  old,
  none,
  failing,
}: Tables<T>): void {
  const outcome = (results: readonly LintResult[], id: string) => results.find((r) => r.id === id)?.outcome

  describe('lints', () => {
    it('have ids of their own, and a case that fails each of them', () => {
      const ids = lints.map(({ id }) => id)
      assert.equal(new Set(ids).size, ids.length)
      for (const id of ids) assert.match(id, /^(cert|crl|ocsp)_[a-z0-9_]+$/)
      assert.deepEqual(Object.keys(failing).sort(), ids.sort())
    })

    for (const lint of lints) {
      const { id } = lint
      it(`${id} fails, passes and does not apply`, () => {
        const make = failing[id]
        assert.ok(make !== undefined, 'no case that fails')
        const found = run(make(), issuers[id] ?? issuer).find((r) => r.id === id)
        assert.equal(found?.outcome, 'fail')
        assert.match(found.message ?? '', /^expected .+, got .+/s)
        assert.ok((found.message ?? '').length <= 300)
        assert.ok(
          good.some((g) => outcome(run(g.object, g.issuer), id) === 'pass'),
          'no case that passes',
        )
        if ('checkIssued' in lint) assert.equal(outcome(run(make(), undefined), id), 'not_applicable')
        if (lint.effectiveFrom !== undefined) assert.notEqual(outcome(run(old, issuer), id), 'fail')
        if (lint.applies === undefined) return
        assert.ok(
          [...none, ...good.map(({ object }) => object)].some(
            (object) => outcome(run(object, issuer), id) === 'not_applicable',
          ),
          'no case that it does not apply to',
        )
      })
    }

    it('fail nothing of what is right', () => {
      const failed = good.map(({ object, issuer: own }) =>
        run(object, own).flatMap((r) => (r.outcome === 'fail' ? [r.id] : [])),
      )
      assert.deepEqual(
        failed,
        good.map(({ fails }) => fails ?? []),
      )
    })

    it('give an outcome of every lint, in the order of the table', () => {
      const [first] = good
      assert.ok(first !== undefined)
      assert.deepEqual(
        run(first.object, undefined).map(({ id }) => id),
        lints.map(({ id }) => id),
      )
    })
  })
}
