import * as der from '../../../lab/der.ts'
import { extension } from '../../../lab/issue.ts'
import { CRL_LINTS, lintCrl } from '../../../pki/lints/crl.ts'
import * as build from './build.ts'
import {
  CA_NAME,
  CRL_MADE,
  DAY,
  ISSUER,
  OIDS,
  crl,
  critical,
  entry,
  name,
  reason,
  subCa,
  uri,
} from './build.ts'
import { testLints } from './table.ts'

const withExtension = (oid: string, value: Uint8Array | ReturnType<typeof critical> | null) =>
  crl({ extensions: { [oid]: value } })
const withEntries = (...entries: readonly Uint8Array[]) => crl({ entries })
const withReason = (code: number) => withEntries(entry(1n, undefined, reason(code)))
const idp = (...fields: readonly Uint8Array[]) => critical(der.sequence(...fields))
const fullName = (...names: readonly Uint8Array[]) => der.context(0, der.context(0, ...names))
const flag = (n: number) => der.contextPrimitive(n, Uint8Array.of(0xff))
const POINT = fullName(uri('http://crl.example.com/1.crl'))
const INDIRECT = idp(POINT, flag(4))
const certificateIssuer = (isCritical: boolean) =>
  extension(OIDS.certificateIssuer, isCritical, der.sequence(build.directory(CA_NAME)))
const invalidityDate = (isCritical: boolean) =>
  extension(OIDS.invalidityDate, isCritical, der.generalizedTime(CRL_MADE - 2 * DAY))
const delta = (base: bigint) => critical(der.integer(base))
const AIA = build.access([OIDS.caIssuers, uri('http://pki.example.com/ca.cer')])
const issued = (object: ReturnType<typeof crl>, ...fails: readonly string[]) => ({
  object,
  issuer: ISSUER,
  fails,
})

/** All that the Baseline Requirements would rather not see. */
const UNUSUAL = crl({
  entries: [
    entry(1n, undefined, invalidityDate(false)),
    entry(2n, undefined, certificateIssuer(true), reason(8)),
  ],
  extensions: {
    [OIDS.idp]: INDIRECT,
    [OIDS.delta]: delta(5n),
    [OIDS.issuerAltName]: build.dns('pki.example.com'),
    [OIDS.aia]: AIA,
  },
})

