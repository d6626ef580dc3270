import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { generateKey, issueCrl, type CertificateRequest } from '../../../lab/issue.ts'
import type { Facts } from '../../../model/facts.ts'
import type { SubjectKind } from '../../../model/subject.ts'
import { certificateFacts } from '../../../pki/certificateFacts.ts'
import { keyUseFacts } from '../../../probes/tls/history.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { entity, type Entity } from '../../pki/support.ts'
import { firstCrlFacts } from './firstCrl.ts'
import { judge, ran } from './harness.ts'

// Certificates and CRLs as they are issued, judged by whole packs: the names and strengths that rules compare with are those that are read.

const DAY = 86_400_000
const SECOND = 1000
const MADE = Date.parse('2026-11-01T00:00:00Z')
const now = MADE + DAY

interface Found {
  readonly fail: readonly string[]
  readonly unknown: readonly string[]
}

/** What the rules of a pack about a kind of subject say. Statements that nobody signed, and answers that nobody asked for, are left out. */
function judgeAll(pack: string, kind: SubjectKind, facts: Facts, at = now): Found {
  const judged = loadPack(pack)
    .rules.filter(
      ({ appliesTo, attestation }) =>
        appliesTo.subjects.includes(kind) && attestation === undefined && appliesTo.needs === undefined,
    )
    .map((rule) => ({
      id: rule.id,
      verdict: judge(rule, { probe: ran({}, at), ...facts }, at).verdict,
    }))
  const of = (verdict: string) => judged.filter((one) => one.verdict === verdict).map(({ id }) => id)
  return { fail: of('fail'), unknown: of('unknown') }
}

const ends = { notBefore: MADE - 30 * DAY, notAfter: Date.parse('2040-01-01T00:00:00Z') }
const p256 = await entity({ subject: 'Zone CA', key: generateKey('p256'), ...ends })
const rsa2048 = await entity({ subject: 'Old CA', key: generateKey('rsa2048'), ...ends })
const rsa3072 = await entity({
  subject: 'RSA CA',
  key: generateKeyPairSync('rsa', { modulusLength: 3072 }),
  ...ends,
})
const ed25519 = await entity({ subject: 'Edwards CA', key: generateKey('ed25519'), ...ends })

async function served(issuer: Entity, changes: Partial<CertificateRequest> = {}): Promise<Facts> {
  const leaf = await entity({
    subject: 'shop',
    profile: 'tls_server',
    issuer,
    key: generateKey('p256'),
    dns: ['shop.test'],
    crlUrl: 'http://crl.test/zone.crl',
    notBefore: MADE,
    notAfter: MADE + 90 * DAY - SECOND,
    ...changes,
  })
  return {
    service: { id: 'shop', environment: 'prod', owner: 'team', servername: 'shop.test' },
    certificate: certificateFacts(leaf.parsed),
    keyUse: keyUseFacts({ leaf: leaf.parsed, before: {}, others: [] }),
  }
}

async function crl(issuer: Entity, thisUpdate: number, nextUpdate = thisUpdate + DAY): Promise<Facts> {
  const body = await issueCrl({ issuer, number: 7n, thisUpdate, nextUpdate, revoked: [] })
  return firstCrlFacts(body, issuer.parsed, thisUpdate)
}

const nothing: Found = { fail: [], unknown: [] }

