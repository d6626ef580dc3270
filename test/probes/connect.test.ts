import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { test } from 'node:test'
import { openConnection } from '../../probes/fetch/connect.ts'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import { HostsFile } from '../../probes/fetch/hostsFile.ts'
import type { NameSources } from '../../probes/fetch/resolve.ts'
import { serveDns } from './dnsServer.ts'
import { closedPort, listen } from './support.ts'

function namesOf(server: string): NameSources {
  return {
    declared: new Map(),
    hosts: new HostsFile('/nowhere/hosts'),
    resolver: () => {
      const resolver = new Resolver()
      resolver.setServers([server])
      return resolver
    },
    system: () => Promise.reject(new Error('not asked')),
  }
}

test('an address that refuses is followed by the next one', async (t) => {
  const port = await listen(t, () => undefined)
  // All of 127.0.0.0/8 is the loopback, but the server listens on one address only.
  const names = namesOf(await serveDns(t, { 'two.example': ['127.0.0.2', '127.0.0.1'] }))
  using deadline = new Deadline(5_000, new AbortController().signal)
  const { socket, address } = await openConnection('two.example', port, deadline, { names })
  socket.destroy()
  assert.equal(address, '127.0.0.1')
})

test('when all addresses fail, the first failure counts', async (t) => {
  const port = await closedPort()
  const names = namesOf(await serveDns(t, { 'two.example': ['127.0.0.1', '::1'] }))
  using deadline = new Deadline(5_000, new AbortController().signal)
  await assert.rejects(openConnection('two.example', port, deadline, { names }), (error: unknown) => {
    assert.ok(error instanceof FetchError)
    assert.deepEqual([error.phase, error.code], ['connect', 'refused'])
    assert.match(error.message, /127\.0\.0\.1:/)
    return true
  })
})
