import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inventorySchema } from '../../model/config.ts'
import { watchedSubjects } from '../../rules/subjects.ts'

test('a system has its own tags, and nothing of an authority that is called the same', () => {
  const inventory = inventorySchema.parse({
    authorities: [{ id: 'ejbca', class: 'offline', certificate: 'ca.pem', tags: ['zone'] }],
    systems: [{ id: 'ejbca', kind: 'ejbca', url: 'http://ca.test', tags: ['core'] }],
  })
  const target = {
    probe: 'health',
    subject: 'ca_server[ejbca]',
    address: 'http://ca.test',
    interval: 1,
  } as const
  const [system] = watchedSubjects(inventory, [target])
  assert.deepEqual([system?.class, [...(system?.tags ?? [])]], [undefined, ['core']])
})
