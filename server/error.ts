/** Why a request was refused, with its HTTP status. */
const STATUS = {
  bad_request: 400,
  wrong_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  refused: 409,
  wrong_host: 421,
  internal: 500,
  unavailable: 503,
} as const
type ServerErrorCode = keyof typeof STATUS

export class ServerError extends Error {
  readonly code: ServerErrorCode
  readonly status: number
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ServerError'
    this.code = code
    this.status = STATUS[code]
  }
}
