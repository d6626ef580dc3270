import assert from 'node:assert/strict'
import { createServer as createHttpsServer } from 'node:https'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { issueCrl, toPem } from '../../lab/issue.ts'
import { probeCrl } from '../../probes/crl.ts'
import type { ProbeErrorCode } from '../../probes/observe.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import type { Phase } from '../../model/observation.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import {
  bind,
  bounded,
  closedPort,
  context,
  crlTarget,
  failedIn,
  impatient,
  listen,
  serve,
  serveRaw,
  succeeded,
} from './support.ts'

// What a hostile or broken HTTP server can do to a probe. The CRL probe stands for all: they share the client.

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)
const crl = await issueCrl({
  issuer: ca,
  number: 1n,
  thisUpdate: NOW - HOUR,
  nextUpdate: NOW + DAY,
  revoked: [],
})

const MAX_SIZE = 64 * 1024

async function fails(url: string, phase: Phase, code: ProbeErrorCode): Promise<string> {
  const target = crlTarget(url, issuer)
  const run = bounded(probeCrl, code === 'timeout' ? impatient(target) : target, { maxSize: MAX_SIZE })
  const { error } = failedIn(await run, phase, code)
  return error?.message ?? ''
}

const OK = 'HTTP/1.1 200 OK\n'

/** Writes without end, as fast as the reader takes it. */
async function endless(t: TestContext, head: string, chunk: string): Promise<string> {
  const port = await listen(t, (socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', more)
    socket.once('data', () => {
      socket.write(head.replaceAll('\n', '\r\n'))
      more()
    })
  })
  return `http://127.0.0.1:${port}/`
}

test('an endless body ends at the size limit', async (t) => {
  await fails(await endless(t, `${OK}\n`, 'x'.repeat(16_384)), 'size', 'body_too_large')
})

test('an endless chunked body ends at the size limit', async (t) => {
  const url = await endless(t, `${OK}Transfer-Encoding: chunked\n\n`, `1000\r\n${'x'.repeat(4096)}\r\n`)
  await fails(url, 'size', 'body_too_large')
})

test('an announced length beyond the limit is not read', async (t) => {
  const message = await fails(
    await serveRaw(t, `${OK}Content-Length: 99999999\n\n`),
    'size',
    'body_too_large',
  )
  assert.match(message, /at most 65536 octets, got 99999999 announced/)
})

test('a slow drip ends at the deadline', async (t) => {
  const port = await listen(t, (socket) => {
    socket.once('data', () => {
      socket.write(`${OK}Content-Length: 1000\n\n`.replaceAll('\n', '\r\n'))
      const drip = setInterval(() => socket.write('x'), 10)
      socket.once('close', () => clearInterval(drip))
    })
  })
  await fails(`http://127.0.0.1:${port}/`, 'http', 'timeout')
})

test('a slow drip of headers ends at the deadline', async (t) => {
  const port = await listen(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nX: ')
    const drip = setInterval(() => socket.write('x'), 10)
    socket.once('close', () => clearInterval(drip))
  })
  await fails(`http://127.0.0.1:${port}/`, 'http', 'timeout')
})

test('a redirect loop ends after three redirects', async (t) => {
  let requests = 0
  const port = await listen(t, (socket) => {
    socket.once('data', () => {
      requests++
      socket.end('HTTP/1.1 301 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n')
    })
  })
  await fails(`http://127.0.0.1:${port}/`, 'http', 'too_many_redirects')
  assert.equal(requests, 4)
})

test('a redirect to another scheme is refused', async (t) => {
  for (const location of ['file:///etc/passwd', 'ldap://x/', 'http://user:secret@127.0.0.1/', 'http://[']) {
    const url = await serveRaw(t, `HTTP/1.1 302 Found\nLocation: ${location}\nContent-Length: 0\n\n`)
    await fails(url, 'http', 'bad_redirect')
  }
})

test('a redirect into a network that is not public is refused, and nothing is asked there', async (t) => {
  let asked = 0
  const port = await listen(t, (socket) => {
    asked++
    socket.end()
  })
  const names = {
    ...systemNames({ 'public.example': ['127.0.0.1'], 'both.example': ['127.0.0.1', '10.0.0.1'] }),
  }
  for (const location of [
    `http://127.0.0.1:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://2130706433:${port}/`,
    // A name is what it resolves to.
    `http://public.example:${port}/`,
    `http://both.example:${port}/`,
    `http://localhost:${port}/`,
    'http://169.254.169.254/latest/meta-data/',
  ]) {
    const url = await serveRaw(t, `HTTP/1.1 302 Found\nLocation: ${location}\nContent-Length: 0\n\n`)
    const follow = followPolicy({ networks: [], declared: [new URL(url).host] })
    const result = await probeCrl(crlTarget(url, issuer), context({ names, follow }))
    failedIn(result, 'resolve', 'address_refused')
  }
  assert.equal(asked, 0)
})

test('a redirect is followed where the operator has named its host, or its network', async (t) => {
  const there = await serve(t, crl)
  const here = await serveRaw(t, `HTTP/1.1 302 Found\nLocation: ${there}\nContent-Length: 0\n\n`)
  for (const follow of [
    followPolicy({ networks: [], declared: [new URL(there).host] }),
    followPolicy({ networks: ['127.0.0.0/8'], declared: [] }),
  ])
    succeeded(await probeCrl(crlTarget(here, issuer), context({ follow })))
})

