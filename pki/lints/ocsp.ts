import type { Certificate } from '../certificate.ts'
import type { RevocationReason } from '../crlEntries.ts'
import { Der, TAG } from '../der.ts'
import { tlv } from '../derWriter.ts'
import { PkiError } from '../error.ts'
import type { RawExtension } from '../extensions.ts'
import type { OcspResponse, SingleResponse } from '../ocspResponse.ts'
import { toTimestamp } from '../../model/time.ts'
import { SIGNATURE_ALGORITHMS } from './certificateBaseline.ts'
import { EXTENSION } from './extensionView.ts'
import { baseline, duplicates, encodingLints, expected, list, rfc, runLints } from './lint.ts'
import type { Lint, LintResult, LintSource } from './lint.ts'

type OcspLint = Lint<OcspResponse>

/** The profile for high volumes. */
const lightweight = (section: string): LintSource => ({
  document: 'RFC 5019 (obsoleted by RFC 9919)',
  section,
})

/** RFC 9654 2.1: octets. */
const MAX_NONCE = 128

/** Of answers and single responses: RFC 6960 4.4, RFC 6962 3.3 and extensions of CRL entries (4.4.5). */
const DEFINED = [
  EXTENSION.ocspNonce,
  EXTENSION.ocspCrl,
  EXTENSION.ocspArchiveCutoff,
  EXTENSION.ocspExtendedRevoke,
  EXTENSION.reasonCode,
  EXTENSION.invalidityDate,
  EXTENSION.certificateIssuer,
  '1.3.6.1.4.1.11129.2.4.5',
]
/** RFC 6960 4.4.3, 4.4.6, 4.4.7: acceptable response types, service locator, preferred signature algorithms. */
const REQUEST_ONLY = ['1.3.6.1.5.5.7.48.1.4', EXTENSION.ocspServiceLocator, '1.3.6.1.5.5.7.48.1.8']

