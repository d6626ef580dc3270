import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generateKey, issueCertificate, toPem } from '../../lab/issue.ts'
import { needs } from '../support/needs.ts'

const SCRIPT = fileURLToPath(new URL('../../filebeat/enrol.sh', import.meta.url))
const DAY = 86_400_000

/** A host that asks, and the CA that it asks. */
class Enrolment {
  readonly directory = mkdtempSync(join(tmpdir(), 'vigil-enrol-'))
  readonly #key = generateKey('p256')
  #ca: Uint8Array = new Uint8Array(0)

  static async of(t: TestContext): Promise<Enrolment> {
    const made = new Enrolment()
    t.after(() => rmSync(made.directory, { recursive: true, force: true }))
    const times = { notBefore: Date.now() - DAY, notAfter: Date.now() + 365 * DAY }
    made.#ca = await issueCertificate({ subject: 'Logging CA', key: made.#key, ...times, profile: 'ca' })
    writeFileSync(made.path('ca.pem'), toPem(made.#ca, 'CERTIFICATE'))
    return made
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  run(...args: readonly string[]): { status: number | null; text: string } {
    const { status, stdout, stderr } = spawnSync('sh', [SCRIPT, ...args], { encoding: 'utf8' })
    return { status, text: stdout + stderr }
  }

  request(): void {
    const { status, text } = this.run('request', this.directory, '/O=Example/CN=ca1')
    assert.equal(status, 0, text)
  }

  /** What the CA makes of the open request. */
  async sign(profile: 'tls_client' | 'tls_server', days: number): Promise<string> {
    const asked = spawnSync(
      'openssl',
      ['req', '-in', this.path('client.csr'), '-noout', '-pubkey', '-verify'],
      { encoding: 'utf8' },
    )
    const key = { publicKey: createPublicKey(asked.stdout), privateKey: this.#key.privateKey }
    const der = await issueCertificate({
      subject: 'ca1',
      key,
      issuer: { certificate: this.#ca, key: this.#key },
      notBefore: Date.now() - DAY,
      notAfter: Date.now() + days * DAY,
      profile,
    })
    writeFileSync(this.path('signed.pem'), toPem(der, 'CERTIFICATE'))
    return this.path('signed.pem')
  }

  install(certificate: string): { status: number | null; text: string } {
    return this.run('install', this.directory, certificate, this.path('ca.pem'))
  }
}

void describe('enrol.sh', needs('openssl'), () => {
  void it('makes a key that only its owner can read, and takes the certificate for it into use', async (t) => {
    const host = await Enrolment.of(t)
    host.request()
    assert.equal(statSync(host.path('client.key.new')).mode & 0o777, 0o600)
    const { status, text } = host.install(await host.sign('tls_client', 40))
    assert.equal(status, 0, text)
    assert.match(text, /subject=.*ca1/)
    assert.ok(!existsSync(host.path('client.key.new')) && !existsSync(host.path('client.csr')))
    assert.equal(host.run('check', host.directory).status, 0)
    assert.equal(host.run('check', host.directory, '60').status, 1, 'renewal is due')
  })

  void it('replaces a pair by another, keeps the old one, and who may read it', async (t) => {
    const host = await Enrolment.of(t)
    host.request()
    host.install(await host.sign('tls_client', 5))
    for (const name of ['client.pem', 'client.key']) chmodSync(host.path(name), 0o640)
    const old = readFileSync(host.path('client.key'), 'utf8')
    host.request()
    assert.equal(readFileSync(host.path('client.key'), 'utf8'), old, 'in use until the new one is installed')
    const { status, text } = host.install(await host.sign('tls_client', 90))
    assert.equal(status, 0, text)
    assert.notEqual(readFileSync(host.path('client.key'), 'utf8'), old)
    assert.equal(readFileSync(host.path('client.key.old'), 'utf8'), old)
    assert.equal(statSync(host.path('client.key')).mode & 0o777, 0o640)
  })

  void it('takes nothing into use that is not for the key, not for clients, or of another CA', async (t) => {
    const host = await Enrolment.of(t)
    const foreign = await Enrolment.of(t)
    host.request()
    foreign.request()
    const refused = [
      [await host.sign('tls_server', 40), /not a client certificate/],
      [await foreign.sign('tls_client', 40), /not for the key of the open request/],
    ] as const
    for (const [certificate, reason] of refused) {
      const { status, text } = host.install(certificate)
      assert.equal(status, 1)
      assert.match(text, reason)
    }
    const own = await host.sign('tls_client', 40)
    assert.match(
      host.run('install', host.directory, own, foreign.path('ca.pem')).text,
      /not a client certificate of/,
    )
    assert.ok(!existsSync(host.path('client.pem')))
  })

  void it('says how it is used when it is asked wrongly', async (t) => {
    const { status, text } = (await Enrolment.of(t)).run('renew')
    assert.equal(status, 2)
    assert.match(text, /^enrol\.sh request DIR SUBJECT/)
  })
})
