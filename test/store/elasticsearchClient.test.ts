import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { it } from 'node:test'
import type { TestContext } from 'node:test'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { codeOf } from '../../store/elasticsearch/error.ts'

// What is no Elasticsearch 9, or none that answers. The real one: elasticsearch.test.ts.

const PRODUCT = { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' }

async function listen(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

function says(status: number, body: object, headers: Record<string, string> = PRODUCT) {
  return (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, headers).end(JSON.stringify(body))
  }
}

const version = (number: string) => ({ name: 'n', cluster_name: 'c', version: { number }, tagline: 't' })
const open = (url: string) => openElasticsearchStore({ url, prefix: 'vigil' })

it('names the version that it expected and the one that it found', async (t) => {
  const url = await listen(t, says(200, version('10.0.1')))
  await assert.rejects(open(url), {
    name: 'StoreError',
    code: 'unsupported_server',
    message: `${url}: expected Elasticsearch 9, found version 10.0.1`,
  })
})

it('explains the refusal of a server of an earlier major version', async (t) => {
  const error = {
    type: 'media_type_header_exception',
    reason: 'Invalid media-type value on headers [Accept]',
  }
  const url = await listen(t, says(400, { error, status: 400 }))
  await assert.rejects(open(url), { code: 'unsupported_server', message: /another major version/ })
})

it('refuses a server that does not say it is Elasticsearch', async (t) => {
  const url = await listen(t, says(200, version('3.8.0'), { 'content-type': 'application/json' }))
  await assert.rejects(open(url), { code: 'unsupported_server', message: /does not say it is Elasticsearch/ })
})

it('says what could not be reached, without credentials', async () => {
  await assert.rejects(open('http://user:secret@127.0.0.1:1'), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'io')
    assert.match(error.message, /127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

it('gives up a server that does not answer in time, and only that request', async (t) => {
  const url = await listen(t, () => undefined)
  const controller = new AbortController()
  let told = false
  controller.signal.addEventListener('abort', () => (told = true))
  await assert.rejects(
    openElasticsearchStore({ url, prefix: 'vigil', requestTimeout: 100, signal: controller.signal }),
    { code: 'io', message: /timed out/i },
  )
  assert.equal(told, false)
})

it('gives up at once when it is told to', async (t) => {
  const controller = new AbortController()
  const url = await listen(t, () => controller.abort())
  await assert.rejects(openElasticsearchStore({ url, prefix: 'vigil', signal: controller.signal }), {
    code: 'io',
  })
})

it('shows no proxy page as an answer of the server', async (t) => {
  const url = await listen(t, (_, response) => response.writeHead(502).end('<html>bad gateway</html>'))
  await assert.rejects(open(url), { code: 'io' })
})

for (const [name, credentials, expected] of [
  [
    'user and password',
    { kind: 'password', username: 'vigil', password: 'p:ä' },
    `Basic ${Buffer.from('vigil:p:ä').toString('base64')}`,
  ],
  ['an API key', { kind: 'api_key', apiKey: 'aWQ6a2V5' }, 'ApiKey aWQ6a2V5'],
] as const)
  it(`sends ${name}, and says where to look when they are refused`, async (t) => {
    const seen: (string | undefined)[] = []
    const error = { type: 'security_exception', reason: 'unable to authenticate' }
    const url = await listen(t, (request, response) => {
      seen.push(request.headers.authorization)
      says(401, { error, status: 401 })(request, response)
    })
    await assert.rejects(openElasticsearchStore({ url, prefix: 'vigil', credentials }), {
      code: 'io',
      message: /security_exception.*docs\/elasticsearch\.md/,
    })
    assert.deepEqual(seen, [expected])
  })

it('knows which refusals pass by themselves', () => {
  const block = (reason: string, status: number) => ({ status, type: 'cluster_block_exception', reason })
  for (const [error, code] of [
    [
      block('index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]', 429),
      'full',
    ],
    [block('index [a] blocked by: [FORBIDDEN/5/index read-only (api)];', 403), 'io'],
    [{ status: 429, type: 'es_rejected_execution_exception', reason: 'queue' }, 'busy'],
    [{ status: 409, type: 'version_conflict_engine_exception', reason: '' }, 'busy'],
    [{ status: 503, type: 'unavailable_shards_exception', reason: '' }, 'io'],
    [{ status: 404, type: 'index_not_found_exception', reason: '' }, 'io'],
    [{ status: 400, type: 'document_parsing_exception', reason: '' }, 'bad_record'],
    [{ status: 400, type: 'strict_dynamic_mapping_exception', reason: '' }, 'bad_record'],
  ] as const)
    assert.equal(codeOf(error), code, error.type)
})
