import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import { fuzz, threadTime } from './fuzz/campaign.ts'
import { TARGETS } from './fuzz/targets.ts'

/** Seconds; CI takes 60. */
const SECONDS = Number(process.env['VIGIL_FUZZ_SECONDS'] ?? 3)
const SEED = Number(process.env['VIGIL_FUZZ_SEED'] ?? randomInt(2 ** 31))

describe('the fuzzer', () => {
  it('starts from objects that the product accepts', () => {
    for (const { name, seeds, check } of TARGETS) {
      const outcomes = new Set(seeds.map(check))
      assert.ok(outcomes.has('verified') || (name === 'pem' && outcomes.has('parsed')), name)
    }
  })

  it(`finds nothing that crashes, hangs, or verifies after a change (seed ${SEED}, ${SECONDS} s)`, (t) => {
    const end = performance.now() + SECONDS * 1000
    const report = fuzz({ seed: SEED, from: 0, step: 1, now: threadTime }, () => performance.now() < end)
    const { inputs, outcomes, slowest } = report
    t.diagnostic(`${inputs} inputs, ${JSON.stringify(outcomes)}, slowest ${JSON.stringify(slowest)}`)
    for (const { target, index, changes, bytes, error } of report.failures) {
      const how = `npm run fuzz -- --seed=${SEED} --index=${index}`
      const input = Buffer.from(bytes.subarray(0, 4096)).toString('hex')
      t.diagnostic(
        `${target} after ${changes.join(', ')}: ${String(error)}; again with: ${how}; input ${input}`,
      )
    }
    assert.equal(report.failures.length, 0, `seed ${SEED}`)
    for (const { name } of TARGETS) {
      // Inputs that are all refused at the door would test nothing behind it.
      assert.ok((outcomes[name]?.['parsed'] ?? 0) > 0, `${name}: some inputs are parsed`)
    }
  })
})
