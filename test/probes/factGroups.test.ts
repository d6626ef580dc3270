import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROBE_KINDS } from '../../model/observation.ts'
import { GROUPS_OF } from '../../scripts/probesDoc.ts'
import { Watch } from '../failures/watch.ts'

test('the probes of the lab establish the groups of facts that their pages have, and no others', async () => {
  await using watch = await Watch.start()
  await watch.look()
  await watch.look()
  const seen = PROBE_KINDS.flatMap((kind) => {
    const runs = [...watch.memory.all(kind)]
    return runs.length === 0 ? [] : [[kind, runs.flatMap(({ facts }) => Object.keys(facts))] as const]
  })
  assert.ok(seen.length >= 6)
  for (const [kind, groups] of seen)
    assert.deepEqual([...new Set(groups)].sort(), [...GROUPS_OF[kind]].sort(), `GROUPS_OF.${kind}`)
})
