export const LAB_ERROR_CODES = [
  'bad_request',
  'unauthorized',
  'not_found',
  'conflict',
  'too_large',
  'unknown_fault',
  'unknown_target',
  'closed',
  'not_running',
  'bad_state_file',
  'request_failed',
] as const
export type LabErrorCode = (typeof LAB_ERROR_CODES)[number]

/** What the lab refuses or cannot do. */
export class LabError extends Error {
  readonly code: LabErrorCode

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LabError'
    this.code = code
  }
}
