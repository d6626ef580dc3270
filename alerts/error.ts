/**
 * unreachable: no connection, or it broke. timeout: no complete answer in time. refused: Alertmanager understood and
 * said no (4xx). failed: it could not (5xx), or something else answered.
 */
export type AlertsErrorCode = 'unreachable' | 'timeout' | 'refused' | 'failed'

/** Alerts did not get to their receiver. */
export class AlertsError extends Error {
  override readonly name = 'AlertsError'
  readonly code: AlertsErrorCode

  constructor(code: AlertsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** not_found: no such incident. refused: it is not in a state for that. */
export type IncidentErrorCode = 'not_found' | 'refused'

/** A command about an incident that is not carried out. */
export class IncidentError extends Error {
  override readonly name = 'IncidentError'
  readonly code: IncidentErrorCode

  constructor(code: IncidentErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
