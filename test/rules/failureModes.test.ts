import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { FAULTS } from '../../lab/faults/table.ts'
import { loadPack, SHIPPED_PACKS } from '../../rules/loadPack.ts'
import { failureModesDocument } from '../../scripts/failureModesDoc.ts'
import { OPEN } from '../failures/open.ts'
import { ROWS } from '../failures/rows.ts'
import { FAILURE_MODES } from './failureModes.ts'
import { CAUGHT } from './failuresCaught.ts'

const ids = FAILURE_MODES.flatMap(({ modes }) => modes.map(({ id }) => id))
const rows = ROWS.flatMap((group) => group.rows)
const rules = new Set(SHIPPED_PACKS.flatMap((pack) => loadPack(pack).rules.map(({ id }) => id)))
const faults = new Set(FAULTS.map(({ id }) => id))

describe('failure modes', () => {
  it('have ids of their own, and what catches them belongs to one', () => {
    assert.equal(new Set(ids).size, ids.length)
    const strange = [...Object.keys(CAUGHT), ...rows.map(({ id }) => id), ...OPEN]
    assert.deepEqual(
      strange.filter((id) => !ids.includes(id)),
      [],
    )
  })

  it('have a switch, a rule and a test each, but those that are open', () => {
    const caught = new Set([...rows.map(({ id }) => id), ...Object.keys(CAUGHT)])
    const known = new Set(OPEN)
    const demanded = ids.filter((id) => /^[CDOT]/.test(id))
    assert.deepEqual(
      demanded.filter((id) => !caught.has(id) && !known.has(id)),
      [],
      'nothing catches them: add a row in test/failures/rows/',
    )
    assert.deepEqual(
      OPEN.filter((id) => caught.has(id)),
      [],
      'these are caught: remove them from test/failures/open.ts',
    )
  })

  it('are made by faults that the lab has, and every fault of the lab makes one', () => {
    const made = new Set([
      ...rows.map(({ fault }) => fault),
      ...Object.values(CAUGHT).flatMap(({ by }) => /^lab: ([a-z0-9-]+)/.exec(by)?.[1] ?? []),
    ])
    assert.deepEqual(
      [...made].filter((fault) => !faults.has(fault)),
      [],
    )
    assert.deepEqual(
      [...faults].filter((fault) => !made.has(fault)),
      [],
    )
  })

  it('are caught by rules that are shipped, and alerts that are documented', () => {
    const prometheus = readFileSync('docs/prometheus.md', 'utf8')
    for (const { id, rules: own } of rows) {
      assert.ok(own.length > 0, id)
      for (const rule of own) assert.ok(rules.has(rule), `${id}: ${rule}`)
    }
    for (const [id, { rules: own, alerts = [] }] of Object.entries(CAUGHT)) {
      for (const rule of own) assert.ok(rules.has(rule), `${id}: ${rule}`)
      for (const alert of alerts) assert.match(prometheus, new RegExp(`^### ${alert}$`, 'm'), id)
      assert.ok(own.length + alerts.length > 0, id)
    }
  })

  it('are shown by tests that are there', () => {
    for (const { file, list } of ROWS)
      assert.match(readFileSync(file, 'utf8'), new RegExp(`^testRows\\(${list}\\)$`, 'm'))
    for (const [id, { tests }] of Object.entries(CAUGHT))
      for (const { file, name } of tests)
        assert.ok(readFileSync(file, 'utf8').replaceAll('’', "'").includes(name), `${id}: ${file}: ${name}`)
  })

  it('stand in docs/failure-modes.md (scripts/failureModesDoc.ts writes it)', () => {
    assert.equal(readFileSync('docs/failure-modes.md', 'utf8'), failureModesDocument())
  })
})
