import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Collector } from '../../collectors/collector.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { AskedLog } from '../collectors/journal.ts'
import { needsElasticsearch } from '../support/elasticsearch.ts'
import { needs } from '../support/needs.ts'
import { loadedFrom } from '../support/stack.ts'
import { EjbcaHost, needsFilebeat, until } from './filebeat.ts'
import { asking, makeAuthority, startSecuredElasticsearch } from './secured.ts'
import type { Ask, SecuredElasticsearch } from './secured.ts'

const here = (path: string) => fileURLToPath(new URL(`../../filebeat/${path}`, import.meta.url))
const needed = { ...needsElasticsearch(), ...needsFilebeat(), ...needs('curl') }

const keySchema = z.object({ id: z.string(), api_key: z.string(), encoded: z.string() })
/** What docs/collectors/elasticsearch.md gives vigil. */
const READER = {
  indices: [
    { names: ['ejbca-audit-*'], privileges: ['read', 'view_index_metadata', 'monitor', 'maintenance'] },
  ],
}

void describe('an index that a real Filebeat fills, behind mutual TLS', needed, () => {
  let elastic: SecuredElasticsearch
  let ask: Ask
  let host: EjbcaHost

  async function keyOf(role: object, more: object = {}): Promise<z.infer<typeof keySchema>> {
    const { body } = await ask('POST', '/_security/api_key', {
      ...{ name: 'vigil', role_descriptors: { vigil: role } },
      ...more,
    })
    return keySchema.parse(body)
  }

  /** The log as vigil.yaml declares it, with these files beside it. */
  async function declared(
    t: TestContext,
    files: { readonly ca?: string; readonly key?: string; readonly client?: 'none' | object },
  ): Promise<AskedLog> {
    const { authority, server } = elastic
    const client = await authority.issue('tls_client', 'vigil')
    const shown = files.client === 'none' ? undefined : { ...client, ...files.client }
    const write = (name: string, text: string): void => writeFileSync(join(host.directory, name), text)
    write('es-ca.pem', files.ca ?? authority.ca)
    write('es.key', files.key ?? (await keyOf(READER)).encoded)
    write('vigil.pem', shown?.certificate ?? '')
    write('vigil.key', shown?.key ?? '')
    write(
      'vigil.yaml',
      `inventory:
  logs:
    - id: ca1-audit
      format: ejbca
      elasticsearch:
        url: ${server.url}
        index: ejbca-audit-*
        ca_file: es-ca.pem
        api_key_file: es.key
${shown === undefined ? '' : '        client: { certificate_file: vigil.pem, key_file: vigil.key }'}
`,
    )
    const loaded = loadedFrom(join(host.directory, 'vigil.yaml'))
    const [log] = loaded.config.inventory.logs
    const access = loaded.logAccess.get('ca1-audit')
    assert.ok(log !== undefined && access !== undefined)
    return new AskedLog(t, log, access)
  }

  before(async () => {
    elastic = await startSecuredElasticsearch()
    const { admin, authority, server } = elastic
    ask = asking(admin)
    const filebeat = keySchema.parse(
      (
        await ask('POST', '/_security/api_key', {
          name: 'filebeat',
          role_descriptors: {
            filebeat: {
              cluster: ['monitor'],
              indices: [{ names: ['ejbca-*'], privileges: ['create_doc', 'auto_configure'] }],
            },
          },
        })
      ).body,
    )
    const client = await authority.issue('tls_client', 'filebeat')
    const access = { url: server.url, ca: admin.ca, client }
    host = await EjbcaHost.make('ca1', access, `${filebeat.id}:${filebeat.api_key}`)
    const curl = await host.curlConfig(admin)
    const installed = spawnSync('sh', [here('install-pipeline.sh'), server.url, curl], { encoding: 'utf8' })
    assert.equal(installed.status, 0, installed.stdout + installed.stderr)
    await host.copyRecordings()
    host.start()
  })

  after(async () => {
    await host[Symbol.asyncDispose]()
    await elastic[Symbol.asyncDispose]()
  })

  const recordsOf = (events: readonly AuditEvent[]) => events.filter((e) => e.event.module !== 'vigil')

  it('gives the events that the file gives, with the same ids', async (t) => {
    const log = await declared(t, {})
    const events: AuditEvent[] = []
    const file = new Collector({
      log: { id: 'ca1-audit', format: 'ejbca', path: host.path('audit.log'), authorities: [] },
      authorities: [],
      positions: [],
      record: (records) => {
        for (const record of records) if (record.kind === 'audit') events.push(record.body)
        return Promise.resolve(records)
      },
      now: log.clock.now,
      onProblem: (problem) => assert.fail(problem),
      file: { quiet: 0 },
    })
    t.after(() => file.close())
    await file.poll()
    assert.ok(events.length > 100)
    await until('all of the log is read from the index', async () => {
      await log.poll()
      return recordsOf(log.events).length >= events.length
    })
    assert.deepEqual(log.problems, [])
    // The position is another by nature: an index has no octets.
    const byId = (list: readonly AuditEvent[]): Map<string | undefined, object> =>
      new Map(list.map((event) => [event.event.id, { ...event, position: undefined }]))
    assert.deepEqual(byId(recordsOf(log.events)), byId(events))
    assert.equal(recordsOf(log.events).length, events.length)
  })

  it('is not read from a server, or by a client, that another CA vouches for, and says which', async (t) => {
    const foreign = await makeAuthority('Foreign CA')
    const cases = [
      [
        { ca: foreign.ca },
        /expected a trusted server certificate, got .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
      ],
      [{ client: 'none' }, /expected a completed TLS handshake, got alert/],
      [
        { client: await foreign.issue('tls_client', 'vigil') },
        /expected a completed TLS handshake, got alert/,
      ],
    ] as const
    for (const [files, message] of cases) {
      const log = await declared(t, files)
      await log.poll()
      assert.deepEqual(log.codes(), ['tls_failed'], log.problems.join())
      assert.match(log.problems[0]?.message ?? '', message)
      assert.match(log.problems[0]?.message ?? '', new RegExp(`^${elastic.server.url}`))
    }
  })

  it('is not read with a key that has expired, or is for something else, and is with the next one', async (t) => {
    const expired = await keyOf(READER, { expiration: '1ms' })
    const other = await keyOf({ indices: [{ names: ['other-*'], privileges: ['read'] }] })
    const log = await declared(t, { key: expired.encoded })
    await log.poll()
    assert.deepEqual(log.codes(), ['access_denied'])
    assert.match(log.problems[0]?.message ?? '', /_settings\S*: credentials refused \(401\): .*expired/)

    const rotate = (key: string): void => writeFileSync(join(host.directory, 'es.key'), `${key}\n`)
    rotate(other.encoded)
    await log.poll()
    assert.match(
      log.collector.problems[0]?.message ?? '',
      /not allowed with these credentials \(403\): .*unauthorized/,
    )
    rotate((await keyOf(READER)).encoded)
    await log.poll()
    assert.deepEqual(log.collector.problems, [])
    assert.ok(recordsOf(log.events).length > 100)
  })

  it('shows the client certificate that is in its file when it connects', async (t) => {
    const log = await declared(t, {
      client: await (await makeAuthority('Old CA')).issue('tls_client', 'vigil'),
    })
    await log.poll()
    assert.deepEqual(log.codes(), ['tls_failed'])
    const { certificate, key } = await elastic.authority.issue('tls_client', 'vigil')
    writeFileSync(join(host.directory, 'vigil.pem'), certificate)
    writeFileSync(join(host.directory, 'vigil.key'), key)
    await log.poll()
    assert.deepEqual(log.collector.problems, [])
  })
})
