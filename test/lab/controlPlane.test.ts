import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { z } from 'zod'
import type { Lab } from '../../lab/lab.ts'
import { encodeSecret, TOLERANCE_S, verifyWebhook } from '../../lab/webhookSignature.ts'
import { askOcsp, fetchCrl, handshake, hexSerial, testLab } from './support.ts'

interface Webhook {
  readonly id: string
  /** Seconds. */
  readonly timestamp: number
  readonly body: string
  readonly secret: string
}

/** Signs as the Standard Webhooks specification says, independently of the code under test. */
function signed({ id, timestamp, body, secret }: Webhook): Record<string, string> {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${mac}` }
}

function remediation(data: Record<string, string>, more: object = {}): string {
  return JSON.stringify({
    type: 'remediation.requested',
    timestamp: '2026-11-22T07:00:00.000Z',
    data: { rule: 'some_rule', idempotency_key: 'key-1', ...data },
    ...more,
  })
}

const answerSchema = z.object({ run: z.string() })

async function send(url: string, body: string, headers: Record<string, string>) {
  const response = await request(url, { method: 'POST', headers, body, reset: true })
  return { status: response.statusCode, body: await response.body.json() }
}

/** Sends it and waits until its run is over. */
async function carryOut(lab: Lab, now: number, body: string, id = 'msg_1') {
  const over = new Promise<{ status: string; id: string; detail?: string }>((resolve) => {
    lab.events.on('run', (run) => {
      if (run.status === 'succeeded' || run.status === 'failed') resolve(run)
    })
  })
  const timestamp = Math.floor(now / 1000)
  const headers = signed({ id, timestamp, body, secret: lab.webhook.secret })
  const answer = await send(lab.webhook.url, body, headers)
  assert.equal(answer.status, 202)
  const run = await over
  assert.equal(answerSchema.parse(answer.body).run, run.id)
  return run
}

test("the reference implementations' example verifies", () => {
  // Standard Webhooks: the test vector of its reference libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const id = verifyWebhook(secret, headers, Buffer.from('{"test": 2432232314}'), 1614265330_000)
  assert.equal(id, 'msg_p5jXN8AQM9LWM0D4loKWxJek')
})

test('an asked-for CRL is really issued, and ends the fault', async (t) => {
  const { lab, clock } = await testLab(t)
  await lab.break('crl-stale', 'issuing-1')
  const run = await carryOut(
    lab,
    clock.now,
    remediation({ action: 'reissue_crl', subject: 'ca_crl[issuing-1]', authority: 'issuing-1' }),
  )
  assert.equal(run.status, 'succeeded')
  const crl = await fetchCrl(lab, 'issuing-1')
  assert.equal(run.detail, `published CRL ${crl.number} of issuing-1`)
  assert.ok(clock.now - crl.thisUpdate < 1000)
  assert.deepEqual(lab.faults(), [])
  const shown = await request(new URL(`/runs/${run.id}`, lab.webhook.url), { reset: true })
  assert.deepEqual(await shown.body.json(), { ...lab.runs()[0] })
})

for (const [fault, subject] of [
  ['cert-near-expiry', 'deployed_service_cert[shop,prod]'],
  ['wrong-certificate', 'service_tls_health[shop,prod]'],
  ['revoked-served', 'deployed_service_cert[shop,prod]'],
] as const) {
  test(`an asked-for rotation ends ${fault}`, async (t) => {
    const { lab, clock } = await testLab(t)
    await lab.break(fault, 'shop')
    const order = { action: 'rotate_certificate', subject, service: 'shop', environment: 'prod' }
    const run = await carryOut(lab, clock.now, remediation(order))
    assert.equal(run.status, 'succeeded')
    const { certificate, authorized } = await handshake(lab, 'shop')
    assert.equal(authorized, true)
    assert.match(run.detail ?? '', new RegExp(`^deployed certificate ${hexSerial(certificate)} on shop`))
    assert.equal((await askOcsp(lab, 'issuing-1', hexSerial(certificate))).status, 0)
    assert.deepEqual(lab.faults(), [])
  })
}

const ORDER = remediation({ action: 'reissue_crl', subject: 'ca_crl[issuing-1]' })

test('a webhook whose signature is wrong, missing or old is refused', async (t) => {
  const { lab, clock } = await testLab(t)
  const { url, secret } = lab.webhook
  const timestamp = Math.floor(clock.now / 1000)
  const good = signed({ id: 'msg_1', timestamp, body: ORDER, secret })
  const stale = timestamp - TOLERANCE_S - 1
  const cases: Record<string, Record<string, string>> = {
    'another secret': signed({ id: 'msg_1', timestamp, body: ORDER, secret: encodeSecret(Buffer.alloc(32)) }),
    'another body': signed({ id: 'msg_1', timestamp, body: `${ORDER} `, secret }),
    'another id': { ...good, 'webhook-id': 'msg_2' },
    'another time': { ...good, 'webhook-timestamp': String(timestamp - 1) },
    'too old': signed({ id: 'msg_1', timestamp: stale, body: ORDER, secret }),
    'from the future': signed({ id: 'msg_1', timestamp: timestamp + TOLERANCE_S + 1, body: ORDER, secret }),
    'no signature': { 'webhook-id': 'msg_1', 'webhook-timestamp': String(timestamp) },
    'no time': { ...good, 'webhook-timestamp': 'now' },
    'another version': {
      ...good,
      'webhook-signature': (good['webhook-signature'] ?? '').replace('v1,', 'v2,'),
    },
  }
  for (const [name, headers] of Object.entries(cases)) {
    assert.equal((await send(url, ORDER, headers)).status, 401, name)
  }
  assert.deepEqual(lab.runs(), [])
  const both = { ...good, 'webhook-signature': `v1,AAAA ${good['webhook-signature'] ?? ''}` }
  assert.equal((await send(url, ORDER, both)).status, 202, 'one of two signatures matches')
})

test('the same webhook sent twice is one run', async (t) => {
  const { lab, clock } = await testLab(t)
  const { url, secret } = lab.webhook
  const first = await carryOut(lab, clock.now, ORDER)
  const timestamp = Math.floor(clock.now / 1000)
  const { number } = await fetchCrl(lab, 'issuing-1')
  const again = await send(url, ORDER, signed({ id: 'msg_1', timestamp, body: ORDER, secret }))
  assert.deepEqual(again, { status: 202, body: { run: first.id } })
  // A sender that lost its own id still has its key.
  const sameKey = await send(url, ORDER, signed({ id: 'msg_9', timestamp, body: ORDER, secret }))
  assert.deepEqual(sameKey, { status: 202, body: { run: first.id } })
  const other = remediation({ action: 'reissue_crl', subject: 'ca_crl[issuing-2]', idempotency_key: 'key-2' })
  const reused = await send(url, other, signed({ id: 'msg_1', timestamp, body: other, secret }))
  assert.equal(reused.status, 409)
  assert.equal(lab.runs().length, 1)
  assert.equal((await fetchCrl(lab, 'issuing-1')).number, number)
})

test('orders that make no sense are refused, with the reason', async (t) => {
  const { lab, clock } = await testLab(t)
  const { url, secret } = lab.webhook
  const cases: readonly (readonly [status: number, message: RegExp, body: string])[] = [
    [400, /expected a JSON body/, 'nonsense'],
    [400, /type/, remediation({ action: 'reissue_crl', subject: 'ca_crl[issuing-1]' }, { type: 'other' })],
    [400, /action/, remediation({ action: 'reboot', subject: 'ca_crl[issuing-1]' })],
    [
      400,
      /expected reissue_crl for ca_crl/,
      remediation({ action: 'reissue_crl', subject: 'audit_log[ejbca]' }),
    ],
    [
      400,
      /issuing-2/,
      remediation({ action: 'reissue_crl', subject: 'ca_crl[issuing-1]', authority: 'issuing-2' }),
    ],
    [422, /expected an issuing CA/, remediation({ action: 'reissue_crl', subject: 'ca_crl[root]' })],
    [
      422,
      /expected a service/,
      remediation({ action: 'rotate_certificate', subject: 'service_cert[nope,tls_server]' }),
    ],
    [413, /octets/, 'x'.repeat(70_000)],
  ]
  for (const [n, [status, message, body]] of cases.entries()) {
    const timestamp = Math.floor(clock.now / 1000)
    const answer = await send(url, body, signed({ id: `msg_${n}`, timestamp, body, secret }))
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    assert.match(JSON.stringify(answer.body), message)
  }
  assert.deepEqual(lab.runs(), [])
  const unknown = await request(new URL('/runs/nope', url), { reset: true })
  assert.equal(unknown.statusCode, 404)
})

test('closing finishes the runs that were accepted', async (t: TestContext) => {
  const { lab, clock } = await testLab(t)
  const timestamp = Math.floor(clock.now / 1000)
  const headers = signed({ id: 'msg_1', timestamp, body: ORDER, secret: lab.webhook.secret })
  await send(lab.webhook.url, ORDER, headers)
  await lab.close()
  assert.deepEqual(
    lab.runs().map(({ status }) => status),
    ['succeeded'],
  )
})
