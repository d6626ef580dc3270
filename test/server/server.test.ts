import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { FakeJournal, audit, decision, observation } from '../store/records.ts'
import { ask, open, sharedServer, startServer, statusOf, writeJournalFile } from './support.ts'

const html = { headers: { accept: 'text/html,*/*' } }

describe('server: who may ask', () => {
  const server = sharedServer()

  it('answers to its own name, to localhost and to the address that was asked', async () => {
    const s = server()
    for (const host of [`127.0.0.1:${s.port}`, `localhost:${s.port}`, `LOCALHOST:${s.port}`])
      assert.equal((await ask(s, '/', { headers: { host } })).status, 200, host)
  })

  it('refuses any other Host, so that DNS rebinding gets nothing', async () => {
    const s = server()
    const hosts = [
      'evil.example',
      `evil.example:${s.port}`,
      'localhost',
      `localhost:${s.port + 1}`,
      `127.0.0.2:${s.port}`,
      `localhost.evil.example:${s.port}`,
      `localhost:${s.port}@evil.example`,
      `evil.example/@127.0.0.1:${s.port}`,
      `127.0.0.1:${s.port}/path`,
      `127.0.0.1:${s.port}:1`,
    ]
    for (const host of hosts)
      for (const path of [
        '/',
        '/metrics',
        '/api/audit',
        '/tlog/checkpoint',
        '/events',
        '/healthz',
        '/assets/vigil.js',
      ]) {
        const { status, body } = await ask(s, path, { headers: { host } })
        assert.equal(status, 421, `${host} ${path}`)
        assert.match(body, /wrong_host/)
      }
  })

  it('refuses a request that names no Host', async () => {
    const { port } = server()
    for (const request of [
      'GET / HTTP/1.0\r\n\r\n',
      'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n',
    ]) {
      const socket = connect(port, '127.0.0.1', () => socket.write(request))
      let answer = ''
      for await (const chunk of socket.setEncoding('utf8')) answer += String(chunk)
      assert.match(answer, /^HTTP\/1\.1 421 /)
    }
  })

  it('answers at the address of the connection when it listens on all', async (t) => {
    const s = await startServer(t, '0.0.0.0:0')
    const status = async (host: string) => (await ask(s, '/healthz', { headers: { host } })).status
    assert.equal(await status(`127.0.0.1:${s.port}`), 200)
    assert.equal(await status(`evil.example:${s.port}`), 421)
    assert.equal(await status(`192.0.2.1:${s.port}`), 421)
  })

  it('answers to allowed hosts to the letter, and to their own pages', async (t) => {
    const s = await startServer(t, '127.0.0.1:0', ['vigil.example.org', 'vigil.pki-vigil.svc:9480'])
    const status = async (headers: Record<string, string>) =>
      (await ask(s, '/api/status', { headers })).status
    for (const host of [
      'vigil.example.org',
      'VIGIL.example.org',
      'vigil.pki-vigil.svc:9480',
      `localhost:${s.port}`,
    ])
      assert.equal(await status({ host }), 200, host)
    for (const host of [
      'vigil.example.org:80',
      `vigil.example.org:${s.port}`,
      'vigil.pki-vigil.svc',
      'a.vigil.example.org',
      'vigil.example.org.',
      'vigil.example.org.evil.example',
      'x@vigil.example.org',
    ])
      assert.equal(await status({ host }), 421, host)
    const host = 'vigil.example.org'
    for (const origin of ['https://vigil.example.org', 'http://vigil.example.org'])
      assert.equal(await status({ host, origin }), 200, origin)
    for (const origin of ['https://evil.example', 'https://vigil.example.org:8443', 'null'])
      assert.equal(await status({ host, origin }), 403, origin)
  })

  it('refuses requests that come from a page of another origin', async () => {
    const s = server()
    const status = async (origin: string) => (await ask(s, '/api/status', { headers: { origin } })).status
    assert.equal(await status(`http://127.0.0.1:${s.port}`), 200)
    assert.equal(await status(`http://localhost:${s.port}`), 200)
    for (const origin of [
      'http://evil.example',
      'null',
      `https://127.0.0.1:${s.port}`,
      'http://127.0.0.1',
      'x',
    ])
      assert.equal(await status(origin), 403, origin)
  })

  it('gives no page of another origin leave to read', async () => {
    const s = server()
    for (const path of ['/', '/api/findings', '/metrics', '/assets/vigil.css']) {
      const { headers } = await ask(s, path)
      assert.equal(headers['access-control-allow-origin'], undefined)
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(
        headers['content-security-policy'],
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
      )
      assert.equal(headers['x-powered-by'], undefined)
    }
  })

  it('takes GET and HEAD alone', async () => {
    const s = server()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await ask(s, '/api/findings', { method })
      assert.equal(status, 405, method)
      assert.equal(headers.allow, 'GET, HEAD')
    }
    const head = await ask(s, '/', { method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, ''])
    const events = await ask(s, '/events', { method: 'HEAD' })
    assert.deepEqual([events.status, events.headers['content-type']], [200, 'text/event-stream'])
  })

  it('refuses to start on an address that is none, and on one that is taken', async (t) => {
    await assert.rejects(startServer(t, 'localhost'), { code: 'bad_request', message: /host:port/ })
    const s = await startServer(t)
    await assert.rejects(startServer(t, `127.0.0.1:${s.port}`), { code: 'EADDRINUSE' })
  })
})

