/** secret_invalid: the webhook secret cannot be used. signature_invalid: a message does not verify. */
type RemediationErrorCode = 'secret_invalid' | 'signature_invalid'

export class RemediationError extends Error {
  override readonly name = 'RemediationError'
  readonly code: RemediationErrorCode

  constructor(code: RemediationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
