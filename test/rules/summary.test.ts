import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showValue } from '../../rules/summary.ts'

test('a list reads as a list, and an empty one is not nothing', () => {
  assert.equal(showValue(['127.0.0.1', '127.0.0.2']), '127.0.0.1, 127.0.0.2')
  assert.equal(showValue([]), 'none')
  assert.equal(showValue(new Date('2026-11-22T06:44:00Z')), '2026-11-22T06:44:00Z')
})
