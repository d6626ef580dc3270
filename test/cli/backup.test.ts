import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Stack } from '../../cli/stack.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

/** Until so many lines of the log are journaled in this epoch. */
async function heard(stack: Stack, lines: number): Promise<void> {
  let count = 0
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(30_000))) {
    count += batch.filter(({ kind }) => kind === 'audit').length
    if (count >= lines) return
  }
  assert.fail(`heard ${count} of ${lines} lines`)
}

/** How a record of WildFly's begins. */
const LINE = '2026-11-22 10:00:00,000 INFO  [org.example] (main)'

const auditLines = (stdout: string): number =>
  stdout.split('\n').filter((line) => line.includes('"kind":"audit"')).length

test('a journal that is lost is restored from its backup as an earlier epoch, and nothing in it is forgotten or read twice', async () => {
  using directory = temporaryDirectory()
  const at = (...names: string[]): string => join(directory.path, ...names)
  const config = ['-c', at('vigil.yaml')]
  writeFileSync(
    at('vigil.yaml'),
    `server: { listen: '127.0.0.1:0' }
inventory: { logs: [{ id: ca, format: ejbca, path: audit.log }] }
`,
  )
  writeFileSync(at('audit.log'), `${LINE} one\n${LINE} two\n`)
  const first = await startVigil(loadedFrom(at('vigil.yaml')))
  await heard(first, 2)
  const backup = ['backup', at('copy'), ...config]
  assert.equal((await vigil(backup)).code, 0, 'while it is running')
  await first.stop()
  const again = await vigil([...backup, '--json'])
  assert.ok(
    Number(inJson(again.stdout, 'epochs.0.copied')) < Number(inJson(again.stdout, 'epochs.0.files')) + 1,
  )
  const trusted = at('trusted-vkey')
  writeFileSync(trusted, readFileSync(at('journal', 'vkey')))

  const drilled = await vigil(['restore-drill', at('copy'), '--trust', trusted])
  assert.equal(drilled.code, 0, drilled.stderr)
  assert.match(
    drilled.stdout,
    /^restored in .*: epoch \d+ authenticated, \d+ entries, root [0-9a-f]{64}; \d+ documents, 0 differ\n$/,
  )

  const refused = await vigil(['restore', at('copy'), ...config])
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /a journal is there; move it away first/)
  rmSync(at('journal'), { recursive: true })
  rmSync(at('vigil.db'))
  const restored = await vigil(['restore', at('copy'), ...config, '--trust', trusted])
  assert.equal(restored.code, 0, restored.stderr)
  assert.match(restored.stdout, /epoch \d+ begins after \d+; store made from \d+ records/)

  const second = await startVigil(loadedFrom(at('vigil.yaml')))
  appendFileSync(at('audit.log'), `${LINE} three\n`)
  await heard(second, 1)
  await second.stop()
  const [earlier = ''] = readdirSync(at('journal.epochs'))
  const old = await vigil(['journal', 'cat', at('journal.epochs', earlier), '--json'])
  const now = await vigil(['journal', 'cat', at('journal'), '--json'])
  assert.deepEqual([auditLines(old.stdout), auditLines(now.stdout)], [2, 1])
  const epoch: unknown = JSON.parse(now.stdout.slice(0, now.stdout.indexOf('\n')))
  assert.equal(inJson(JSON.stringify(epoch), 'body.reason'), 'restore')
  assert.match(String(inJson(JSON.stringify(epoch), 'body.previous')), new RegExp(`/${earlier}\n`))
  assert.equal((await vigil(['store', 'compare', ...config])).code, 0)
  // A store that is lost is made of all epochs.
  renameSync(at('vigil.db'), at('gone.db'))
  await (await startVigil(loadedFrom(at('vigil.yaml')))).stop()
  assert.equal((await vigil(['store', 'compare', ...config])).code, 0)

  const [segment = ''] = readdirSync(at('copy', earlier, 'segments'))
  const file = at('copy', earlier, 'segments', segment)
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const broken = await vigil(['restore-drill', at('copy')])
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /epoch \d+ is broken: segments/)
})
