import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as pkijs from 'pkijs'
import * as ocspPackage from 'ocsp'
import { parseOcspRequest } from '../../lab/ocspRequest.ts'
import { buildOcspRequest, ocspGetUrl, ocspPost } from '../../pki/ocspRequest.ts'
import { NONCE, SERIAL, ca, hexOf, responder } from './ocspSupport.ts'
import { recorded, recordedCertificate } from './support.ts'

describe('OCSP requests', () => {
  it('builds the octets that OpenSSL built for EJBCA', () => {
    const issuer = recordedCertificate('issuing-ca.pem')
    const { serial } = recordedCertificate('alice.pem')
    const nonce = Buffer.from('6bd0ea0a05a15b47284bf5ae2d891641', 'hex')
    const withNonce = buildOcspRequest({ serial, issuer, nonce, hash: 'sha1' })
    assert.deepEqual(Buffer.from(withNonce.der), Buffer.from(recorded('ocsp_alice_req.der')))
    const without = buildOcspRequest({ serial: 'deadbeef', issuer, nonce: undefined, hash: 'sha1' })
    assert.deepEqual(Buffer.from(without.der), Buffer.from(recorded('ocsp_unknown_req.der')))
  })

  it('has the fields that the package ocsp writes', () => {
    const [cert, issuer] = [responder, ca].map(({ certificate }) => Buffer.from(certificate))
    const theirs = fieldsOf(ocspPackage.request.generate(cert!, issuer!).data)
    const built = buildOcspRequest({
      serial: responder.parsed.serial,
      issuer: ca.parsed,
      nonce: NONCE,
      hash: 'sha1',
    })
    assert.deepEqual(fieldsOf(built.der), theirs)
  })

  it('can name the issuer by SHA-256', () => {
    const built = buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: undefined, hash: 'sha256' })
    const fields = fieldsOf(built.der)
    assert.equal(fields.hash, '2.16.840.1.101.3.4.2.1')
    assert.equal(fields.nameHash, built.certId.issuerNameHash)
    assert.equal(fields.keyHash, built.certId.issuerKeyHash)
    assert.equal(fields.serial, SERIAL)
    assert.equal(fields.extensions, '')
  })

  it('refuses a serial or nonce that cannot be asked', () => {
    const build = (serial: string, nonce: Uint8Array | undefined) => () =>
      buildOcspRequest({ serial, issuer: ca.parsed, nonce, hash: 'sha1' })
    assert.throws(build('0a', undefined), RangeError)
    assert.throws(build('xyz', undefined), RangeError)
    assert.throws(build('a', new Uint8Array(0)), RangeError)
    assert.throws(build('a', new Uint8Array(129)), RangeError)
  })

  it('says the same to another implementation, with any serial number and nonce', () => {
    const nonce = fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined })
    const serial = fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }).map((number) => number.toString(16))
    fc.assert(
      fc.property(serial, nonce, fc.constantFrom('sha1', 'sha256'), (asked, octets, hash) => {
        const built = buildOcspRequest({ serial: asked, issuer: ca.parsed, nonce: octets, hash })
        // The lab reads requests with pkijs.
        const read = parseOcspRequest(built.der)
        const [question] = read.questions
        assert.equal(question?.serial, asked)
        assert.deepEqual(Buffer.from(question.certId), Buffer.from(built.certId.der))
        assert.equal(hexOf(question.issuerKeyHash), built.certId.issuerKeyHash)
        assert.equal(hexOf(question.issuerNameHash), built.certId.issuerNameHash)
        assert.deepEqual(read.nonce && Buffer.from(read.nonce), octets && Buffer.from(octets))
      }),
      { numRuns: 500 },
    )
  })
})

describe('OCSP over HTTP (RFC 6960 A.1)', () => {
  const build = (serial: string) =>
    buildOcspRequest({ serial, issuer: ca.parsed, nonce: undefined, hash: 'sha1' })

  it('encodes the whole base64 alphabet for a path', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 200; i++) {
      const request = build((0x1000n + BigInt(i) * 0xfedcba98765n).toString(16))
      const { url } = ocspGetUrl('http://ocsp.test/a/', request)
      const path = url.slice('http://ocsp.test/a/'.length)
      assert.match(path, /^([A-Za-z0-9]|%2B|%2F|%3D)+$/)
      for (const [escape] of path.matchAll(/%../g)) seen.add(escape)
      assert.deepEqual(Buffer.from(decodeURIComponent(path), 'base64'), Buffer.from(request.der))
    }
    assert.deepEqual([...seen].sort(), ['%2B', '%2F', '%3D'])
  })

  it('says whether a GET is short enough, to the octet, and refuses none', () => {
    const request = build(SERIAL)
    const room = 255 - ocspGetUrl('', request).url.length
    const at = (length: number) => ocspGetUrl(`http://${'a'.repeat(length - 7)}`, request)
    assert.deepEqual([at(room).url.length, at(room).fits], [255, true])
    assert.deepEqual([at(room + 1).url.length, at(room + 1).fits], [256, false])
  })

  it('posts the request as it is', () => {
    const request = build(SERIAL)
    const { url, contentType, body } = ocspPost('http://ocsp.test/', request)
    assert.deepEqual([url, contentType], ['http://ocsp.test/', 'application/ocsp-request'])
    assert.equal(body, request.der)
  })
})

/** A request as pkijs reads it, without the nonce's octets and the hash parameters. */
function fieldsOf(der: Uint8Array) {
  const { tbsRequest } = pkijs.OCSPRequest.fromBER(Uint8Array.from(der))
  assert.equal(tbsRequest.requestList.length, 1)
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = tbsRequest.requestList[0]!.reqCert
  return {
    hash: hashAlgorithm.algorithmId,
    nameHash: hexOf(issuerNameHash.valueBlock.valueHexView),
    keyHash: hexOf(issuerKeyHash.valueBlock.valueHexView),
    serial: hexOf(serialNumber.valueBlock.valueHexView).replace(/^0+/, ''),
    extensions: (tbsRequest.requestExtensions ?? [])
      .map(
        ({ extnID, critical, extnValue }) =>
          `${extnID} ${critical} ${extnValue.valueBlock.valueHexView.length}`,
      )
      .join(),
  }
}
