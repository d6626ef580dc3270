/** How an event type reads in Elastic Common Schema. `type` is empty where the outcome decides (granted or denied). */
export interface EventClass {
  readonly category: readonly string[]
  readonly type: readonly string[]
}

export const classOf = (category: string, ...type: string[]): EventClass => ({
  category: category === '' ? [] : [category],
  type,
})

// ECS has no words for a CA's work. iam: credentials, end entities, roles. configuration: CAs, keys, profiles, system.
// file: what is published.
const CLASSES: readonly (readonly [EventClass, string])[] = [
  // issuance
  [
    classOf('iam', 'info'),
    'CERT_REQUEST CERT_CTPRECERT_SUBMISSION CA_SIGNREQUEST CA_SIGNCMS CA_EXTENDEDSERVICE',
  ],
  [classOf('iam', 'creation'), 'CERT_CREATION CERT_STORED'],
  [classOf('iam', 'change'), 'CERTIFICATE_KEY_BIND CERTIFICATE_KEY_UNBIND'],
  // end entities
  [classOf('iam', 'user', 'creation'), 'RA_ADDENDENTITY'],
  [classOf('iam', 'user', 'change'), 'RA_EDITENDENTITY RA_REVOKEDENDENTITY'],
  [classOf('iam', 'user', 'deletion'), 'RA_DELETEENDENTITY'],
  [classOf('iam', 'user', 'info'), 'RA_USERDATASOURCEFETCHDATA'],
  [classOf('iam', 'user', 'deletion'), 'RA_USERDATASOURCEREMOVEDATA'],
  // revocation
  [classOf('iam', 'change'), 'CERT_REVOKED CERT_CHANGEDSTATUS CA_REVOKED REVOKE_UNREVOKEPUBLISH'],
  // CRLs and publishing
  [classOf('file', 'creation'), 'CRL_CREATION CRL_STORED'],
  [classOf('file', 'deletion'), 'CRL_DELETED'],
  [
    classOf('file', 'change'),
    'PUBLISHER_STORE_CERTIFICATE PUBLISHER_STORE_CRL PUBLISHER_STORE_OCSP_RESPONSE',
  ],
  // authentication and sessions
  [classOf('authentication', 'start'), 'AUTHENTICATION CA_USERAUTH ADMINWEB_ADMINISTRATORLOGGEDIN'],
  [classOf('authentication', 'end'), 'ADMINWEB_ADMINISTRATORLOGGEDOUT'],
  // authorization
  [classOf('iam'), 'ACCESS_CONTROL'],
  // keys and crypto tokens
  [
    classOf('configuration', 'creation'),
    'CRYPTOTOKEN_CREATE CRYPTOTOKEN_GEN_KEYPAIR CRYPTOTOKEN_GEN_KEY CRYPTOTOKEN_GEN_EXTRACT_KEYPAIR CA_KEYGEN ' +
      'INTERNALKEYBINDING_CREATE KEYRECOVERY_ADDDATA',
  ],
  [
    classOf('configuration', 'change'),
    'CRYPTOTOKEN_EDIT CRYPTOTOKEN_ACTIVATION CRYPTOTOKEN_DEACTIVATION CRYPTOTOKEN_REACTIVATION CRYPTOTOKEN_UPDATEPIN ' +
      'CRYPTOTOKEN_AUTHORIZE_KEY CRYPTOTOKEN_INITIALIZE_KEY CRYPTOTOKEN_CHANGE_AUTH_DATA CA_KEYACTIVATE CA_RESTORETOKEN ' +
      'INTERNALKEYBINDING_EDIT KEYRECOVERY_EDITDATA KEYRECOVERY_MARKED',
  ],
  [
    classOf('configuration', 'deletion'),
    'CRYPTOTOKEN_DELETION CRYPTOTOKEN_DELETE_ENTRY CA_REMOVETOKEN INTERNALKEYBINDING_DELETE KEYRECOVERY_REMOVEDATA',
  ],
  [classOf('configuration', 'access'), 'CA_EXPORTTOKEN KEYRECOVERY_SENT'],
  // CA life cycle
  [classOf('configuration', 'creation'), 'CA_CREATION CA_IMPORT'],
  [
    classOf('configuration', 'change'),
    'CA_RENAMING CA_EDITING CA_RENEWED CA_ROLLEDOVER CA_SERVICEACTIVATE CA_SERVICEDEACTIVATE',
  ],
  [classOf('configuration', 'deletion'), 'CA_DELETION'],
  [classOf('configuration', 'info'), 'CA_VALIDITY'],
  // profiles
  [classOf('configuration', 'creation'), 'CERTPROFILE_CREATION RA_ADDEEPROFILE APPROVAL_PROFILE_ADD'],
  [
    classOf('configuration', 'change'),
    'CERTPROFILE_EDITING CERTPROFILE_RENAMING RA_EDITEEPROFILE RA_RENAMEEEPROFILE APPROVAL_PROFILE_EDIT ' +
      'APPROVAL_PROFILE_RENAME',
  ],
  [classOf('configuration', 'deletion'), 'CERTPROFILE_DELETION RA_REMOVEEEPROFILE APPROVAL_PROFILE_REMOVE'],
  // roles and access rules
  [classOf('iam', 'group', 'creation'), 'ROLE_CREATION ROLE_ACCESS_RULE_ADDITION ROLE_ACCESS_USER_ADDITION'],
  [
    classOf('iam', 'group', 'change'),
    'ROLE_RENAMING ROLE_UPDATE_STYLE ROLE_ACCESS_RULE_CHANGE ROLE_ACCESS_USER_CHANGE',
  ],
  [classOf('iam', 'group', 'deletion'), 'ROLE_DELETION ROLE_ACCESS_RULE_DELETION ROLE_ACCESS_USER_DELETION'],
  // system, validators, publishers, services, preferences, data sources
  [
    classOf('configuration', 'creation'),
    'SYSTEMCONF_CREATE VALIDATOR_CREATION BLACKLIST_CREATION PUBLISHER_CREATION SERVICE_ADD RA_ADDADMINPREF ' +
      'RA_USERDATASOURCEADD',
  ],
  [
    classOf('configuration', 'change'),
    'SYSTEMCONF_EDIT VALIDATOR_CHANGE VALIDATOR_RENAME BLACKLIST_CHANGE PUBLISHER_CHANGE PUBLISHER_RENAME SERVICE_EDIT ' +
      'SERVICE_RENAME RA_EDITADMINPREF RA_DEFAULTADMINPREF RA_USERDATASOURCEEDIT RA_USERDATASOURCERENAME',
  ],
  [
    classOf('configuration', 'deletion'),
    'VALIDATOR_REMOVAL BLACKLIST_REMOVAL PUBLISHER_REMOVAL SERVICE_REMOVE RA_USERDATASOURCEREMOVE',
  ],
  [classOf('process', 'info'), 'SERVICE_EXECUTED'],
  // approvals
  [
    classOf('iam', 'admin', 'change'),
    'APPROVAL_ADD APPROVAL_APPROVE APPROVAL_EDIT APPROVAL_REJECT APPROVAL_EXTEND APPROVAL_REMOVE',
  ],
  // results of lints and key checks
  [classOf('configuration', 'info'), 'VALIDATOR_VALIDATION_FAILED VALIDATOR_VALIDATION_SUCCESS'],
  // the audit log itself
  [classOf('configuration', 'info'), 'LOG_VERIFY LOG_SIGN'],
  [classOf('configuration', 'access'), 'LOG_EXPORT'],
  [classOf('configuration', 'deletion'), 'LOG_DELETE'],
  [classOf('configuration', 'change'), 'LOG_MANAGEMENT_CHANGE'],
  // start, and what the operator's own code logs
  [classOf('process', 'start'), 'EJBCA_STARTING'],
  [classOf('', 'info'), 'CUSTOMLOG_INFO'],
  [classOf('', 'error'), 'CUSTOMLOG_ERROR'],
  [classOf('configuration', 'info'), 'BACKUP RESTORE TIME_SYNC_ACQUIRE TIME_SYNC_LOST'],
]

/** Every event type that EJBCA 7.11 declares. Other versions have more; see OTHER. */
export const EJBCA_EVENTS: ReadonlyMap<string, EventClass> = new Map(
  CLASSES.flatMap(([eventClass, names]) => names.split(' ').map((name) => [name, eventClass] as const)),
)

/** An event type that is not in the table: kept under its own name, in no category. */
export const OTHER: EventClass = classOf('', 'info')