describe('server: health and metrics', () => {
  it('is alive, and ready only when it takes part in the work', async (t) => {
    const s = await startServer(t)
    assert.deepEqual([(await ask(s, '/healthz')).status, (await ask(s, '/readyz')).status], [200, 200])
    s.status = statusOf({ ready: false, problems: ['the store is behind: database is locked'] })
    assert.equal((await ask(s, '/healthz')).status, 200)
    const ready = await ask(s, '/readyz')
    assert.equal(ready.status, 503)
    assert.equal(ready.body, 'not ready\nthe store is behind: database is locked\n')
  })

  it('exposes metrics', async (t) => {
    const s = await startServer(t)
    const { headers, body } = await ask(s, '/metrics')
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    assert.match(
      body,
      /^vigil_crl_entries\{authority="issuing-1",target="http:\/\/crl\.example\/issuing-1\.crl"\} NaN$/m,
    )
    assert.match(body, /^process_cpu_seconds_total /m)
  })
})

describe('server: JSON API', () => {
  const server = sharedServer()

  it('answers with what the store holds', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(
      journal.seal(observation(), audit(), decision({ state: 'fail' }), decision({ rule: 'other_rule' })),
    )
    const get = async (path: string) => JSON.parse((await ask(s, path)).body) as Record<string, unknown>
    assert.deepEqual(await get('/api/findings'), { findings: await s.store.findings() })
    assert.deepEqual(await get('/api/findings?state=fail'), {
      findings: (await s.store.findings()).slice(0, 1),
    })
    assert.deepEqual(await get('/api/findings?subject=ca_crl%5Bnone%5D'), { findings: [] })
    assert.deepEqual(await get('/api/decisions?limit=1'), {
      decisions: await s.store.decisions({ limit: 1 }),
    })
    assert.deepEqual(await get('/api/audit?user=superadmin&from=2026-11-22T07:00:00%2B01:00'), {
      audit: await s.store.auditEvents({ limit: 9 }),
    })
    assert.deepEqual(await get('/api/audit?user=nobody'), { audit: [] })
    assert.deepEqual(await get('/api/actions'), { actions: [] })
    assert.deepEqual(await get('/api/incidents?state=open&limit=5'), { incidents: [] })
    const subject = 'ca_crl[issuing-1]'
    assert.deepEqual(await get(`/api/observations?subject=${encodeURIComponent(subject)}`), {
      observations: await s.store.observations({ subject, from: '1970-01-01T00:00:00.000Z', limit: 9 }),
    })
    assert.deepEqual(await get('/api/status'), {
      status: { ...s.status, storeLag: 1, unpublishedEntries: 2 },
    })
  })

  for (const [path, message] of [
    ['/api/audit?limit=0', /limit/],
    ['/api/audit?limit=1001', /limit/],
    ['/api/audit?limit=x', /limit/],
    ['/api/audit?from=yesterday', /from/],
    ['/api/audit?user=a&user=b', /user/],
    ['/api/audit?user[x]=a', /user\[x\]/],
    ['/api/audit?usr=a', /usr/],
    ['/api/audit?after=nonsense', /after/],
    [`/api/audit?user=${'x'.repeat(513)}`, /user/],
    ['/api/observations', /subject/],
    ['/api/observations?subject=x', /subject.*ca_crl\[issuing-1\]/],
    ['/api/findings?state=good', /state/],
    ['/api/status?x=1', /x/],
  ] as const)
    it(`refuses ${path.slice(0, 60)} and says why`, async () => {
      const s = server()
      const { status, headers, body } = await ask(s, path)
      assert.equal(status, 400)
      assert.match(headers['content-type'] ?? '', /^application\/json/)
      const { error } = JSON.parse(body) as { error: { code: string; message: string } }
      assert.equal(error.code, 'bad_request')
      assert.match(error.message, message)
    })

  it('names what it does not have as not found', async () => {
    const s = server()
    for (const path of [
      '/api/none',
      '/api',
      '/none',
      '/api/audit?after=vigil.test/0/0/0',
      '/assets/',
      '/assets/..%2fserver.ts',
    ])
      assert.equal((await ask(s, path)).status, 404, path)
    assert.equal((await ask(s, '/subject/%zz')).status, 400)
    assert.deepEqual(s.errors, [])
  })

  it('says that the store can not answer, and goes on', async (t) => {
    const s = await startServer(t)
    await s.store.close()
    const { status, body } = await ask(s, '/api/findings')
    assert.equal(status, 503)
    assert.match(body, /the store can not answer/)
    assert.equal((await ask(s, '/', html)).status, 503)
    assert.equal(s.errors.length, 2)
    assert.equal((await ask(s, '/metrics')).status, 200)
  })
})

