import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../cli/inspect/document.ts'
import { lookAt, lookAtChain } from '../../cli/inspect/look.ts'
import type { Question } from '../../cli/inspect/question.ts'
import { contentsOf, context, contextPrimitive, sequence } from '../../lab/der.ts'
import { answerOcsp, extension, issueCrl, type CrlRequest } from '../../lab/issue.ts'
import { parseCrl, type Crl } from '../../pki/crl.ts'
import { DAY, HOUR, NOW, entity, flip, type Entity } from '../pki/support.ts'
import { outcome, unasked } from './inspections.ts'

/** Outcomes when these are the issuers. */
function judged(kind: 'cert' | 'crl' | 'ocsp', bytes: Uint8Array, ...issuers: readonly Entity[]): string[] {
  return lookAt(kind, bytes, unasked({ issuers: issuers.map(({ parsed }) => parsed) })).map(outcome)
}

function listOf(issuer: Entity, request: Partial<CrlRequest> = {}): Promise<Uint8Array> {
  const usual = { number: 1n, thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR, revoked: [] }
  return issueCrl({ issuer, ...usual, ...request })
}

test('bits that change anywhere never make a CRL or a certificate valid, and never end the program', async () => {
  const ca = await entity({ subject: 'CA' })
  const list = await listOf(ca, { revoked: [{ serial: '0a', at: NOW - DAY }] })
  const leaf = await entity({ subject: 'leaf', issuer: ca, profile: 'tls_client' })
  assert.deepEqual(judged('crl', list, ca), ['valid'])
  assert.deepEqual(judged('cert', leaf.certificate, ca), ['valid'])
  for (const [kind, bytes] of [
    ['crl', list],
    ['cert', leaf.certificate],
  ] as const)
    for (let bit = 0; bit < bytes.length * 8; bit += 3)
      for (const found of judged(kind, flip(bytes, bit), ca))
        assert.notEqual(found, 'valid', `${kind}, bit ${bit}`)
})

test('the right name with the wrong key is a matter of the signature, another name of the path', async () => {
  const ca = await entity({ subject: 'CA' })
  const impostor = await entity({ subject: 'CA' })
  const other = await entity({ subject: 'Other CA' })
  const list = await listOf(ca)
  assert.deepEqual(judged('crl', list, ca), ['valid'])
  assert.deepEqual(judged('crl', list, impostor), ['invalid signature signature_invalid'])
  assert.deepEqual(judged('crl', list, other), ['invalid path issuer_mismatch'])
  assert.deepEqual(judged('crl', list, other, impostor, ca), ['valid'])
  assert.deepEqual(judged('crl', list, other, impostor), ['invalid signature signature_invalid'])

  const answer = await answerOcsp({
    issuer: ca,
    answers: [{ serial: '0a', status: 'good', thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }],
    producedAt: NOW - HOUR,
    responderId: 'name',
  })
  assert.deepEqual(judged('ocsp', answer, other, ca), ['valid'])
  assert.deepEqual(judged('ocsp', answer, impostor), ['invalid signature signature_invalid'])
  assert.deepEqual(judged('ocsp', answer, other), ['invalid path responder_not_found'])
  // It is the CA that it is about which has to answer for it, not the one with which it would come furthest.
  const broken = flip(answer, answer.length * 8 - 1)
  assert.deepEqual(judged('ocsp', broken, other, ca), ['invalid signature signature_invalid'])
})

test('the first phase that failed is reported: a late CRL by the wrong key is one by the wrong key', async () => {
  const ca = await entity({ subject: 'CA' })
  const impostor = await entity({ subject: 'CA' })
  const late = await listOf(ca, { nextUpdate: NOW - 1000 })
  assert.deepEqual(judged('crl', late, ca), ['invalid time crl_expired'])
  assert.deepEqual(judged('crl', late, impostor), ['invalid signature signature_invalid'])
})

