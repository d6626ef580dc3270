import assert from 'node:assert/strict'
import { test } from 'node:test'
import { probeTls } from '../../probes/tls.ts'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Phase } from '../../model/observation.ts'
import type { ProbeErrorCode } from '../../probes/observe.ts'
import { bounded, closedPort, failedIn, impatient, listen, tlsTarget } from './support.ts'

// What a hostile or broken peer can do to a TLS handshake.

async function fails(port: number, phase: Phase, code: ProbeErrorCode): Promise<string> {
  const target = tlsTarget(port)
  const result = await bounded(probeTls, code === 'timeout' ? impatient(target) : target)
  const { error, facts } = failedIn(result, phase, code)
  assert.deepEqual(Object.keys(facts), ['service', 'prober', 'addresses'])
  assert.deepEqual(facts.addresses?.failed, [`127.0.0.1 ${code}`])
  assert.deepEqual(result.artifacts, [])
  return error?.message ?? ''
}

function afterHello(t: TestContext, act: (socket: Socket) => void): Promise<number> {
  return listen(t, (socket) => void socket.once('data', () => act(socket)))
}

test('a plaintext port is not TLS', async (t) => {
  const port = await afterHello(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await fails(port, 'tls', 'not_tls')
})

test('a service that greets first, such as SMTP, is not TLS', async (t) => {
  const port = await listen(t, (socket) => void socket.write('220 mail.example ESMTP\r\n'))
  await fails(port, 'tls', 'not_tls')
})

test('a fatal alert is named', async (t) => {
  const port = await afterHello(t, (socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 40])))
  assert.match(await fails(port, 'tls', 'handshake_alert'), /alert 40 /)
})

test('a connection that is closed in the handshake', async (t) => {
  await fails(await afterHello(t, (socket) => socket.end()), 'tls', 'closed')
})

test('a connection that is reset in the handshake', async (t) => {
  await fails(await afterHello(t, (socket) => void socket.resetAndDestroy()), 'tls', 'closed')
})

test('a server that says nothing ends at the deadline', async (t) => {
  await fails(await listen(t, () => undefined), 'tls', 'timeout')
})

test('a server that drips records ends at the deadline', async (t) => {
  const port = await afterHello(t, (socket) => {
    const record = Buffer.concat([Buffer.from([22, 3, 3, 0x40, 0]), Buffer.from([2, 0, 0x3f, 0xfc])])
    let at = 0
    const drip = setInterval(() => socket.write(record.subarray(at++, at)), 5)
    socket.once('close', () => clearInterval(drip))
  })
  await fails(port, 'tls', 'timeout')
})

test('records of garbage fail in the handshake', async (t) => {
  const port = await afterHello(t, (socket) => {
    socket.write(Buffer.concat([Buffer.from([22, 3, 3, 0, 64]), Buffer.alloc(64, 0xff)]))
  })
  await fails(port, 'tls', 'not_tls')
})

test('a port where nobody listens refuses', async () => {
  await fails(await closedPort(), 'connect', 'refused')
})
