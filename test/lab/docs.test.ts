import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FAULTS } from '../../lab/faults.ts'

test('docs/lab.md describes every fault: its target and what ends it', () => {
  const text = readFileSync(new URL('../../docs/lab.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (CA|service) \| .+ \| (?:`([a-z_]+)`|repair: .+) \|$/gm)]
  assert.deepEqual(
    rows.map(([, id, target, cure]) => [id, target, cure]),
    FAULTS.map(({ id, target, curedBy }) => [id, target === 'ca' ? 'CA' : 'service', curedBy]),
  )
})
