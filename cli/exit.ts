/** Exit codes of every command; listed in `vigil --help`. */
export const EXIT = {
  ok: 0,
  /** The thing that was looked at is not as it must be. */
  findings: 1,
  /** Usage or configuration. */
  usage: 2,
  /** vigil itself could not do it. */
  failed: 3,
  /** `verify`, `inspect`: everything fits together, but no trusted key, or no issuer, was given. */
  notAuthenticated: 4,
  /** `report`: HTML and JSON were written, but there is no browser to print the PDF. */
  noBrowser: 5,
} as const

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  readonly exitCode: number
  /** A document for `--json`, where there is more to say than the message. */
  readonly details: unknown

  constructor(exitCode: number, message: string, details?: unknown) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
    this.details = details
  }
}
