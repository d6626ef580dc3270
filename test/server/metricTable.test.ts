import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { metricsDocument } from '../../scripts/metricsDoc.ts'
import { FACT_METRICS } from '../../server/factMetrics.ts'
import { METRICS } from '../../server/metricTable.ts'

it('names metrics as Prometheus does', () => {
  for (const { name, type, help } of [...Object.values(METRICS), ...FACT_METRICS]) {
    assert.match(name, /^vigil_[a-z][a-z0-9_]*[a-z]$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    assert.ok(help.length > 3 && !help.endsWith('.'), name)
  }
})

it('docs/metrics.md is what scripts/metricsDoc.ts writes', () => {
  const file = new URL('../../docs/metrics.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), metricsDocument(), 'run: npx node scripts/metricsDoc.ts')
  for (const { name } of [...Object.values(METRICS), ...FACT_METRICS])
    assert.ok(metricsDocument().includes(`\`${name}\``), name)
})
