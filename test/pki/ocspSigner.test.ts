import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { certIdHashes, extension, generateKey } from '../../lab/issue.ts'
import { signatureAlgorithm, signed } from '../../lab/signing.ts'
import { PkiError } from '../../pki/error.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { ocspFacts, parseOcspResponse } from '../../pki/ocsp.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { answer, ca, responder, signedAnswer, verify } from './ocspSupport.ts'
import { DAY, HOUR, NOW, entity, refused } from './support.ts'
import type { Entity } from './support.ts'

describe('who may sign an OCSP answer (RFC 6960 4.2.2.2)', () => {
  it('accepts a responder that the CA delegated to, by key and by name', async () => {
    for (const responderId of ['key', 'name'] as const) {
      const verified = verify(await answer({ signer: responder, responderId }))
      assert.equal(verified.delegated, true)
      assert.equal(verified.signer.subject.text, 'CN=Responder')
    }
  })

  it('accepts a responder from the first to the last millisecond of its validity', async () => {
    const signer = await entity({
      subject: 'Brief',
      issuer: ca,
      profile: 'ocsp_signer',
      notBefore: NOW - HOUR,
      notAfter: NOW + HOUR,
    })
    const der = await answer({ signer })
    for (const now of [NOW - HOUR, NOW + HOUR]) assert.equal(verify(der, { now }).delegated, true)
    refused(() => verify(der, { now: NOW - HOUR - 1 }), 'path', 'certificate_not_yet_valid')
    refused(() => verify(der, { now: NOW + HOUR + 1 }), 'path', 'certificate_expired')
  })

  it('accepts a responder whose certificate says nothing of key usage', async () => {
    const fields = lab.elementsOf(responder.parsed.tbs)
    const [list] = lab.elementsOf(fields.at(-1) ?? new Uint8Array())
    assert.ok(list !== undefined)
    const keyUsage = Buffer.from(lab.oid('2.5.29.15'))
    const others = lab.elementsOf(list).filter((item) => !Buffer.from(item).includes(keyUsage))
    const { privateKey } = ca.key
    const tbs = lab.sequence(...fields.slice(0, -1), lab.context(3, lab.sequence(...others)))
    const certificate = await signed(tbs, signatureAlgorithm(privateKey), privateKey)
    const der = await answer({ signer: responder, certificates: [certificate] })
    assert.equal(verify(der).signer.keyUsage, undefined)
  })

  it('says what the certificate of a responder is for instead', async () => {
    const message = async (changes: Partial<Parameters<typeof entity>[0]>) => {
      const signer = await entity({ subject: 'x', issuer: ca, profile: 'ocsp_signer', ...changes })
      const der = await answer({ signer })
      return refused(() => verify(der), 'path', 'responder_not_authorized').message
    }
    assert.match(await message({ profile: 'ca' }), /OCSPSigning, got no extended key usage$/)
    assert.match(await message({ profile: 'tls_server' }), /OCSPSigning, got 1\.3\.6\.1\.5\.5\.7\.3\.1$/)
    const usage = extension('2.5.29.15', true, lab.namedBits([2]))
    assert.match(await message({ extensions: [usage] }), /digitalSignature, got keyEncipherment$/)
  })

  it('finds the responder among other certificates, even damaged ones', async () => {
    const certificates = [lab.sequence(lab.nullValue()), ca.certificate, responder.certificate]
    assert.equal(verify(await answer({ signer: responder, certificates })).delegated, true)
  })

  const refusedSigner = (
    name: string,
    make: () => Promise<{ signer?: Entity; certificates?: readonly Uint8Array[] }>,
    phase: 'path' | 'signature',
    code: PkiErrorCode,
  ) => {
    it(`refuses ${name}`, async () => {
      const der = await answer(await make())
      refused(() => verify(der), phase, code)
    })
  }
  const from = (changes: Parameters<typeof entity>[0]) => async () => ({
    signer: await entity({ issuer: ca, profile: 'ocsp_signer', ...changes }),
  })

  refusedSigner(
    'a certificate of the CA without OCSPSigning',
    from({ subject: 'x', profile: 'tls_server' }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a subordinate CA',
    from({ subject: 'Sub CA', profile: 'ca' }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder without key usage digitalSignature',
    from({ subject: 'x', extensions: [extension('2.5.29.15', true, lab.namedBits([2]))] }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder with an unknown critical extension',
    from({ subject: 'x', extensions: [extension('1.2.3', true, lab.nullValue())] }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'an expired responder',
    from({ subject: 'x', notAfter: NOW - 1000 }),
    'path',
    'certificate_expired',
  )
  refusedSigner(
    'a responder that is not valid yet',
    from({ subject: 'x', notBefore: NOW + 1000 }),
    'path',
    'certificate_not_yet_valid',
  )
  refusedSigner(
    'a responder of another CA with the same name',
    async () => ({
      signer: await entity({
        subject: 'x',
        profile: 'ocsp_signer',
        issuer: await entity({ subject: 'Test CA' }),
      }),
    }),
    'signature',
    'signature_invalid',
  )
  refusedSigner(
    'a responder of another CA',
    async () => ({
      signer: await entity({
        subject: 'x',
        profile: 'ocsp_signer',
        issuer: await entity({ subject: 'Other' }),
      }),
    }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder below a subordinate CA',
    async () => {
      const sub = await entity({ subject: 'Sub CA', issuer: ca })
      const signer = await entity({ subject: 'x', profile: 'ocsp_signer', issuer: sub })
      return { signer, certificates: [signer.certificate, sub.certificate] }
    },
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'an answer without the responder’s certificate',
    () => Promise.resolve({ signer: responder, certificates: [] }),
    'path',
    'responder_not_found',
  )
  refusedSigner(
    'a key that merely claims the CA’s name',
    async () => ({
      signer: await entity({
        subject: 'Responder',
        issuer: ca,
        profile: 'ocsp_signer',
        key: generateKey('p256'),
      }),
      certificates: [responder.certificate],
    }),
    'path',
    'responder_not_found',
  )

  it('reports the first of several that could have signed, and looks at 16', async () => {
    const expired = await entity({
      subject: 'Responder',
      issuer: ca,
      profile: 'ocsp_signer',
      notAfter: NOW - 1000,
    })
    const other = await entity({ subject: 'Responder', issuer: ca, profile: 'tls_server' })
    const of = (...certificates: readonly Uint8Array[]) =>
      answer({ signer: responder, responderId: 'name', certificates })
    const first = await of(expired.certificate, other.certificate)
    refused(() => verify(first), 'path', 'certificate_expired')
    const second = await of(other.certificate, expired.certificate)
    refused(() => verify(second), 'path', 'responder_not_authorized')
    const fifteen = Array.from({ length: 15 }, () => other.certificate)
    assert.equal(verify(await of(...fifteen, responder.certificate)).delegated, true)
    const seventeen = await of(...fifteen, other.certificate, responder.certificate)
    refused(() => verify(seventeen), 'decode', 'too_many')
  })

  it('refuses a key hash that only begins as the CA’s', async () => {
    const [, producedAt, responses] = lab.elementsOf(parseOcspResponse(await answer()).tbs)
    assert.ok(producedAt !== undefined && responses !== undefined)
    const hash = certIdHashes(ca, 'sha1').key
    const of = (octets: Uint8Array) =>
      signedAnswer(lab.sequence(lab.context(2, lab.octetString(octets)), producedAt, responses))
    verify(of(hash))
    for (const octets of [Buffer.concat([hash, Buffer.alloc(1)]), hash.subarray(0, 19), Buffer.alloc(0)]) {
      refused(() => verify(of(octets)), 'path', 'responder_not_found')
    }
  })

  it('refuses a self-signed certificate with the name and extensions of a responder', async () => {
    const fake = await entity({ subject: 'Test CA', profile: 'ocsp_signer' })
    const der = await answer({ signer: fake, responderId: 'name' })
    refused(() => verify(der), 'signature', 'signature_invalid')
  })

  it('refuses the CA itself once its certificate has expired', async () => {
    const long = await entity({ subject: 'x', issuer: ca, profile: 'ocsp_signer', notAfter: NOW + 60 * DAY })
    for (const der of [await answer(), await answer({ signer: long })]) {
      const now = ca.parsed.notAfter + 1
      const error = refused(() => verify(der, { now }), 'path', 'certificate_expired')
      assert.match(error.message, /signer CN=Test CA/)
    }
  })

  it('tells what rules need to know of the signer', async () => {
    const silent = await entity({
      subject: 'y',
      issuer: ca,
      profile: 'tls_server',
      extensions: [extension('2.5.29.37', false, lab.sequence(lab.oid('1.3.6.1.5.5.7.3.9')))],
    })
    const facts = async (signer?: Entity) => {
      const { responderDelegated, responderNoCheck, responderNotAfter } = ocspFacts(
        verify(await answer(signer === undefined ? {} : { signer })),
        { timely: true },
      )
      return { responderDelegated, responderNoCheck, responderNotAfter }
    }
    const responderNotAfter = new Date(NOW + 30 * DAY).toISOString()
    assert.deepEqual(await facts(responder), {
      responderDelegated: true,
      responderNoCheck: true,
      responderNotAfter,
    })
    assert.deepEqual(await facts(silent), {
      responderDelegated: true,
      responderNoCheck: false,
      responderNotAfter,
    })
    assert.deepEqual(await facts(), {
      responderDelegated: false,
      responderNoCheck: undefined,
      responderNotAfter,
    })
  })
})

describe('delegations that are remembered', () => {
  const short = { subject: 'Short', issuer: ca, profile: 'ocsp_signer', notAfter: NOW + HOUR } as const

  it('are those that verified, and say the same as before', async () => {
    const delegations = new Delegations()
    const forged = await entity({ ...short, issuer: await entity({ subject: 'Test CA' }) })
    const notForOcsp = await entity({ ...short, profile: 'tls_server' })
    for (const signer of [forged, notForOcsp]) {
      const der = await answer({ signer })
      for (const code of ['first', 'again']) assert.throws(() => verify(der, { delegations }), PkiError, code)
      assert.equal(delegations.find(signer.certificate, ca.parsed), undefined)
    }
    const der = await answer({ signer: responder })
    const first = verify(der, { delegations })
    assert.deepEqual(delegations.find(responder.certificate, ca.parsed), first.signer)
    assert.equal(verify(der, { delegations }).signer, first.signer)
  })

  it('are judged by their validity every time', async () => {
    const delegations = new Delegations()
    const der = await answer({ signer: await entity(short) })
    verify(der, { delegations })
    refused(() => verify(der, { delegations, now: NOW + 2 * HOUR }), 'path', 'certificate_expired')
    refused(() => verify(der, { delegations, now: NOW - 2 * DAY }), 'path', 'certificate_not_yet_valid')
    refused(() => verify(der, { delegations, now: NOW + 31 * DAY }), 'path', 'certificate_expired')
  })

  it('do not make another signature good, nor hold for another CA', async () => {
    const delegations = new Delegations()
    verify(await answer({ signer: responder }), { delegations })
    const { certificate } = responder
    const forged = await answer({ signer: { certificate, key: generateKey('p256') }, responderId: 'name' })
    refused(() => verify(forged, { delegations }), 'signature', 'signature_invalid')
    const other = await entity({ subject: 'Other CA' })
    assert.equal(delegations.find(certificate, other.parsed), undefined)
  })

  it('are few, and keep nothing of the answer that they came in', async () => {
    const delegations = new Delegations()
    const signers = await Promise.all(Array.from({ length: 9 }, () => entity(short)))
    for (const signer of signers) verify(await answer({ signer }), { delegations })
    const remembered = signers.map(({ certificate }) => delegations.find(certificate, ca.parsed))
    assert.deepEqual(
      remembered.map((certificate) => certificate !== undefined),
      [false, true, true, true, true, true, true, true, true],
    )
    // One that is asked often does not push out the others.
    const again = await answer({ signer: signers[8] ?? responder })
    for (let i = 0; i < 9; i++) verify(again, { delegations })
    assert.equal(delegations.find(signers[1]?.certificate ?? again, ca.parsed), remembered[1])
    const last = remembered.at(-1)
    assert.equal(last?.der.buffer.byteLength, last?.der.length)
  })
})
