// A whole vigil in a lab with a dead responder, and the commands about the incident in processes of their own.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { LIFETIMES } from '../../cli/demo/settings.ts'
import type { Stack } from '../../cli/stack.ts'
import { startLab } from '../../lab/lab.ts'
import { loadedFrom, startVigil, writeQuickYaml } from '../support/stack.ts'
import { temporaryDirectory, vigil } from '../support/vigil.ts'

const LIMIT = 40_000

const incident = z.object({
  id: z.string(),
  about: z.string(),
  state: z.string(),
  owner: z.string().nullable(),
})
const listed = z.object({ source: z.string(), incidents: z.array(incident) })

async function openIncident(stack: Stack, about: string): Promise<string> {
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(LIMIT)))
    for (const { kind, body } of batch)
      if (kind === 'action' && body.kind === 'incident' && body.status === 'opened' && body.about === about)
        return body.id
  assert.fail(`no incident about ${about}`)
}

test(
  'an incident is listed, acknowledged, owned and closed from the command line',
  { timeout: 2 * LIMIT },
  async () => {
    using directory = temporaryDirectory()
    await using lab = await startLab({
      directory: join(directory.path, 'lab'),
      now: Date.now,
      lifetimes: LIFETIMES,
    })
    const file = await writeQuickYaml(lab, {
      directory: directory.path,
    })
    const loaded = loadedFrom(file)
    const run = (...args: string[]) => vigil(['incident', ...args, '-c', file])

    const early = await run('list')
    assert.equal(early.code, 3, 'there is no journal yet')

    const stack = await startVigil(loaded)
    await using stopping = new AsyncDisposableStack()
    stopping.defer(() => stack.stop())
    await lab.break('ocsp-down', 'issuing-2')
    const id = await openIncident(stack, 'authority[issuing-2]')

    const running = await run('list', '--json')
    assert.equal(running.code, 0, running.stdout + running.stderr)
    const answer = listed.parse(JSON.parse(running.stdout))
    assert.equal(answer.source, 'vigil')
    assert.ok(answer.incidents.some((i) => i.id === id && i.state === 'open'))
    const api = await fetch(new URL('/api/incidents?state=open', stack.url))
    assert.ok(
      listed
        .omit({ source: true })
        .parse(await api.json())
        .incidents.some((i) => i.id === id),
    )

    const refused = await run('close', id, '--reason', 'x')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /still in trouble/)
    assert.equal((await run('ack', id, '--message', 'on it')).code, 0)
    assert.equal((await run('own', id, 'pki-team')).code, 0)
    assert.equal((await run('close', id, '--force', '--reason', 'known outage')).code, 0)
    assert.equal((await run('ack', 'inc-000000000000')).code, 2)
    assert.equal((await run('ack', 'x')).code, 2)

    await stack.stop()
    const after = await run('list', '--all', '--json')
    const stored = listed.parse(JSON.parse(after.stdout))
    assert.equal(stored.source, 'journal')
    const closed = stored.incidents.find((i) => i.id === id)
    assert.deepEqual([closed?.state, closed?.owner], ['closed', 'pki-team'])
    const shown = await run('show', id)
    assert.match(shown.stdout, /known outage \(with \d+ findings still in trouble\)/)
    const late = await run('comment', id, 'too late')
    assert.equal(late.code, 3)
    assert.match(late.stderr, /no vigil is running/)
  },
)
