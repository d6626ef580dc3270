import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventId } from '../../collectors/eventId.ts'
import { makeAuthority } from '../filebeat/secured.ts'
import {
  FILE,
  LumberjackClient,
  compressedFrame,
  eventFrame,
  shipped,
  shippedLines,
  windowFrame,
  windowOf,
} from './lumberjack.ts'
import { authority, listening } from './listening.ts'
import { auditLines } from './support.ts'

const foreign = await makeAuthority('Foreign CA')

const LINES = auditLines(0, 10)
const ALL = shippedLines(LINES)

describe('records that Filebeat ships', () => {
  it('are journaled with their ids, places and who shipped them, and then acknowledged', async (t) => {
    const vigil = await listening(t)
    using client = await vigil.client()
    client.send(windowOf(ALL))
    assert.ok(await client.acknowledged(10))
    assert.deepEqual(vigil.texts(), LINES)
    const [first, second] = vigil.events
    assert.deepEqual(first?.position, {
      source: 'ca1-audit',
      fingerprint: `${FILE}@0`,
      offset: 0,
      end: LINES[0]!.length + 1,
    })
    assert.equal(second?.position.offset, first.position.end)
    const place = { file: FILE, offset: second.position.offset }
    assert.equal(second.event.id, eventId('ca1-audit', place, Buffer.from(LINES[1]!)))
    assert.equal(first.tls?.client.subject, 'CN=ca1')
    assert.match(first.tls.client.hash.sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual(vigil.problems, [])
  })

  it('may come compressed, window after window', async (t) => {
    const vigil = await listening(t)
    using client = await vigil.client()
    for (const part of [ALL.slice(0, 6), ALL.slice(6)]) {
      const events = Buffer.concat(part.map((event, i) => eventFrame(i + 1, event)))
      client.send(Buffer.concat([windowFrame(part.length), compressedFrame(events)]))
      assert.ok(await client.acknowledged(part.length))
    }
    assert.deepEqual(vigil.texts(), LINES)
  })

  it('are not acknowledged before they are durable, and the client learns meanwhile that somebody is there', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const vigil = await listening(t)
    const sealed = Promise.withResolvers<undefined>()
    const begun = Promise.withResolvers<undefined>()
    vigil.sealing = () => {
      begun.resolve(undefined)
      return sealed.promise
    }
    using client = await vigil.client()
    client.send(windowOf(ALL))
    await begun.promise
    t.mock.timers.tick(5000)
    assert.deepEqual(await client.acknowledged(0), [0])
    assert.deepEqual(vigil.events, [])
    sealed.resolve(undefined)
    assert.deepEqual(await client.acknowledged(10), [10])
    assert.equal(vigil.events.length, 10)
  })

  it('that the journal refuses are not acknowledged; sent again, they are there once', async (t) => {
    const vigil = await listening(t)
    vigil.sealing = () => Promise.reject(new Error('disk full'))
    using refused = await vigil.client()
    refused.send(windowOf(ALL))
    assert.equal(await refused.acknowledged(10), undefined)
    assert.match(vigil.problems[0]?.message ?? '', /CN=ca1 .* disk full/)
    vigil.sealing = () => Promise.resolve()
    using client = await vigil.client()
    client.send(windowOf(ALL))
    assert.ok(await client.acknowledged(10))
    assert.deepEqual(vigil.texts(), LINES)
  })

  it('whose acknowledgement was lost are there once, and acknowledged again, over restarts too', async (t) => {
    const vigil = await listening(t)
    for (const [from, restarted] of [
      [0, false],
      [0, true],
      [4, true],
      [0, false],
    ] as const) {
      if (restarted) await vigil.restart()
      using client = await vigil.client()
      client.send(windowOf(ALL.slice(from)))
      assert.ok(await client.acknowledged(10 - from))
    }
    assert.deepEqual(vigil.texts(), LINES)
  })

  it('may come in another order the second time: what comes late is not taken for known, before or after a restart', async (t) => {
    const vigil = await listening(t)
    const send = async (events: readonly object[]): Promise<void> => {
      using client = await vigil.client()
      client.send(windowOf(events))
      assert.ok(await client.acknowledged(events.length))
    }
    await send(ALL.slice(0, 2))
    await send(ALL.slice(6, 8))
    await vigil.restart()
    await send(ALL.slice(2, 5))
    await send(ALL.slice(8))
    await vigil.restart()
    await send(ALL)
    assert.deepEqual(vigil.texts().toSorted(), LINES.toSorted())
    await send(ALL)
    assert.equal(vigil.events.length, 10)
  })

  it('of several clients are taken in side by side', async (t) => {
    const vigil = await listening(t)
    const clients = await Promise.all([vigil.client(), vigil.client(), vigil.client()])
    for (const client of clients) client.send(windowOf(ALL))
    for (const client of clients) {
      assert.ok(await client.acknowledged(10))
      client[Symbol.dispose]()
    }
    assert.deepEqual(vigil.texts(), LINES)
  })

  it('of several lines, with line ends of two octets, cut, or not UTF-8 are there once, and hide nothing after them', async (t) => {
    const vigil = await listening(t)
    const id = 'a'.repeat(64)
    const [a = '', b = '', c = '', d = ''] = LINES
    const after = (event: number, octets: number): number => event + octets
    const second = after(a.length + 2, b.length + 2)
    const events = [
      shipped(a, 0),
      // Its last line begins at `second`; line ends are of two octets.
      shipped(`${b}\n more`, second),
      shipped(`${c}\ufffd`, second + 7, { '@metadata': { _id: id } }),
      shipped(d.slice(0, 40), second + 7 + c.length + 2, {
        log: { offset: second + 7 + c.length + 2, flags: ['truncated'], file: { fingerprint: FILE } },
      }),
      shipped(LINES[4] ?? '', second + 7 + c.length + 20),
    ]
    for (let i = 0; i < 2; i++) {
      using client = await vigil.client()
      client.send(windowOf(events))
      assert.ok(await client.acknowledged(5))
      await vigil.restart()
    }
    assert.equal(vigil.events.length, 5)
    assert.equal(vigil.events[2]?.event.id, id, 'the octets are lost, so it is the id that Filebeat gave')
    assert.match(vigil.events[3]?.event.reason ?? '', /^cut/)
  })
})

