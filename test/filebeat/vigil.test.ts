// Real Filebeat, with the configuration as it is delivered, ships to vigil itself: what is acknowledged is journaled, whatever happens on the way.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseLog } from '../../collectors/parse.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { authority, ca1, listening } from '../collectors/listening.ts'
import { asFile, auditLine, auditLines, seeded } from '../collectors/support.ts'
import { EjbcaHost, needsFilebeat, until } from './filebeat.ts'
import { Relay } from './relay.ts'

/** Lines that are shipped through all disturbances. */
const LINES = process.env['VIGIL_REQUIRE'] === 'all' ? 200_000 : 20_000
/** Disturbances, evenly among them. */
const DISTURBANCES = 12

/** What the parser makes of a file, by the name under which it is shipped. */
async function read(source: string, path: string): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  for await (const batch of parseLog([readFileSync(path)], { format: ejbca, source, now: () => 0 }))
    events.push(...batch)
  return events
}

/** What both must say alike: all but where it is, and who shipped it. */
const essence = ({ event, '@timestamp': time, user, message, pki, x509 }: AuditEvent): string =>
  JSON.stringify([time, event, user, message, pki, x509])

void describe('Filebeat ships to vigil', needsFilebeat(), () => {
  void it('the same events, with the same ids, that vigil reads from the files itself', async (t) => {
    const vigil = await listening(t)
    const access = { url: `127.0.0.1:${vigil.port}`, ca: authority.ca, client: ca1 }
    await using host = await EjbcaHost.shippingToVigil('ca1', access)
    await host.copyRecordings()
    const expected = [
      ...(await read('ca1-audit', host.path('audit.log'))),
      ...(await read('ca1-server', host.path('server.log'))),
    ]
    host.start()
    await until('everything is journaled', () => vigil.events.length >= expected.length)
    assert.deepEqual(vigil.events.map(essence).toSorted(), expected.map(essence).toSorted())
    for (const { tls, position, event } of vigil.events) {
      assert.equal(tls?.client.subject, 'CN=ca1')
      assert.match(event.id ?? '', /^[0-9a-f]{64}$/)
      assert.match(position.fingerprint, /^[0-9a-f]{64}@0$/, 'one run a file: nothing is missing in between')
    }
    assert.deepEqual(vigil.problems, [])
  })

  void it(`${LINES} lines, killed, restarted and disconnected at random: none lost, none doubled`, async (t) => {
    const random = seeded(20261122)
    const vigil = await listening(t)
    await using relay = await Relay.make(vigil.port)
    const access = { url: `127.0.0.1:${relay.port}`, ca: authority.ca, client: ca1 }
    await using host = await EjbcaHost.shippingToVigil('ca1', access)
    const disturb: Readonly<Record<string, () => Promise<void>>> = {
      'the network is cut': async () => {
        await relay.unplug()
        await relay.plugIn()
      },
      'acknowledgements are lost': async () => {
        await relay.unplug()
        await relay.plugIn(50_000)
        await until('answers are lost', () => relay.sent > 50_000)
        await relay.unplug()
        await relay.plugIn()
      },
      'Filebeat is killed': async () => {
        await host.stop('SIGKILL')
        host.start()
      },
      'vigil is restarted': () => vigil.restart(),
      'the journal refuses': () => {
        vigil.sealing = () => {
          vigil.sealing = () => Promise.resolve()
          return Promise.reject(new Error('disk full'))
        }
        return Promise.resolve()
      },
    }
    const kinds = Object.values(disturb)
    const half = LINES / 2
    writeFileSync(host.path('audit.log'), asFile(auditLines(0, half)))
    await relay.plugIn()
    host.start()
    for (let i = 0; i < DISTURBANCES; i++) {
      const so = Math.floor(((i + 1) / (DISTURBANCES + 2)) * LINES)
      if (i === DISTURBANCES / 2) {
        // In the midst of it the log is rotated, and goes on.
        renameSync(host.path('audit.log'), host.path('audit.log.1'))
        writeFileSync(host.path('audit.log'), asFile(auditLines(half, LINES - 1)))
      }
      await until(`${so} records are journaled`, () => vigil.events.length >= Math.min(so, half - 1))
      const kind = kinds[i < kinds.length ? i : Math.floor(random() * kinds.length)]
      await kind?.()
    }
    appendFileSync(host.path('audit.log'), asFile([auditLine(LINES - 1)]))
    const journaled = (): number => new Set(vigil.events.map((e) => e.event.original)).size
    await until('all of them are journaled', () => vigil.events.length >= LINES && journaled() === LINES)
    assert.equal(vigil.events.length, LINES, 'none twice')
    assert.equal(new Set(vigil.events.map((e) => e.event.id)).size, LINES)
    const expected = auditLines(0, LINES)
    assert.deepEqual(vigil.events.map((e) => e.event.original).toSorted(), expected.toSorted())
  })

  void it('nothing without the client certificate that vigil knows', async (t) => {
    const vigil = await listening(t)
    const client = await authority.issue('tls_client', 'another')
    const access = { url: `127.0.0.1:${vigil.port}`, ca: authority.ca, client }
    await using host = await EjbcaHost.shippingToVigil('ca1', access)
    await host.copyRecordings()
    host.start()
    await until('vigil says who it was', () => vigil.problems.length > 0)
    assert.match(vigil.problems[0]?.message ?? '', /^CN=another at .*: may not ship a log "ca1-/)
    assert.deepEqual(vigil.events, [])
  })
})
