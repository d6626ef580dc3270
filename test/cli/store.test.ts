import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

test('a store is compared with its journal, and made anew where it differs', async () => {
  using directory = temporaryDirectory()
  const config = ['-c', join(directory.path, 'vigil.yaml')]
  writeFileSync(
    join(directory.path, 'vigil.yaml'),
    `server: { listen: '127.0.0.1:0' }
inventory: { logs: [{ id: ca, format: ejbca, path: audit.log }] }
probes: { interval: 1s, timeout: 900ms }
`,
  )
  assert.match(
    (await vigil(['store', 'compare', ...config])).stderr,
    /there is no journal|expected a journal/,
  )

  writeFileSync(join(directory.path, 'audit.log'), 'not a line of EJBCA\nnor this\n')
  const stack = await startVigil(loadedFrom(join(directory.path, 'vigil.yaml')))
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(30_000)))
    if (batch.some(({ kind }) => kind === 'audit')) break
  const running = await vigil(['store', 'compare', '--json', ...config])
  assert.deepEqual([running.code, inJson(running.stdout, 'differences')], [0, []])
  const refused = await vigil(['rebuild', '--store', ...config])
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /another process writes this journal: stop vigil first/)
  await stack.stop()

  const database = new DatabaseSync(join(directory.path, 'vigil.db'))
  const { changes } = database
    .prepare('DELETE FROM document WHERE rowid IN (SELECT rowid FROM document LIMIT 1)')
    .run()
  assert.equal(changes, 1)
  database.close()
  const different = await vigil(['store', 'compare', ...config])
  assert.equal(different.code, 1)
  assert.match(different.stdout, /sqlite: [1-9]\d* differences?.*\n {2}missing: /)
  const rebuilt = await vigil(['rebuild', '--store', ...config])
  assert.equal(rebuilt.code, 0, rebuilt.stderr)
  assert.match(rebuilt.stdout, /made anew from \d+ records/)
  assert.equal((await vigil(['store', 'compare', ...config])).code, 0)
  assert.equal((await vigil(['rebuild', ...config])).code, 2)
  assert.equal((await vigil(['store', 'compare', 'elasticsearch', ...config])).code, 2)
})
