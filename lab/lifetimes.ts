const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** All in milliseconds. */
export interface Lifetimes {
  /** From thisUpdate to nextUpdate of the issuing CAs' CRLs. */
  readonly crl: number
  /** How often they are issued. */
  readonly crlInterval: number
  /** How old the CRL is that `crl-stale` puts in place, at least; 0: the last one simply grows old. */
  readonly staleCrl: number
  readonly rootCrl: number
  /** From thisUpdate to nextUpdate of an OCSP answer. */
  readonly ocsp: number
  readonly service: number
  /** Life left in the certificate that `cert-near-expiry` deploys. */
  readonly nearExpiry: number
}

/** Pass the shipped rules as long as no fault is on, and fail them when one is. */
export const DEFAULT_LIFETIMES: Lifetimes = {
  crl: 3 * DAY_MS,
  crlInterval: 12 * HOUR_MS,
  staleCrl: 30 * HOUR_MS,
  rootCrl: 180 * DAY_MS,
  ocsp: HOUR_MS,
  service: 90 * DAY_MS,
  nearExpiry: 5 * DAY_MS,
}
