import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { RemediationOutcome, RemediationRequest } from '../../remediation/connector.ts'
import { WebhookConnector } from '../../remediation/connectors/webhook.ts'
import { parseSecret, verifyWebhook } from '../../remediation/standardWebhooks.ts'

const secret = parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
const AT = Date.parse('2026-11-22T08:00:00Z')
const REQUEST: RemediationRequest = {
  action: 'rotate_certificate',
  subject: 'deployed_service_cert[shop,prod]',
  rule: 'cert_lifetime_threshold',
  idempotencyKey: 'rotate_certificate-0123',
  evidence: ['vigil.test/0/4/0', 'vigil.test/0/3/0'],
  requestedAt: AT,
}

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function against(
  listener: RequestListener,
  options: { request?: RemediationRequest; timeout?: number; now?: number } = {},
): Promise<{ outcome: RemediationOutcome; received: Received[]; receiver: string }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      listener(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connector = new WebhookConnector({
    url: `http://u:p@127.0.0.1:${port}/hooks`,
    secret,
    now: () => options.now ?? AT + 1500,
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  })
  try {
    const outcome = await connector.request(options.request ?? REQUEST)
    return { outcome, received, receiver: connector.receiver.replace(String(port), 'PORT') }
  } finally {
    await connector.close()
    server.closeAllConnections()
    server.close()
  }
}

describe('the webhook', () => {
  it('asks with a signed JSON body', async () => {
    const { outcome, received, receiver } = await against((_request, response) => {
      response.writeHead(202).end('{"job":7}\n')
    })
    assert.deepEqual(outcome, { accepted: true, detail: 'answered 202: {"job":7}' })
    const [message] = received
    assert.ok(message)
    assert.equal(message.headers['content-type'], 'application/json')
    assert.deepEqual(verifyWebhook(secret, message.headers, message.body, AT), { id: REQUEST.idempotencyKey })
    assert.deepEqual(JSON.parse(message.body), {
      type: 'remediation.requested',
      timestamp: '2026-11-22T08:00:00.000Z',
      data: {
        action: 'rotate_certificate',
        subject: 'deployed_service_cert[shop,prod]',
        rule: 'cert_lifetime_threshold',
        service: 'shop',
        environment: 'prod',
        idempotency_key: 'rotate_certificate-0123',
        evidence: ['vigil.test/0/4/0', 'vigil.test/0/3/0'],
      },
    })
    assert.equal(receiver, 'http://127.0.0.1:PORT/hooks')
  })

  it('names the authority of a CRL', async () => {
    const request = { ...REQUEST, action: 'reissue_crl', subject: 'ca_crl[issuing-1]' } as const
    const { received } = await against((_request, response) => response.end(), { request })
    assert.match(received[0]?.body ?? '', /"authority":"issuing-1"/)
  })

  it('sends the same octets again on another delivery of the same request', async () => {
    const first = await against((_request, response) => response.end())
    const second = await against((_request, response) => response.end(), { now: AT + 60_000 })
    assert.equal(first.received[0]?.body, second.received[0]?.body)
  })

  it('takes nothing but 2xx for an acceptance, and follows no redirect', async () => {
    const moved = await against((_request, response) => {
      response.writeHead(307, { location: 'http://elsewhere.test/' }).end()
    })
    assert.deepEqual(moved.outcome, { accepted: false, again: false, detail: 'answered 307' })
    const broken = await against((_request, response) => {
      response.writeHead(500).end('a\u0007b\r\nc')
    })
    assert.deepEqual(broken.outcome, { accepted: false, again: true, detail: 'answered 500: a b c' })
  })

  it('says whether the same request may be taken later', async () => {
    for (const [status, again] of [
      [401, false],
      [408, true],
      [410, false],
      [429, true],
      [503, true],
    ] as const) {
      const { outcome } = await against((_request, response) => response.writeHead(status).end())
      assert.deepEqual(outcome, { accepted: false, again, detail: `answered ${status}` })
    }
  })

  it('gives up in time', async () => {
    const { outcome } = await against(() => undefined, { timeout: 50 })
    assert.deepEqual(outcome, { accepted: false, again: true, detail: 'no answer within 50 ms' })
  })

  it('says that nobody answers', async () => {
    const { outcome } = await against((request) => request.socket.destroy())
    assert.equal(outcome.accepted, false)
    assert.match(outcome.detail, /^cannot be reached: /)
  })

  it('reads only the start of a long answer', async () => {
    const { outcome } = await against((_request, response) => response.end('x'.repeat(1_000_000)))
    assert.equal(outcome.accepted, true)
    assert.ok(outcome.detail.length < 400)
  })
})
