import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseCertificate } from '../../../pki/certificate.ts'
import { parseCrl } from '../../../pki/crl.ts'
import { PkiError } from '../../../pki/error.ts'
import { CERTIFICATE_LINTS, lintCertificate } from '../../../pki/lints/certificate.ts'
import { CRL_LINTS, lintCrl } from '../../../pki/lints/crl.ts'
import type { LintResult } from '../../../pki/lints/lint.ts'
import { DAY, NOW, entity } from '../support.ts'
import { issueCertificate } from '../../../lab/issue.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))

function files(pattern: string): Uint8Array[] {
  const found = globSync(pattern, { cwd: FIXTURES })
  assert.ok(found.length > 100, `${found.length} files of ${pattern}`)
  return found.map((file) => readFileSync(`${FIXTURES}${file}`))
}

/** What parses is judged, without an exception, by every lint. */
function judged<T>(
  objects: readonly Uint8Array[],
  parse: (der: Uint8Array) => T,
  lint: (object: T) => readonly LintResult[],
  lints: number,
): void {
  for (const der of objects) {
    let object: T
    try {
      object = parse(der)
    } catch (error) {
      assert.ok(error instanceof PkiError)
      continue
    }
    const results = lint(object)
    assert.equal(results.length, lints)
    for (const { outcome, message } of results) assert.equal(outcome === 'fail', message !== undefined)
  }
}

describe('lints of what others made', () => {
  it('judge every certificate of PKITS', () => {
    const ber = { ber: true }
    judged(
      files('pkits/certs/*.crt'),
      (der) => parseCertificate(der, ber),
      lintCertificate,
      CERTIFICATE_LINTS.length,
    )
  })

  it('judge every CRL of PKITS', () => {
    const ber = { ber: true, index: true } as const
    judged(files('pkits/crls/*.crl'), (der) => parseCrl(der, ber), lintCrl, CRL_LINTS.length)
  })

  it('bound their messages, whatever is in the names', async () => {
    const ca = await entity({ subject: 'CA' })
    const der = await issueCertificate({
      subject: `\u202e\u0007${'x'.repeat(1000)}`,
      key: ca.key,
      issuer: ca,
      notBefore: NOW,
      notAfter: NOW + DAY,
      profile: 'tls_server',
      dns: Array.from({ length: 1000 }, (_, i) => `a_${i}..example`),
    })
    const failed = lintCertificate(parseCertificate(der)).filter(({ outcome }) => outcome === 'fail')
    assert.ok(failed.length > 5)
    for (const { message = '' } of failed) {
      assert.ok(message.length <= 300)
      assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u)
    }
    const underscores = failed.find(({ id }) => id === 'cert_subscriber_dns_underscore')
    assert.match(underscores?.message ?? '', /and 995 more$/)
  })
})
