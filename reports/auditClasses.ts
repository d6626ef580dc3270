import type { AuditEvent } from '../model/auditEvent.ts'

/** What an auditor asks for by name; everything else is in the counts by action. */
export type AuditClass =
  'failedAuthentications' | 'revocations' | 'issuance' | 'crlCreations' | 'configuration' | 'keys' | 'log'

/** Event names of EJBCA 7 and 8 and of Dogtag by class; other formats add theirs. Patterns match the whole name. */
const ACTIONS: readonly (readonly [AuditClass, RegExp])[] = [
  ['issuance', /CERT_CREATION|CA_SIGNREQUEST|CA_SIGNCMS/],
  ['revocations', /CERT_REVOKED|CERT_CHANGEDSTATUS|CA_REVOKED/],
  ['crlCreations', /CRL_CREATION|CRL_DELETED/],
  ['keys', /CRYPTOTOKEN_\w+|CA_KEYGEN|CA_KEYACTIVATE|CA_(EXPORT|REMOVE|RESTORE)TOKEN/],
  ['keys', /INTERNALKEYBINDING_\w+|KEYRECOVERY_\w+/],
  ['configuration', /CA_(CREATION|DELETION|RENAMING|EDITING|IMPORT|RENEWED|ROLLEDOVER)/],
  ['configuration', /CA_SERVICE(DE)?ACTIVATE/],
  ['configuration', /CERTPROFILE_\w+|RA_(ADD|EDIT|RENAME|REMOVE)EEPROFILE/],
  ['configuration', /ROLE_\w+|SYSTEMCONF_\w+|VALIDATOR_(CREATION|CHANGE|RENAME|REMOVAL)|BLACKLIST_\w+/],
  ['configuration', /PUBLISHER_(CREATION|CHANGE|RENAME|REMOVAL)|SERVICE_(ADD|EDIT|RENAME|REMOVE)/],
  [
    'configuration',
    /APPROVAL_PROFILE_\w+|RA_(ADD|EDIT|DEFAULT)ADMINPREF|RA_USERDATASOURCE(ADD|EDIT|RENAME|REMOVE)/,
  ],
  ['log', /LOG_\w+|AUDIT_LOG_\w+|CONFIG_SIGNED_AUDIT|sequence_gap/],
  // Dogtag
  ['issuance', /CERT_REQUEST_PROCESSED/],
  ['revocations', /CERT_STATUS_CHANGE_REQUEST_PROCESSED/],
  ['crlCreations', /(FULL|DELTA)_CRL_GENERATION/],
  [
    'keys',
    /KEY_RECOVERY_\w+|SECURITY_DATA_\w+|(AS|S)YMKEY_GENERATION_\w+|SERVER_SIDE_KEYGEN_\w+|KEY_GEN_ASYMMETRIC/,
  ],
]
const WHOLE = ACTIONS.map(([name, pattern]) => [name, new RegExp(`^(?:${pattern.source})$`)] as const)

const AUTHENTICATION = /^(AUTHENTICATION|CA_USERAUTH|ADMINWEB_ADMINISTRATORLOGGEDIN)$/

/** undefined: in no class. Names that the table does not know are classed by the ECS category, where that decides. */
export function auditClass({ event }: AuditEvent): AuditClass | undefined {
  if (AUTHENTICATION.test(event.action) || event.category.includes('authentication'))
    return event.outcome === 'failure' ? 'failedAuthentications' : undefined
  const known = WHOLE.find(([, pattern]) => pattern.test(event.action))
  if (known !== undefined) return known[0]
  return event.category.includes('configuration') ? 'configuration' : undefined
}
