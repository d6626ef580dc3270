import { systemCode } from '../../model/thrown.ts'
import { FetchError } from './error.ts'

/** OpenSSL's ways to say that what came back is no TLS record. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNEXPECTED_MESSAGE',
  'ERR_SSL_BAD_RECORD_TYPE',
])
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])
const UNTRUSTED =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH|ERROR_IN_CERT)/

/** A failed handshake as node:tls reports it, by what the peer did. `peer` is for the message. */
export function tlsFailure(error: Error, peer: string): FetchError {
  const code = systemCode(error)
  const failure = (name: FetchError['code'], expected: string, got: string): FetchError =>
    new FetchError('tls', name, `${peer}: expected ${expected}, got ${got}`, error)

  const alert = alertOf(error)
  if (alert !== undefined) return failure('handshake_alert', 'a completed TLS handshake', alert)
  if (NOT_TLS.has(code)) return failure('not_tls', 'TLS', `something else (${reasonOf(error)})`)
  if (GONE.has(code)) return failure('closed', 'a completed TLS handshake', 'a closed connection')
  if (code === 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE') {
    const message = `${peer}: expected certificates of at most 100 KiB, got more`
    return new FetchError('size', 'chain_too_large', message, error)
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return failure('server_certificate_expired', 'a valid server certificate', 'an expired one')
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return failure('server_certificate_mismatch', 'a server certificate for this host', error.message)
  }
  if (UNTRUSTED.test(code)) {
    return failure(
      'server_certificate_untrusted',
      'a trusted server certificate',
      `${error.message} (${code})`,
    )
  }
  return failure('handshake_failed', 'a completed TLS handshake', reasonOf(error))
}

/** The alert that the peer sent: `alert 40 (ssl/tls alert handshake failure)`; undefined when it sent none. */
export function alertOf(error: Error): string | undefined {
  const number = /SSL alert number (\d{1,3})/.exec(error.message)?.[1]
  return number === undefined ? undefined : `alert ${number} (${reasonOf(error)})`
}

/** OpenSSL's reason without file names, thread ids and addresses, which differ between runs. */
function reasonOf(error: Error): string {
  if ('reason' in error && typeof error.reason === 'string') return error.reason
  return error.message === '' ? systemCode(error) : error.message
}
