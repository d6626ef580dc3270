import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import { parseCrl, verifyCrl } from '../../pki/crl.ts'
import type { HeldCrl } from '../../pki/crl.ts'
import { ALL_REASONS } from '../../pki/distributionPoint.ts'
import type { DistributionPointName } from '../../pki/distributionPoint.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { decodeCertificates, decodePem } from '../../pki/pem.ts'
import { refused } from './support.ts'

// The CRLs of pyca/cryptography's test vectors, with the values that its own tests expect. Where the corpus says that only the signature is
// invalid, and does not carry the issuer, it is what the parser says of them that is tested.

function octets(file: string): Uint8Array {
  return readFileSync(new URL(`../fixtures/pyca-vectors/${file}`, import.meta.url))
}

function crlIn(file: string): HeldCrl {
  const bytes = octets(`crl/${file}`)
  if (file.endsWith('.der')) return parseCrl(bytes)
  const [block] = decodePem(bytes)
  assert.ok(block !== undefined)
  return parseCrl(block.der)
}

const REASONS = [
  ...['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'],
  ...['cessationOfOperation', 'certificateHold', 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise'],
]
const NEW_YEAR = Date.UTC(2015, 0, 1)

describe('CRLs of pyca/cryptography that parse', () => {
  it('reads every reason, invalidity date and certificate issuer', () => {
    const crl = crlIn('crl_all_reasons.pem')
    const entries = [...crl.list()]
    assert.equal(crl.entries, 12)
    assert.deepEqual(
      entries.map(({ serial }) => Number.parseInt(serial, 16)),
      [...entries.keys()],
    )
    // The first has no extension; the last one that nobody knows, which is not critical, beside a reason.
    assert.deepEqual(
      entries.map(({ reason }) => reason),
      [undefined, ...REASONS, 'keyCompromise'],
    )
    for (const [i, { revokedAt, invalidityDate, certificateIssuer }] of entries.entries()) {
      assert.equal(revokedAt, NEW_YEAR)
      assert.equal(invalidityDate, i === 0 || i === 11 ? undefined : NEW_YEAR)
      // The last entry does not name an issuer: that of the one before it holds.
      assert.equal(certificateIssuer?.text, i === 0 ? undefined : 'CN=cryptography.io,C=US')
    }
    assert.deepEqual(crl.unknownCritical, [])
    assert.deepEqual(
      crl.entryExtensions.find(({ oid }) => oid === '1.2.3.4'),
      { oid: '1.2.3.4', critical: false, count: 1 },
    )
  })

  it('reads lists of 9,999 entries, of none, and no list', () => {
    const crl = crlIn('crl_almost_10k.pem')
    assert.equal(crl.entries, 9999)
    assert.equal(crl.reasons.none, 9999)
    for (const file of ['crl_empty.pem', 'crl_empty_no_sequence.der']) {
      assert.equal(crlIn(file).entries, 0)
      assert.deepEqual([...crlIn(file).list()], [])
    }
  })

  it('reads the extensions of the CRL', () => {
    const aki = crlIn('crl_ian_aia_aki.pem')
    assert.equal(aki.authorityKeyId, '7975bb843acb2cde7a09be311b43bc1c2a4d5358')
    assert.equal(aki.number, 1n)
    assert.equal(aki.issuer.text, 'CN=Test CA,O=Ruby CA Project,L=Chicago,ST=Illinois,C=US')
    assert.deepEqual(
      aki.extensions.map(({ oid }) => oid),
      ['2.5.29.20', '2.5.29.35', '2.5.29.18', '1.3.6.1.5.5.7.1.1'],
    )
    const delta = crlIn('crl_delta_crl_indicator.pem')
    assert.equal(delta.isDelta, true)
    assert.equal(delta.baseNumber, 12345678901234567890n)
    assert.equal(crlIn('crl_no_next_update.pem').nextUpdate, undefined)
    const [unknown] = crlIn('crl_unrecognized_extension.der').extensions
    assert.equal(unknown?.oid, '1.2.3.4.5')
    assert.equal(Buffer.from(unknown.value).toString(), 'abcdef')
  })

  const none = {
    onlyUserCertificates: false,
    onlyCaCertificates: false,
    onlyAttributeCertificates: false,
    onlySomeReasons: undefined,
    indirect: false,
  }
  const named = { names: ['uri http://myhost.com/myca.crl'], urls: ['http://myhost.com/myca.crl'] }
  const relative = { names: ['relative PyCA'], urls: [] }
  const all = ALL_REASONS
  const scopes = [
    { file: 'fullname_indirect_crl', ...named, ...none, indirect: true },
    { file: 'fullname_only', ...named, ...none },
    { file: 'fullname_only_aa', ...named, ...none, onlyAttributeCertificates: true },
    { file: 'fullname_only_user', ...named, ...none, onlyUserCertificates: true },
    { file: 'only_ca', ...relative, ...none, onlyCaCertificates: true },
    { file: 'reasons_only', names: [], urls: [], ...none, onlySomeReasons: new Set(['keyCompromise']) },
    {
      file: 'relative_user_all_reasons',
      ...relative,
      ...none,
      onlyUserCertificates: true,
      onlySomeReasons: all,
    },
    { file: 'relativename_only', ...relative, ...none },
  ]
  for (const { file, names, ...expected } of scopes) {
    it(`reads the issuing distribution point of crl_idp_${file}`, () => {
      const scope = crlIn(`crl_idp_${file}.pem`).issuingDistributionPoint
      assert.ok(scope !== undefined)
      const { name, ...rest } = scope
      assert.deepEqual(rest, expected)
      assert.deepEqual(namesOf(name), names)
    })
  }
})

function namesOf(name: DistributionPointName | undefined): string[] {
  if (name === undefined) return []
  if ('rdn' in name) return [`relative ${name.rdn[0]?.text}`]
  return name.fullName.map((general) => (general.type === 'uri' ? `uri ${general.value}` : general.type))
}

describe('CRLs of pyca/cryptography that are refused', () => {
  const malformed: readonly [string, PkiErrorCode, string][] = [
    ['crl_bad_version.pem', 'bad_version', 'tbsCertList'],
    ['crl_inner_outer_mismatch.der', 'algorithm_mismatch', 'signatureAlgorithm'],
    ['crl_invalid_time.der', 'bad_time', 'tbsCertList.thisUpdate'],
    // Its own fault, a fraction in a date, comes behind this one: version 1 with extensions of an entry.
    ['crl_inval_date_fractional_seconds.der', 'bad_version', 'tbsCertList.revokedCertificates[0]'],
    // The corpus calls these well formed, because pyca/cryptography looks into the extensions of an entry only when asked for them.
    [
      'crl_dup_entry_ext.pem',
      'duplicate_extension',
      'tbsCertList.revokedCertificates[0].crlEntryExtensions[1]',
    ],
    [
      'crl_inval_cert_issuer_entry_ext.pem',
      'truncated',
      'tbsCertList.revokedCertificates[0].crlEntryExtensions[0].extnValue',
    ],
    [
      'crl_unsupported_reason.pem',
      'bad_value',
      'tbsCertList.revokedCertificates[0].crlEntryExtensions[0].extnValue',
    ],
  ]
  for (const [file, code, path] of malformed) {
    it(`${file}: ${code}`, () => {
      assert.equal(refused(() => crlIn(file), 'decode', code).path, path)
    })
  }

  it('reads a name with characters outside PrintableString, which the corpus calls malformed, and notes it', () => {
    // Real CAs have such names in all their certificates; to refuse them would be to watch nothing.
    const { notes } = crlIn('crl_issuer_invalid_printable_string.der')
    assert.ok(notes.some(({ code }) => code === 'character_set'))
  })

  it('verifies the valid signature and not the invalid one', () => {
    const issuer = (file: string) => {
      const [der] = decodeCertificates(octets(`certs/${file}`))
      assert.ok(der !== undefined)
      return parseCertificate(der)
    }
    verifyCrl(crlIn('valid_signature_crl.pem'), issuer('valid_signature_cert.pem'))
    refused(
      () => verifyCrl(crlIn('invalid_signature_crl.pem'), issuer('invalid_signature_cert.pem')),
      'signature',
      'signature_invalid',
    )
  })

  it('says of an MD2 signature that it is not supported, beside the unknown critical extension of an entry', () => {
    const crl = crlIn('crl_md2_unknown_crit_entry_ext.pem')
    assert.ok('unsupported' in crl.scheme.verification)
    assert.deepEqual(crl.unknownCritical, ['1.2.3.4'])
  })
})
