import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Stack } from '../../cli/stack.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { LumberjackClient, shippedLines, windowOf } from '../collectors/lumberjack.ts'
import { auditLines } from '../collectors/support.ts'
import { makeAuthority } from '../filebeat/secured.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** What is in the journal of this log, from its beginning until `count` are there. */
async function journaled(stack: Stack, count: number): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(30_000))) {
    for (const record of batch) if (record.kind === 'audit') events.push(record.body)
    if (events.length >= count) break
  }
  return events
}

test('a vigil that is started again knows what Filebeat has shipped before, and what it has not', async () => {
  using directory = temporaryDirectory()
  const write = (name: string, text: string): void => writeFileSync(join(directory.path, name), text)
  const authority = await makeAuthority('Logging CA')
  const [server, client] = [
    await authority.issue('tls_server', 'vigil'),
    await authority.issue('tls_client', 'ca1'),
  ]
  write('beats.pem', server.certificate)
  write('beats.key', server.key)
  write('clients.pem', authority.ca)
  const port = await freePort()
  write(
    'vigil.yaml',
    `server: { listen: '127.0.0.1:0' }
beats: { listen: '127.0.0.1:${port}', certificate_file: beats.pem, key_file: beats.key, client_ca_file: clients.pem }
inventory:
  logs: [{ id: ca1-audit, format: ejbca, beats: { client: CN=ca1 } }]
`,
  )
  const loaded = loadedFrom(join(directory.path, 'vigil.yaml'))
  const start = (): Promise<Stack> => startVigil(loaded)
  const lines = auditLines(0, 8)
  const all = shippedLines(lines)
  for (const events of [[...all.slice(0, 2), ...all.slice(5, 6)], all]) {
    const stack = await start()
    try {
      using filebeat = await LumberjackClient.connect(port, authority, client)
      filebeat.send(windowOf(events))
      assert.ok(await filebeat.acknowledged(events.length))
      const count = events.length
      const found = await journaled(stack, count)
      assert.equal(found.length, count, 'acknowledged, so it is in the journal, once')
      assert.deepEqual(new Set(found.map((e) => e.event.original)).size, count)
    } finally {
      await stack.stop()
    }
  }
})
