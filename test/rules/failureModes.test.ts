import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { FAULTS } from '../../lab/faults/table.ts'
import { loadPack, SHIPPED_PACKS } from '../../rules/loadPack.ts'
import { failureModesDocument } from '../../scripts/failureModesDoc.ts'
import { FAILURE_MODES } from './failureModes.ts'
import { CAUGHT } from './failuresCaught.ts'

const ids = FAILURE_MODES.flatMap(({ modes }) => modes.map(({ id }) => id))
const rules = new Set(SHIPPED_PACKS.flatMap((pack) => loadPack(pack).rules.map(({ id }) => id)))

describe('failure modes', () => {
  it('have ids of their own, and what catches them belongs to one', () => {
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual(
      Object.keys(CAUGHT).filter((id) => !ids.includes(id)),
      [],
    )
  })

  it('are caught by rules that are shipped, alerts that are documented, and faults that the lab has', () => {
    const prometheus = readFileSync('docs/prometheus.md', 'utf8')
    for (const [id, { rules: own, alerts = [], by }] of Object.entries(CAUGHT)) {
      for (const rule of own) assert.ok(rules.has(rule), `${id}: ${rule}`)
      for (const alert of alerts) assert.match(prometheus, new RegExp(`^### ${alert}$`, 'm'), id)
      assert.ok(own.length + alerts.length > 0, id)
      const fault = /^lab: ([a-z-]+)/.exec(by)?.[1]
      if (fault !== undefined)
        assert.ok(
          FAULTS.some((f) => f.id === fault),
          `${id}: ${fault}`,
        )
    }
  })

  it('are shown by tests that are there', () => {
    for (const [id, { tests }] of Object.entries(CAUGHT))
      for (const { file, name } of tests)
        assert.ok(readFileSync(file, 'utf8').replaceAll('’', "'").includes(name), `${id}: ${file}: ${name}`)
  })

  it('stand in docs/failure-modes.md (scripts/failureModesDoc.ts writes it)', () => {
    assert.equal(readFileSync('docs/failure-modes.md', 'utf8'), failureModesDocument())
  })
})