describe('server: journal', () => {
  it('serves checkpoint, verifier keys and tiles', async (t) => {
    const s = await startServer(t)
    const files: readonly [string, string, string][] = [
      ['checkpoint', 'no-cache', 'text/plain; charset=utf-8'],
      ['vkey', 'no-cache', 'text/plain; charset=utf-8'],
      ['tile/0/000', 'public, max-age=31536000, immutable', 'application/octet-stream'],
      ['tile/0/001.p/17', 'public, max-age=31536000, immutable', 'application/octet-stream'],
      ['tile/entries/x001/x234/067', 'public, max-age=31536000, immutable', 'application/octet-stream'],
      ['tile/entries/000.p/255', 'public, max-age=31536000, immutable', 'application/octet-stream'],
    ]
    for (const [path, cache, type] of files) {
      writeJournalFile(s, path, `content of ${path}`)
      const { status, headers, body } = await ask(s, `/tlog/${path}`)
      assert.deepEqual(
        [status, headers['cache-control'], headers['content-type'], body],
        [200, cache, type, `content of ${path}`],
      )
    }
    assert.equal((await ask(s, '/tlog/tile/0/999')).status, 404)
  })

  it('serves what a mirror needs besides', async (t) => {
    const s = await startServer(t)
    const large = 'ab'.repeat(32)
    const files: readonly [string, boolean][] = [
      ['segments/00000000.zst', false],
      ['segments/00000001.pending', false],
      ['checkpoints/2026/2026-11-22T06Z', true],
      ['checkpoints/2026/2026-11-22T06Z.tsr', true],
      [`artifacts/ab/ab/${large}.zst`, true],
    ]
    for (const [path, isFinal] of files) {
      writeJournalFile(s, path, `content of ${path}`)
      const { status, headers, body } = await ask(s, `/tlog/${path}`)
      assert.deepEqual(
        [status, headers['cache-control'], body],
        [200, isFinal ? 'public, max-age=31536000, immutable' : 'no-cache', `content of ${path}`],
      )
    }
    const pending = '/tlog/segments/00000001.pending'
    const part = await ask(s, pending, { headers: { range: 'bytes=8-' } })
    assert.deepEqual([part.status, part.body], [206, 'of segments/00000001.pending'])
    assert.equal((await ask(s, pending, { headers: { range: 'bytes=36-' } })).status, 416)
    writeJournalFile(s, 'checkpoints/2026/2026-11-22T07Z', '')
    writeJournalFile(s, 'checkpoints/2026/2026-11-22T07Z.tmp', '')
    const all = '2026-11-22T06Z\n2026-11-22T06Z.tsr\n2026-11-22T07Z\n'
    assert.equal((await ask(s, '/tlog/checkpoints')).body, all)
    assert.equal((await ask(s, '/tlog/checkpoints?after=2026-11-22T06Z')).body, '2026-11-22T07Z\n')
    for (const query of [
      'after=../..',
      'after=2026',
      'after=2026-11-22T06Z&after=2026-11-22T07Z',
      'before=x',
    ])
      assert.equal((await ask(s, `/tlog/checkpoints?${query}`)).status, 400, query)
    // Kept in a pack, and not: a large one is not decompressed for whoever asks.
    assert.equal((await ask(s, `/tlog/artifact/${'cd'.repeat(32)}`)).body, 'small')
    assert.equal((await ask(s, `/tlog/artifact/${'ef'.repeat(32)}`)).status, 404)
    assert.equal((await ask(s, `/tlog/artifact/${large}`)).status, 404)
  })

  it('serves nothing else of the directory', async (t) => {
    const s = await startServer(t)
    const paths = [
      'key',
      'segments/000',
      'segments/00000000.zst.tmp',
      'lock',
      'artifacts/packs/00000000.pack',
      `artifacts/ab/cd/${'ef'.repeat(32)}.zst`,
      'checkpoints/2026/2026-11-22T06Z.tmp',
      'checkpoints/2025/2026-11-22T06Z',
      'artifacts/aa',
      'tile/0/.hidden',
      'tile/8',
      'tile/0/000.tmp',
      'pending',
    ]
    for (const path of paths) writeJournalFile(s, path, 'secret')
    symlinkSync('/etc/passwd', `${s.journal}/tile/0/passwd`)
    for (const path of [
      ...paths,
      'tile/0/passwd',
      '',
      'tile',
      'tile/',
      'tile/0/../../key',
      'tile/0/%2e%2e/%2e%2e/key',
      '..%2fvigil.db',
      'checkpoint/',
      'Checkpoint',
      'checkpoint%00',
      'tile/64/000',
      'tile/0/000.p/0',
    ]) {
      const { status, body } = await ask(s, `/tlog/${path}`)
      assert.ok(status === 404 || status === 400, `${path}: ${status}`)
      assert.doesNotMatch(body, /secret|root:/)
    }
  })
})