test('an answer about a certificate of somebody else is a matter of consistency', async () => {
  const ca = await entity({ subject: 'CA' })
  const other = await entity({ subject: 'Other CA' })
  const foreign = await answerOcsp({
    issuer: other,
    signer: ca,
    certificates: [],
    answers: [{ serial: '0a', status: 'good', thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }],
    producedAt: NOW - HOUR,
  })
  assert.deepEqual(judged('ocsp', foreign, ca), ['invalid consistency cert_id_mismatch'])
})

test('the CA of a CRL has a path of its own to the root that was given with it', async () => {
  const root = await entity({ subject: 'Root', notAfter: NOW - HOUR })
  const ca = await entity({ subject: 'CA', issuer: root })
  const list = await listOf(ca)
  assert.deepEqual(judged('crl', list, ca), ['valid'])
  assert.deepEqual(judged('crl', list, ca, root), ['invalid path certificate_expired'])
})

test('a CRL is not valid under a CA that is past its time, as an OCSP answer and a certificate are not', async () => {
  const ca = await entity({ subject: 'CA', notAfter: NOW - DAY })
  const leaf = await entity({ subject: 'leaf', issuer: ca, profile: 'tls_client' })
  const good = { status: 'good', serial: '1', thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR } as const
  const answer = await answerOcsp({ issuer: ca, answers: [good], producedAt: NOW - HOUR })
  for (const [kind, bytes] of [
    ['crl', await listOf(ca)],
    ['ocsp', answer],
    ['cert', leaf.certificate],
  ] as const)
    assert.deepEqual(judged(kind, bytes, ca), ['invalid path certificate_expired'], kind)
})

test('an algorithm that vigil does not know is no failure of the CA', async () => {
  const ca = await entity({ subject: 'CA' })
  // ecdsa-with-SHA256, inside and outside, becomes an arc that nobody has assigned.
  const hex = Buffer.from(await listOf(ca)).toString('hex')
  const unknown = Buffer.from(hex.replaceAll('2a8648ce3d040302', '2a8648ce3d04037e'), 'hex')
  const [inspection] = lookAt('crl', unknown, unasked({ issuers: [ca.parsed] }))
  assert.ok(inspection !== undefined)
  assert.equal(outcome(inspection), 'unverified signature unsupported')
  assert.equal(inspection.facts['signatureAlgorithm'], '1.2.840.10045.4.3.126')
  assert.equal(exitCodeOf(inspection), 4)
})

test('a chain takes the path that holds, and says why another does not', async () => {
  const root = await entity({ subject: 'Root' })
  const expired = await entity({ subject: 'CA', issuer: root, notAfter: NOW - HOUR })
  const impostor = await entity({ subject: 'CA', issuer: root })
  const renewed = await entity({ subject: 'CA', issuer: root, key: expired.key })
  const leaf = await entity({ subject: 'leaf', issuer: expired, profile: 'tls_client' })
  const chain = (...sent: readonly Entity[]) =>
    lookAtChain(
      [leaf, ...sent].map(({ certificate }) => certificate),
      unasked({ issuers: [root.parsed] }),
    )
  assert.equal(outcome(chain(expired)), 'invalid path certificate_expired')
  assert.equal(outcome(chain(impostor)), 'invalid signature signature_invalid')
  const found = chain(expired, impostor, renewed)
  assert.equal(outcome(found), 'valid')
  assert.match(JSON.stringify(found.facts['path']), new RegExp(renewed.parsed.sha256))
})

test('the time of the certificate itself does not hide what else is wrong with it', async () => {
  const ca = await entity({ subject: 'CA' })
  const impostor = await entity({ subject: 'CA' })
  const leaf = await entity({ subject: 'leaf', issuer: ca, profile: 'tls_client', notAfter: NOW - HOUR })
  assert.deepEqual(judged('cert', leaf.certificate, ca), ['invalid time certificate_expired'])
  assert.deepEqual(judged('cert', leaf.certificate, impostor), ['invalid signature signature_invalid'])
})

test('a self-signed certificate vouches for nothing, but its own signature must hold', async () => {
  const root = await entity({ subject: 'Root' })
  const broken = flip(root.certificate, root.certificate.length * 8 - 1)
  assert.deepEqual(judged('cert', root.certificate), ['unverified'])
  assert.deepEqual(judged('cert', root.certificate, root), ['valid'])
  assert.deepEqual(judged('cert', broken), ['unverified signature signature_invalid'])
})

