/**
 * How far in the future a CRL's or OCSP answer's own dates may lie, in milliseconds. Clocks under NTP differ by less than a second;
 * a minute leaves room for machines that just booted, and is still reported when a CA's clock is really wrong.
 * There is no tolerance for the past: whoever relies on nextUpdate has none either.
 */
export const CLOCK_TOLERANCE = 60_000
