import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { ApiClient, type ApiAccess } from '../../collectors/sources/api/client.ts'
import { makeAuthority } from '../filebeat/secured.ts'

const authority = await makeAuthority('API CA')
const foreign = await makeAuthority('Foreign CA')
const server = await authority.issue('tls_server', 'api')
const own = await authority.issue('tls_client', 'vigil')
const others = await foreign.issue('tls_client', 'vigil')

/** A server that asks for a client certificate, and for the key `current`. */
async function serving(t: TestContext, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  const { certificate: cert, key } = server
  const options = { cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: true, maxVersion }
  const listening = createServer(options, (request, response) => {
    const key = request.headers.authorization
    response.writeHead(key === undefined ? 401 : key === 'current' ? 200 : 403).end('{}')
    request.resume()
  })
  listening.on('tlsClientError', () => undefined).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.after(() => listening.close())
  return `https://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

function asked(t: TestContext, access: ApiAccess): () => Promise<string> {
  const client = new ApiClient(access)
  t.after(() => client.close())
  return () =>
    client.get('/', new AbortController().signal).then(
      () => 'answered',
      (error: unknown) => String(error),
    )
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  it(`an API over ${version} says whose certificate is not taken, and is asked with the one that is current`, async (t) => {
    const url = await serving(t, version)
    const headers = { authorization: 'current' }
    const ca = authority.ca
    const wrongCa = asked(t, { url, headers, ca: foreign.ca, client: own })
    assert.match(await wrongCa(), /^CollectorError: https:.*expected a trusted server certificate, got /)
    const without = asked(t, { url, headers, ca })
    assert.match(await without(), /expected a completed TLS handshake, got alert \d+/)

    let shown = others
    const client = {
      get certificate() {
        return shown.certificate
      },
      get key() {
        return shown.key
      },
    }
    const ask = asked(t, { url, headers, ca, client })
    // Node's server is one of those that say nothing.
    assert.match(await ask(), /cannot be reached: .*: it may want another certificate of ours/)
    shown = own
    assert.equal(await ask(), 'answered')
  })

it('an API is asked with the key that is current, and says what is wrong with it', async (t) => {
  const url = await serving(t, 'TLSv1.3')
  let headers: ApiAccess['headers'] = {}
  const access = {
    ...{ url, ca: authority.ca },
    get headers() {
      return headers
    },
    client: own,
  }
  const ask = asked(t, access)
  assert.match(await ask(), /credentials refused \(401\)/)
  headers = { authorization: 'old' }
  assert.match(await ask(), /not allowed with these credentials \(403\)/)
  headers = { authorization: 'current' }
  assert.equal(await ask(), 'answered')
})
