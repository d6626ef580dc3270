import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { issueCrl, toPem } from '../../lab/issue.ts'
import { probeCrl } from '../../probes/crl.ts'
import { findProgram, needs } from '../support/needs.ts'
import { freePorts } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { context, crlTarget, failedIn, succeeded } from './support.ts'

// CRLs in a real directory: slapd, as Debian has it.

const slapd = findProgram('slapd') ?? '/usr/sbin/slapd'

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)
const crl = await issueCrl({
  issuer: ca,
  number: 7n,
  thisUpdate: NOW - HOUR,
  nextUpdate: NOW + DAY,
  revoked: Array.from({ length: 20_000 }, (_, i) => ({ serial: (i + 1).toString(16), at: NOW - DAY })),
})

/** `;binary` is how RFC 4523 wants it asked for and given. */
const ENTRIES = `dn: dc=pki,dc=test
objectClass: dcObject
objectClass: organization
dc: pki
o: PKI

dn: cn=issuing-1,dc=pki,dc=test
objectClass: cRLDistributionPoint
cn: issuing-1
certificateRevocationList;binary:: ${Buffer.from(crl).toString('base64')}

dn: cn=empty,dc=pki,dc=test
objectClass: cRLDistributionPoint
cn: empty
`

async function startSlapd(t: TestContext): Promise<{ ldap: string; ldaps: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-slapd-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
    return join(directory, name)
  }
  const web = await entity({ profile: 'tls_server', issuer: ca, subject: 'ldap', ip: ['127.0.0.1'] })
  mkdirSync(join(directory, 'data'))
  const configuration = file(
    'slapd.conf',
    `include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile ${file('tls.pem', toPem(web.certificate, 'CERTIFICATE'))}
TLSCertificateKeyFile ${file('tls.key', web.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}
database mdb
suffix dc=pki,dc=test
directory ${join(directory, 'data')}
`,
  )
  const entries = file('entries.ldif', ENTRIES)
  const added = spawnSync(slapd, ['-T', 'add', '-f', configuration, '-l', entries], { encoding: 'utf8' })
  assert.equal(added.status, 0, added.stderr)
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const [ldap, ldaps] = [`ldap://127.0.0.1:${port}`, `ldaps://127.0.0.1:${tlsPort}`]
  const listens = [port, tlsPort].map((one) => ({ host: '127.0.0.1', port: one }))
  await startProgram(t, slapd, ['-f', configuration, '-h', `${ldap} ${ldaps}`, '-d', '0'], listens)
  return { ldap, ldaps }
}

test('a CRL in a directory', needs('slapd'), async (t) => {
  const { ldap, ldaps } = await startSlapd(t)
  const look = (url: string) => probeCrl(crlTarget(url, issuer), context())

  await t.test('is fetched and verified, over ldap and ldaps', async () => {
    for (const [scheme, server] of [
      ['ldap', ldap],
      ['ldaps', ldaps],
    ] as const) {
      const result = await look(`${server}/cn=issuing-1,dc=pki,dc=test?certificateRevocationList;binary?base`)
      const { facts } = succeeded(result)
      assert.equal(facts.crl?.entries, 20_000)
      assert.deepEqual(facts.http, { scheme })
      assert.deepEqual(facts.addresses?.all, ['127.0.0.1'])
      assert.ok(Buffer.from(crl).equals(result.artifacts[0]?.bytes ?? Buffer.alloc(0)))
    }
  })

  await t.test('is found by a URL with the least in it, and with a filter', async () => {
    succeeded(await look(`${ldap}/cn=issuing-1,dc=pki,dc=test`))
    succeeded(await look(`${ldap}/dc=pki,dc=test?certificateRevocationList;binary?sub?(cn=issuing-1)`))
  })

  await t.test('that has none is a failure with a name', async () => {
    failedIn(await look(`${ldap}/cn=empty,dc=pki,dc=test`), 'http', 'ldap_no_value')
    const missing = failedIn(await look(`${ldap}/cn=nobody,dc=pki,dc=test`), 'http', 'ldap_refused')
    assert.match(missing.error?.message ?? '', /result 32 \(NoSuchObjectError\)/)
    failedIn(await look(`${ldap}/not%20a%20name`), 'http', 'ldap_refused')
  })

  await t.test('that is larger than it may be is not read', async () => {
    const url = `${ldap}/cn=issuing-1,dc=pki,dc=test`
    const result = await probeCrl(crlTarget(url, issuer), context({ maxSize: 64 * 1024 }))
    failedIn(result, 'size', 'body_too_large')
  })
})