test('with CRLs given, a certificate on one is invalid, one without a CRL undecided', async () => {
  const root = await entity({ subject: 'Root' })
  const ca = await entity({ subject: 'CA', issuer: root })
  const leaf = await entity({ subject: 'leaf', issuer: ca, profile: 'tls_client' })
  const ofRoot = parseCrl(await listOf(root))
  const clean = parseCrl(await listOf(ca))
  const revoking = parseCrl(
    await listOf(ca, { revoked: [{ serial: leaf.parsed.serial, at: NOW - DAY, reason: 1 }] }),
  )
  const look = (...crls: readonly Crl[]) =>
    lookAtChain([leaf.certificate, ca.certificate], unasked({ issuers: [root.parsed], crls }))
  assert.equal(outcome(look(ofRoot, clean)), 'valid')
  assert.equal(outcome(look(clean)), 'unverified path crl_not_found')
  assert.equal(outcome(look(revoking)), 'invalid path certificate_revoked')
  const [entry, above] = look(ofRoot, revoking).facts['revocation'] as object[]
  assert.deepEqual(JSON.parse(JSON.stringify(entry)), {
    subject: leaf.parsed.subject.text,
    serial: leaf.parsed.serial,
    status: 'revoked',
    revokedAt: new Date(NOW - DAY).toISOString(),
    reason: 'keyCompromise',
  })
  assert.equal(above !== undefined && 'status' in above && above.status, 'good')
})

test('lints are reported when they are asked for, with their source, and end with exit code 1', async () => {
  const ca = await entity({ subject: 'CA' })
  // RFC 5280 4.1.2.2: at most 20 octets.
  const leaf = await entity({ subject: 'leaf', issuer: ca, profile: 'tls_client', serial: '7f'.repeat(21) })
  const look = (lint: boolean) => lookAt('cert', leaf.certificate, unasked({ issuers: [ca.parsed], lint }))
  const [silent] = look(false)
  assert.deepEqual(silent?.lints, [])
  const [linted] = look(true)
  assert.ok(linted !== undefined)
  assert.equal(linted.verdict, 'valid')
  const found = linted.lints.find(({ source }) => source === 'RFC 5280 4.1.2.2')
  assert.match(found?.id ?? '', /^cert_serial/)
  assert.match(found?.message ?? '', /20 octets/)
  assert.equal(exitCodeOf(linted), 1)
})

test('BER is read when it is asked for, and told by a lint', async () => {
  const ca = await entity({ subject: 'CA' })
  const list = await listOf(ca)
  // The outermost SEQUENCE with an indefinite length; the signed part stays as it is.
  const contents = contentsOf(list)
  const ber = Buffer.concat([Uint8Array.of(0x30, 0x80), contents, Uint8Array.of(0, 0)])
  const look = (question: Partial<Question>) =>
    lookAt('crl', ber, unasked({ issuers: [ca.parsed], ...question }))[0] ?? assert.fail()
  assert.equal(outcome(look({})), 'malformed decode indefinite_length')
  assert.equal(outcome(look({ ber: true })), 'valid')
  const lint = look({ ber: true, lint: true }).lints.find(({ id }) => id === 'crl_encoding_der')
  assert.match(lint?.message ?? '', /indefinite_length/)
})

test('name constraints on IP addresses are told with their masks', async () => {
  const subtree = (hex: string): Uint8Array => sequence(contextPrimitive(7, Buffer.from(hex, 'hex')))
  const constraints = sequence(context(0, subtree('0a000000ff000000')), context(1, subtree('00'.repeat(32))))
  const ca = await entity({ subject: 'CA', extensions: [extension('2.5.29.30', true, constraints)] })
  const [found] = lookAt('cert', ca.certificate, unasked())
  assert.deepEqual(found?.facts['nameConstraints'], { permitted: ['ip:10.0.0.0/8'], excluded: ['ip:::/0'] })
})
