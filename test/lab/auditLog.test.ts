import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { javaHashCode } from '../../lab/auditLog.ts'
import { logLogin } from '../../lab/ejbcaEvents.ts'
import { handshake, hexSerial, testLab } from './support.ts'

const PREFIX =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),\d{3} INFO {2}\[org\.cesecore\.audit\.impl\.log4j\.Log4jDevice\] \((.+?)\) /

// Not in the recorded file, but recorded in the same run of EJBCA.
const MORE_RECORDED = [
  '2026-11-22 05:05:38+00:00;ADMINWEB_ADMINISTRATORLOGGEDIN;SUCCESS;ADMINWEB;EJBCA;CN=SuperAdmin;1652389506;6BB4C8EC698A12CAB088F8DF6B5D4143925D3DFD;;remoteip=127.0.0.1',
  '2026-11-22 05:05:40+00:00;ADMINWEB_ADMINISTRATORLOGGEDIN;FAILURE;ADMINWEB;EJBCA;CN=mallory,O=EJBCA Sample,C=SE;1652389506;21E85FA601527ACC0CF68912C5D27F8BDF04B3C9;;remoteip=127.0.0.1;reason=Client certificate has no access',
].map((message) =>
  message.replace(
    /^(\S+ \S+)\+00:00/,
    '$1,001 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-1) $&',
  ),
)

/** A record with everything that differs from run to run replaced by what kind of thing it is. */
function shapeOf(line: string): string {
  const prefix = PREFIX.exec(line)
  assert.ok(prefix, `expected WildFly's prefix: ${line}`)
  const [time = '', event, status, module, service, , customId, detail1, detail2, ...details] = line
    .slice(prefix[0].length)
    .split(';')
  assert.equal(time, `${prefix[1] ?? ''} ${prefix[2] ?? ''}+00:00`)
  const fixed = [event, status, module, service, kind(customId), kind(detail1), kind(detail2)]
  return [...fixed, ...details.map(shapeOfDetail)].join(';')
}

function shapeOfDetail(detail: string): string {
  const [key = '', ...rest] = detail.split('=')
  const value = rest.join('=')
  if (key !== 'msg') return `${key}=${key === 'status' || key === 'type' ? value : valueKind(value)}`
  return `msg=${value
    .replace(/^Init, EJBCA .*$/, '<version>')
    .replace(/'[^']*'/g, '<name>')
    .replace(/\b[0-9a-f]{40}\b/g, '<sha1>')
    .replace(/\b[0-9A-F]{30,40}\b/g, '<serial>')
    .replace(/(end entity|user) [^\s,]+?([.,])/g, '$1 <username>$2')
    .replace(/\d+/g, '<number>')}`
}

function kind(field: string | undefined): string {
  if (field === undefined || field === '') return ''
  if (/^-?\d+$/.test(field)) return '<id>'
  return /^[0-9A-F]{30,40}$/.test(field) ? '<serial>' : '<name>'
}

function valueKind(value: string): string {
  if (value.startsWith('B64:')) return '<base64 text>'
  if (/^MII|^MFk/.test(value)) return '<base64 DER>'
  if (/^(CN|C)=/.test(value)) return '<dn>'
  if (/^-?\d+$/.test(value)) return '<number>'
  if (value.startsWith('dnsName=')) return ''
  return value.startsWith('/') ? value.replace(/-?\d+/g, '<number>') : value
}

function recordsIn(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => PREFIX.test(line))
}

const recordedShapes = new Set(
  [...recordsIn(new URL('../fixtures/ejbca-real/audit.log', import.meta.url).pathname), ...MORE_RECORDED].map(
    shapeOf,
  ),
)

test('every line has the shape of a line that EJBCA wrote', async (t) => {
  const { lab } = await testLab(t)
  await lab.break('revoked-served', 'shop')
  await lab.repair('revoked-served', 'shop')
  await lab.break('cert-near-expiry', 'internal-api')
  await lab.refreshCrls()
  const lines = recordsIn(lab.inventory.log.path)
  assert.equal(lines.length, readFileSync(lab.inventory.log.path, 'utf8').split('\n').length - 1)
  for (const line of lines) {
    const shape = shapeOf(line)
    assert.ok(recordedShapes.has(shape), `EJBCA wrote nothing like\n${line}\n${shape}`)
  }
  const events = new Set(lines.map((line) => line.split(';')[1]))
  for (const expected of [
    'EJBCA_STARTING',
    'ADMINWEB_ADMINISTRATORLOGGEDIN',
    'ACCESS_CONTROL',
    'RA_ADDENDENTITY',
    'CA_USERAUTH',
    'CERT_REQUEST',
    'CERT_STORED',
    'CERT_CREATION',
    'RA_EDITENDENTITY',
    'CERT_REVOKED',
    'CRL_STORED',
    'CRL_CREATION',
  ]) {
    assert.ok(events.has(expected), expected)
  }
})

test('a refused login has its shape too', () => {
  const written: string[] = []
  logLogin(
    { write: ({ event, status, details }) => written.push(`${event};${status};${String(details.flat())}`) },
    'CN=mallory',
    'Client certificate has no access',
  )
  assert.deepEqual(written, [
    'ADMINWEB_ADMINISTRATORLOGGEDIN;FAILURE;remoteip,127.0.0.1,reason,Client certificate has no access',
  ])
})

test('the CA id is the hash code that Java gives the DN', () => {
  assert.equal(javaHashCode('CN=Issuing CA 1,O=Example PKI,C=SE'), -73217329)
  assert.equal(javaHashCode('CN=ManagementCA,O=EJBCA Sample,C=SE'), 1652389506)
})

test('the certificate that a service shows is in the log, whole, under its serial', async (t) => {
  const { lab } = await testLab(t)
  const { certificate } = await handshake(lab, 'payments')
  const line = recordsIn(lab.inventory.log.path).find(
    (record) =>
      record.includes(`;${hexSerial(certificate).toUpperCase()};`) && record.includes(';CERT_CREATION;'),
  )
  assert.ok(line !== undefined)
  const [, , , , , who, ca, , username] = line.split(';')
  assert.equal(who, 'CN=Alice Berg,O=Vigil Lab,C=SE')
  assert.equal(username, 'payments')
  assert.equal(ca, String(javaHashCode('CN=Issuing CA 2,O=Vigil Lab,C=SE')))
  const logged = new X509Certificate(Buffer.from(/;cert=([A-Za-z0-9+/=]+)$/.exec(line)?.[1] ?? '', 'base64'))
  assert.equal(logged.fingerprint256, certificate.fingerprint256)
})

test('each remediation says who did it', async (t) => {
  const { lab } = await testLab(t)
  await lab.remedy('reissue_crl', 'issuing-2')
  const last = recordsIn(lab.inventory.log.path).at(-1)
  assert.match(last ?? '', /;CRL_CREATION;SUCCESS;CRL;CORE;CN=SuperAdmin;/)
})

test('rotation renames the file and goes on in a new one', async (t) => {
  const { lab, clock } = await testLab(t)
  const { path } = lab.inventory.log
  const before = readFileSync(path, 'utf8')
  const day = new Date(clock.now).toISOString().slice(0, 10)
  assert.equal(lab.rotateLog(), `${path}.${day}`)
  assert.equal(readFileSync(`${path}.${day}`, 'utf8'), before)
  assert.equal(readFileSync(path, 'utf8'), '')
  await lab.remedy('reissue_crl', 'issuing-1')
  assert.equal(recordsIn(path).length, 5)
  assert.equal(lab.rotateLog(), `${path}.${day}.1`)
})
