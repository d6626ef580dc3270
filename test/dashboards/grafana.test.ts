import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { overview } from '../../dashboards/grafana/overview.ts'
import { BOARD_FILE, readBoard } from './board.ts'
import { unknownMetrics } from './metricNames.ts'

test('the committed board has not drifted', () => {
  const made = `${JSON.stringify(overview(), null, 2)}\n`
  assert.equal(readFileSync(BOARD_FILE, 'utf8'), made, 'run: npx node scripts/generate.ts')
})

test('the data source is chosen on the board', () => {
  const { templating, panels } = readBoard()
  assert.deepEqual(
    templating.list.map(({ type, name, query }) => ({ type, name, query })),
    [{ type: 'datasource', name: 'datasource', query: 'prometheus' }],
  )
  for (const panel of panels)
    for (const { datasource } of panel.targets)
      assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, panel.title)
})

test('every panel says what it shows, has queries of its own and a place of its own', () => {
  const { panels } = readBoard()
  const places = new Set<string>()
  for (const { id, type, title, description, gridPos, targets } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !places.has(`${x} ${y}`), `${title} lies on another panel`)
        places.add(`${x} ${y}`)
      }
    if (type === 'row') continue
    assert.ok(description !== undefined && targets.length > 0, title)
    assert.equal(new Set(targets.map((target) => target.refId)).size, targets.length, title)
    assert.equal(panels.filter((panel) => panel.id === id).length, 1, `id of ${title}`)
  }
})

test('the board uses only metrics that are exposed', () => {
  const queries = readBoard().panels.flatMap((panel) => panel.targets.map((target) => target.expr))
  assert.deepEqual(unknownMetrics(queries), [])
})
