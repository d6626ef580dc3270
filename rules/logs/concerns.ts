// What somebody should know of an event in a log, whichever format it came in. What a source names itself stands in tables; where it names nothing known,
// the classes of Elastic Common Schema decide.
import type { AuditEvent } from '../../model/auditEvent.ts'
import { LOG_ACTIONS } from '../../collectors/source.ts'
import { UNPARSED } from '../../collectors/formats/unparsed.ts'

/** What is counted of a log as such. Each of these names three facts: `gaps`, `gapsAt`, `gapsRecent`. */
export const LOG_CONCERNS = [
  'unparsed',
  'gaps',
  'setbacks',
  'losses',
  'alterations',
  'badSignatures',
] as const
/** What is counted of what it tells. */
export const SECURITY_CONCERNS = [
  'denials',
  'newIssuers',
  'violations',
  'unplannedChanges',
  'logChanges',
  'keyExports',
  'errors',
] as const
export type Concern = (typeof LOG_CONCERNS)[number] | (typeof SECURITY_CONCERNS)[number]

/** What an event says by itself: without the ones before it, and without the calendar. */
export type PlainConcern = Exclude<Concern, 'setbacks' | 'newIssuers' | 'unplannedChanges'>

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** A private key, or what it was kept in, left the authority. */
const KEY_EXPORTS = names(
  'CA_EXPORTTOKEN KEYRECOVERY_SENT SECURITY_DATA_EXPORT_KEY SECURITY_DATA_RETRIEVE_KEY SECURITY_DATA_RECOVERY_REQUEST_PROCESSED KEY_RECOVERY_REQUEST_PROCESSED',
)

/** The log itself was taken away, moved, or made to say something else. */
const LOG_CHANGES = names(
  'LOG_EXPORT LOG_DELETE AUDIT_LOG_DELETE LOG_PATH_CHANGE LOG_EXPIRATION_CHANGE CONFIG_SIGNED_AUDIT audit.export',
)
/** What we said of an index in which records are other than they were when we read them. */
const ALTERATIONS = names('index_altered document_rewritten')
/** Well when they succeed. */
const LOG_CHECKS = names('LOG_VERIFY LOG_SIGN')

/** Refused for what was asked, not for who asked. */
const REFUSALS = names(
  'CERT_REQUEST CERT_CREATION CA_SIGNREQUEST RA_ADDENDENTITY RA_EDITENDENTITY VALIDATOR_VALIDATION_FAILED ' +
    'PROFILE_CERT_REQUEST NON_PROFILE_CERT_REQUEST CERT_REQUEST_PROCESSED PROOF_OF_POSSESSION CMC_PROOF_OF_IDENTIFICATION',
)
/** Say it by their name, whatever their outcome. */
const ALWAYS_REFUSALS = names('VALIDATOR_VALIDATION_FAILED')

/** Work of the authority that failed. */
const WORK = names(
  'CRL_CREATION CRL_STORED PUBLISHER_STORE_CERTIFICATE PUBLISHER_STORE_CRL PUBLISHER_STORE_OCSP_RESPONSE REVOKE_UNREVOKEPUBLISH CERT_STORED ' +
    'CRYPTOTOKEN_ACTIVATION CRYPTOTOKEN_REACTIVATION CA_KEYACTIVATE CA_VALIDITY ' +
    'FULL_CRL_GENERATION DELTA_CRL_GENERATION FULL_CRL_PUBLISHING DELTA_CRL_PUBLISHING SCHEDULE_CRL_GENERATION SELFTESTS_EXECUTION ' +
    'CIMC_CERT_VERIFICATION RANDOM_GENERATION',
)
/** The same in server.log (collectors/formats/ejbcaServer.ts). */
const WORK_CODES = names(
  'crl_token_offline crl_failed crl_ca_inactive crl_ca_offline service_failed service_postponed service_overrun ocsp_signer_offline ' +
    'health_token_offline health_database token_activation_failed publish_failed publish_missing server_started',
)