describe('crypto-agility', () => {
  const ofCertificate = (facts: Facts) => {
    const { fail, unknown } = judgeAll('crypto-agility', 'deployed_service_cert', facts)
    assert.deepEqual(unknown, [])
    return fail.filter((id) => !id.startsWith('cnsa2_'))
  }

  it('has nothing against P-256, RSA 3072 and Ed25519 for a year', async () => {
    for (const issuer of [p256, rsa3072, ed25519]) {
      const key =
        issuer === rsa3072 ? generateKeyPairSync('rsa', { modulusLength: 3072 }) : generateKey('p256')
      assert.deepEqual(ofCertificate(await served(issuer, { key, notAfter: MADE + 365 * DAY })), [])
    }
    assert.deepEqual(ofCertificate(await served(p256, { key: generateKey('ed25519') })), [])
  })

  it('knows by when RSA 2048 has to go, as a key and as a signer', async () => {
    const key = generateKey('rsa2048')
    assert.deepEqual(ofCertificate(await served(p256, { key })), [
      'bsi_certificate_key_size',
      'sogis_rsa_size',
    ])
    const notAfter = Date.parse('2031-01-01T00:00:00Z')
    assert.deepEqual(ofCertificate(await served(p256, { key, notAfter })), [
      'nist57_certificate_strength',
      'bsi_certificate_key_size',
      'sogis_rsa_size',
    ])
    assert.deepEqual(ofCertificate(await served(rsa2048, { notAfter: notAfter - SECOND })), [])
    assert.deepEqual(ofCertificate(await served(rsa2048, { notAfter })), ['nist57_certificate_strength'])
  })

  it('knows what outlives classical signatures', async () => {
    for (const issuer of [p256, ed25519])
      assert.deepEqual(
        ofCertificate(await served(issuer, { notAfter: Date.parse('2036-01-01T00:00:00Z') })),
        ['nist8547_certificate_class', 'bsi_certificate_class'],
      )
  })

  it('judges CRLs by the day on which they are made', async () => {
    const late = Date.parse('2031-01-01T00:00:00Z')
    const judged = async (issuer: Entity, thisUpdate: number) =>
      judgeAll('crypto-agility', 'ca_crl', await crl(issuer, thisUpdate))
    assert.deepEqual(await judged(rsa2048, late - SECOND), nothing)
    assert.deepEqual(await judged(rsa2048, late), { fail: ['nist57_crl_strength'], unknown: [] })
    assert.deepEqual(await judged(rsa3072, late), nothing)
    assert.deepEqual((await judged(p256, Date.parse('2036-01-01T00:00:00Z'))).fail, [
      'nist8547_crl_class',
      'bsi_crl_class',
      'cnsa2_crl',
    ])
  })
})

describe('private-trust-zones', () => {
  const ofCertificate = async (changes: Partial<CertificateRequest>) =>
    judgeAll('private-trust-zones', 'deployed_service_cert', await served(p256, changes))

  it('has nothing against a tight certificate', async () => {
    assert.deepEqual(await ofCertificate({}), nothing)
  })

  for (const [what, changes, fail] of [
    ['a name too many', { dns: ['shop.test', 'pay.test'] }, ['zone_identities_declared']],
    ['a wildcard', { dns: ['*.test'] }, ['zone_identities_declared', 'zone_no_wildcard']],
    ['no name', { dns: [] }, ['zone_identities_declared']],
    ['the purpose of a client', { profile: 'tls_client' }, ['zone_extended_key_usage']],
    [
      'that of an authority',
      { profile: 'ca' },
      ['zone_extended_key_usage', 'zone_not_an_authority', 'zone_key_usage'],
    ],
    ['a second too many', { notAfter: MADE + 90 * DAY }, ['zone_max_lifetime']],
  ] as const) {
    it(`names what ${what} breaks, and no more`, async () => {
      assert.deepEqual(await ofCertificate(changes), { fail, unknown: [] })
    })
  }

  it('names a certificate that cannot be revoked', async () => {
    const { certificate, ...facts } = await served(p256)
    const { fail } = judgeAll('private-trust-zones', 'deployed_service_cert', {
      ...facts,
      certificate: { ...certificate, crlUrls: [] },
    })
    assert.deepEqual(fail, ['zone_revocation_known'])
  })
})

describe('etsi-en-319-411', () => {
  it('takes the last CRL for one, and wants a new one of everybody else', async () => {
    const last = await crl(p256, MADE - 30 * DAY, Date.parse('9999-12-31T23:59:59Z'))
    const { fail, unknown } = judgeAll('etsi-en-319-411', 'ca_crl', last, MADE)
    assert.deepEqual(unknown, [])
    assert.deepEqual(fail, ['etsi_crl_daily', 'etsi_carl_next_update'])
    const daily = judgeAll('etsi-en-319-411', 'ca_crl', await crl(p256, MADE), MADE)
    assert.deepEqual(daily, { fail: ['etsi_last_crl'], unknown: [] })
  })
})
