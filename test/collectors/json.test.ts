import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonFormat } from '../../collectors/formats/json.ts'
import { jsonMapping } from '../../model/logSource.ts'
import { fixture, one, parsed } from './parsing.ts'

const mapping = jsonMapping.parse({
  module: 'step-ca',
  time: 'time',
  action: 'event.name',
  outcome: { field: 'result', success: ['ok', '200'], failure: ['error'] },
  reason: 'error',
  message: 'msg',
  user: 'actor.name',
  source_ip: 'remote\\.address',
  ca_subject: 'issuer',
  serial: 'cert.serial',
  certificate: 'cert.pem',
  actions: { sign: { category: ['iam'], type: ['creation'] } },
})
const format = jsonFormat(mapping)

const line = (more: object = {}): string =>
  JSON.stringify({
    time: '2026-11-22T05:01:17.1234567+01:00',
    event: { name: 'sign' },
    result: 'ok',
    actor: { name: 'alice' },
    'remote.address': '192.0.2.1',
    issuer: 'CN=CA',
    cert: { serial: '0x00:Ab:01' },
    other: { deep: [1] },
    ...more,
  })

describe('a line of JSON', () => {
  it('is read as the configuration says; the rest is kept as details', async () => {
    const event = await one(format, line(), { authorities: [{ id: 'issuing-1', subject: 'CN=CA' }] })
    assert.deepEqual(event, {
      '@timestamp': '2026-11-22T04:01:17.123Z',
      event: {
        id: event.event.id,
        action: 'sign',
        outcome: 'success',
        category: ['iam'],
        type: ['creation'],
        module: 'step-ca',
        dataset: 'step-ca.audit',
        original: line(),
      },
      user: { name: 'alice' },
      source: { ip: '192.0.2.1' },
      pki: {
        caId: 'issuing-1',
        caSubject: 'CN=CA',
        serial: 'ab01',
        details: {
          event: '{"name":"sign"}',
          actor: '{"name":"alice"}',
          cert: '{"serial":"0x00:Ab:01"}',
          other: '{"deep":[1]}',
        },
      },
      position: event.position,
    })
  })

  it('may hold a certificate, which is decoded and kept', async () => {
    const pem = fixture('ejbca-real/alice.pem').toString()
    const event = await one(format, line({ cert: { pem } }))
    assert.equal(event.x509?.subject.distinguished_name, 'C=SE,O=Example PKI,CN=alice')
    assert.equal(event.pki?.serial, event.x509.serial_number.toLowerCase())
    assert.equal(format.artifacts?.(event).length, 1)
    for (const broken of ['AAAA', '', pem.replace('MII', 'MIIx'), 'A'.repeat(500_000)])
      assert.equal((await one(format, line({ cert: { pem: broken } }))).x509, undefined)
  })

  it('may count its time in seconds, milliseconds, microseconds or nanoseconds, or leave out the offset', async () => {
    const at = async (time: unknown): Promise<string> =>
      (await one(format, line({ time }), { timeZone: 'Europe/Stockholm' }))['@timestamp']
    const seconds = Date.UTC(2026, 10, 22, 5) / 1000
    for (const factor of [1, 1e3, 1e6, 1e9])
      assert.equal(await at(seconds * factor), '2026-11-22T05:00:00.000Z')
    assert.equal(await at(String(seconds)), '2026-11-22T05:00:00.000Z')
    assert.equal(await at('2026-11-22 05:00:00,5'), '2026-11-22T04:00:00.500Z')
    assert.equal(await at('2026-11-22T05:00:00+0530'), '2026-11-21T23:30:00.000Z')
  })

  it('that says no time or no name, or is no object, is kept as unparsed', async () => {
    const lines = [
      '',
      'null',
      '[]',
      '{',
      '"x"',
      line({ time: undefined }),
      line({ time: 'yesterday' }),
      line({ time: -1 }),
      line({ time: 1e300 }),
      line({ time: { $date: 1 } }),
      line({ event: 'sign' }),
      line({ event: { name: 'x'.repeat(201) } }),
      '['.repeat(200_000),
      '{"a":'.repeat(100_000),
    ]
    for (const text of lines)
      assert.equal((await one(format, `${text}\n`)).event.action, 'unparsed', text.slice(0, 80))
    assert.equal((await parsed(format, lines.map((text) => `${text}\n`).join(''))).length, lines.length)
  })

  it('keeps hostile names and values as they stand', async () => {
    const text = `{"time":1795323600,"event":{"name":"__proto__"},"__proto__":{"x":1},"constructor":"c","actor":{"name":"\${jndi:ldap://x}\\n<b>\\u001b[0m"}}`
    const event = await one(format, text)
    assert.equal(event.event.action, '__proto__')
    assert.deepEqual([event.event.category, event.event.outcome], [[], 'unknown'])
    assert.equal(event.user?.name, '${jndi:ldap://x}\n<b>\u001b[0m')
    const details = event.pki?.details ?? {}
    assert.deepEqual(Object.keys(details), ['event', '__proto__', 'constructor', 'actor'])
  })
})
