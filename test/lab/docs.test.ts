import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FAULT_GROUPS } from '../../lab/faults/fault.ts'
import { FAULTS } from '../../lab/faults/table.ts'

test('docs/lab.md describes every group of faults', () => {
  const groups = [...readFileSync('docs/lab.md', 'utf8').matchAll(/^\| `([a-z]+)` \| [^|]+ \|$/gm)]
  assert.deepEqual(
    groups.map(([, group]) => group),
    [...FAULT_GROUPS],
  )
})

test('faults have ids of their own', () => {
  const ids = FAULTS.map(({ id }) => id)
  assert.deepEqual(
    ids.filter((id, n) => ids.indexOf(id) < n),
    [],
  )
})
