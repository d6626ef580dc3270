import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RemediationError } from '../../remediation/error.ts'
import { parseSecret, signWebhook, verifyWebhook } from '../../remediation/standardWebhooks.ts'

/** The example that the reference implementations of Standard Webhooks test against. */
const EXAMPLE = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  at: 1_614_265_330_000,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const secret = parseSecret(EXAMPLE.secret)
const headers = signWebhook(secret, EXAMPLE)

function refused(
  change: Partial<Record<string, string | string[]>>,
  body = EXAMPLE.body,
  now = EXAMPLE.at,
): string {
  try {
    verifyWebhook(secret, { ...headers, ...change }, body, now)
  } catch (error) {
    assert.ok(error instanceof RemediationError)
    assert.equal(error.code, 'signature_invalid')
    return error.message
  }
  throw new Error('expected a refusal')
}

describe('a webhook signature', () => {
  it('is the one of the reference implementations', () => {
    assert.deepEqual(headers, {
      'webhook-id': EXAMPLE.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': EXAMPLE.signature,
    })
  })

  it('verifies', () => {
    assert.deepEqual(verifyWebhook(secret, headers, EXAMPLE.body, EXAMPLE.at + 299_000), { id: EXAMPLE.id })
  })

  it('verifies among others, while a secret is changed', () => {
    const signatures = `v1a,AAAA v1,${Buffer.alloc(32).toString('base64')} ${EXAMPLE.signature}`
    verifyWebhook(secret, { ...headers, 'webhook-signature': signatures }, EXAMPLE.body, EXAMPLE.at)
  })

  it('covers id, timestamp and body', () => {
    assert.match(refused({ 'webhook-id': 'msg_other' }), /no webhook-signature/)
    assert.match(refused({ 'webhook-timestamp': '1614265331' }), /no webhook-signature/)
    assert.match(refused({}, '{"test": 2432232315}'), /no webhook-signature/)
  })

  it('is of no use later, or earlier', () => {
    assert.match(refused({}, EXAMPLE.body, EXAMPLE.at + 301_000), /within 300 s, got "1614265330"/)
    assert.match(refused({}, EXAMPLE.body, EXAMPLE.at - 301_000), /within 300 s/)
  })

  it('is refused where a header is missing, double or malformed', () => {
    assert.match(refused({ 'webhook-id': [] }), /expected one header webhook-id/)
    assert.match(refused({ 'webhook-signature': '' }), /expected one header webhook-signature/)
    assert.match(refused({ 'webhook-signature': 'v1' }), /no webhook-signature/)
    assert.match(refused({ 'webhook-timestamp': 'now' }), /got "now"/)
  })
})

describe('a secret', () => {
  it('may end with a line break in its file', () => {
    assert.deepEqual(parseSecret(`${EXAMPLE.secret}\n`), secret)
  })

  for (const [what, text] of [
    ['without its prefix', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['that is too short', 'whsec_MfKQ9r8G'],
    ['that is not base64', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La!aSw'],
    ['that is empty', ''],
  ] as const) {
    it(`is refused ${what}`, () => {
      assert.throws(
        () => parseSecret(text),
        (error) => error instanceof RemediationError && error.code === 'secret_invalid',
      )
    })
  }
})
