import type { Phase } from '../../model/observation.ts'

export type FetchPhase = Extract<Phase, 'resolve' | 'connect' | 'tls' | 'http' | 'size'>

/** Why bytes could not be had. Closed, lower_snake_case; docs/probes.md explains each. */
export type FetchCode =
  // any phase: the peer was too slow, or went away
  | 'timeout'
  | 'closed'
  // resolve
  | 'name_not_found'
  | 'dns_failed'
  | 'address_refused'
  // connect
  | 'refused'
  | 'unreachable'
  | 'connect_failed'
  | 'file_not_found'
  | 'file_unreadable'
  // tls
  | 'not_tls'
  | 'handshake_alert'
  | 'handshake_failed'
  | 'client_credentials_unusable'
  | 'client_certificate_required'
  | 'client_certificate_refused'
  | 'server_certificate_expired'
  | 'server_certificate_mismatch'
  | 'server_certificate_untrusted'
  | 'starttls_refused'
  | 'starttls_malformed'
  // http
  | 'bad_url'
  | 'malformed_response'
  | 'truncated_body'
  | 'content_encoded'
  | 'bad_redirect'
  | 'too_many_redirects'
  | 'ldap_refused'
  | 'ldap_no_value'
  // size
  | 'headers_too_large'
  | 'body_too_large'
  | 'chain_too_large'

/** A failure on the way to the bytes. Probes turn it into a value: it never leaves `probe()`. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly phase: FetchPhase
  readonly code: FetchCode

  constructor(phase: FetchPhase, code: FetchCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.phase = phase
    this.code = code
  }
}
