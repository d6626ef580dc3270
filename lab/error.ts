export type LabErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'unknown_fault'
  | 'unknown_target'
  | 'closed'
  | 'not_running'
  | 'bad_state_file'
  | 'request_failed'

/** What the lab refuses or cannot do. */
export class LabError extends Error {
  readonly code: LabErrorCode

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LabError'
    this.code = code
  }
}
