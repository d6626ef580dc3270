import { FACTS } from '../model/facts.ts'
import type { FactGroup, FactType } from '../model/facts.ts'
import type { ProbeKind } from '../model/observation.ts'
import type { Metric } from './metricTable.ts'

/**
 * What a fact's series shows when the newest run did not establish the fact.
 * `last established`: the value of the run that did; a time or a count stays true of the object that was seen, and goes on ageing.
 * `newest run`: NaN; a judgement such as "good" must never outlive the run that made it.
 */
export type Memory = 'last established' | 'newest run'

/** A fact as a metric. Labels are those of its probe, and one more for the states of a state set. */
export interface FactMetric extends Metric {
  readonly type: 'gauge'
  readonly probe: ProbeKind
  readonly group: FactGroup
  readonly fact: string
  readonly factType: FactType
  /** Closed vocabulary of a string fact: a series each, 1 for the current one and 0 for the others. */
  readonly states: { readonly label: string; readonly values: readonly string[] } | undefined
  readonly memory: Memory
}

/** Which inventory ids name a target of each probe, beside its URL or host:port. */
export const TARGET_LABELS = {
  crl: ['authority', 'target'],
  crl_set: ['authority', 'target'],
  ocsp: ['authority', 'target'],
  ocsp_matrix: ['authority', 'target'],
  tls: ['service', 'environment', 'target'],
  mtls: ['service', 'environment', 'target'],
  ca: ['authority', 'target'],
  health: ['system', 'target'],
  reconciliation: ['authority', 'target'],
  issuance: ['service', 'environment', 'target'],
  deployment: ['service', 'environment', 'target'],
  job: ['log', 'job', 'target'],
  issued: ['authority', 'target'],
  ocsp_revocations: ['authority', 'target'],
  attestation: ['target'],
  follow: ['monitor', 'target'],
  backup: ['monitor', 'target'],
  slo: ['target'],
  log: ['log', 'target'],
  repair: ['target'],
  self: ['monitor', 'target'],
} as const satisfies Record<ProbeKind, readonly string[]>

const STATUS = { label: 'status', values: ['good', 'revoked', 'unknown'] }
const CRL_STATUS = { label: 'status', values: ['good', 'revoked', 'undetermined'] }
/** As OpenSSL names them. */
const PROTOCOL = { label: 'protocol', values: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] }
const ANSWER = { label: 'answer', values: ['accepted', 'refused', 'silent', 'not_applicable'] }

/** `crl.nextUpdate` */
type FactName = { [G in FactGroup]: `${G}.${keyof (typeof FACTS)[G] & string}` }[FactGroup]
type Row = readonly [metric: string, help: string, states?: FactMetric['states']]

