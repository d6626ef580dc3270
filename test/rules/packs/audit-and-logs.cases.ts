import type { Facts } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type Case, type PackCases } from './harness.ts'
import { everyDays, everyMonths } from './statements.ts'

const SECOND = 1000
const DAY = 86_400_000

const NCSSR = { from: '2025-11-12' }
const PCI_DSS = { from: '2025-03-31' }

function answer(thisUpdate: number, nextUpdate?: number): Facts {
  return {
    ocsp: {
      serial: 'abcd',
      thisUpdate: toTimestamp(thisUpdate),
      ...(nextUpdate === undefined ? {} : { nextUpdate: toTimestamp(nextUpdate) }),
    },
  }
}

function served(notBefore: number, notAfter: number, facts: Facts = {}): Facts {
  const certificate = { serial: 'abcd', notBefore: toTimestamp(notBefore), notAfter: toTimestamp(notAfter) }
  return { tls: { pathValid: true }, ...facts, certificate: { ...certificate, ...facts.certificate } }
}

/** Issued at the first moment of the rule, or a second before. */
function leaf(purposes: readonly string[], notBefore = Date.parse('2027-03-15')): Facts {
  return { certificate: { serial: 'abcd', notBefore: toTimestamp(notBefore), extendedKeyUsage: purposes } }
}

const REVOKED_OR_NOT: readonly Case[] = [
  passes('good', { certificate: { serial: 'abcd' }, ocsp: { status: 'good' } }),
  fails('revoked', { certificate: { serial: 'abcd' }, ocsp: { status: 'revoked' } }),
  fails('not known to the responder', { certificate: { serial: 'abcd' }, ocsp: { status: 'unknown' } }),
  isUnknown('the responder was not asked, or its answer did not verify', { certificate: { serial: 'abcd' } }),
  isNotApplicable(
    'a second before the requirement',
    { certificate: { serial: 'abcd' }, ocsp: { status: 'revoked' } },
    Date.parse('2025-03-31') - SECOND,
  ),
  fails(
    'from its first moment',
    { certificate: { serial: 'abcd' }, ocsp: { status: 'revoked' } },
    Date.parse('2025-03-31'),
  ),
]

export const AUDIT_AND_LOGS: PackCases = {
  audit_event_coverage: everyDays(366),
  audit_record_content: everyDays(366),
  audit_network_records: everyDays(366, { from: '2024-04-15' }),
  audit_log_retention: everyDays(366),
  audit_archive_retention: everyDays(366),
  audit_log_integrity: everyDays(31, NCSSR),
  audit_log_alerting: everyDays(366, NCSSR),
  audit_access_review: everyMonths(3, NCSSR),
  audit_leaver_access: everyMonths(3, NCSSR),
  audit_vulnerability_policy: everyDays(366, NCSSR),
  audit_cps_review: everyDays(366),
  audit_risk_assessment: everyMonths(12),
  audit_restore_tested: everyDays(366),
  audit_restore_drilled: everyMonths(3),
  audit_service_owner: [
    passes('somebody', { service: { id: 'shop', environment: 'prod', owner: 'web team' } }),
    fails('nobody', { service: { id: 'shop', environment: 'prod', owner: '' } }),
    isUnknown('no service was declared', {}),
  ],
  pci_crypto_inventory: everyMonths(12, PCI_DSS),
  pci_certificate_inventory: everyMonths(12, PCI_DSS),
  pci_log_retention: everyMonths(12),
  pci_certificate_in_force: [
    passes('its first second', served(NOW, NOW + DAY)),
    passes('its last second', served(NOW - DAY, NOW)),
    fails('before it', served(NOW + SECOND, NOW + DAY)),
    fails('after it', served(NOW - DAY, NOW - SECOND)),
    fails('a path that is not valid', served(NOW - DAY, NOW + DAY, { tls: { pathValid: false } })),
    isUnknown('no path was established', served(NOW - DAY, NOW + DAY, { tls: {} })),
    isUnknown('nothing was received', { probe: ran({ phase: 'connect' }) }),
    isNotApplicable(
      'a second before the requirement',
      served(NOW, NOW + DAY),
      Date.parse('2025-03-31') - SECOND,
    ),
    fails('from its first moment', served(NOW, NOW + DAY), Date.parse('2025-03-31')),
  ],
  pci_certificate_not_revoked: REVOKED_OR_NOT,
  moz_ocsp_age: [
    passes('four days old', answer(NOW - 4 * DAY)),
    fails('a second older', answer(NOW - 4 * DAY - SECOND)),
    passes('by when it was fetched, not by now', answer(NOW - 4 * DAY), NOW + DAY),
    isUnknown('no answer verified', { probe: ran({ phase: 'signature' }) }),
  ],
  moz_ocsp_lifetime: [
    passes('ten days', answer(NOW, NOW + 10 * DAY)),
    fails('a second longer', answer(NOW, NOW + 10 * DAY + SECOND)),
    fails('without end', answer(NOW)),
    isUnknown('no answer verified', { probe: ran({ phase: 'signature' }) }),
  ],
  moz_ocsp_not_beyond_certificate: [
    passes('both end together', { ...served(NOW, NOW + DAY), ...answer(NOW, NOW + DAY) }),
    fails('the answer a second later', { ...served(NOW, NOW + DAY), ...answer(NOW, NOW + DAY + SECOND) }),
    isUnknown('the answer says no end', { ...served(NOW, NOW + DAY), ...answer(NOW) }),
  ],
  ccadb_crl_retrievable: [
    passes('fetched', {}),
    passes('fetched, whatever it is', { probe: ran({ phase: 'signature' }) }),
    ...(['resolve', 'connect', 'tls', 'http', 'size'] as const).map((phase) =>
      fails(`not fetched, in ${phase}`, { probe: ran({ phase }) }),
    ),
    isUnknown('nobody has tried', { probe: {} }),
    isNotApplicable(
      'a second before the requirement',
      { probe: ran({ phase: 'http' }) },
      Date.parse('2026-03-20') - SECOND,
    ),
    fails('from its first moment', { probe: ran({ phase: 'http' }) }, Date.parse('2026-03-20')),
  ],
  ccadb_disclosure: everyDays(92, { from: '2026-03-20' }),
  apple_disclosure: everyDays(92, { from: '2022-10-01' }),
  chrome_tls_only_leaf: [
    passes('a server only', leaf(['serverAuth'])),
    fails('a client as well', leaf(['serverAuth', 'clientAuth'])),
    fails('anything', leaf([])),
    isUnknown('nothing was received', { probe: ran({ phase: 'connect' }) }),
    isUnknown('no purposes were established', {
      certificate: { notBefore: toTimestamp(Date.parse('2027-03-15')) },
    }),
    isNotApplicable(
      'issued a second earlier',
      leaf(['serverAuth', 'clientAuth'], Date.parse('2027-03-15') - SECOND),
    ),
  ],
  chrome_automation: automation(),
}

/** Judged when the requirement begins, which is after NOW. */
function automation(): readonly Case[] {
  const later = Date.parse('2027-03-15')
  const at = (signedAt: number, expires: number): Facts => ({
    attestation: { by: 'jane.doe', at: toTimestamp(signedAt), expires: toTimestamp(expires) },
  })
  return [
    passes('from its first moment', at(later - 366 * DAY, later + DAY), later),
    fails('a second older', at(later - 366 * DAY - SECOND, later + DAY), later),
    isUnknown('nobody has signed', {}, later),
    isNotApplicable('a second before it is in force', at(later - DAY, later + DAY), later - SECOND),
  ]
}
