import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { needs } from '../support/needs.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { makeTimestampAuthority } from '../support/timestampAuthority.ts'
import { temporaryDirectory, vigil } from '../support/vigil.ts'

test(
  'the checkpoint of each hour is timestamped by the configured authority, and verify says so',
  needs('openssl'),
  async (t) => {
    using directory = temporaryDirectory()
    using authority = makeTimestampAuthority()
    let isAway = true
    const server = createServer((request, response) => {
      void buffer(request).then((query) => {
        const isQuery = request.headers['content-type'] === 'application/timestamp-query'
        if (isAway || !isQuery) response.writeHead(503).end('away')
        else
          response
            .writeHead(200, { 'content-type': 'application/timestamp-reply' })
            .end(authority.reply(query))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const ca = join(directory.path, 'tsa.pem')
    writeFileSync(ca, authority.ca)
    const file = join(directory.path, 'vigil.yaml')
    writeFileSync(
      file,
      `server: { listen: '127.0.0.1:0' }
inventory: {}
journal: { timestamps: { url: 'http://127.0.0.1:${address.port}/tsa', ca_file: tsa.pem } }
`,
    )
    const loaded = loadedFrom(file)
    const stack = await startVigil(loaded)
    const status = async (): Promise<string> => (await fetch(new URL('/api/status', stack.url))).text()
    try {
      while (!(await status()).includes('expected HTTP status 200')) await stack.journal.publish()
      isAway = false
      const folder = join(loaded.journalDirectory, 'checkpoints', new Date().toISOString().slice(0, 4))
      while (!readdirSync(folder).some((name) => name.endsWith('.tsr'))) await stack.journal.publish()
    } finally {
      await stack.stop()
    }
    const trust = ['--trust', join(loaded.journalDirectory, 'vkey')]
    const { code, stdout } = await vigil(['verify', loaded.journalDirectory, ...trust, '--tsa', ca])
    assert.equal(code, 0)
    assert.match(stdout, /anchored +[1-9]\d* entries/)
    assert.match(stdout, /timestamp +CN=TSA: [1-9]\d* entries, 20/)
  },
)
