import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as der from '../../../lab/der.ts'
import {
  answerOcsp,
  extension,
  generateKey,
  issueCrl,
  type CrlRequest,
  type OcspAnswer,
} from '../../../lab/issue.ts'
import type { Facts } from '../../../model/facts.ts'
import type { SubjectKind } from '../../../model/subject.ts'
import type { Certificate } from '../../../pki/certificate.ts'
import { certificateFacts } from '../../../pki/certificateFacts.ts'
import { lintCertificate } from '../../../pki/lints/certificate.ts'
import { lintFacts } from '../../../pki/lints/facts.ts'
import { lintOcsp } from '../../../pki/lints/ocsp.ts'
import { LINTS } from '../../../pki/lints/table.ts'
import { ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../../pki/ocsp.ts'
import { readsOf } from '../../../rules/evaluate.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { entity } from '../../pki/support.ts'
import { DAY, dns, ISSUER, leaf, MADE, name, OIDS, policies, purposes } from '../../pki/lints/build.ts'
import { firstCrlFacts } from './firstCrl.ts'
import { judge, ran } from './harness.ts'

// Whole objects, judged by every rule of both packs about their kind: what conforms fails nothing, a mistake fails what names it and no more.

const RULES = ['rfc5280-6960', 'cabf-tls-br'].flatMap((id) => loadPack(id).rules)
const HOUR = 3_600_000
const SECOND = 1000
const now = MADE + HOUR

/** Ids of rules about a kind of subject, by verdict; without those that the inventory excludes: of another class, or where a responder is needed. */
function judgeAll(
  kind: SubjectKind,
  facts: Facts,
  { authority = 'online', responder = true }: { authority?: 'online' | 'offline'; responder?: boolean } = {},
): { readonly fail: readonly string[]; readonly unknown: readonly string[] } {
  const observed: Facts = { probe: ran({}, now), ...facts }
  const judged = RULES.filter(
    ({ appliesTo, probe }) =>
      // One object is what the main kind of probe shows.
      probe === undefined &&
      appliesTo.subjects.includes(kind) &&
      (appliesTo.class ?? authority) === authority &&
      (appliesTo.needs === undefined || responder),
  ).map((rule) => ({ id: rule.id, verdict: judge(rule, observed, now).verdict }))
  const of = (verdict: string) => judged.filter((one) => one.verdict === verdict).map(({ id }) => id)
  return { fail: of('fail'), unknown: of('unknown') }
}

const ca = await entity({ subject: 'Issuing 1', notBefore: MADE - 100 * DAY, notAfter: MADE + 900 * DAY })
const delegate = await entity({
  subject: 'OCSP 1',
  issuer: ca,
  profile: 'ocsp_signer',
  key: generateKey('p256'),
  notBefore: MADE - DAY,
  notAfter: MADE + 30 * DAY,
})

async function crl(changes: Partial<CrlRequest> = {}): Promise<Facts> {
  const request = { number: 7n, thisUpdate: MADE, nextUpdate: MADE + 7 * DAY, revoked: [] }
  const body = await issueCrl({ issuer: ca, ...request, ...changes })
  return firstCrlFacts(body, ca.parsed, now)
}

const revoked = (reason?: number) => ({
  revoked: [{ serial: '4711', at: MADE - DAY, ...(reason === undefined ? {} : { reason }) }],
})

describe('a CRL', () => {
  it('that conforms fails nothing, of whatever kind of authority', async () => {
    const nothing = { fail: [], unknown: [] }
    assert.deepEqual(judgeAll('ca_crl', await crl()), nothing)
    assert.deepEqual(judgeAll('ca_crl', await crl(revoked(1))), nothing)
    const yearly = await crl({ nextUpdate: MADE + 365 * DAY })
    assert.deepEqual(judgeAll('ca_crl', yearly, { authority: 'offline' }), nothing)
  })

  for (const [what, changes, rules] of [
    ['without a number', { number: undefined }, ['rfc5280_01', 'br_crl_11']],
    ['of ten days and a second', { nextUpdate: MADE + 10 * DAY + SECOND }, ['br_crl_05']],
    [
      'of eight days ago',
      { thisUpdate: now - 8 * DAY, nextUpdate: now + DAY },
      ['br_crl_01', 'br_crl_01_without_ocsp'],
    ],
    ['with certificateHold', revoked(6), ['br_crl_16']],
    ['with unspecified', revoked(0), ['rfc5280_07_unspecified', 'br_crl_16']],
    ['with removeFromCRL', revoked(8), ['rfc5280_07', 'br_crl_16']],
    [
      'with an entry of tomorrow',
      { revoked: [{ serial: '4711', at: MADE + DAY, reason: 1 }] },
      ['rfc5280_09'],
    ],
    [
      'with a private extension',
      { extensions: [extension(OIDS.private, false, der.nullValue())] },
      ['rfc5280_crl_other_extensions', 'br_crl_18'],
    ],
    [
      'with a distribution point that is not critical',
      {
        extensions: [extension(OIDS.idp, false, der.sequence(der.contextPrimitive(1, Uint8Array.of(0xff))))],
      },
      ['rfc5280_06', 'br_crl_12'],
    ],
  ] as const satisfies readonly (readonly [string, Partial<CrlRequest>, readonly string[]])[])
    it(`${what} fails ${rules.join(' and ')}`, async () => {
      assert.deepEqual(judgeAll('ca_crl', await crl(changes)), { fail: rules, unknown: [] })
    })
})

const GOOD = { serial: '4711', status: 'good', thisUpdate: MADE, nextUpdate: MADE + DAY } as const

/** As the OCSP probe records it. */
async function answered(
  single: OcspAnswer['answers'][number] = GOOD,
  signer: Pick<OcspAnswer, 'signer'> = { signer: delegate },
): Promise<Facts> {
  const bytes = await answerOcsp({ issuer: ca, producedAt: MADE, answers: [single], ...signer })
  const response = parseOcspResponse(bytes)
  const verified = verifyOcspResponse(response, { issuer: ca.parsed, now })
  const ofSigner = verified.delegated ? lintCertificate(verified.signer, { issuer: ca.parsed }) : []
  return {
    ocsp: ocspFacts(verified, { timely: true }),
    lint: lintFacts([...lintOcsp(response, { issuer: ca.parsed }), ...ofSigner]),
  }
}

describe('an OCSP answer', () => {
  const judged = (facts: Facts) => judgeAll('ocsp_responder_status', facts)

  it('that conforms fails nothing, of a delegate or of the authority itself', async () => {
    assert.deepEqual(judged(await answered()), { fail: [], unknown: [] })
    assert.deepEqual(judged(await answered(GOOD, {})), { fail: [], unknown: [] })
  })

  it('without end fails what wants one; whether it is renewed in time cannot be said', async () => {
    const endless = { serial: '4711', status: 'good', thisUpdate: MADE } as const
    assert.deepEqual(judged(await answered(endless)), {
      fail: ['rfc5019_01', 'br_ocsp_02'],
      unknown: ['br_ocsp_03', 'br_ocsp_04'],
    })
  })

  for (const [what, single, rules] of [
    ['of seven hours', { ...GOOD, nextUpdate: MADE + 7 * HOUR }, ['br_ocsp_02']],
    ['of ten days, which is a second more', { ...GOOD, nextUpdate: MADE + 10 * DAY }, ['br_ocsp_02']],
    [
      'that ends in seven hours',
      { ...GOOD, thisUpdate: now - 17 * HOUR, nextUpdate: now + 7 * HOUR },
      ['br_ocsp_04'],
    ],
    [
      'about a certificate on hold',
      { ...GOOD, status: 'revoked', at: MADE - DAY, reason: 6 },
      ['br_ocsp_11_reason'],
    ],
  ] as const)
    it(`${what} fails ${rules.join(' and ')}`, async () => {
      assert.deepEqual(judged(await answered(single)), { fail: rules, unknown: [] })
    })

  it('of a delegate that is for servers too fails what is about delegates', async () => {
    const signer = await entity({
      subject: 'OCSP 2',
      issuer: ca,
      profile: 'ocsp_signer',
      notBefore: MADE - DAY,
      notAfter: MADE + 30 * DAY,
      extensions: [extension(OIDS.eku, false, purposes(OIDS.ocspSigning, OIDS.serverAuth))],
    })
    assert.deepEqual(judged(await answered(GOOD, { signer })).fail, ['br_ocsp_10'])
  })
})

/** As the TLS probe records it, without an answer about it. */
const served = (certificate: Certificate): Facts => ({
  certificate: certificateFacts(certificate),
  lint: lintFacts(lintCertificate(certificate, { issuer: ISSUER })),
})

describe('a served certificate', () => {
  /** RFC 5280 wants in it what the Baseline Requirements do not. */
  const ALWAYS = 'rfc5280_cert_subject_key_id'
  const about = (changes: Parameters<typeof leaf>[0]) => {
    const certificate = leaf({ serial: der.integer(0x47114711471147114711n), ...changes })
    return judgeAll('deployed_service_cert', served(certificate), { responder: false })
  }
  const until = (ms: number) => ({ notAfter: der.time(MADE + ms) })

  it('that conforms fails nothing', () => {
    assert.deepEqual(about({}), { fail: [ALWAYS], unknown: [] })
  })

  for (const [what, changes, rules] of [
    ['of 200 days, both ends counted', until(200 * DAY - SECOND), ['br_val_01_recommended']],
    ['of 200 days and a second', until(200 * DAY), ['br_val_01', 'br_val_01_recommended']],
    ['with an Ed25519 key', { key: 'ed25519' }, ['br_key_02']],
    ['signed with Ed25519', { signature: 'ed25519' }, ['br_sig_01']],
    ['with a short serial number', { serial: der.integer(0x1234567890abcn) }, ['br_ser_01_entropy']],
    ['for clients only', { extensions: { [OIDS.eku]: purposes(OIDS.clientAuth) } }, ['br_profile_purpose']],
    [
      'without a purpose',
      { extensions: { [OIDS.eku]: null } },
      ['br_profile_purpose', 'br_profile_extensions'],
    ],
    [
      'with an internal name',
      { subject: name(['CN', 'shop.internal']), extensions: { [OIDS.san]: dns('shop.internal') } },
      ['br_profile_names'],
    ],
    ['with a common name of its own', { subject: name(['CN', 'other.example.com']) }, ['br_profile_subject']],
    [
      'without a reserved policy',
      { extensions: { [OIDS.policies]: policies('1.2.3') } },
      ['br_profile_policies'],
    ],
    [
      'that names neither CRL nor responder',
      { extensions: { [OIDS.cdp]: null, [OIDS.aia]: null } },
      ['br_cdp_01', 'br_profile_extensions', 'br_profile_recommended'],
    ],
    ['without timestamps', { extensions: { [OIDS.sctList]: null } }, ['br_ct_timestamps']],
    [
      'without key identifier of the issuer',
      { extensions: { [OIDS.aki]: null } },
      ['rfc5280_cert_key_ids', 'br_profile_extensions'],
    ],
  ] as const satisfies readonly (readonly [string, Parameters<typeof leaf>[0], readonly string[]])[])
    it(`${what} fails ${rules.join(', ')}`, () => {
      const { fail, unknown } = about(changes)
      assert.deepEqual({ fail: fail.filter((id) => id !== ALWAYS), unknown }, { fail: rules, unknown: [] })
    })
})

describe('every lint', () => {
  /** What no observation shows yet, and what a fact decides instead. */
  const UNREAD: Readonly<Record<string, string>> = {
    cert_ct_poison: 'precertificates are not served',
    cert_time_stamping: 'no TLS server is one',
    cert_ca_: 'no CA certificate is observed',
    cert_root_: 'no CA certificate is observed',
    cert_sub_ca_: 'no CA certificate is observed',
    cert_subscriber_eku: 'certificate.extendedKeyUsage decides (br_profile_purpose)',
    cert_baseline_key_algorithm: 'certificate.keyAlgorithm decides (br_key_02)',
    cert_baseline_signature_algorithm: 'certificate.signatureAlgorithm decides (br_sig_01)',
    crl_signature_algorithm: 'crl.signatureAlgorithm decides (br_sig_01_crl)',
    ocsp_signature_algorithm: 'ocsp.signatureAlgorithm decides (br_sig_01_ocsp)',
  }

  it('is read by a rule of these packs, or there is a reason', () => {
    const read = new Set(
      RULES.flatMap(readsOf).flatMap(({ group, name }) => (group === 'lint' ? [name] : [])),
    )
    const unread = LINTS.map(({ id }) => id).filter(
      (id) => !read.has(id) && !Object.keys(UNREAD).some((prefix) => id.startsWith(prefix)),
    )
    assert.deepEqual(unread, [])
  })
})
