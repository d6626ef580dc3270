import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import { parseCrl } from '../../pki/crl.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { needs } from '../support/needs.ts'
import { certificates, crls } from './differential/generate.ts'
import { byOpenssl, crlByOpenssl } from './differential/openssl.ts'
import { byNode, byPeculiar, byPkijs, crlByPeculiar, crlByPkijs } from './differential/opinions.ts'
import { crlViewOf, viewOf } from './differential/view.ts'
import type { CertificateView, CrlView } from './differential/view.ts'

/** Fixed, so that a difference between other implementations does not come and go; another one finds more. */
const SEED = Number(process.env['VIGIL_DIFFERENTIAL_SEED'] ?? 1)
const CERTIFICATES = 60
const CRLS = 25

const someCertificates = await certificates(SEED, CERTIFICATES)
const someCrls = await crls(SEED, CRLS)

/** What an opinion says is what we say; what it does not speak of does not count. */
function agree(ours: object, theirs: object, der: Uint8Array): void {
  const said = Object.fromEntries(Object.keys(theirs).map((key) => [key, Reflect.get(ours, key) as unknown]))
  const input = `seed ${SEED}, ${Buffer.from(der).toString('hex')}`
  try {
    assert.deepEqual(said, theirs)
  } catch (error) {
    assert.ok(error instanceof Error)
    error.message += `\n${input}`
    throw error
  }
}

function agreeOnCertificates(
  read: (der: Uint8Array) => Partial<CertificateView>,
  some = someCertificates,
): void {
  for (const der of some) agree(viewOf(parseCertificate(der)), read(der), der)
}

function agreeOnCrls(read: (der: Uint8Array) => Partial<CrlView>): void {
  for (const der of someCrls) {
    const theirs = read(der)
    const serials = theirs.entries?.map((entry) => entry.split(' ')[0] ?? '')
    const count = serials === undefined ? {} : { count: serials.length }
    agree(crlViewOf(parseCrl(der), serials ?? []), { ...theirs, ...count }, der)
  }
}

describe(`${CERTIFICATES} generated certificates, seed ${SEED}, say the same`, () => {
  it('to node:crypto', () => agreeOnCertificates(byNode))
  it('to pkijs', () => agreeOnCertificates(byPkijs))
  it('to @peculiar/x509', () => agreeOnCertificates(byPeculiar))
  it('to OpenSSL', needs('openssl'), () => agreeOnCertificates(byOpenssl))
})

describe(`${CRLS} generated CRLs, seed ${SEED}, say the same`, () => {
  it('to pkijs', () => agreeOnCrls(crlByPkijs))
  it('to @peculiar/x509', () => agreeOnCrls(crlByPeculiar))
  it('to OpenSSL', needs('openssl'), () => agreeOnCrls(crlByOpenssl))
})

const FIXTURES = new URL('../fixtures/', import.meta.url)

/** NIST broke their signatures by an unused bit, which pki/ refuses and the others overlook. */
const BROKEN: ReadonlySet<string> = new Set(['BadSignedCACert.crt', 'InvalidDSASignatureTest6EE.crt'])

/** Certificates that others made: NIST's, of EJBCA, of public CAs. */
function recordedCertificates(): Uint8Array[] {
  return ['pkits/certs', 'ejbca-real', 'pyca-vectors/certs'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, FIXTURES))
      .filter((file) => /\.(crt|pem)$/.test(file) && !BROKEN.has(file))
      .flatMap((file) => decodeCertificates(readFileSync(new URL(`${folder}/${file}`, FIXTURES)))),
  )
}

describe('recorded certificates say the same', () => {
  const recorded = recordedCertificates()
  /** A process for each takes its time. */
  const someRecorded = recorded.filter((_, i) => i % 10 === 0)

  it('to node:crypto', () => agreeOnCertificates(byNode, recorded))
  it('to pkijs', () => agreeOnCertificates(byPkijs, recorded))
  it('to @peculiar/x509', () => agreeOnCertificates(byPeculiar, recorded))
  it('to OpenSSL', needs('openssl'), () => agreeOnCertificates(byOpenssl, someRecorded))
})