test('a body shorter than its Content-Length is truncated', async (t) => {
  await fails(await serveRaw(t, `${OK}Content-Length: ${crl.length + 1}\n\n`, crl), 'http', 'truncated_body')
})

test('a chunked body without its last chunk is truncated', async (t) => {
  const url = await serveRaw(t, `${OK}Transfer-Encoding: chunked\n\n`, '5\r\nhello\r\n')
  await fails(url, 'http', 'truncated_body')
})

test('a reset in the middle of the body is a truncated body', async (t) => {
  const port = await listen(t, (socket) => {
    socket.once('data', () => {
      socket.write(`${OK}Content-Length: 1000\n\nabc`.replaceAll('\n', '\r\n'), () =>
        setImmediate(() => socket.resetAndDestroy()),
      )
    })
  })
  await fails(`http://127.0.0.1:${port}/`, 'http', 'truncated_body')
})

test('a flood of headers ends at 16 KiB', async (t) => {
  const flood = 'X-Flood: yes\r\n'.repeat(1000)
  await fails(await endless(t, OK, flood), 'size', 'headers_too_large')
})

test('one endless header ends at 16 KiB', async (t) => {
  await fails(await endless(t, `${OK}X-Flood: `, 'x'.repeat(4096)), 'size', 'headers_too_large')
})

test('a gzip bomb is not decompressed', async (t) => {
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024))
  const url = await serveRaw(t, `${OK}Content-Encoding: gzip\nContent-Length: ${bomb.length}\n\n`, bomb)
  await fails(url, 'http', 'content_encoded')
})

test('garbage instead of HTTP is malformed', async (t) => {
  await fails(await serveRaw(t, 'SSH-2.0-OpenSSH_9.2\n'), 'http', 'malformed_response')
  await fails(
    await serveRaw(t, `${OK}Content-Length: 5\nContent-Length: 6\n\n`, 'hello'),
    'http',
    'malformed_response',
  )
})

test('control characters of a server do not reach the message', async (t) => {
  const port = await listen(t, (socket) => {
    // C1 control characters are legal in a header value: 9B starts an escape sequence in many terminals.
    const head = 'HTTP/1.1 200 OK\r\nContent-Encoding: \u009b2Jevil\r\n\r\n'
    socket.once('data', () => socket.end(Buffer.from(head, 'latin1')))
  })
  const message = await fails(`http://127.0.0.1:${port}/`, 'http', 'content_encoded')
  assert.match(message, /got .*\\u\{.*evil/)
})

test('a connection that is closed without an answer', async (t) => {
  const port = await listen(t, (socket) => void socket.once('data', () => socket.end()))
  await fails(`http://127.0.0.1:${port}/`, 'http', 'closed')
})

test('a connection that is reset at once', async (t) => {
  const port = await listen(t, (socket) => void socket.resetAndDestroy())
  const result = await bounded(probeCrl, crlTarget(`http://127.0.0.1:${port}/`, issuer))
  const { error } = result.observation
  // Which of the two sees the reset first is up to the kernel.
  assert.match(`${error?.phase} ${error?.code}`, /^(connect|http) closed$/)
})

test('a port where nobody listens refuses', async () => {
  await fails(`http://127.0.0.1:${await closedPort()}/`, 'connect', 'refused')
})

async function serveHttps(t: TestContext, certificate: Awaited<ReturnType<typeof entity>>): Promise<string> {
  const server = createHttpsServer(
    {
      cert: toPem(certificate.certificate, 'CERTIFICATE'),
      key: certificate.key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    },
    (_request, response) => void response.end(crl),
  )
  return `https://127.0.0.1:${await bind(t, server)}/`
}

const web = { profile: 'tls_server', issuer: ca, ip: ['127.0.0.1'] } as const

test('https is trusted when it leads to the declared anchor', async (t) => {
  const url = await serveHttps(t, await entity({ ...web, subject: 'crl' }))
  succeeded(await probeCrl(crlTarget(url, issuer), context()))
})

test('https certificates that a client would refuse fail in tls', async (t) => {
  const stranger = await entity({ subject: 'Stranger' })
  await fails(
    await serveHttps(t, await entity({ ...web, issuer: stranger, subject: 'crl' })),
    'tls',
    'server_certificate_untrusted',
  )
  await fails(
    await serveHttps(t, await entity({ ...web, ip: ['127.0.0.2'], subject: 'crl' })),
    'tls',
    'server_certificate_mismatch',
  )
  await fails(
    await serveHttps(t, await entity({ ...web, notAfter: NOW - HOUR, subject: 'crl' })),
    'tls',
    'server_certificate_expired',
  )
})

test('https against a plaintext port is not TLS', async (t) => {
  const url = await serveRaw(t, 'HTTP/1.1 400 Bad Request\n\n')
  await fails(url.replace('http:', 'https:'), 'tls', 'not_tls')
})

test('https against a server that says nothing ends at the deadline', async (t) => {
  const port = await listen(t, () => undefined)
  await fails(`https://127.0.0.1:${port}/`, 'tls', 'timeout')
})

test('https against a server that resets in the handshake', async (t) => {
  const port = await listen(t, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
  await fails(`https://127.0.0.1:${port}/`, 'tls', 'closed')
})
