import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as der from '../../../lab/der.ts'
import { extension } from '../../../lab/issue.ts'
import { OCSP_LINTS, lintOcsp } from '../../../pki/lints/ocsp.ts'
import * as build from './build.ts'
import { DAY, ISSUER, MADE, OIDS, certId, good, nonce, ocsp, revoked } from './build.ts'
import { testLints } from './table.ts'

const SHA256 = '2.16.840.1.101.3.4.2.1'
const archiveCutoff = (at: number) => extension(OIDS.archiveCutoff, false, der.generalizedTime(at))
const EXTENDED_REVOKE = extension(OIDS.extendedRevoke, false, der.nullValue())
const withExtension = (...extensions: readonly Uint8Array[]) => ocsp({ extensions })
const issued = (object: ReturnType<typeof ocsp>, ...fails: readonly string[]) => ({
  object,
  issuer: ISSUER,
  fails,
})

testLints({
  lints: OCSP_LINTS,
  run: (object, issuer) => lintOcsp(object, { issuer }),
  issuer: ISSUER,
  good: [
    issued(ocsp()),
    issued(
      ocsp({
        singles: [{ status: revoked(MADE - DAY, 1), extensions: [archiveCutoff(MADE - 900 * DAY)] }],
        extensions: [EXTENDED_REVOKE],
      }),
    ),
    issued(
      ocsp({ singles: [{ status: revoked(0, 6) }], extensions: [EXTENDED_REVOKE] }),
      'ocsp_reason_code_baseline',
    ),
  ],
  old: ocsp({
    producedAt: der.generalizedTime(Date.UTC(2008, 0)),
    signature: 'rsaWithoutNull',
    singles: [{ thisUpdate: der.generalizedTime(Date.UTC(2008, 0)), status: revoked(Date.UTC(2007, 0), 2) }],
  }),
  none: [ocsp({ extensions: [], singles: [] }), ocsp({ singles: [{ nextUpdate: null }] })],
  failing: {
    ocsp_encoding_der: () => ocsp({ version: der.tlv(2, Uint8Array.of(0, 0)) }),
    ocsp_time_encoding: () => ocsp({ producedAt: der.tlv(0x18, Buffer.from('20261001000000.5Z')) }),
    ocsp_defaults_omitted: () => ocsp({ version: der.integer(0n) }),
    ocsp_sets_sorted: () =>
      ocsp({
        responder: der.context(
          1,
          der.sequence(der.set(build.attributeOf(['O', 'b']), build.attributeOf(['CN', 'a']))),
        ),
      }),
    ocsp_string_alphabet: () =>
      ocsp({ responder: der.context(1, build.name(['CN', der.printableString('a*b')])) }),
    ocsp_rsa_parameters_null: () => ocsp({ signature: 'rsaWithoutNull' }),
    ocsp_extensions_unique: () => withExtension(EXTENDED_REVOKE, EXTENDED_REVOKE),
    ocsp_responses_not_empty: () => ocsp({ singles: [] }),
    ocsp_one_response: () => ocsp({ singles: [{}, { certId: certId({ serial: 2n }) }] }),
    ocsp_cert_ids_unique: () => ocsp({ singles: [{}, { status: revoked(MADE - DAY) }] }),
    ocsp_this_update_not_after_produced_at: () =>
      ocsp({ singles: [{ thisUpdate: der.generalizedTime(MADE + 1000) }] }),
    ocsp_next_update_present: () => ocsp({ singles: [{ nextUpdate: null }] }),
    ocsp_next_update_after_this_update: () => ocsp({ singles: [{ nextUpdate: der.generalizedTime(MADE) }] }),
    ocsp_revocation_not_after_this_update: () => ocsp({ singles: [{ status: revoked(MADE + 1000) }] }),
    ocsp_reason_code_defined: () => ocsp({ singles: [{ status: revoked(MADE - DAY, 7) }] }),
    ocsp_reason_code_baseline: () => ocsp({ singles: [{ status: revoked(MADE - DAY, 6) }] }),
    ocsp_reason_not_in_extensions: () =>
      ocsp({
        singles: [{ status: revoked(MADE - DAY), extensions: [build.reason(1)] }],
      }),
    ocsp_not_issued_form: () => ocsp({ singles: [{ status: revoked(0, 6) }] }),
    ocsp_extensions_not_critical: () => withExtension(extension(OIDS.extendedRevoke, true, der.nullValue())),
    ocsp_extensions_defined: () => withExtension(extension(OIDS.private, false, der.nullValue())),
    ocsp_extensions_not_of_requests: () =>
      withExtension(extension(OIDS.serviceLocator, false, der.sequence(build.CA_NAME))),
    ocsp_nonce_octet_string: () => withExtension(nonce(Buffer.alloc(20, 0x55))),
    ocsp_nonce_length: () => withExtension(nonce(der.octetString(Buffer.alloc(129)))),
    ocsp_archive_cutoff_not_after_produced_at: () =>
      ocsp({ singles: [{ extensions: [archiveCutoff(MADE + DAY)] }] }),
    ocsp_extended_revoke_null: () => withExtension(extension(OIDS.extendedRevoke, false, new Uint8Array())),
    ocsp_cert_id_hash: () =>
      ocsp({ singles: [{ certId: certId({ hash: '2.16.840.1.101.3.4.2.3' }), status: good() }] }),
    ocsp_cert_id_names_issuer: () => ocsp({ singles: [{ certId: certId({ hash: SHA256 }) }] }),
    ocsp_signature_algorithm: () => ocsp({ signature: 'ed25519' }),
    ocsp_lists_not_empty: () => ocsp({ emptyExtensions: true }),
  },
})

test('a nonce that only begins like an OCTET STRING is judged, not stumbled over', () => {
  for (const hex of ['0410aabb', '04', '0482', '0402aabbcc', '0280', '']) {
    const results = lintOcsp(withExtension(nonce(Buffer.from(hex, 'hex'))), { issuer: ISSUER })
    const outcomeOf = (wanted: string) => results.find(({ id }) => id === wanted)?.outcome
    assert.equal(outcomeOf('ocsp_nonce_octet_string'), 'fail', hex)
    assert.equal(outcomeOf('ocsp_nonce_length'), 'not_applicable', hex)
  }
})
