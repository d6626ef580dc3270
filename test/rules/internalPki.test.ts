import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RuleEngine } from '../../rules/engine.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { INVENTORY, targetsFor } from './inventory.ts'
import { OBSERVED } from './packs/internal-pki.cases.ts'
import { DAY, JournalDouble, START, tlsObservation } from './journalDouble.ts'

const pack = loadPack('internal-pki')
const at = START

describe('internal-pki', () => {
  for (const [rule, [subject, cases]] of Object.entries(OBSERVED)) {
    cases.forEach(([observation, state, summary], i) => {
      it(`${rule} is ${state} in case ${i + 1}`, () => {
        const engine = new RuleEngine({
          packs: [pack],
          inventory: INVENTORY,
          parameters: { [rule]: { for: '0s' } },
          targets: targetsFor(INVENTORY),
        })
        engine.apply(new JournalDouble().observe(observation))
        const finding = engine.finding(rule, subject)
        assert.equal(finding?.state, state)
        if (summary !== undefined) assert.match(finding.summary, summary)
        if (state !== 'unknown') assert.ok(Object.keys(finding.facts).length > 0)
      })
    })
  }

  it('judges the certificate that a service presents by its revocation status', () => {
    const judge = (status: string | undefined): string | undefined => {
      const engine = new RuleEngine({
        packs: [pack],
        inventory: INVENTORY,
        parameters: {},
        targets: targetsFor(INVENTORY),
      })
      const seen = tlsObservation({
        at,
        notAfter: at + 90 * DAY,
        ...(status === undefined ? {} : { status }),
      })
      engine.apply(new JournalDouble().observe(seen))
      return engine.finding('ocsp_status_good', 'deployed_service_cert[shop,prod]')?.state
    }
    assert.equal(judge('good'), 'pass')
    assert.equal(judge('revoked'), 'fail')
    assert.equal(judge(undefined), 'unknown')
  })
})