/** Every fact that is a metric. docs/metrics.md is generated from this table and from METRICS. Of a list it is the number of its items. */
export const FACT_METRICS: readonly FactMetric[] = [
  ...of('crl', {
    'crl.thisUpdate': ['vigil_crl_this_update_timestamp_seconds', 'thisUpdate of the CRL'],
    'crl.nextUpdate': ['vigil_crl_next_update_timestamp_seconds', 'nextUpdate of the CRL'],
    'crl.entries': ['vigil_crl_entries', 'Revoked certificates that the CRL lists'],
    'crl.number': ['vigil_crl_number', 'CRL number; exact up to 2^53'],
    'crl.size': ['vigil_crl_size_bytes', 'Size of the CRL'],
    'lint.failures': ['vigil_crl_lint_failures', 'Lints that the CRL fails'],
    'crlSchedule.nextDue': [
      'vigil_crl_next_due_timestamp_seconds',
      'When the next CRL is due by the declared schedule',
    ],
    'crlSeries.vanished': [
      'vigil_crl_entries_vanished',
      'Entries that the newest CRL lacks although their certificate has not expired',
    ],
    'http.freshUntil': [
      'vigil_crl_fresh_until_timestamp_seconds',
      'Until when HTTP caches may serve the CRL',
    ],
    'addresses.all': ['vigil_crl_addresses', 'Addresses of the host'],
    'addresses.failed': ['vigil_crl_addresses_failed', 'Addresses without a good answer'],
    'addresses.differing': ['vigil_crl_addresses_differing', 'Addresses that serve another CRL'],
  }),
  ...of('crl_set', {
    'crlSet.addresses': ['vigil_crl_set_addresses', 'Addresses of CRLs of the authority'],
    'crlSet.missing': [
      'vigil_crl_set_partitions_missing',
      'Declared partitions of which no address gives a CRL',
    ],
    'crlSet.undeclared': [
      'vigil_crl_set_undeclared',
      'Addresses of CRLs that the inventory does not declare',
    ],
    'crlSet.differing': [
      'vigil_crl_set_differing',
      'Addresses with another CRL than the newest of their copies',
    ],
    'crlSet.listedTwice': ['vigil_crl_set_listed_twice', 'Certificates on more than one partition'],
    'crlSet.deltasUnusable': ['vigil_crl_set_deltas_unusable', 'Delta CRLs that fit no complete CRL'],
  }),
  ...of('ocsp', {
    'ocsp.status': ['vigil_ocsp_status', 'Status in a verified, timely OCSP answer', STATUS],
    'ocsp.thisUpdate': ['vigil_ocsp_this_update_timestamp_seconds', 'thisUpdate of the OCSP answer'],
    'ocsp.nextUpdate': ['vigil_ocsp_next_update_timestamp_seconds', 'nextUpdate of the OCSP answer'],
    'ocsp.producedAt': ['vigil_ocsp_produced_at_timestamp_seconds', 'When the responder signed the answer'],
    'ocsp.responderNotAfter': [
      'vigil_ocsp_responder_not_after_timestamp_seconds',
      'notAfter of the certificate that signed the OCSP answer',
    ],
    'ocsp.nonceEchoed': ['vigil_ocsp_nonce_echoed', 'The answer repeats the nonce'],
    'lint.failures': [
      'vigil_ocsp_lint_failures',
      "Lints that the OCSP answer and a delegated signer's certificate fail",
    ],
  }),
  ...of('ocsp_matrix', {
    'addresses.all': ['vigil_ocsp_addresses', 'Addresses of the responder'],
    'addresses.failed': ['vigil_ocsp_addresses_failed', 'Addresses without a good answer'],
    'addresses.differing': ['vigil_ocsp_addresses_differing', 'Addresses that answer otherwise'],
    'ocspMatrix.getAgrees': ['vigil_ocsp_get_agrees', 'GET gives the outcome of POST'],
    'ocspMatrix.sha256Agrees': [
      'vigil_ocsp_sha256_agrees',
      'A CertID by SHA-256 gives the outcome of one by SHA-1',
    ],
    'crossCheck.compared': [
      'vigil_ocsp_crl_compared',
      'Certificates whose status by OCSP and by CRL was compared',
    ],
    'crossCheck.status': ['vigil_ocsp_crl_status_differing', 'Certificates of these with another status'],
  }),
  ...of('tls', {
    'certificate.notBefore': [
      'vigil_certificate_not_before_timestamp_seconds',
      'notBefore of the served certificate',
    ],
    'certificate.notAfter': [
      'vigil_certificate_not_after_timestamp_seconds',
      'notAfter of the served certificate',
    ],
    'certificate.keyBits': ['vigil_certificate_key_size', 'Key size of the served certificate, in bits'],
    'ocsp.status': ['vigil_certificate_ocsp_status', 'OCSP status of the served certificate', STATUS],
    'ocsp.nextUpdate': [
      'vigil_certificate_ocsp_next_update_timestamp_seconds',
      'nextUpdate of the OCSP answer about the served certificate',
    ],
    'crlStatus.status': [
      'vigil_certificate_crl_status',
      'Status of the served certificate by CRL',
      CRL_STATUS,
    ],
    'keyUse.sharedWith': [
      'vigil_certificate_key_shared_with',
      "Other services with the served certificate's key",
    ],
    'renewal.newestServed': [
      'vigil_certificate_newest_served',
      'Every address serves the newest certificate that is known',
    ],
    'path.notAfter': [
      'vigil_tls_path_not_after_timestamp_seconds',
      'When the first certificate of the path ends',
    ],
    'tls.pathValid': ['vigil_tls_path_valid', 'The served chain leads to the declared issuer and verifies'],
    'tls.identityMatches': ['vigil_tls_identity_matches', 'The served certificate names the expected host'],
    'tls.clientCertificateAccepted': [
      'vigil_tls_client_certificate_accepted',
      "The service accepted the prober's certificate",
    ],
    'tls.chainLength': ['vigil_tls_chain_length', 'Certificates that the service sent'],
    'tls.protocol': ['vigil_tls_protocol', 'Negotiated TLS version', PROTOCOL],
    'tls.quantumSafe': [
      'vigil_tls_key_exchange_quantum_safe',
      'The key exchange withstands quantum computers',
    ],
    'chain.complete': ['vigil_tls_chain_complete', 'The chain as sent leads to the declared anchor'],
    'staple.present': ['vigil_tls_staple_present', 'An OCSP answer was sent in the handshake'],
    'staple.valid': ['vigil_tls_staple_valid', 'It is authentic, timely and about the served certificate'],
    'staple.nextUpdate': ['vigil_tls_staple_next_update_timestamp_seconds', 'nextUpdate of that answer'],
    'addresses.all': ['vigil_tls_addresses', 'Addresses of the host'],
    'addresses.failed': [
      'vigil_tls_addresses_failed',
      'Addresses at which the handshake or its judgement failed',
    ],
    'addresses.differing': ['vigil_tls_addresses_differing', 'Addresses that serve another certificate'],
    'prober.notAfter': [
      'vigil_prober_certificate_not_after_timestamp_seconds',
      "notAfter of the prober's own certificate",
    ],
    'lint.failures': [
      'vigil_tls_lint_failures',
      'Lints that the served certificate and the OCSP answer about it fail',
    ],
  }),
  ...of('mtls', {
    'mtls.requested': ['vigil_mtls_requested', 'The service asked for a client certificate'],
    'mtls.valid': ['vigil_mtls_valid', 'What it makes of a valid client certificate', ANSWER],
    'mtls.without': ['vigil_mtls_without', 'What it makes of no client certificate', ANSWER],
    'mtls.foreign': ['vigil_mtls_foreign', "What it makes of a foreign CA's certificate", ANSWER],
    'mtls.selfSigned': ['vigil_mtls_self_signed', 'What it makes of a self-signed certificate', ANSWER],
    'mtls.expired': ['vigil_mtls_expired', 'What it makes of an expired certificate', ANSWER],
    'mtls.revoked': ['vigil_mtls_revoked', 'What it makes of a revoked certificate', ANSWER],
    'prober.notAfter': [
      'vigil_mtls_prober_certificate_not_after_timestamp_seconds',
      "notAfter of the prober's certificate that ends first",
    ],
  }),
  ...of('ca', {
    'certificate.notBefore': [
      'vigil_authority_certificate_not_before_timestamp_seconds',
      "notBefore of the authority's certificate",
    ],
    'certificate.notAfter': [
      'vigil_authority_certificate_not_after_timestamp_seconds',
      "notAfter of the authority's certificate",
    ],
    'aia.urls': ['vigil_authority_publications', 'Addresses where the certificate is said to be published'],
    'aia.good': ['vigil_authority_publications_good', 'Addresses of these that serve it'],
    'lint.failures': ['vigil_authority_lint_failures', "Lints that the authority's certificate fails"],
  }),
  ...of('health', {
    'health.ready': ['vigil_system_ready', 'The system says that it is well'],
    'health.problems': ['vigil_system_problems', 'Problems that it names'],
    'health.heartbeatAge': [
      'vigil_system_heartbeat_age_seconds',
      'Time since the daemon was heard that was heard longest ago',
    ],
  }),
  ...of('follow', {
    'follow.size': [
      'vigil_follow_entries',
      'Entries of the followed journal that were verified and mirrored',
    ],
    'follow.grown': ['vigil_follow_grown_timestamp_seconds', 'When it was last seen to have grown'],
    'follow.behind': ['vigil_follow_behind_entries', 'Entries that it has more than the mirror'],
    'follow.forked': ['vigil_follow_forked', 'It has signed two things that contradict each other'],
    'follow.rolledBack': ['vigil_follow_rolled_back', 'It says that it has less than it had'],
  }),
  ...of('backup', {
    'backup.made': ['vigil_backup_timestamp_seconds', 'When a backup of the journal was finished last'],
    'backup.due': ['vigil_backup_due_timestamp_seconds', 'When the next one is due'],
    'backup.failing': ['vigil_backup_failing', 'The newest attempt failed'],
    'backup.octets': ['vigil_backup_bytes', 'What was copied for the newest'],
    'drill.made': ['vigil_restore_drill_timestamp_seconds', 'When a backup was last restored and verified'],
    'drill.due': ['vigil_restore_drill_due_timestamp_seconds', 'When that is due again'],
    'drill.failing': ['vigil_restore_drill_failing', 'The newest attempt failed'],
  }),
  ...of('log', {
    'log.silent': ['vigil_log_silent', 'Nothing was written for five minutes'],
    'log.silentSince': [
      'vigil_log_silent_since_timestamp_seconds',
      'While it is silent: when the newest record was written, or since when the first one is awaited',
    ],
    'log.usualPause': ['vigil_log_usual_pause_seconds', 'The second longest pause of the last 14 days'],
    'log.unparsed': [
      'vigil_log_unparsed_records',
      'Records that were not understood, since the log is watched',
    ],
    'log.gaps': ['vigil_log_gaps', 'Places where numbers of records are missing, or come again'],
    'log.setbacks': ['vigil_log_time_setbacks', 'Times that lie before the one that stands before them'],
    'log.losses': ['vigil_log_losses', 'Times that the file was cut, written anew, removed, or was gone'],
    'log.alterations': ['vigil_log_alterations', 'Alterations of documents of an index after they were read'],
    'log.badSignatures': [
      'vigil_log_signatures_bad',
      'Signatures that do not fit what they cover, and records that imitate one',
    ],
    'log.unsignedSince': [
      'vigil_log_unsigned_since_timestamp_seconds',
      'When the first record after the last good signature was written, where that is five minutes ago',
    ],
    'security.failedLogins': [
      'vigil_log_failed_authentications',
      'Failed authentications in 10 minutes, of the one actor or address that has the most',
    ],
    'security.failedLoginsAll': [
      'vigil_log_failed_authentications_all',
      'Failed authentications in 10 minutes, up to 1000',
    ],
    'security.denials': ['vigil_log_denials', 'Times that somebody asked for what he may not'],
    'security.newIssuers': [
      'vigil_log_administrator_issuers_new',
      'First logins of administrators by a certificate of another issuer',
    ],
    'security.violations': ['vigil_log_policy_violations', 'Requests that policy refused'],
    'security.unplannedChanges': [
      'vigil_log_unplanned_changes',
      'Changes of configuration, roles, profiles, tokens or keys outside of maintenance',
    ],
    'security.logChanges': [
      'vigil_log_interferences',
      'Times that the log was exported, deleted or moved, or its verification failed',
    ],
    'security.keyExports': ['vigil_log_key_exports', 'Private keys that left the authority'],
    'security.errors': ['vigil_log_authority_errors', 'Work of the authority that failed'],
    'security.publishesQueued': [
      'vigil_log_publishes_queued',
      'What publishers put off within an hour, up to 1000',
    ],
  }),
  ...of('reconciliation', {
    'reconciliation.revocations': [
      'vigil_reconciliation_revocations',
      'Certificates that the log says are revoked',
    ],
    'reconciliation.onCrl': [
      'vigil_reconciliation_revocations_published',
      'Certificates of these that are on a CRL',
    ],
    'reconciliation.undated': [
      'vigil_reconciliation_revocations_undated',
      'Certificates of these that are on no CRL, and may have expired as far as the log says',
    ],
    'reconciliation.missing': [
      'vigil_reconciliation_revocations_missing',
      'Certificates of these that are on no CRL',
    ],
    'reconciliation.missingSince': [
      'vigil_reconciliation_revocations_missing_since_timestamp_seconds',
      'When the first of those that are missing was revoked',
    ],
    'reconciliation.latency': [
      'vigil_reconciliation_publication_latency_seconds',
      'From the newest revocation to the CRL that has it',
    ],
    'reconciliation.unlogged': [
      'vigil_reconciliation_entries_unlogged',
      'Entries of CRLs that no revocation in the log explains',
    ],
    'reconciliation.crlsUnlogged': [
      'vigil_reconciliation_crls_unlogged',
      'CRLs that the log knows nothing of',
    ],
  }),
  ...of('ocsp_revocations', {
    'ocspRevocations.behind': [
      'vigil_ocsp_revocations_behind',
      'Revocations in the log that the responder was not asked about yet',
    ],
    'ocspRevocations.unpublished': [
      'vigil_ocsp_revocations_unpublished',
      'Certificates whose revocation the responder does not know',
    ],
    'ocspRevocations.unpublishedSince': [
      'vigil_ocsp_revocations_unpublished_since_timestamp_seconds',
      'When the first of these was revoked',
    ],
    'ocspRevocations.unlogged': [
      'vigil_ocsp_revocations_unlogged',
      'Certificates that the responder says are revoked, and the log does not',
    ],
  }),
  ...of('issued', {
    'issued.certificates': ['vigil_issued_certificates', 'Certificates in the log that are in use'],
    'issued.expected': ['vigil_issued_expected', 'Certificates of these that are declared as expected'],
    'issued.inventoried': ['vigil_issued_inventoried', 'Certificates of these that are served, or in files'],
    'issued.unknown': ['vigil_issued_unknown', 'Certificates of these that the inventory does not know'],
    'issued.unknownSince': [
      'vigil_issued_unknown_since_timestamp_seconds',
      'When the first of those that are unknown was issued',
    ],
    'issued.unlogged': [
      'vigil_issued_unlogged',
      'Certificates in the inventory that the log knows nothing of',
    ],
  }),
]

