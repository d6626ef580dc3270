/** Why a report, or a part of it, could not be made. */
type ReportErrorCode =
  /** The period is empty or not made of instants. */
  | 'bad_period'
  /** A record that is not of the journal that the checkpoint signs. */
  | 'foreign_record'
  /** No browser was found, or none of those found starts: the PDF can't be made, HTML and JSON can. */
  | 'no_browser'
  /** A browser started, and then failed or did not finish in time. */
  | 'browser_failed'
  /** The directory can't be written. */
  | 'write_failed'

export class ReportError extends Error {
  override readonly name = 'ReportError'
  readonly code: ReportErrorCode

  constructor(code: ReportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
