import type { Phase } from '../model/observation.ts'

/** The phases in which a pure verification can fail, in the order of `PHASES`. */
export type PkiPhase = Extract<Phase, 'decode' | 'signature' | 'path' | 'profile' | 'time' | 'consistency'>

/** Why bytes were refused or did not verify. Closed, lower_snake_case, safe as a metric label; docs/verification.md explains each. */
export type PkiErrorCode =
  // decode: the bytes are not what they claim to be
  | 'not_der'
  | 'bad_pem'
  | 'truncated'
  | 'bad_length'
  | 'indefinite_length'
  | 'unexpected_tag'
  | 'trailing_bytes'
  | 'too_deep'
  | 'too_many'
  | 'too_large'
  | 'bad_boolean'
  | 'bad_integer'
  | 'bad_bit_string'
  | 'bad_oid'
  | 'bad_string'
  | 'bad_time'
  | 'bad_value'
  | 'bad_version'
  | 'duplicate_extension'
  | 'algorithm_mismatch'
  // signature
  | 'unsupported'
  | 'bad_key'
  | 'key_mismatch'
  | 'signature_invalid'
  // path: who signed may not have signed this
  | 'issuer_mismatch'
  | 'issuer_not_found'
  | 'key_identifier_mismatch'
  | 'crl_sign_missing'
  | 'cert_sign_missing'
  | 'not_a_ca'
  | 'path_too_long'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'name_not_permitted'
  | 'bad_policy_mapping'
  | 'policy_missing'
  | 'too_many_paths'
  | 'certificate_revoked'
  | 'crl_not_found'
  | 'crl_signer_rejected'
  | 'reasons_not_covered'
  | 'responder_not_found'
  | 'responder_not_authorized'
  | 'timestamp_signer_rejected'
  // profile: well formed and authentic, but not usable for its purpose
  | 'unknown_critical_extension'
  | 'indirect_crl'
  | 'delta_crl'
  | 'partial_crl'
  | 'ocsp_malformed_request'
  | 'ocsp_internal_error'
  | 'ocsp_try_later'
  | 'ocsp_sig_required'
  | 'ocsp_unauthorized'
  | 'ocsp_response_type'
  | 'timestamp_refused'
  // time
  | 'crl_not_yet_valid'
  | 'crl_expired'
  | 'crl_next_update_missing'
  | 'ocsp_not_yet_valid'
  | 'ocsp_expired'
  // consistency: authentic, but not the answer to the question
  | 'cert_id_mismatch'
  | 'nonce_mismatch'
  | 'imprint_mismatch'
  | 'crl_number_missing'
  | 'delta_mismatch'
  | 'delta_base_newer'
  | 'delta_not_newer'

/** Longest message in characters. Messages quote hostile input (names); an observation's error holds at most 500. */
const MAX_MESSAGE = 400

/** Where in the input an error was found. */
interface PkiErrorPlace {
  /** Octets from the start of the object that was being parsed. */
  readonly offset?: number | undefined
  /** Field as the RFC names it: `tbsCertList.revokedCertificates[812].userCertificate`. */
  readonly path?: string | undefined
  readonly cause?: unknown
}

/** The only error that pki/ throws for what its input says. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
  readonly code: PkiErrorCode
  readonly phase: PkiPhase
  readonly offset?: number
  readonly path?: string

  constructor(phase: PkiPhase, code: PkiErrorCode, message: string, place: PkiErrorPlace = {}) {
    const where = [
      place.path === undefined || place.path === '' ? '' : ` at ${place.path}`,
      place.offset === undefined ? '' : ` (offset ${place.offset})`,
    ].join('')
    super(
      shorten(message, MAX_MESSAGE - Math.min(where.length, MAX_MESSAGE / 2)) +
        where.slice(0, MAX_MESSAGE / 2),
      place.cause === undefined ? undefined : { cause: place.cause },
    )
    this.code = code
    this.phase = phase
    if (place.offset !== undefined) this.offset = place.offset
    if (place.path !== undefined) this.path = place.path
  }
}

/** What `check` throws of a PkiError; undefined: nothing. Everything else it throws is a bug, and goes on. */
export function failureOf(check: () => void): PkiError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof PkiError) return error
    throw error
  }
}

function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`
}