describe('server: events', () => {
  it('tells an open page at once that something changed, and soon again', async (t) => {
    const s = await startServer(t)
    const stream = await open(s, '/events')
    assert.equal(stream.headers['content-type'], 'text/event-stream')
    const chunks = stream.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>
    assert.equal((await chunks.next()).value, 'retry: 3000\n\n')
    s.server.changed()
    assert.equal((await chunks.next()).value, 'event: change\ndata:\n\n')
    s.server.changed()
    s.server.changed()
    assert.equal((await chunks.next()).value, 'event: change\ndata:\n\n', 'several at once are one')
    stream.destroy()
  })

  it('is closed by the server when it stops, which does not hang on it', async (t) => {
    const s = await startServer(t)
    const stream = await open(s, '/events')
    const ended = new Promise((resolve) => stream.resume().on('end', resolve))
    await s.server.close()
    await ended
  })

  it('takes a bounded number of pages', async (t) => {
    const s = await startServer(t)
    const streams = await Promise.all(Array.from({ length: 100 }, () => open(s, '/events')))
    assert.equal((await ask(s, '/events')).status, 503)
    streams[0]!.destroy()
    for (;;) {
      const stream = await open(s, '/events')
      streams.push(stream)
      if (stream.statusCode === 200) break
    }
    for (const stream of streams) stream.destroy()
  })
})

it('is not held up by a client that says nothing', async (t) => {
  const s = await startServer(t)
  const silent = connect(s.port, '127.0.0.1')
  await new Promise((resolve) => silent.once('connect', resolve))
  assert.equal((await ask(s, '/healthz')).status, 200)
  silent.destroy()
})
