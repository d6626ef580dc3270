import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Inspection } from '../../cli/inspect/document.ts'
import { lookAt, lookAtChain } from '../../cli/inspect/look.ts'
import type { Question } from '../../cli/inspect/question.ts'
import { recorded, recordedCertificate } from '../pki/support.ts'
import { outcome, unasked } from './inspections.ts'

// Everything that a real EJBCA served, at the time when it was recorded.

const RECORDED_AT = Date.parse('2026-11-22T05:15:00Z')
const ISSUING = recordedCertificate('issuing-ca.pem')
const ROOT = recordedCertificate('ca.pem')
const ISSUING_NAME = 'C=SE,O=Example PKI,CN=Issuing CA 1'
const ISSUING_KEY = '8a39ffe7d4c9d918805d2650c8f9be13b197a34f'

function asked(question: Partial<Question> = {}): Question {
  return unasked({ issuers: [ISSUING], now: RECORDED_AT, ...question })
}

function look(kind: 'cert' | 'crl' | 'ocsp', file: string, question: Partial<Question> = {}): Inspection {
  const [inspection, ...others] = lookAt(kind, recorded(file), asked(question))
  assert.ok(inspection !== undefined && others.length === 0)
  return inspection
}

/** What `--json` prints. */
function printed(inspection: Inspection): unknown {
  return JSON.parse(JSON.stringify(inspection))
}

const KEY_ID_EXTENSION = { oid: '2.5.29.35', name: 'authorityKeyIdentifier', critical: false, size: 24 }
const NUMBER_EXTENSION = { oid: '2.5.29.20', name: 'crlNumber', critical: false, size: 3 }
const DELTA_EXTENSION = { oid: '2.5.29.27', name: 'deltaCrlIndicator', critical: true, size: 3 }

// As `openssl crl -text` and sha256sum read them.
const LISTS: Readonly<Record<string, object>> = {
  'issuing_crl.crl': {
    number: '5',
    thisUpdate: '2026-11-22T05:03:06.000Z',
    nextUpdate: '2026-11-23T05:03:05.000Z',
    entries: 1,
    reasons: { keyCompromise: 1 },
    isDelta: false,
    size: 301,
    sha256: '53144b359abf9032efa0e6687fb1a8ffff9174c76cb28af25e4bf6e483a7e3d5',
    extensions: [KEY_ID_EXTENSION, NUMBER_EXTENSION],
  },
  'issuing_deltacrl.crl': {
    number: '4',
    thisUpdate: '2026-11-22T05:02:43.000Z',
    nextUpdate: '2026-11-22T06:02:42.000Z',
    entries: 1,
    reasons: { keyCompromise: 1 },
    isDelta: true,
    baseNumber: '2',
    size: 318,
    sha256: 'a46f1d6fbc246ff2cb4056eddc12151b83c23fce36911eabe23c9e65da35e7f8',
    extensions: [KEY_ID_EXTENSION, NUMBER_EXTENSION, DELTA_EXTENSION],
  },
  'issuing_part1.crl': {
    number: '1',
    thisUpdate: '2026-11-22T05:10:32.000Z',
    nextUpdate: '2026-11-23T05:10:31.000Z',
    entries: 0,
    reasons: {},
    isDelta: false,
    size: 246,
    sha256: 'a4d6b36bce3d79bbd2920278d14dce12ea6a19df9fca9a4a5dbebe396012ced2',
    extensions: [KEY_ID_EXTENSION, NUMBER_EXTENSION],
  },
  'issuing_part1_delta.crl': {
    number: '2',
    thisUpdate: '2026-11-22T05:10:32.000Z',
    nextUpdate: '2026-11-22T06:10:31.000Z',
    entries: 0,
    reasons: {},
    isDelta: true,
    baseNumber: '1',
    size: 263,
    sha256: 'f27a659613c115d281eee8bafb19a84550a174caedc5ae317fb2d689a671308d',
    extensions: [KEY_ID_EXTENSION, NUMBER_EXTENSION, DELTA_EXTENSION],
  },
}

for (const [file, expected] of Object.entries(LISTS)) {
  test(`${file} is valid at the time of the recording, and every fact of it is right`, () => {
    assert.deepEqual(printed(look('crl', file)), {
      kind: 'crl',
      verdict: 'valid',
      facts: {
        issuer: ISSUING_NAME,
        version: 2,
        signatureAlgorithm: 'ECDSA-SHA256',
        signatureStrength: 128,
        quantumSafe: false,
        aki: ISSUING_KEY,
        ...expected,
      },
      lints: [],
    })
  })
}

