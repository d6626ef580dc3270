import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { checkOcspTimes, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import type { VerifiedOcsp } from '../../pki/ocsp.ts'
import type { OcspResponse } from '../../pki/ocspResponse.ts'
import { buildPath } from '../../pki/path.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { refused } from './support.ts'

const read = (file: string) => readFileSync(new URL(`../fixtures/${file}`, import.meta.url))

const certificatesOf = (file: string) => decodeCertificates(read(file)).map((der) => parseCertificate(der))

function certificateOf(file: string): Certificate {
  const [certificate] = certificatesOf(file)
  assert.ok(certificate !== undefined)
  return certificate
}

/** `ok`, or phase and code of the error. */
function outcome(check: () => unknown): string {
  try {
    check()
    return 'ok'
  } catch (error) {
    assert.ok(error instanceof PkiError, String(error))
    return `${error.phase} ${error.code}`
  }
}

// OpenSSL's own cases (test/recipes/80-test_ocsp.t): answers without a request, of public CAs, each field altered in turn.
describe('corpus openssl-ocsp', () => {
  const AT = Date.parse('2012-12-19T00:00:00Z')
  const cases = read('openssl-ocsp/index.tsv').toString().trim().split('\n').slice(1)
  const response = (file: string) =>
    parseOcspResponse(Buffer.from(read(`openssl-ocsp/${file}`).toString('latin1'), 'base64'))

  function verify(file: string, issuerFile: string): VerifiedOcsp {
    const [, issuerName = '', untrusted] = /^(\S+)(?: \(untrusted (\S+)\))?$/.exec(issuerFile) ?? []
    let issuer = certificateOf(`openssl-ocsp/${issuerName}`)
    if (untrusted !== undefined) {
      // The issuer is only known through a certificate that somebody else vouches for.
      const leaf = certificateOf(`openssl-ocsp/data/${untrusted}`)
      const intermediates = certificatesOf('openssl-ocsp/data/ND1_Issuer_ICA-Cross.pem').slice(1)
      const path = buildPath({ leaf, intermediates, trusted: [[issuer]], now: AT })
      if (!path.valid) throw path.error
      issuer = leaf
    }
    return verifyOcspResponse(response(file), { issuer, now: AT })
  }

  it('has the verdicts that OpenSSL has', () => {
    const verdicts = new Map<string, number>()
    for (const line of cases) {
      const [file = '', , issuerFile = '', expected = '', notes = ''] = line.split('\t')
      const got = outcome(() => verify(file, issuerFile))
      assert.equal(got === 'ok' ? 'verify-ok' : 'verify-fail', expected, `${file}, ${issuerFile}: ${got}`)
      const [what = ''] = notes.split(':')
      const key = `${what}: ${got}`
      verdicts.set(key, (verdicts.get(key) ?? 0) + 1)
    }
    // For the right reasons, too.
    assert.deepEqual(Object.fromEntries(verdicts), {
      'VALID OCSP RESPONSES: ok': 7,
      'INVALID SIGNATURE on the OCSP RESPONSE: signature signature_invalid': 6,
      'WRONG RESPONDERID in the OCSP RESPONSE: path responder_not_found': 6,
      'WRONG ISSUERNAMEHASH in the OCSP RESPONSE: consistency cert_id_mismatch': 6,
      'WRONG ISSUERKEYHASH in the OCSP RESPONSE: consistency cert_id_mismatch': 6,
      // Named by key, it is no longer the responder's; one is named by name, and is found.
      'WRONG KEY in the DELEGATED OCSP SIGNING CERTIFICATE: path responder_not_found': 2,
      'WRONG KEY in the DELEGATED OCSP SIGNING CERTIFICATE: signature signature_invalid': 1,
      'INVALID SIGNATURE on the DELEGATED OCSP SIGNING CERTIFICATE: signature signature_invalid': 6,
      'WRONG SUBJECT NAME in the ISSUER CERTIFICATE: consistency cert_id_mismatch': 6,
      'WRONG KEY in the ISSUER CERTIFICATE: consistency cert_id_mismatch': 6,
      // The issuer is declared, and so is not judged by who signed it.
      'INVALID SIGNATURE on the ISSUER CERTIFICATE: ok': 6,
      'UNTRUSTED ISSUER HINTS: signature signature_invalid': 1,
    })
  })

  it('finds most of the valid ones past their nextUpdate, which OpenSSL only warns about', () => {
    const late = cases
      .map((line) => line.split('\t'))
      .filter(([, , , expected]) => expected === 'verify-ok')
      .map(([file = '', , issuerFile = '']) => outcome(() => checkOcspTimes(verify(file, issuerFile), AT)))
    assert.equal(late.filter((verdict) => verdict === 'time ocsp_expired').length, 11)
    assert.equal(late.filter((verdict) => verdict === 'ok').length, 2)
  })
})

// Values as pyca/cryptography's tests and `openssl ocsp -resp_text` give them. The requests of this corpus are left out: pki/ writes requests
// and reads none.
describe('corpus pyca-vectors: OCSP answers', () => {
  const answer = (name: string) => parseOcspResponse(read(`pyca-vectors/ocsp/${name}`))
  const oids = (extensions: readonly { readonly oid: string }[]) => extensions.map(({ oid }) => oid)
  const summary = (response: OcspResponse) => {
    const [single] = response.responses
    assert.ok(single !== undefined)
    const { certId, certStatus, thisUpdate, nextUpdate } = single
    return [
      String(response.responderId),
      response.signatureAlgorithm,
      certId.serial,
      certStatus.status,
      new Date(thisUpdate).toISOString(),
      nextUpdate === undefined ? '-' : new Date(nextUpdate).toISOString(),
    ]
  }

  it('reads what it should read', () => {
    const cases: Readonly<Record<string, readonly string[]>> = {
      'resp-sha256.der': [
        "CN=Let's Encrypt Authority X3,O=Let's Encrypt,C=US",
        'RSA-SHA256',
        '31c787a7dc90295007bc5f2220b3b527af0',
        'good',
        '2018-08-30T11:00:00.000Z',
        '2018-09-06T11:00:00.000Z',
      ],
      'resp-delegate-unknown-cert.der': [
        'key 6fff3e73a6f3ec466a420dd897f9ad2fe09ae8a4',
        'RSA-SHA256',
        '6372742e73683fadcfcbaead410f72bee1fd3223',
        'unknown',
        '2018-09-01T13:02:10.000Z',
        '2018-09-02T13:02:09.000Z',
      ],
      'resp-responder-key-hash.der': [
        'key 0f80611c823161d52f28e78d4638b42ce1c6d9e2',
        'RSA-SHA256',
        'fa0a21e15c20bbe1d68ea8fe7706635',
        'revoked',
        '2018-09-01T13:45:20.000Z',
        '2018-09-08T13:00:20.000Z',
      ],
      'resp-revoked.der': [
        'key 0f80611c823161d52f28e78d4638b42ce1c6d9e2',
        'RSA-SHA256',
        '1af1efbdd5eae0952320b24fe6b5568',
        'revoked',
        '2018-08-31T17:49:19.000Z',
        '2018-09-07T17:04:19.000Z',
      ],
      'resp-revoked-no-next-update.der': [
        'CN=Cryptography CA,C=US',
        'ECDSA-SHA256',
        '3f20',
        'revoked',
        '2018-10-23T00:28:54.000Z',
        '-',
      ],
    }
    for (const [file, expected] of Object.entries(cases)) assert.deepEqual(summary(answer(file)), expected)
  })

  it('reads every status of an answer about 20 certificates', () => {
    const { responses } = answer('ocsp-army.deps.mil-resp.der')
    const revoked = responses.flatMap(({ certStatus }, i) => (certStatus.status === 'revoked' ? [i] : []))
    assert.equal(responses.length, 20)
    assert.deepEqual(revoked, [0, 1, 2, 15])
  })

  it('reads reasons, dates and extensions', () => {
    const [revoked] = answer('resp-revoked-reason.der').responses
    assert.deepEqual(revoked?.certStatus, {
      status: 'revoked',
      revokedAt: Date.parse('2018-06-27T12:30:01Z'),
      reason: 'superseded',
    })
    const [withTimestamps] = answer('resp-sct-extension.der').responses
    assert.deepEqual(oids(withTimestamps?.extensions ?? []), ['1.3.6.1.4.1.11129.2.4.5'])
    const [withReason] = answer('resp-single-extension-reason.der').responses
    assert.deepEqual(oids(withReason?.extensions ?? []), ['2.5.29.21'])
    const unknown = answer('resp-unknown-extension.der')
    assert.deepEqual(oids(unknown.extensions), ['1.3.6.1.5.5.7.48.1.2.200'])
    assert.deepEqual(unknown.unknownCritical, [])
  })

  it('verifies the one whose issuer is there, and none that was altered', () => {
    const issuer = certificateOf('pyca-vectors/certs/letsencryptx3.pem')
    const now = Date.parse('2018-08-31T00:00:00Z')
    const verified = verifyOcspResponse(answer('resp-sha256.der'), { issuer, now })
    checkOcspTimes(verified, now)
    assert.equal(verified.delegated, false)
    // MD2 proves nothing.
    const check = () => verifyOcspResponse(answer('resp-invalid-signature-oid.der'), { issuer, now })
    refused(check, 'signature', 'unsupported')
  })

  it('reads a hash algorithm that it does not know, and believes no such answer', () => {
    const response = answer('resp-unknown-hash-alg.der')
    assert.equal(response.responses[0]?.certId.hash, '1.3.14.3.2.26.17')
    const issuer = certificateOf('pyca-vectors/certs/letsencryptx3.pem')
    const check = () => verifyOcspResponse(response, { issuer, now: issuer.notBefore })
    refused(check, 'consistency', 'cert_id_mismatch')
  })

  it('refuses what is no answer', () => {
    const cases = {
      'resp-invalid-version.der': ['decode', 'bad_version'],
      'resp-response-type-unknown-oid.der': ['profile', 'ocsp_response_type'],
      // `successful` without an answer, and a status 7 that does not exist.
      'resp-successful-no-response-bytes.der': ['decode', 'truncated'],
      'resp-unknown-response-status.der': ['decode', 'bad_value'],
      'resp-unauthorized.der': ['profile', 'ocsp_unauthorized'],
    } as const
    for (const [file, [phase, code]] of Object.entries(cases)) refused(() => answer(file), phase, code)
  })

  it('has each file in one of these tests', () => {
    const text = readFileSync(new URL(import.meta.url), 'utf8')
    for (const file of readdirSync(new URL('../fixtures/pyca-vectors/ocsp', import.meta.url))) {
      assert.ok(text.includes(`'${file}'`), file)
    }
  })
})
