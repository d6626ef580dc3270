import assert from 'node:assert/strict'
import { request } from 'node:http'
import { lstatSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { IncidentCommand } from '../../alerts/command.ts'
import { IncidentError } from '../../alerts/error.ts'
import type { Incident } from '../../alerts/incident.ts'
import { listenForCommands } from '../../server/control.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const INCIDENT: Incident = {
  id: 'inc-0123456789ab',
  about: 'authority[issuing-1]',
  root: { rule: 'crl_available', subject: 'ca_crl[issuing-1]' },
  state: 'open',
  severity: 'critical',
  opened: '2026-11-22T08:00:00.000Z',
  decision: null,
  acknowledged: null,
  owner: null,
  closed: null,
  members: [],
  moreMembers: 0,
  comments: [],
}

async function setup() {
  const directory = temporaryDirectory()
  const path = join(directory.path, 'journal.sock')
  const commands: IncidentCommand[] = []
  const state: { refuse: Error | undefined; errors: unknown[] } = { refuse: undefined, errors: [] }
  const options = {
    path,
    incidents: {
      list: () => [INCIDENT],
      command: (command: IncidentCommand) => {
        if (state.refuse !== undefined) return Promise.reject(state.refuse)
        commands.push(command)
        return Promise.resolve(INCIDENT)
      },
    },
    onError: (error: unknown) => state.errors.push(error),
  }
  const control = await listenForCommands(options)
  return {
    path,
    commands,
    state,
    options,
    control,
    async [Symbol.asyncDispose]() {
      await control.close()
      directory[Symbol.dispose]()
    },
  }
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const client = request({ socketPath, method, path }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    client.on('error', reject)
    client.end(body)
  })
}

const ACK = { command: 'ack', id: INCIDENT.id, by: 'alice' }

describe('the socket for commands', () => {
  it('may be opened by its owner alone', async () => {
    await using t = await setup()
    const found = lstatSync(t.path)
    assert.ok(found.isSocket())
    assert.equal(found.mode & 0o777, 0o600)
  })

  it('takes a command and lists incidents', async () => {
    await using t = await setup()
    const answer = await ask(t.path, 'POST', '/commands', JSON.stringify(ACK))
    assert.equal(answer.status, 200, answer.body)
    assert.deepEqual(t.commands, [ACK])
    assert.deepEqual(JSON.parse((await ask(t.path, 'GET', '/incidents')).body), { incidents: [INCIDENT] })
  })

  it('replaces what a process that died left there, and nothing else', async () => {
    await using t = await setup()
    await t.control.close()
    const dead = createServer().listen(t.path)
    await once(dead, 'listening')
    // A process that is killed leaves its socket; closing removes it, so it is put back.
    const again = await listenForCommands(t.options)
    assert.equal((await ask(t.path, 'GET', '/incidents')).status, 200)
    await again.close()
    dead.close()
    rmSync(t.path, { force: true })
    writeFileSync(t.path, 'precious')
    await assert.rejects(listenForCommands(t.options), /expected a socket, or nothing/)
  })

  it('is refused where its path is too long for one', async () => {
    await using t = await setup()
    await assert.rejects(
      listenForCommands({ ...t.options, path: `/tmp/${'x'.repeat(120)}` }),
      /too long for a socket/,
    )
  })

  for (const [what, method, path, body, status] of [
    ['no JSON', 'POST', '/commands', 'ack', 400],
    ['an unknown command', 'POST', '/commands', JSON.stringify({ ...ACK, command: 'delete' }), 400],
    ['an unknown key', 'POST', '/commands', JSON.stringify({ ...ACK, force: true }), 400],
    ['no incident', 'POST', '/commands', JSON.stringify({ ...ACK, id: '../../etc' }), 400],
    ['nobody', 'POST', '/commands', JSON.stringify({ ...ACK, by: ' ' }), 400],
    [
      'a remark that moves the cursor',
      'POST',
      '/commands',
      JSON.stringify({ ...ACK, text: 'x\u001b[2J' }),
      400,
    ],
    ['a remark of two lines', 'POST', '/commands', JSON.stringify({ ...ACK, text: 'x\ny' }), 400],
    ['another path', 'GET', '/', '', 404],
    ['another method', 'DELETE', '/commands', '', 404],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await using t = await setup()
      const answer = await ask(t.path, method, path, body)
      assert.equal(answer.status, status, answer.body)
      assert.deepEqual(t.commands, [])
      assert.deepEqual(t.state.errors, [])
    })
  }

  it('reads no body without end', async () => {
    await using t = await setup()
    const answer = await ask(t.path, 'POST', '/commands', 'x'.repeat(100_000))
    assert.equal(answer.status, 400)
    assert.match(answer.body, /expected at most 16384 octets/)
  })

  it('says what is refused and why, and hides faults of ours', async () => {
    await using t = await setup()
    t.state.refuse = new IncidentError('refused', 'it still fails')
    const refused = await ask(t.path, 'POST', '/commands', JSON.stringify(ACK))
    assert.deepEqual(
      [refused.status, JSON.parse(refused.body)],
      [409, { error: { code: 'refused', message: 'it still fails' } }],
    )
    t.state.refuse = new Error('secret')
    const broken = await ask(t.path, 'POST', '/commands', JSON.stringify(ACK))
    assert.equal(broken.status, 500)
    assert.doesNotMatch(broken.body, /secret/)
    assert.equal(t.state.errors.length, 1)
  })
})