function of(probe: ProbeKind, rows: Readonly<Partial<Record<FactName, Row>>>): FactMetric[] {
  return Object.entries(rows).map(([fact, [name, help, states]]) => {
    const { group, type } = lookUp(fact)
    return {
      name,
      type: 'gauge',
      help,
      labels: [...TARGET_LABELS[probe], ...(states === undefined ? [] : [states.label])],
      probe,
      group,
      fact: fact.slice(group.length + 1),
      factType: type,
      states,
      memory: isJudgement(type, states) ? 'newest run' : 'last established',
    }
  })
}

function lookUp(fact: string): { readonly group: FactGroup; readonly type: FactType } {
  const [group = '', name = ''] = fact.split('.')
  if (!isGroup(group)) throw new Error(`expected a group of facts, got ${fact}`)
  const types: Readonly<Record<string, FactType>> = FACTS[group]
  const type = types[name]
  if (type === undefined) throw new Error(`expected a fact, got ${fact}`)
  return { group, type }
}

function isGroup(name: string): name is FactGroup {
  return Object.hasOwn(FACTS, name)
}

/** A number of things in trouble is one too. */
function isJudgement(type: FactType, states: FactMetric['states']): boolean {
  return type === 'bool' || type === 'list<string>' || states !== undefined
}