/** BR 7.3: those of CRLs (7.2.2). */
const REASONS: readonly RevocationReason[] = [
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

const allExtensions = ({ extensions, responses }: OcspResponse): readonly RawExtension[] => [
  ...extensions,
  ...responses.flatMap((single) => single.extensions),
]

const hasResponses = ({ responses }: OcspResponse): boolean => responses.length > 0
const hasExtensions = (response: OcspResponse): boolean => allExtensions(response).length > 0
const isRevoked = ({ certStatus }: SingleResponse): boolean => certStatus.status === 'revoked'

/** The single responses for which something is wrong, described. */
function singles(
  { responses }: OcspResponse,
  what: string,
  fault: (single: SingleResponse) => string | undefined,
): string | undefined {
  const faults = responses.flatMap((single) => {
    const found = fault(single)
    return found === undefined ? [] : [`${found} for serial ${single.certId.serial}`]
  })
  return faults.length === 0 ? undefined : expected(what, list(faults))
}

/** Octets of the nonce; undefined: it is not the OCTET STRING that RFC 9654 wants. */
function nonceLength({ nonce }: OcspResponse): number | undefined {
  if (nonce === undefined) return undefined
  try {
    const around = tlv(TAG.sequence, nonce)
    const content = Der.open(around, 'nonce', around.length, { ber: true })
    const { length } = content.octets('')
    content.finish()
    return length
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** RFC 6960 4.2 to 4.4, RFC 5019 and 9919 (lightweight profile), RFC 9654 (nonce). */
const OCSP_RESPONSE_LINTS: readonly OcspLint[] = [
  {
    id: 'ocsp_responses_not_empty',
    title: 'The answer is about at least one certificate',
    source: rfc(6960, '4.2.1'),
    check: ({ responses }) => (responses.length > 0 ? undefined : expected('a single response', 'none')),
  },
  {
    id: 'ocsp_one_response',
    title: 'The answer is about one certificate (lightweight profile)',
    source: lightweight('2.2.1'),
    applies: hasResponses,
    check: ({ responses }) =>
      responses.length === 1 ? undefined : expected('one single response', String(responses.length)),
  },
  {
    id: 'ocsp_cert_ids_unique',
    title: 'No certificate is answered about twice',
    source: rfc(6960, '4.2.1'),
    applies: hasResponses,
    check: ({ responses }) => {
      const twice = duplicates(
        responses.map(({ certId: id }) =>
          [id.hash, id.issuerNameHash, id.issuerKeyHash, id.serial].join(' '),
        ),
      )
      return twice.length === 0 ? undefined : expected('every CertID once', list(twice))
    },
  },
  {
    id: 'ocsp_this_update_not_after_produced_at',
    title: 'thisUpdate is not after producedAt',
    source: rfc(6960, '4.2.2.1'),
    applies: hasResponses,
    check: (response) =>
      singles(
        response,
        `thisUpdate up to producedAt, ${toTimestamp(response.producedAt)}`,
        ({ thisUpdate }) => (thisUpdate <= response.producedAt ? undefined : toTimestamp(thisUpdate)),
      ),
  },
  {
    id: 'ocsp_next_update_present',
    title: 'nextUpdate is there (lightweight profile)',
    source: lightweight('2.2.4'),
    applies: hasResponses,
    check: (response) =>
      singles(response, 'nextUpdate', ({ nextUpdate }) => (nextUpdate === undefined ? 'none' : undefined)),
  },
  {
    id: 'ocsp_next_update_after_this_update',
    title: 'nextUpdate is after thisUpdate',
    source: rfc(6960, '4.2.2.1'),
    applies: ({ responses }) => responses.some(({ nextUpdate }) => nextUpdate !== undefined),
    check: (response) =>
      singles(response, 'nextUpdate after thisUpdate', ({ thisUpdate, nextUpdate }) =>
        nextUpdate === undefined || nextUpdate > thisUpdate ? undefined : toTimestamp(nextUpdate),
      ),
  },
  {
    id: 'ocsp_revocation_not_after_this_update',
    title: 'No revocation time is after thisUpdate',
    source: rfc(6960, '4.2.2.1'),
    applies: ({ responses }) => responses.some(isRevoked),
    check: (response) =>
      singles(response, 'revocationTime up to thisUpdate', ({ certStatus, thisUpdate }) =>
        certStatus.status !== 'revoked' || certStatus.revokedAt <= thisUpdate
          ? undefined
          : toTimestamp(certStatus.revokedAt),
      ),
  },
  {
    id: 'ocsp_reason_code_defined',
    title: 'Revocation reasons are those that RFC 5280 defines',
    source: rfc(5280, '5.3.1'),
    applies: ({ responses }) => responses.some(isRevoked),
    check: ({ notes }) => {
      const bad = notes.filter(({ code }) => code === 'reason_code')
      return bad.length === 0
        ? undefined
        : expected('a reason from 0 to 10 but 7', list(bad.map(({ path }) => `an unknown code at ${path}`)))
    },
  },
  {
    id: 'ocsp_reason_code_baseline',
    title: 'Revocation reasons are those that the Baseline Requirements allow',
    source: baseline('7.3, 7.2.2'),
    effectiveFrom: '2023-07-15',
    applies: ({ responses }) => responses.some(isRevoked),
    check: (response) =>
      singles(response, `none, or ${REASONS.join(', ')}`, ({ certStatus }) => {
        if (certStatus.status !== 'revoked' || certStatus.reason === undefined) return undefined
        return REASONS.includes(certStatus.reason) ? undefined : certStatus.reason
      }),
  },
  {
    id: 'ocsp_reason_not_in_extensions',
    title: 'Single responses do not have the extension reasonCode',
    source: baseline('7.3.2'),
    applies: ({ responses }) => responses.some(({ extensions }) => extensions.length > 0),
    check: (response) =>
      singles(response, 'no extension reasonCode', ({ extensions }) =>
        extensions.some(({ oid }) => oid === EXTENSION.reasonCode) ? 'one' : undefined,
      ),
  },
  {
    id: 'ocsp_not_issued_form',
    title: 'An answer about a certificate that was never issued has the form of extended revoke',
    source: rfc(6960, '2.2, 4.4.8'),
    applies: ({ responses }) =>
      responses.some(({ certStatus }) => certStatus.status === 'revoked' && certStatus.revokedAt === 0),
    check: (response) =>
      singles(response, 'certificateHold, and the extension extended revoke', ({ certStatus }) => {
        if (certStatus.status !== 'revoked' || certStatus.revokedAt !== 0) return undefined
        if (certStatus.reason !== 'certificateHold') return certStatus.reason ?? 'no reason'
        return response.extendedRevoke ? undefined : 'no extension'
      }),
  },
  {
    id: 'ocsp_extensions_not_critical',
    title: 'Extensions SHOULD NOT be critical',
    source: rfc(6960, '4.4'),
    applies: hasExtensions,
    check: (response) => {
      const critical = allExtensions(response).filter((extension) => extension.critical)
      return critical.length === 0
        ? undefined
        : expected('no critical extension', list(critical.map(({ oid }) => oid)))
    },
  },
  {
    id: 'ocsp_extensions_defined',
    title: 'Extensions are those that RFC 6960 defines for answers',
    source: rfc(6960, '4.4'),
    applies: hasExtensions,
    check: (response) => {
      const other = allExtensions(response).filter(
        ({ oid }) => !DEFINED.includes(oid) && !REQUEST_ONLY.includes(oid),
      )
      return other.length === 0
        ? undefined
        : expected('defined extensions', list(other.map(({ oid }) => oid)))
    },
  },
  {
    id: 'ocsp_extensions_not_of_requests',
    title: 'Extensions of requests are not in the answer',
    source: rfc(6960, '4.4.3, 4.4.6, 4.4.7'),
    applies: hasExtensions,
    check: (response) => {
      const other = allExtensions(response).filter(({ oid }) => REQUEST_ONLY.includes(oid))
      return other.length === 0
        ? undefined
        : expected('no extension of requests', list(other.map(({ oid }) => oid)))
    },
  },
  {
    id: 'ocsp_nonce_octet_string',
    title: 'The nonce is an OCTET STRING',
    source: rfc(9654, '2.1'),
    applies: ({ nonce }) => nonce !== undefined,
    check: (response) =>
      nonceLength(response) === undefined ? expected('an OCTET STRING', 'other octets') : undefined,
  },
  {
    id: 'ocsp_nonce_length',
    title: `The nonce has 1 to ${MAX_NONCE} octets`,
    source: rfc(9654, '2.1'),
    applies: (response) => nonceLength(response) !== undefined,
    check: (response) => {
      const length = nonceLength(response) ?? 0
      return length >= 1 && length <= MAX_NONCE
        ? undefined
        : expected(`1 to ${MAX_NONCE} octets`, String(length))
    },
  },
  {
    id: 'ocsp_archive_cutoff_not_after_produced_at',
    title: 'The archive cutoff is not after producedAt',
    source: rfc(6960, '4.4.4'),
    applies: ({ responses }) => responses.some(({ archiveCutoff }) => archiveCutoff !== undefined),
    check: (response) =>
      singles(response, `a date up to ${toTimestamp(response.producedAt)}`, ({ archiveCutoff }) =>
        archiveCutoff === undefined || archiveCutoff <= response.producedAt
          ? undefined
          : toTimestamp(archiveCutoff),
      ),
  },
  {
    id: 'ocsp_extended_revoke_null',
    title: 'Extended revoke is NULL',
    source: rfc(6960, '4.4.8'),
    applies: ({ extendedRevoke }) => extendedRevoke,
    check: ({ extensions }) => {
      const value = extensions.find(({ oid }) => oid === EXTENSION.ocspExtendedRevoke)?.value
      const hex = Buffer.from(value ?? []).toString('hex')
      return hex === '0500' ? undefined : expected('0500', hex === '' ? 'nothing' : hex)
    },
  },
  {
    id: 'ocsp_cert_id_hash',
    title: 'CertIDs are made with SHA-1 or SHA-256 (lightweight profile)',
    source: lightweight('2.1.1'),
    applies: hasResponses,
    check: (response) =>
      singles(response, 'SHA-1 or SHA-256', ({ certId }) =>
        certId.hash === 'sha1' || certId.hash === 'sha256' ? undefined : certId.hash,
      ),
  },
  {
    id: 'ocsp_cert_id_names_issuer',
    title: 'CertIDs name the issuer by its name and its key',
    source: rfc(6960, '4.1.1'),
    // A hash that is not known goes by its OID.
    applies: ({ responses }) => responses.some(({ certId }) => !certId.hash.includes('.')),
    checkIssued: (response, issuer) =>
      singles(response, `the name and key of ${issuer.subject.text}`, ({ certId }) =>
        certId.hash.includes('.') || certId.isIssuedBy(issuer) ? undefined : 'others',
      ),
  },
  {
    id: 'ocsp_signature_algorithm',
    title: 'The signature is RSA or ECDSA with SHA-256, SHA-384 or SHA-512 (SHA-1 is a matter of dates)',
    source: baseline('7.1.3.2'),
    check: ({ signatureAlgorithm }) =>
      SIGNATURE_ALGORITHMS.test(signatureAlgorithm)
        ? undefined
        : expected('an RSA or ECDSA signature with SHA-2', signatureAlgorithm),
  },
]

/** RFC 6960 and its profiles, and the OCSP profile of the TLS Baseline Requirements (7.3). */
export const OCSP_LINTS: readonly OcspLint[] = [
  // There are no named bits in an answer.
  ...encodingLints<OcspResponse>('ocsp', 'OCSP answer').filter(({ id }) => id !== 'ocsp_named_bits_trimmed'),
  ...OCSP_RESPONSE_LINTS,
]

/** Dates of rules are compared with producedAt. `issuer`: the CA; without it the lints that compare with it do not apply. */
export function lintOcsp(
  response: OcspResponse,
  { issuer }: { readonly issuer?: Certificate | undefined } = {},
): readonly LintResult[] {
  return runLints(OCSP_LINTS, response, response.producedAt, issuer)
}
