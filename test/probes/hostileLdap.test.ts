import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { probeCrl } from '../../probes/crl.ts'
import type { ProbeErrorCode } from '../../probes/observe.ts'
import type { Phase } from '../../model/observation.ts'
import { bounded, closedPort, context, crlTarget, failedIn, impatient, listen } from './support.ts'

// What a hostile or broken directory can do to a probe.

const MAX_SIZE = 64 * 1024
const DN = 'cn=ca,dc=test'

/** Answers whatever is asked with these octets, and goes on until `times`. */
function directory(t: TestContext, answer: Uint8Array, times = 1): Promise<number> {
  return listen(t, (socket) => {
    socket.once('data', () => {
      for (let i = 0; i < times; i++) socket.write(answer)
    })
  })
}

async function fails(port: number, phase: Phase, code: ProbeErrorCode): Promise<string> {
  const target = crlTarget(`ldap://127.0.0.1:${port}/${DN}`, undefined)
  const run = bounded(probeCrl, code === 'timeout' ? impatient(target) : target, { maxSize: MAX_SIZE })
  return failedIn(await run, phase, code).error?.message ?? ''
}

/** SearchResultEntry of message 2, without attributes. */
const ENTRY = Buffer.from('3009020102640404003000', 'hex')

test('a message that says that it is huge ends at once', async (t) => {
  const message = await fails(
    await directory(t, Buffer.from('3084ffffffff', 'hex')),
    'size',
    'body_too_large',
  )
  assert.match(message, /at most 65536 octets/)
})

test('thousands of messages in one piece end after a few', async (t) => {
  const flood = Buffer.concat(Array.from({ length: 20_000 }, () => ENTRY))
  await fails(await directory(t, flood), 'http', 'malformed_response')
})

test('what is not LDAP is malformed', async (t) => {
  await fails(
    await directory(t, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'http',
    'malformed_response',
  )
  await fails(await directory(t, Buffer.from('30800000', 'hex')), 'http', 'malformed_response')
  await fails(await directory(t, Buffer.from('308700000000000001', 'hex')), 'http', 'malformed_response')
})

test('a directory that says nothing, or half of something, ends at the deadline', async (t) => {
  await fails(await listen(t, () => undefined), 'http', 'timeout')
  await fails(await directory(t, ENTRY.subarray(0, 5)), 'http', 'timeout')
})

test('a message octet by octet is read', async (t) => {
  const port = await listen(t, (socket) => {
    // SearchResultDone with result 32, noSuchObject. The first message that ldapts sends has number 2.
    const done = Buffer.from('300c02010265070a012004000400', 'hex')
    socket.setNoDelay(true)
    socket.once('data', () => {
      let at = 0
      const next = (): void => {
        if (at < done.length) socket.write(done.subarray(at, ++at), () => setImmediate(next))
      }
      next()
    })
  })
  assert.match(await fails(port, 'http', 'ldap_refused'), /result 32/)
})

test('a connection that is closed or reset is closed', async (t) => {
  const closing = await listen(t, (socket) => void socket.once('data', () => socket.end()))
  await fails(closing, 'http', 'closed')
  const resetting = await listen(t, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
  await fails(resetting, 'http', 'closed')
  await fails(await closedPort(), 'connect', 'refused')
})

test('an LDAP URL that asks for what cannot be given is named', async () => {
  const look = async (url: string) =>
    failedIn(await probeCrl(crlTarget(url, undefined), context()), 'http', 'bad_url')
  const port = 389
  await look(`ldap://127.0.0.1:${port}/${DN}?a,b`)
  await look(`ldap://127.0.0.1:${port}/${DN}?a?everything`)
  await look(`ldap://127.0.0.1:${port}/%zz`)
  await look(`ldap://127.0.0.1:${port}/${DN}????!bindname=cn=x`)
})