test('a CRL past its nextUpdate is invalid in phase time, one before its thisUpdate too, one without issuer unverified', () => {
  const late = Date.parse('2026-11-23T05:03:06Z')
  const early = Date.parse('2026-11-22T05:00:00Z')
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { now: late - 1000 })), 'valid')
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { now: late })), 'invalid time crl_expired')
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { now: early })), 'invalid time crl_not_yet_valid')
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { issuers: [] })), 'unverified')
  assert.equal(
    outcome(look('crl', 'issuing_crl.crl', { issuers: [], now: late })),
    'unverified time crl_expired',
  )
})

test('the issuer of a CRL may stand behind other certificates, and is verified itself where its own issuer is given', () => {
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { issuers: [ROOT, ISSUING] })), 'valid')
  assert.equal(outcome(look('crl', 'issuing_crl.crl', { issuers: [ROOT] })), 'invalid path issuer_mismatch')
})

test('certificates are valid up to the root that was given, with every fact', () => {
  assert.deepEqual(printed(look('cert', 'alice.pem', { issuers: [ISSUING, ROOT] })), {
    kind: 'cert',
    verdict: 'valid',
    facts: {
      subject: 'C=SE,O=Example PKI,CN=alice',
      issuer: ISSUING_NAME,
      serial: '235d03a218ae7c7002d2e40e611eabb78a133b82',
      notBefore: '2026-11-22T04:59:45.000Z',
      notAfter: '2028-11-21T04:51:07.000Z',
      identities: [],
      keyAlgorithm: 'EC P-256',
      keyBits: 256,
      keyStrength: 128,
      signatureAlgorithm: 'ECDSA-SHA256',
      signatureStrength: 128,
      quantumSafe: false,
      isCa: false,
      selfSigned: false,
      keyUsage: ['digitalSignature', 'nonRepudiation', 'keyEncipherment'],
      extendedKeyUsage: ['clientAuth', 'emailProtection'],
      crlUrls: [],
      mustStaple: false,
      sctCount: 0,
      version: 3,
      size: 499,
      sha256: 'd6b089ef0c90699c07dedae196fbeb9f0bab99ce180551c2ea995276cb1c5bd5',
      spkiSha256: 'd4033be9a80b2f3eb33d3978e8f9136b0ce8b35ff44b13477e0939d1f0536e0a',
      subjectKeyId: '1df9c96fd4cc9233e95c3702a9eace5403eee67f',
      aki: ISSUING_KEY,
      extensions: [
        { oid: '2.5.29.19', name: 'basicConstraints', critical: true, size: 2 },
        KEY_ID_EXTENSION,
        { oid: '2.5.29.37', name: 'extendedKeyUsage', critical: false, size: 22 },
        { oid: '2.5.29.14', name: 'subjectKeyIdentifier', critical: false, size: 22 },
        { oid: '2.5.29.15', name: 'keyUsage', critical: true, size: 4 },
      ],
      path: [
        {
          subject: 'C=SE,O=Example PKI,CN=alice',
          serial: '235d03a218ae7c7002d2e40e611eabb78a133b82',
          sha256: 'd6b089ef0c90699c07dedae196fbeb9f0bab99ce180551c2ea995276cb1c5bd5',
        },
        {
          subject: ISSUING_NAME,
          serial: '3e86884ac5ec5c350f86fecd07d6db8f49312533',
          sha256: 'bf15425de6bacc43a0059bdd0d54a55c7188367005f46b794cfaa1f34eb03bb0',
        },
        {
          subject: 'C=SE,O=EJBCA Sample,CN=ManagementCA',
          serial: 'e9bf167aae36a8aa29fa70f75da79a447d314a0',
          sha256: 'c6b8cbb7f817371399681e7ffe9363ee3e878c357ef76cdaad332f47395d3933',
        },
      ],
      validPolicies: [],
    },
    lints: [],
  })
})

test('a certificate is judged as of a time, against what was given', () => {
  const judged = (file: string, question: Partial<Question>): string => outcome(look('cert', file, question))
  assert.equal(judged('alice.pem', {}), 'valid')
  assert.equal(judged('alice.pem', { issuers: [ROOT] }), 'invalid path issuer_not_found')
  assert.equal(judged('alice.pem', { issuers: [] }), 'unverified')
  assert.equal(judged('alice.pem', { now: Date.parse('2028-11-21T04:51:07Z') }), 'valid')
  assert.equal(
    judged('alice.pem', { now: Date.parse('2028-11-21T04:51:08Z') }),
    'invalid time certificate_expired',
  )
  assert.equal(
    judged('alice.pem', { now: Date.parse('2026-11-22T04:59:44Z') }),
    'invalid path certificate_not_yet_valid',
  )
  assert.equal(judged('ca.pem', { issuers: [ROOT] }), 'valid')
  assert.equal(judged('ca.pem', { issuers: [] }), 'unverified')
})

