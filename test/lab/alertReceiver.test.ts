import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { request } from 'undici'
import { startAlertReceiver } from '../../lab/alertReceiver.ts'

const NOW = Date.parse('2026-11-22T07:25:13.000Z')
const MINUTE = 60_000

async function receiver(t: TestContext) {
  const clock = { now: NOW }
  const changes: string[] = []
  const started = await startAlertReceiver({
    now: () => clock.now,
    onAlert: (change, { labels }) => changes.push(`${change} ${labels['alertname'] ?? '?'}`),
  })
  t.after(() => started.close())
  const post = async (body: string, type = 'application/json') => {
    const response = await request(`${started.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
      reset: true,
    })
    return { status: response.statusCode, text: (await response.body.text()).trim() }
  }
  const get = async () => {
    const response = await request(`${started.url}/api/v2/alerts`, { reset: true })
    return response.body.json()
  }
  return { clock, changes, started, post, get }
}

/** What Alertmanager 0.25.0 answered to the same bodies. Of JSON's own errors only the beginning is compared. */
const RECORDED: readonly (readonly [body: string, status: number, answer: string, type?: string])[] = [
  ['[]', 200, ''],
  ['[{"labels":{"alertname":"a","x":"1"}}]', 200, ''],
  ['[{"labels":{"a":"b"},"endsAt":"2026-01-01T00:00:00Z"}]', 200, ''],
  ['[{"labels":{"a":"b"},"extra":1}]', 200, ''],
  ['{"labels":{}}', 400, '{"code":400,"message":"parsing alerts body from \\"\\" failed, because '],
  ['nope', 400, '{"code":400,"message":"parsing alerts body from \\"\\" failed, because '],
  ['[{"labels":{"a":1}}]', 400, '{"code":400,"message":"parsing alerts body from \\"\\" failed, because '],
  [
    '[{"labels":{"a":"b"},"startsAt":"yesterday"}]',
    400,
    '{"code":400,"message":"parsing alerts body from \\"\\" failed, because parsing time ',
  ],
  ['', 422, '{"code":602,"message":"alerts in body is required"}'],
  ['[{}]', 422, '{"code":602,"message":"0.labels in body is required"}'],
  ['[{"labels":{}}]', 400, '"at least one label pair required"'],
  ['[{"labels":{"":"x"}}]', 400, '"invalid label set: invalid name \\"\\""'],
  ['[{"labels":{"1bad":"x"}}]', 400, '"invalid label set: invalid name \\"1bad\\""'],
  ['[{"labels":{"a":""}}]', 400, '"at least one label pair required"'],
  [
    '[{"labels":{"a":"b"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]',
    400,
    '"start time must be before end time"',
  ],
  ['[{"labels":{"a":"b"},"annotations":{"b-d":"x"}}]', 400, '"invalid annotations: invalid name \\"b-d\\""'],
  [
    '[{"labels":{"a":"b"},"generatorURL":"relative"}]',
    422,
    '{"code":601,"message":"0.generatorURL in body must be of type uri: \\"relative\\""}',
  ],
  ['[{"labels":{"ok":"b"}},{"labels":{"1bad":"x"}}]', 400, '"invalid label set: invalid name \\"1bad\\""'],
  [
    '[{"labels":{"a":"b"}}]',
    415,
    '{"code":415,"message":"unsupported media type \\"text/plain\\", only [application/json] are allowed"}',
    'text/plain',
  ],
]

for (const [body, status, answer, type] of RECORDED) {
  test(`judges ${body === '' ? 'an empty body' : body} as Alertmanager does`, async (t) => {
    const { post } = await receiver(t)
    const got = await post(body, type)
    assert.equal(got.status, status)
    assert.equal(got.text.slice(0, answer.length), answer)
    if (answer.endsWith('"') || answer.endsWith('}')) assert.equal(got.text, answer)
  })
}

test('shows an alert as Alertmanager does, fingerprint included', async (t) => {
  const { post, get } = await receiver(t)
  await post(
    '[{"labels":{"alertname":"a","x":"1"},"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00.000Z","annotations":{"s":"t"},"generatorURL":"http://x/y"}]',
  )
  assert.deepEqual(await get(), [
    {
      annotations: { s: 't' },
      endsAt: '2099-01-01T00:00:00.000Z',
      fingerprint: '727f02c030f1ed2e',
      receivers: [{ name: 'lab' }],
      startsAt: '2020-01-01T00:00:00.000Z',
      status: { inhibitedBy: [], silencedBy: [], state: 'active' },
      updatedAt: '2026-11-22T07:25:13.000Z',
      generatorURL: 'http://x/y',
      labels: { alertname: 'a', x: '1' },
    },
  ])
})

const at = (ms: number) => new Date(ms).toISOString()
const alert = (endsAt: number, startsAt = NOW) =>
  JSON.stringify([{ labels: { alertname: 'crl' }, startsAt: at(startsAt), endsAt: at(endsAt) }])

test('an alert that is sent again lives on, and keeps its beginning', async (t) => {
  const { clock, changes, started, post } = await receiver(t)
  await post(alert(NOW + 4 * MINUTE))
  clock.now += 3 * MINUTE
  await post(alert(clock.now + 4 * MINUTE, clock.now))
  clock.now += 3 * MINUTE
  assert.deepEqual(
    started.active().map(({ startsAt, endsAt }) => [startsAt, endsAt]),
    [[at(NOW), at(NOW + 7 * MINUTE)]],
  )
  assert.deepEqual(changes, ['firing crl', 'repeated crl'])
})

test('an alert that is not sent again expires at endsAt, and is remembered', async (t) => {
  const { clock, started, post, get } = await receiver(t)
  await post(alert(NOW + 4 * MINUTE))
  clock.now += 4 * MINUTE
  assert.deepEqual(await get(), [])
  assert.equal(started.all().length, 1)
})

test('an alert resolved by its sender is gone at once', async (t) => {
  const { clock, changes, started, post } = await receiver(t)
  await post(alert(NOW + 4 * MINUTE))
  clock.now += MINUTE
  await post(alert(clock.now))
  assert.deepEqual(started.active(), [])
  await post(alert(clock.now + 4 * MINUTE, clock.now))
  assert.deepEqual(changes, ['firing crl', 'resolved crl', 'firing crl'])
})

test('the valid alerts of a body count, even beside an invalid one', async (t) => {
  const { started, post } = await receiver(t)
  await post('[{"labels":{"ok":"b"}},{"labels":{"1bad":"x"}}]')
  assert.deepEqual(
    started.active().map(({ labels, endsAt }) => [labels, endsAt]),
    [[{ ok: 'b' }, at(NOW + 5 * MINUTE)]],
  )
})

test('what it does not have it refuses', async (t) => {
  const { started } = await receiver(t)
  const status = async (path: string, method: 'GET' | 'PUT' = 'GET') =>
    (await request(`${started.url}${path}`, { method, reset: true })).statusCode
  assert.equal(await status('/api/v2/alerts', 'PUT'), 405)
  assert.equal(await status('/api/v2/silences'), 404)
  assert.equal(await status('/api/v2/alerts?filter=a%3D%22b%22'), 400)
  assert.equal(await status('/-/ready'), 200)
})