describe('a client', () => {
  it('without a certificate, or with one of a foreign CA, gets nothing across', async (t) => {
    const vigil = await listening(t)
    for (const credentials of [undefined, await foreign.issue('tls_client', 'ca1')]) {
      using client = await LumberjackClient.connect(vigil.port, authority, credentials)
      client.send(windowOf(ALL))
      assert.equal(await client.acknowledged(10), undefined)
    }
    assert.deepEqual(vigil.events, [])
    assert.ok(vigil.problems.every(({ code }) => code === 'unknown_client'))
  })

  it('may ship no log but its own', async (t) => {
    const vigil = await listening(t)
    using other = await LumberjackClient.connect(
      vigil.port,
      authority,
      await authority.issue('tls_client', 'ca2'),
    )
    other.send(windowOf(ALL))
    assert.equal(await other.acknowledged(10), undefined)
    using client = await vigil.client()
    client.send(windowOf([shipped('x', 0, { position: { source: 'ca2-audit' } })]))
    assert.equal(await client.acknowledged(1), undefined)
    assert.deepEqual(
      vigil.problems.map(({ message }) => message.replace(/ at [^:]+/, '')),
      ['CN=ca2: may not ship a log "ca1-audit"', 'CN=ca1: may not ship a log "ca2-audit"'],
    )
    assert.deepEqual(vigil.events, [])
  })

  const hostile: Readonly<Record<string, Uint8Array>> = {
    HTTP: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'version 1': Buffer.from('1W\0\0\0\x01'),
    'an event outside of a window': eventFrame(1, ALL[0]!),
    'more events than the window has': Buffer.concat([windowOf(ALL.slice(0, 1)), eventFrame(2, ALL[1]!)]),
    'frames out of order': Buffer.concat([windowFrame(2), eventFrame(2, ALL[1]!), eventFrame(1, ALL[0]!)]),
    'a frame twice': Buffer.concat([windowFrame(2), eventFrame(1, ALL[0]!), eventFrame(1, ALL[0]!)]),
    'a window in a window': Buffer.concat([windowFrame(2), eventFrame(1, ALL[0]!), windowFrame(2)]),
    'a window of all the memory': windowFrame(0xffffffff),
    'an event of all the memory': Buffer.concat([
      windowFrame(1),
      Buffer.from('2J\0\0\0\x01\xff\xff\xff\xff', 'latin1'),
    ]),
    'a frame in a frame in a frame': Buffer.concat([
      windowFrame(1),
      compressedFrame(compressedFrame(eventFrame(1, ALL[0]!))),
    ]),
    'a bomb': Buffer.concat([windowFrame(1), compressedFrame(Buffer.alloc(64 * 1024 * 1024))]),
    'a bomb of one event': Buffer.concat([
      windowFrame(1),
      compressedFrame(eventFrame(1, { message: 'x'.repeat(8_000_000) })),
    ]),
    'what is no zlib': Buffer.concat([windowFrame(1), Buffer.from('2C\0\0\0\x04none')]),
    'what is no JSON': Buffer.concat([windowFrame(1), Buffer.from('2J\0\0\0\x01\0\0\0\x01{')]),
    'no event of ours': windowOf([{ message: 'x' }]),
    'an offset below zero': windowOf([shipped('x', -1)]),
    'an acknowledgement': Buffer.from('2A\0\0\0\x01'),
  }
  for (const [what, octets] of Object.entries(hostile))
    it(`that sends ${what} is cut off, and the next one is served`, async (t) => {
      const vigil = await listening(t)
      using client = await vigil.client()
      client.send(octets)
      await client.ended()
      assert.equal(vigil.problems[0]?.code, 'protocol_error', vigil.problems[0]?.message)
      using next = await vigil.client()
      next.send(windowOf(ALL))
      assert.ok(await next.acknowledged(10))
      assert.equal(new Set(vigil.texts()).size, 10)
    })

  it('that breaks off anywhere loses nothing and doubles nothing', async (t) => {
    const vigil = await listening(t)
    const whole = windowOf(ALL)
    for (let length = 1; length < whole.length; length += 97) {
      using client = await vigil.client()
      client.send(whole.subarray(0, length))
      // The end of the connection is the server's to notice.
      client.send(Buffer.alloc(0))
    }
    using client = await vigil.client()
    client.send(whole)
    assert.ok(await client.acknowledged(10))
    assert.deepEqual(vigil.texts(), LINES)
  })
})
