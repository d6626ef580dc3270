import type { Certificate } from '../certificate.ts'
import { toTimestamp } from '../../model/time.ts'
import { hasUniqueIdentifier } from './certificateView.ts'
import { expected, rfc } from './lint.ts'
import type { Lint } from './lint.ts'

/** Octets of a serial number (RFC 5280 4.1.2.2). */
const MAX_SERIAL = 20

/** RFC 5280 4.1.2: the basic fields. */
export const FIELD_LINTS: readonly Lint<Certificate>[] = [
  {
    id: 'cert_serial_positive',
    title: 'The serial number is positive',
    source: rfc(5280, '4.1.2.2'),
    check: ({ serial }) =>
      serial.startsWith('-') || serial === '0' ? expected('a positive serial number', serial) : undefined,
  },
  {
    id: 'cert_serial_at_most_20_octets',
    title: `The serial number has at most ${MAX_SERIAL} octets`,
    source: rfc(5280, '4.1.2.2'),
    check: ({ serialOctets }) =>
      serialOctets.length <= MAX_SERIAL
        ? undefined
        : expected(`at most ${MAX_SERIAL} octets`, String(serialOctets.length)),
  },
  {
    id: 'cert_validity_order',
    title: 'notAfter is not before notBefore',
    source: rfc(5280, '4.1.2.5'),
    check: ({ notBefore, notAfter }) =>
      notBefore <= notAfter
        ? undefined
        : expected(`notAfter from ${toTimestamp(notBefore)}`, toTimestamp(notAfter)),
  },
  {
    id: 'cert_unique_identifiers_absent',
    title: 'Issuer and subject have no unique identifiers',
    source: rfc(5280, '4.1.2.8'),
    check: (certificate) =>
      hasUniqueIdentifier(certificate) ? expected('no unique identifier', 'one') : undefined,
  },
]