/** Daily work, though classed as a change of configuration. */
const NO_CHANGE = names(
  'CRYPTOTOKEN_ACTIVATION CRYPTOTOKEN_DEACTIVATION CRYPTOTOKEN_REACTIVATION KEYRECOVERY_ADDDATA KEYRECOVERY_EDITDATA KEYRECOVERY_MARKED ' +
    'KEYRECOVERY_REMOVEDATA KEYRECOVERY_SENT LOG_MANAGEMENT_CHANGE SECURITY_DATA_ARCHIVAL_REQUEST SECURITY_DATA_ARCHIVAL_REQUEST_PROCESSED ' +
    'SYMKEY_GENERATION_REQUEST SYMKEY_GENERATION_REQUEST_PROCESSED ASYMKEY_GENERATION_REQUEST ASYMKEY_GENERATION_REQUEST_PROCESSED ' +
    'renewal_job_completed certificate_revoked',
)
/** EJBCA's server.log, where the activation of a token is no change either. */
const NO_CHANGE_CODES = names(
  'token_activated token_deactivated token_new token_activation_failed publish_queued',
)

const CHANGES = names('creation change deletion')

/** Administrators who were let in or turned away with their certificate. */
const LOGINS = names('ADMINWEB_ADMINISTRATORLOGGEDIN ACCESS_SESSION_ESTABLISH')

/** The concerns of one event by itself. */
export function concernsOf(event: AuditEvent): readonly PlainConcern[] {
  const { action, code = '', outcome, module, type } = event.event
  if (module === 'vigil') return ownConcerns(action)
  if (action === UNPARSED) return ['unparsed']
  const found: PlainConcern[] = []
  const failed = outcome === 'failure'
  if (event.pki?.signature === 'bad' || code === 'signature_imitated') found.push('badSignatures')
  if (code === 'audit_sequence_gap') found.push('gaps')
  if (isDenial(action, failed, type)) found.push('denials')
  if (ALWAYS_REFUSALS.has(action) || (failed && REFUSALS.has(action))) found.push('violations')
  if (!failed && KEY_EXPORTS.has(action)) found.push('keyExports')
  if (LOG_CHANGES.has(action) || (failed && LOG_CHECKS.has(action))) found.push('logChanges')
  if (failed && (WORK.has(action) || WORK_CODES.has(code))) found.push('errors')
  return found
}

/** What we said about the file or index, or the numbers in it. */
function ownConcerns(action: string): readonly PlainConcern[] {
  if (action === 'sequence_gap') return ['gaps']
  if (ALTERATIONS.has(action)) return ['alterations']
  const isLoss = Object.entries(LOG_ACTIONS).some(
    ([name, outcome]) => name === action && outcome !== 'success',
  )
  return isLoss ? ['losses'] : []
}

function isDenial(action: string, failed: boolean, type: readonly string[]): boolean {
  if (type.includes('denied')) return true
  return failed && (action === 'ADMINWEB_ADMINISTRATORLOGGEDIN' || action === 'ROLE_ASSUME')
}

/** Somebody was not who he said he was. */
export function isFailedLogin({ event: { action, code, outcome, category } }: AuditEvent): boolean {
  if (outcome !== 'failure' || code === 'enrolment_refused') return false
  return (
    category.includes('authentication') || LOGINS.has(action) || action === 'CLIENT_ACCESS_SESSION_ESTABLISH'
  )
}

/** Configuration, roles, profiles, tokens or keys are other than they were. What happens to the log itself is a concern of its own. */
export function isChange({
  event: { action, code = '', outcome, category, type, module },
}: AuditEvent): boolean {
  if (module === 'vigil' || outcome === 'failure') return false
  if (
    NO_CHANGE.has(action) ||
    NO_CHANGE_CODES.has(code) ||
    LOG_CHANGES.has(action) ||
    KEY_EXPORTS.has(action)
  )
    return false
  const concerned =
    category.includes('configuration') || (category.includes('iam') && category.includes('group'))
  return concerned && type.some((one) => CHANGES.has(one))
}

/** Who issued the certificate with which an administrator was let in, as the log names the issuer; undefined: it says nothing of the kind. */
export function administratorIssuer({ event: { action, outcome }, pki }: AuditEvent): string | undefined {
  if (outcome !== 'success' || !LOGINS.has(action)) return undefined
  const issuer = pki?.details?.['customId'] ?? pki?.details?.['IssuerDN']
  return issuer === '' ? undefined : issuer
}

/** EJBCA's word for what has been published. */
const PUBLISHED = '20'

/** A publisher put something off instead of publishing it. */
export function isQueued({ event: { code }, pki }: AuditEvent): boolean {
  return code === 'publish_queued' && pki?.details?.['status'] !== PUBLISHED
}
