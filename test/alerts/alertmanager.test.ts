import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestOptions } from 'node:test'
import { z } from 'zod'
import { alertAnnotations, alertLabels } from '../../alerts/alert.ts'
import { AlertmanagerClient, type PostableAlert } from '../../alerts/alertmanager.ts'
import { AlertsError, type AlertsErrorCode } from '../../alerts/error.ts'
import { entityOf } from '../../alerts/topology.ts'
import { toTimestamp } from '../../model/time.ts'
import { startDouble, type TestAlertmanager } from './alertmanagerDouble.ts'
import { findingOf } from './findings.ts'
import { needsAlertmanager, startReal } from './realAlertmanager.ts'

const gettable = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
  }),
)

const SINCE = Date.now() - 60_000

function alert(state: 'fail' | 'unknown', endsAt: number, subject = 'ca_crl[issuing-1]'): PostableAlert {
  const finding = findingOf(state, SINCE, { subject })
  const place = { about: entityOf(subject), role: 'cause', incident: undefined } as const
  return {
    labels: alertLabels(finding, place),
    annotations: alertAnnotations(finding, 'vigil.test/0/1/0', place, undefined, undefined),
    startsAt: toTimestamp(SINCE),
    endsAt: toTimestamp(endsAt),
  }
}

function suite(name: string, start: () => Promise<TestAlertmanager>, options: TestOptions): void {
  describe(`the client against ${name}`, options, () => {
    let server: TestAlertmanager
    let client: AlertmanagerClient
    before(async () => {
      server = await start()
      client = new AlertmanagerClient({ url: server.url })
    })
    after(async () => {
      await client.close()
      await server[Symbol.asyncDispose]()
    })
    const held = async (subject: string) => {
      const response = await fetch(new URL('api/v2/alerts', server.url))
      const alerts = gettable.parse(await response.json())
      return alerts.filter((a) => a.labels['subject'] === subject)
    }

    it('sets off an alert with its labels', async () => {
      const subject = 'deployed_service_cert[shop,prod]'
      await client.post([alert('fail', Date.now() + 60_000, subject)])
      const [found] = await held(subject)
      assert.deepEqual(found?.labels, {
        alertname: 'CrlFreshnessOk',
        severity: 'critical',
        rule: 'crl_freshness_ok',
        pack: 'internal-pki',
        subject,
        incident: 'service[shop,prod]',
        subject_kind: 'deployed_service_cert',
        service: 'shop',
        environment: 'prod',
      })
      assert.equal(found.startsAt, toTimestamp(SINCE))
    })

    it('keeps it one alert while the finding goes from fail to unknown', async () => {
      const subject = 'ca_crl[one]'
      await client.post([alert('fail', Date.now() + 60_000, subject)])
      await client.post([alert('unknown', Date.now() + 60_000, subject)])
      const found = await held(subject)
      assert.equal(found.length, 1)
      assert.equal(found[0]?.annotations['state'], 'unknown')
    })

    it('resolves it by its end', async () => {
      const subject = 'ca_crl[two]'
      await client.post([alert('fail', Date.now() + 60_000, subject)])
      await client.post([alert('fail', Date.now() - 1, subject)])
      assert.deepEqual(await held(subject), [])
    })

    it('takes a resolution that begins and ends at once', async () => {
      await client.post([alert('fail', SINCE, 'ca_crl[three]')])
      assert.deepEqual(await held('ca_crl[three]'), [])
    })

    it('reports what is refused, in the words of the receiver', async () => {
      const bad = { ...alert('fail', Date.now() + 60_000), labels: { 'alert-name': 'x' } }
      await assert.rejects(client.post([bad]), (error) => {
        assert.ok(error instanceof AlertsError)
        assert.equal(error.code, 'refused')
        assert.match(error.message, /answered 400: "invalid label set: invalid name \\"alert-name\\""/)
        return true
      })
      const backwards = { ...alert('fail', SINCE - 1000) }
      await assert.rejects(client.post([backwards]), /start time must be before end time/)
    })
  })
}

suite('a double', startDouble, {})
suite('the real Alertmanager', startReal, needsAlertmanager())

describe('the client', () => {
  async function serve(listener: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
    const server = createServer(listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      },
    }
  }

  async function fails(url: string, code: AlertsErrorCode, timeout?: number): Promise<AlertsError> {
    const client = new AlertmanagerClient({ url, ...(timeout === undefined ? {} : { timeout }) })
    try {
      await client.post([])
    } catch (error) {
      assert.ok(error instanceof AlertsError)
      assert.equal(error.code, code)
      return error
    } finally {
      await client.close()
    }
    throw new Error('expected an error')
  }

  it('says that nobody listens', async () => {
    const server = await serve(() => undefined)
    await server.close()
    await fails(server.url, 'unreachable')
  })

  it('gives up on a receiver that does not answer', async () => {
    const server = await serve(() => undefined)
    const error = await fails(server.url, 'timeout', 50)
    assert.match(error.message, /within 50 ms/)
    await server.close()
  })

  it('reads only the start of an endless answer', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(500)
      const write = (): void => {
        while (response.write('x'.repeat(10_000)));
        response.once('drain', write)
      }
      write()
    })
    const error = await fails(server.url, 'failed')
    assert.ok(error.message.length < 3000)
    await server.close()
  })

  it('does not follow redirects', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://elsewhere.test/' }).end()
    })
    await fails(server.url, 'failed')
    await server.close()
  })

  it('keeps the path prefix, sends the credentials, and does not name them', async () => {
    const seen: string[] = []
    const server = await serve((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.authorization ?? ''}`)
      response.end()
    })
    const url = server.url.replace('http://', 'http://vigil:s%40cret@')
    const client = new AlertmanagerClient({ url: `${url}/am` })
    await client.post([])
    assert.deepEqual(seen, [`POST /am/api/v2/alerts Basic ${Buffer.from('vigil:s@cret').toString('base64')}`])
    assert.equal(client.receiver, `${server.url}/am/`)
    await client.close()
    await server.close()
  })
})