test('a chain is read with the leaf first, and says which path it took', () => {
  const question = asked({ issuers: [ROOT] })
  const files = [recorded('alice.pem'), recorded('issuing-ca.pem')]
  const chain = lookAtChain(files, question)
  assert.equal(outcome(chain), 'valid')
  assert.deepEqual(
    (chain.facts['path'] as { subject: string }[]).map(({ subject }) => subject),
    ['C=SE,O=Example PKI,CN=alice', ISSUING_NAME, 'C=SE,O=EJBCA Sample,CN=ManagementCA'],
  )
  assert.deepEqual(lookAtChain([Buffer.concat(files)], question), chain)
  const alone = lookAtChain([recorded('alice.pem')], question)
  assert.equal(outcome(alone), 'invalid path issuer_not_found')
  assert.match(JSON.stringify(alone.facts['rejected']), /issuer_not_found/)
})

test('the OCSP answers are valid, and every fact of them is right', () => {
  const signer = {
    subject: ISSUING_NAME,
    issuer: 'C=SE,O=EJBCA Sample,CN=ManagementCA',
    serial: '3e86884ac5ec5c350f86fecd07d6db8f49312533',
    notAfter: '2031-11-21T04:59:44.000Z',
    sha256: 'bf15425de6bacc43a0059bdd0d54a55c7188367005f46b794cfaa1f34eb03bb0',
  }
  const about = {
    hash: 'sha1',
    issuerNameHash: '708ac4e20094b581898cb1116b9210a7a0f3ea41',
    issuerKeyHash: ISSUING_KEY,
  }
  const common = {
    responseStatus: 'successful',
    responder: ISSUING_KEY,
    responderBy: 'key',
    signatureAlgorithm: 'ECDSA-SHA224',
    signer,
    certificates: [signer],
  }
  const answers = {
    'ocsp_alice_resp.der': {
      ...common,
      producedAt: '2026-11-22T05:05:42.000Z',
      responses: [
        {
          serial: '235d03a218ae7c7002d2e40e611eabb78a133b82',
          status: 'good',
          thisUpdate: '2026-11-22T05:05:42.000Z',
          ...about,
        },
      ],
      nonce: '6bd0ea0a05a15b47284bf5ae2d891641',
      size: 982,
      sha256: '08be897212cfa0a2a30b13b8e8a8104b856d5ce54eed019e7acaaa8d8816380c',
    },
    'ocsp_unknown_resp.der': {
      ...common,
      producedAt: '2026-11-22T05:05:43.000Z',
      responses: [
        { serial: 'deadbeef', status: 'unknown', thisUpdate: '2026-11-22T05:05:43.000Z', ...about },
      ],
      size: 930,
      sha256: 'c5767a925eb87c652d0646f27da124f1f5dea23ce7eadd291bb3a8a3d36445f0',
    },
  }
  for (const [file, facts] of Object.entries(answers))
    assert.deepEqual(printed(look('ocsp', file)), { kind: 'ocsp', verdict: 'valid', facts, lints: [] })
})

test('an answer that only says why there is none is invalid in phase profile, whoever is trusted', () => {
  for (const issuers of [[], [ISSUING]])
    assert.deepEqual(printed(look('ocsp', 'ocsp_unauthorized_resp.der', { issuers })), {
      kind: 'ocsp',
      verdict: 'invalid',
      error: {
        phase: 'profile',
        code: 'ocsp_unauthorized',
        message: 'expected OCSP status successful, got unauthorized (6)',
      },
      facts: {
        responseStatus: 'unauthorized',
        size: 5,
        sha256: 'bebe2853a3485d1c2e5c5be4249183e0ddaff9f87de71652371700a89d937128',
      },
      lints: [],
    })
})

test('an OCSP answer is judged as of a time, against what was given', () => {
  const judged = (question: Partial<Question>): string =>
    outcome(look('ocsp', 'ocsp_alice_resp.der', question))
  assert.equal(judged({ issuers: [] }), 'unverified')
  assert.equal(judged({ issuers: [ROOT, ISSUING] }), 'valid')
  assert.equal(judged({ issuers: [ROOT] }), 'invalid path responder_not_authorized')
  // It has no nextUpdate: a day is the longest that it is believed.
  assert.equal(judged({ now: Date.parse('2026-11-23T05:05:43Z') }), 'invalid time ocsp_expired')
})
