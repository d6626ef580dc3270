import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { openReader } from '../../journal/reader.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { spawnVigil, temporaryDirectory } from '../support/vigil.ts'

/** More for a longer look: VIGIL_KILLS=50. */
const KILLS = Number(process.env['VIGIL_KILLS'] ?? 4)

/** Deterministic, so that a failure can be seen again. */
function* randomNumbers(seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

test(
  'log lines survive kill -9 of vigil at random moments: none is lost, none is doubled, and the journal verifies',
  { timeout: 600_000 },
  async (t) => {
    using directory = temporaryDirectory()
    const log = join(directory.path, 'audit.log')
    const config = join(directory.path, 'vigil.yaml')
    const journal = join(directory.path, 'journal')
    writeFileSync(log, '')
    writeFileSync(
      config,
      'origin: vigil.test\nserver: { listen: "127.0.0.1:0" }\ninventory:\n  logs: [{ id: ejbca, format: ejbca, path: audit.log }]\n',
    )
    let written = 0
    const write = (count: number): void => {
      let lines = ''
      for (let i = 0; i < count; i++)
        lines += `2026-11-22 05:00:00+00:00;RA_EDITENDENTITY;SUCCESS;RA;EJBCA;ejbca;-73217329;;user-${written++};msg=number\n`
      appendFileSync(log, lines)
    }
    const random = randomNumbers(20261122)
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawnVigil(['run', '-c', config])
      const exited = new Promise((resolve) => child.once('exit', resolve))
      const deadline = performance.now() + 15_000
      // Mostly it dies after it began to read, at any point of that; sometimes while it starts.
      const seen = { watching: false }
      child.stderr
        ?.setEncoding('utf8')
        .on('data', (text: string) => (seen.watching ||= text.includes('vigil is watching')))
      while (!seen.watching && random.next().value > 0.01 && performance.now() < deadline) await delay(20)
      const until = performance.now() + 1500 * random.next().value
      while (performance.now() < until) {
        write(1 + Math.floor(40 * random.next().value))
        await delay(10)
      }
      child.kill('SIGKILL')
      await exited
    }
    // The last run reads what is left, and ends by itself.
    const last = spawnVigil(['run', '-c', config])
    let said = ''
    last.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
    const exited = new Promise((resolve) => last.once('exit', resolve))
    try {
      const deadline = performance.now() + 60_000
      for (;;) {
        const seen = new Set(await usersIn(journal))
        if (seen.size === written) break
        const missing = Array.from({ length: written }, (_, i) => `user-${i}`).filter(
          (user) => !seen.has(user),
        )
        assert.ok(
          performance.now() < deadline,
          `expected ${written} lines in the journal, got ${seen.size}; missing from ${missing[0] ?? ''} to ${missing.at(-1) ?? ''}; vigil said: ${said}`,
        )
        await delay(500)
      }
    } finally {
      last.kill('SIGTERM')
    }
    assert.equal(await exited, 0)

    const users = await usersIn(journal)
    assert.deepEqual(
      users.toSorted(byNumber),
      Array.from({ length: written }, (_, i) => `user-${i}`),
    )
    const report = await verifyJournal(journal, { trust: readFileSync(join(journal, 'vkey'), 'utf8') })
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    t.diagnostic(`${KILLS} kills, ${written} lines, ${report.size} entries`)
  },
)

async function usersIn(directory: string): Promise<string[]> {
  if (!existsSync(join(directory, 'checkpoint'))) return []
  const reader = await openReader(directory)
  const users: string[] = []
  for await (const batch of reader.read())
    for (const record of batch) if (record.kind === 'audit') users.push(record.body.pki?.username ?? 'none')
  return users
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(5)) - Number(b.slice(5))
}
