import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as pkijs from 'pkijs'
import { parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import { NONCE, SERIAL, answer, basicOf, hexOf, responder } from './ocspSupport.ts'
import { NOW, entity, recorded } from './support.ts'

// Second opinions: pkijs, the package ocsp (RSA only), and openssl.

describe('pkijs', () => {
  it('agrees with pkijs about every field', async () => {
    for (const der of [
      await answer({ signer: responder }),
      recorded('ocsp_alice_resp.der'),
      await answer(),
    ]) {
      const ours = parseOcspResponse(der)
      const basic = basicOf(der)
      const { tbsResponseData: data } = basic
      assert.deepEqual(Buffer.from(ours.tbs), Buffer.from(data.tbsView))
      assert.equal(ours.producedAt, data.producedAt.getTime())
      assert.equal(ours.certificates.length, basic.certs?.length ?? 0)
      assert.equal(ours.responses.length, data.responses.length)
      for (const [i, single] of data.responses.entries()) {
        const mine = ours.responses[i]
        assert.equal(mine?.thisUpdate, single.thisUpdate.getTime())
        assert.equal(mine.nextUpdate, single.nextUpdate?.getTime())
        assert.equal(mine.certId.issuerKeyHash, hexOf(single.certID.issuerKeyHash.valueBlock.valueHexView))
        assert.equal(
          mine.certId.serial,
          hexOf(single.certID.serialNumber.valueBlock.valueHexView).replace(/^0+/, ''),
        )
      }
    }
  })

  it('agrees with pkijs about who may', async () => {
    // pkijs judges certificates at the wall clock's time.
    const always = { notBefore: Date.UTC(2020), notAfter: Date.UTC(2049) }
    const root = await entity({ subject: 'Root', ...always })
    const other = await entity({ subject: 'Other', ...always })
    const signers = [
      undefined,
      await entity({ subject: 'a', issuer: root, profile: 'ocsp_signer', ...always }),
      await entity({ subject: 'b', issuer: root, profile: 'tls_server', ...always }),
      await entity({ subject: 'c', issuer: root, profile: 'ca', ...always }),
      await entity({ subject: 'd', issuer: other, profile: 'ocsp_signer', ...always }),
    ]
    const asked = buildOcspRequest({ serial: SERIAL, issuer: root.parsed, nonce: NONCE, hash: 'sha1' })
    const verdicts: boolean[] = []
    for (const signer of signers) {
      // Unlike us, pkijs looks for the signer only among the certificates that came along.
      const by = signer === undefined ? { certificates: [root.certificate] } : { signer }
      const der = await answer({ issuer: root, ...by })
      const response = parseOcspResponse(der)
      const ours = verdictOf(() =>
        verifyOcspResponse(response, { request: asked, issuer: root.parsed, now: NOW }),
      )
      const trustedCerts = [pkijs.Certificate.fromBER(Uint8Array.from(root.certificate))]
      const theirs = await basicOf(der)
        .verify({ trustedCerts })
        .catch(() => false)
      assert.equal(ours, theirs, signer?.parsed.subject.text ?? 'CA')
      verdicts.push(ours)
    }
    assert.deepEqual(verdicts, [true, true, false, false, false])
  })
})

function verdictOf(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
