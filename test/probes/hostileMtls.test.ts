import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createServer } from 'node:tls'
import { toPem, type Issuer as Signer } from '../../lab/issue.ts'
import type { Facts } from '../../model/facts.ts'
import { probeMtls } from '../../probes/mtls.ts'
import { entity } from './pki.ts'
import { bind, bounded, failedIn, impatient, listen, mtlsTarget } from './support.ts'

// What a hostile or broken peer can do to a connection while it is asked whom it lets in: never may that look like somebody who was let in.

const ca = await entity({ subject: 'Zone CA' })
const shop = await entity({ subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] })
const prober = await entity({ subject: 'prober', profile: 'tls_client', issuer: ca })

const credential = ({ certificate, key }: Signer) => ({
  certificate: toPem(certificate, 'CERTIFICATE'),
  key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
})
const { certificate: cert, key } = credential(shop)
const STRICT = {
  cert,
  key,
  ca: toPem(ca.certificate, 'CERTIFICATE'),
  requestCert: true,
  rejectUnauthorized: true,
}

/** Hands the server's octets on up to so many, and then ends the connection this way. */
async function cut(
  t: TestContext,
  server: number,
  after: number,
  end: (socket: Socket) => void,
): Promise<number> {
  return listen(t, (client) => {
    const upstream = connect(server, '127.0.0.1')
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
    client.pipe(upstream)
    let left = after
    upstream.on('data', (data: Buffer) => {
      client.write(data.subarray(0, left))
      left -= data.length
      if (left <= 0) {
        upstream.removeAllListeners('data')
        end(client)
      }
    })
    upstream.on('end', () => client.end())
  })
}

function assertNobodyLetIn({ mtls }: Facts): void {
  assert.deepEqual(mtls?.acceptedAt ?? [], [])
}

describe('a connection that ends early', { concurrency: 4 }, () => {
  const ways: readonly [string, (socket: Socket) => void][] = [
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => void socket.resetAndDestroy()],
  ]
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const [name, end] of ways)
      it(`${maxVersion}, ${name} after any number of octets, lets nobody in`, async (t) => {
        const server = createServer({ ...STRICT, maxVersion }, (socket) =>
          socket.on('error', () => socket.destroy()),
        )
        server.on('tlsClientError', () => undefined)
        const port = await bind(t, server)
        for (const after of [0, 1, 5, 6, 60, 127, 200, 700, 900, 1100, 1500, 2500]) {
          const target = mtlsTarget(await cut(t, port, after, end), {
            credentials: { valid: credential(prober) },
          })
          assertNobodyLetIn((await bounded(probeMtls, { ...target, timeout: 3_000 })).observation.facts)
        }
      })
})

describe('a peer that is none', () => {
  const afterHello = (t: TestContext, act: (socket: Socket) => void): Promise<number> =>
    listen(t, (socket) => void socket.once('data', () => act(socket)))

  it('an alert before a certificate was asked for is no refusal of one', async (t) => {
    const port = await afterHello(t, (socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 40])))
    const { facts } = failedIn(await bounded(probeMtls, mtlsTarget(port)), 'tls', 'handshake_alert')
    assert.equal(facts.mtls, undefined)
  })

  it('one that says nothing ends at the deadline', async (t) => {
    const port = await listen(t, () => undefined)
    const { facts } = failedIn(await bounded(probeMtls, impatient(mtlsTarget(port))), 'tls', 'timeout')
    assert.equal(facts.mtls, undefined)
  })

  it('garbage is not TLS', async (t) => {
    const port = await afterHello(t, (socket) => {
      socket.write(Buffer.concat([Buffer.from([22, 3, 3, 0, 64]), Buffer.alloc(64, 0xff)]))
    })
    failedIn(await bounded(probeMtls, mtlsTarget(port)), 'tls', 'not_tls')
  })
})