testLints({
  lints: CRL_LINTS,
  run: (object, issuer) => lintCrl(object, { issuer }),
  issuer: ISSUER,
  good: [
    issued(crl()),
    issued(crl({ entries: null, extensions: { [OIDS.idp]: null } })),
    issued(
      UNUSUAL,
      'crl_extensions_recommended',
      'crl_idp_not_indirect',
      'crl_entry_reason_code_baseline',
      'crl_entry_extensions_recommended',
    ),
    issued(
      withExtension(OIDS.freshestCrl, der.sequence(build.point(uri('http://crl.example.com/delta.crl')))),
      'crl_extensions_recommended',
    ),
  ],
  old: crl({
    thisUpdate: der.time(Date.UTC(2008, 0)),
    nextUpdate: der.time(Date.UTC(2008, 1)),
    signature: 'rsaWithoutNull',
    entries: [entry(1n, der.time(Date.UTC(2007, 0)), reason(0), invalidityDate(false))],
    extensions: { [OIDS.idp]: idp(flag(1)), [OIDS.private]: der.nullValue() },
  }),
  none: [crl({ version: 1, entries: null }), crl({ nextUpdate: null })],
  failing: {
    crl_encoding_der: () => withExtension(OIDS.idp, idp(POINT, der.contextPrimitive(1, Uint8Array.of(1)))),
    crl_time_encoding: () => crl({ thisUpdate: der.generalizedTime(CRL_MADE) }),
    crl_defaults_omitted: () =>
      withExtension(OIDS.idp, idp(POINT, der.contextPrimitive(1, Uint8Array.of(0)))),
    crl_sets_sorted: () =>
      crl({ issuer: der.sequence(der.set(build.attributeOf(['O', 'b']), build.attributeOf(['CN', 'a']))) }),
    crl_named_bits_trimmed: () =>
      withExtension(OIDS.idp, idp(POINT, der.contextPrimitive(3, Uint8Array.of(0, 0x40)))),
    crl_string_alphabet: () => crl({ issuer: name(['CN', der.printableString('a*b')]) }),
    crl_rsa_parameters_null: () => crl({ signature: 'rsaWithoutNull' }),
    crl_extensions_unique: () => crl({ raw: [extension(OIDS.crlNumber, false, der.integer(8n))] }),
    crl_lists_not_empty: () => crl({ entries: [] }),
    // Fields
    crl_version_2: () => crl({ version: 1, entries: null }),
    crl_issuer_not_empty: () => crl({ issuer: der.sequence() }),
    crl_issuer_encoded_as_subject: () =>
      crl({ issuer: name(['C', 'SE'], ['O', 'Example PKI'], ['CN', 'issuing ca 1']) }),
    crl_next_update_present: () => crl({ nextUpdate: null }),
    crl_next_update_after_this_update: () => crl({ nextUpdate: der.time(CRL_MADE) }),
    crl_entries_not_empty_list: () => crl({ entries: [] }),
    crl_signature_algorithm: () => crl({ signature: 'ed25519' }),
    // Extensions
    crl_authority_key_id_not_critical: () => withExtension(OIDS.aki, critical(build.keyId(build.CA_KEY_ID))),
    crl_issuer_alt_name_not_critical: () =>
      withExtension(OIDS.issuerAltName, critical(build.dns('pki.example.com'))),
    crl_number_not_critical: () => withExtension(OIDS.crlNumber, critical(der.integer(7n))),
    crl_delta_indicator_critical: () => withExtension(OIDS.delta, der.integer(5n)),
    crl_idp_critical: () => withExtension(OIDS.idp, der.sequence(POINT)),
    crl_freshest_crl_not_critical: () =>
      withExtension(
        OIDS.freshestCrl,
        critical(der.sequence(build.point(uri('http://crl.example.com/d.crl')))),
      ),
    crl_authority_info_access_not_critical: () => withExtension(OIDS.aia, critical(AIA)),
    crl_authority_key_id_present: () => withExtension(OIDS.aki, null),
    crl_authority_key_id_only_key_id: () =>
      withExtension(
        OIDS.aki,
        der.sequence(
          der.contextPrimitive(0, build.CA_KEY_ID),
          der.context(1, build.directory(CA_NAME)),
          der.contextPrimitive(2, Uint8Array.of(1)),
        ),
      ),
    crl_authority_key_id_matches_issuer: () => withExtension(OIDS.aki, build.keyId(Uint8Array.of(1))),
    crl_number_present: () => withExtension(OIDS.crlNumber, null),
    crl_number_range: () => withExtension(OIDS.crlNumber, der.integer(1n << 159n)),
    crl_extensions_defined: () => withExtension(OIDS.private, der.nullValue()),
    crl_extensions_recommended: () => withExtension(OIDS.aia, AIA),
    crl_delta_base_number_range: () => withExtension(OIDS.delta, delta(-1n)),
    crl_delta_number_above_base: () => withExtension(OIDS.delta, delta(8n)),
    crl_delta_no_freshest_crl: () =>
      crl({
        extensions: {
          [OIDS.delta]: delta(5n),
          [OIDS.freshestCrl]: der.sequence(build.point(uri('http://crl.example.com/d.crl'))),
        },
      }),
    crl_idp_not_empty: () => withExtension(OIDS.idp, idp()),
    crl_idp_one_kind_of_certificates: () => withExtension(OIDS.idp, idp(POINT, flag(1), flag(2))),
    crl_idp_full_name: () => withExtension(OIDS.idp, idp(flag(1))),
    crl_idp_uris_only: () => withExtension(OIDS.idp, idp(fullName(build.directory(CA_NAME)))),
    crl_idp_urls_http: () => withExtension(OIDS.idp, idp(fullName(uri('ldap://pki.example.com/cn=crl')))),
    crl_idp_not_indirect: () => withExtension(OIDS.idp, INDIRECT),
    crl_idp_no_attribute_certificates: () => withExtension(OIDS.idp, idp(POINT, flag(5))),
    crl_idp_all_reasons: () =>
      withExtension(OIDS.idp, idp(POINT, der.contextPrimitive(3, Uint8Array.of(6, 0x40)))),
    crl_authority_info_access_ca_issuers: () =>
      withExtension(OIDS.aia, build.access([OIDS.ocsp, uri('http://ocsp.example.com')])),
    crl_authority_info_access_scheme: () =>
      withExtension(OIDS.aia, build.access([OIDS.caIssuers, uri('https://pki.example.com/ca.cer')])),
    // Entries
    crl_entry_reason_code_not_critical: () => withEntries(entry(1n, undefined, reason(1, true))),
    crl_entry_invalidity_date_not_critical: () => withEntries(entry(1n, undefined, invalidityDate(true))),
    crl_entry_certificate_issuer_critical: () =>
      crl({
        entries: [entry(1n, undefined, certificateIssuer(false))],
        extensions: { [OIDS.idp]: INDIRECT },
      }),
    crl_entry_serials_unique: () => withEntries(entry(1n), entry(2n), entry(1n, undefined, reason(1))),
    crl_entry_serials_valid: () => withEntries(entry(0n)),
    crl_entry_date_not_after_this_update: () => withEntries(entry(1n, der.time(CRL_MADE + 1000))),
    crl_entry_date_plausible: () => withEntries(entry(1n, der.tlv(0x18, Buffer.from('00010101000000Z')))),
    crl_entry_reason_code_defined: () => withReason(7),
    crl_entry_reason_code_not_unspecified: () => withReason(0),
    crl_entry_reason_code_baseline: () => withReason(2),
    crl_entry_remove_from_crl_only_in_delta: () => withReason(8),
    crl_entry_certificate_issuer_only_in_indirect: () =>
      withEntries(entry(1n, undefined, certificateIssuer(true))),
    crl_entry_extensions_defined: () =>
      withEntries(entry(1n, undefined, extension(OIDS.private, false, der.nullValue()))),
    crl_entry_extensions_recommended: () => withEntries(entry(1n, undefined, invalidityDate(false))),
    crl_entry_extensions_unique: () => withEntries(entry(1n, undefined, reason(1), reason(3))),
    crl_issuer_may_sign: () => crl(),
  },
  issuers: { crl_issuer_may_sign: subCa({ extensions: { [OIDS.keyUsage]: build.keyUsage(5) } }) },
})
