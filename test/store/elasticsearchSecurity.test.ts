import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { z } from 'zod'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { asking, makeAuthority, passwordHash } from '../filebeat/secured.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import { contentOf, history } from './contents.ts'

const PASSWORD = 'only for this test'
const basic = (user: string): string => `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}`

/** The role that docs/elasticsearch.md gives. */
function documentedRole(): { readonly cluster: readonly string[] } & object {
  const page = readFileSync(new URL('../../docs/elasticsearch.md', import.meta.url), 'utf8')
  const json = /```json\n(.*?)```/s.exec(page)?.[1]
  return z.looseObject({ cluster: z.array(z.string()) }).parse(JSON.parse(json ?? ''))
}

it(
  'needs no more than the documented privileges, over TLS, by password and by API key',
  needsElasticsearch(),
  async () => {
    const authority = await makeAuthority('Test CA')
    const { ca } = authority
    const own = await authority.issue('tls_server', 'elasticsearch')
    await using server = await startElasticsearch({
      settings: [
        'xpack.security.enabled: true',
        'xpack.security.http.ssl.enabled: true',
        'xpack.security.http.ssl.certificate: server.pem',
        'xpack.security.http.ssl.key: server.key',
      ],
      files: {
        'server.pem': own.certificate,
        'server.key': own.key,
        users: `admin:${passwordHash(PASSWORD)}\n`,
        users_roles: 'superuser:admin\n',
      },
      async answers(url) {
        const ask = asking({ url, ca, authorization: basic('admin') })
        const health = await ask('GET', '/_cluster/health?wait_for_status=yellow&timeout=1s').catch(
          () => undefined,
        )
        return health?.status === 200
      },
    })
    const { url } = server
    const admin = asking({ url, ca, authorization: basic('admin') })
    const role = documentedRole()
    for (const [name, cluster] of [
      ['vigil', role.cluster],
      ['reader', ['monitor']],
    ] as const) {
      assert.equal((await admin('PUT', `/_security/role/${name}`, { ...role, cluster })).status, 200)
      assert.equal(
        (await admin('PUT', `/_security/user/${name}`, { password: PASSWORD, roles: [name] })).status,
        200,
      )
    }
    const made = await admin('POST', '/_security/api_key', {
      name: 'vigil',
      role_descriptors: { vigil: role },
    })
    const { encoded } = z.object({ encoded: z.string() }).parse(made.body)

    const records = history(12)
    const password = { kind: 'password', username: 'vigil', password: PASSWORD } as const
    const first = await openElasticsearchStore({ url, ca, prefix: 'vigil-a', credentials: password })
    await first.apply(records)
    const content = await contentOf(first)
    await first.close()

    const byKey = { kind: 'api_key', apiKey: encoded } as const
    const second = await openElasticsearchStore({ url, ca, prefix: 'vigil-a', credentials: byKey })
    await second.apply(records)
    assert.deepEqual(await contentOf(second), content)
    await second.close()

    const refused = (options: object): Promise<unknown> =>
      assert.rejects(openElasticsearchStore({ url, ca, prefix: 'vigil-a', ...options }), {
        name: 'StoreError',
        code: 'io',
        message: /credentials and privileges in docs\/elasticsearch\.md/,
      })
    await refused({})
    await refused({ credentials: { ...password, password: 'wrong' } })
    await refused({ credentials: { ...password, username: 'reader' }, prefix: 'vigil-b' })
    await refused({ credentials: password, prefix: 'elsewhere' })
    await assert.rejects(openElasticsearchStore({ url, prefix: 'vigil-a', credentials: password }), {
      code: 'io',
      message: /certificate/,
    })
  },
)
