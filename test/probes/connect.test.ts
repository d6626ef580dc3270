import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { test } from 'node:test'
import { openConnection } from '../../probes/fetch/connect.ts'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import { HostsFile } from '../../probes/fetch/hostsFile.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
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

const nowhere = followPolicy({ networks: [], declared: [] })

test('an address that refuses is followed by the next one', async (t) => {
  const port = await listen(t, () => undefined)
  // All of 127.0.0.0/8 is the loopback, but the server listens on one address only.
  const names = namesOf(await serveDns(t, { 'two.example': ['127.0.0.2', '127.0.0.1'] }))
  using deadline = new Deadline(5_000, new AbortController().signal)
  const { socket, address } = await openConnection(
    { host: 'two.example', port, source: 'declared' },
    deadline,
    { names, follow: nowhere },
  )
  socket.destroy()
  assert.equal(address, '127.0.0.1')
})

test('of what others name only allowed addresses are tried', async (t) => {
  const port = await listen(t, (socket) => socket.end())
  const names = namesOf(await serveDns(t, { 'two.example': ['127.0.0.1', '127.0.0.2'] }))
  using deadline = new Deadline(5_000, new AbortController().signal)
  const open = (networks: readonly string[]): Promise<unknown> =>
    openConnection({ host: 'two.example', port, source: 'found' }, deadline, {
      names,
      follow: followPolicy({ networks, declared: [] }),
    })
  await assert.rejects(open([]), /two\.example:\d+ at 127\.0\.0\.1, 127\.0\.0\.2$/)
  // The server listens at the other one only.
  await assert.rejects(open(['127.0.0.2/32']), /a connection to 127\.0\.0\.2:/)
})

test('when all addresses fail, the first failure counts', async (t) => {
  const port = await closedPort()
  const names = namesOf(await serveDns(t, { 'two.example': ['127.0.0.1', '::1'] }))
  using deadline = new Deadline(5_000, new AbortController().signal)
  await assert.rejects(
    openConnection({ host: 'two.example', port, source: 'declared' }, deadline, { names, follow: nowhere }),
    (error: unknown) => {
      assert.ok(error instanceof FetchError)
      assert.deepEqual([error.phase, error.code], ['connect', 'refused'])
      assert.match(error.message, /127\.0\.0\.1:/)
      return true
    },
  )
})
