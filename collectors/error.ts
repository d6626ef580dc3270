import { messageOf, systemCode } from '../model/thrown.ts'

/**
 * file_missing, permission_denied, not_a_file, read_failed: the log can't be read now; it is tried again with every poll.
 * not_recorded: the records were read but could not be made durable; they are read and handed over again.
 * watch_failed: no wake-ups from the file system; the poll alone goes on.
 * listen_failed: nobody can connect.
 * unknown_client: somebody without a certificate that counts, or who ships a log that is not his; he is cut off.
 * protocol_error: a client sends what is no Lumberjack, or no event of our Filebeat configuration; it is cut off.
 * tls_failed: the server shows no certificate that counts, or does not take ours.
 * unreachable, access_denied, rate_limited, answer_too_long, bad_answer: what is asked over HTTP gives no answer, or none that can be used; it is asked again.
 */
export type CollectorErrorCode =
  | 'file_missing'
  | 'permission_denied'
  | 'not_a_file'
  | 'read_failed'
  | 'not_recorded'
  | 'watch_failed'
  | 'listen_failed'
  | 'unknown_client'
  | 'protocol_error'
  | 'unreachable'
  | 'tls_failed'
  | 'access_denied'
  | 'rate_limited'
  | 'answer_too_long'
  | 'bad_answer'

export class CollectorError extends Error {
  override readonly name = 'CollectorError'
  readonly code: CollectorErrorCode

  constructor(code: CollectorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What went wrong with `path`, from what the operating system said. */
export function fileError(path: string, error: unknown): CollectorError {
  if (error instanceof CollectorError) return error
  const system = systemCode(error)
  const cause = { cause: error }
  if (system === 'ENOENT' || system === 'ENOTDIR')
    return new CollectorError('file_missing', `${path}: no such file`, cause)
  if (system === 'EACCES' || system === 'EPERM')
    return new CollectorError('permission_denied', `${path}: permission denied`, cause)
  if (system === 'EISDIR' || system === 'ELOOP' || system === 'ENXIO')
    return new CollectorError('not_a_file', `${path}: expected a regular file`, cause)
  return new CollectorError('read_failed', `${path}: ${messageOf(error)}`, cause)
}
