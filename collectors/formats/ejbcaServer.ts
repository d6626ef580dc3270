// Lines of server.log that say what the audit log does not: denied rights, CRLs that were not made, background work that failed, answers of the OCSP
// responder, queues. Texts are those of EJBCA's English resources; with another language a line is kept without these fields.
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { EventClass } from './ejbcaEvents.ts'
import { classOf } from './ejbcaEvents.ts'

/** Where a group of the pattern goes: a field of the event, or a detail under its own name. */
export type ServerField =
  | 'user.name'
  | 'source.ip'
  | 'event.reason'
  | 'pki.caId'
  | 'pki.caName'
  | 'pki.caSubject'
  | 'pki.serial'
  | 'pki.username'
  | 'pki.key'
  | 'pki.crlNumber'
  | 'pki.fingerprint'
  | `details.${string}`

export interface ServerLine {
  /** `event.action` of the line: WildFly's category. */
  readonly category: string
  /** `event.code`: what the line says. */
  readonly code: string
  readonly outcome: AuditEvent['event']['outcome']
  readonly eventClass: EventClass
  /**
   * What the text begins with. Every part is bounded, and what users give stands between words that they cannot put last. Elasticsearch runs the same
   * patterns (filebeat/pipeline.ts), so nothing is in them that Java reads otherwise.
   */
  readonly pattern: RegExp
  /** Of the groups of the pattern, in order. */
  readonly fields: readonly ServerField[]
}

const TEXT = '([^\\n]{0,1000})'
const NAME = '([^\\n]{1,250})'
const ID = '(-?\\d{1,11})'
const NUMBER = '(\\d{1,49})'
const HEX = '([0-9A-Fa-f]{1,128})'
const SERIAL = '([0-9A-Fa-f]{1,80})'
const SHA1 = '([0-9a-f]{40,64})'
const ADDRESS = '([0-9A-Fa-f.:]{0,45})'
const QUOTED = '"([^"\\n]{0,500})"'
const PLAIN = '([^;"\\n]{0,200})'

type Row = readonly [
  code: string,
  outcome: ServerLine['outcome'],
  pattern: string,
  fields: readonly ServerField[],
]

const of = (category: string, eventClass: EventClass, rows: readonly Row[]): ServerLine[] =>
  rows.map(([code, outcome, pattern, fields]) => ({
    category,
    code,
    outcome,
    eventClass,
    pattern: new RegExp(`^${pattern}`),
    fields,
  }))

const CRL = classOf('file', 'creation')
const JOB = classOf('process', 'info')
const ANSWER = classOf('web', 'access')
const KEYS = classOf('configuration', 'change')
const HEALTH = classOf('host', 'info')

/** PatternLogger's default order; no semicolon stands between the requestor's name and the quoted address. */
const transaction = (status: string): string =>
  `${PLAIN};${PLAIN};${status};${PLAIN}"${ADDRESS}";${QUOTED};${QUOTED};${SERIAL};${QUOTED};${NUMBER};${NUMBER};(?:0;){7}` +
  `${QUOTED};${HEX};${HEX};${QUOTED};([0-9.]{1,60});${SERIAL};(-?\\d{1,3});${PLAIN};${PLAIN}`

const TRANSACTION_FIELDS: readonly ServerField[] = [
  'details.sessionId',
  'details.logId',
  'details.status',
  'details.requestor',
  'source.ip',
  'details.signerIssuer',
  'details.signer',
  'details.signerSerial',
  'details.time',
  'details.replyTimeMs',
  'details.questions',
  'details.issuerName',
  'details.issuerNameHash',
  'details.issuerKeyHash',
  'details.answerIssuer',
  'details.digestAlgorithm',
  'pki.serial',
  'details.certificateStatus',
  'details.profileId',
  'details.forwardedFor',
]

/** PatternLogger writes its line feeds as two characters. The request and the answer (hex) stay in `event.original`. */
const ocspAudit = (status: string): string =>
  `SESSION_ID:${PLAIN};LOG ID:${PLAIN};${QUOTED};TIME TO PROCESS:${NUMBER};\\\\nOCSP REQUEST:\\\\n"[0-9A-Fa-f]{0,200000}";` +
  `\\\\nOCSP RESPONSE:\\\\n"[0-9A-Fa-f]{0,200000}";\\\\nSTATUS:${status}`
const OCSP_AUDIT_FIELDS: readonly ServerField[] = [
  'details.sessionId',
  'details.logId',
  'details.time',
  'details.processTimeMs',
  'details.status',
]

const OK = '(0)'
const REFUSED = '([1-9]\\d?)'

/** The first line whose category and pattern fit counts. */
export const SERVER_LINES: readonly ServerLine[] = [
  ...of('org.cesecore.authorization.AuthorizationSessionBean', classOf('iam', 'denied'), [
    [
      'authorization_denied',
      'failure',
      `Authorization failed for ${TEXT} of type ([A-Za-z0-9_.$]{1,300}) for resource ${TEXT}`,
      ['user.name', 'details.tokenType', 'details.resource'],
    ],
  ]),
  ...of('org.ejbca.core.ejb.ca.auth.EndEntityAuthenticationSessionBean', classOf('authentication', 'start'), [
    [
      'enrolment_refused',
      'failure',
      `Got request with status ([A-Z]{1,40}) \\((\\d{1,4})\\), NEW, FAILED or INPROCESS required: ${TEXT}\\.`,
      ['details.status', 'details.statusNumber', 'pki.username'],
    ],
  ]),
  ...of('org.cesecore.certificates.crl.CrlCreateSessionBean', CRL, [
    ['crl_token_offline', 'failure', `CA token is offline for CA '${TEXT}'\\.`, ['pki.caSubject']],
    ['crl_failed', 'failure', `Error generating CRL: ${TEXT}`, ['event.reason']],
    [
      'crl_failed',
      'failure',
      `Error creating CRL for CA ${NAME}, message: ${TEXT}`,
      ['pki.caName', 'event.reason'],
    ],
  ]),
  ...of('org.ejbca.core.ejb.crl.PublishingCrlSessionBean', CRL, [
    [
      'crl_ca_inactive',
      'failure',
      `CA ${NAME}, ${ID} is not active\\. CRL can not be created\\. Status is (\\d{1,3})`,
      ['pki.caName', 'pki.caId', 'details.status'],
    ],
    [
      'crl_ca_offline',
      'failure',
      `CA ${NAME}, ${ID} is off-line\\. CRL can not be created`,
      ['pki.caName', 'pki.caId'],
    ],
    ['crl_token_offline', 'failure', `Crypto token is offline for CA ${ID} generating CRL`, ['pki.caId']],
  ]),
  ...of('org.cesecore.certificates.crl.CrlStoreSessionBean', classOf('file', 'access'), [
    [
      'crl_fetched',
      'success',
      `Retrieved CRL from issuer '${TEXT}', with CRL number ${NUMBER}\\.(?: CRL partition: (\\d{1,9}))?`,
      ['pki.caSubject', 'pki.crlNumber', 'details.partition'],
    ],
    [
      'crl_missing',
      'failure',
      `Error retrieving CRL for issuer '${TEXT}' with CRL number ${NUMBER}\\.(?: CRL partition: (\\d{1,9}))?`,
      ['pki.caSubject', 'pki.crlNumber', 'details.partition'],
    ],
  ]),
  ...of('org.ejbca.core.ejb.services.ServiceSessionBean', JOB, [
    [
      'service_executed',
      'success',
      `Service ${NAME} executed with the following result: (Success|No action)`,
      ['details.service', 'details.result'],
    ],
    [
      'service_failed',
      'failure',
      `Service ${NAME} executed with the following result: ([A-Za-z ]{1,40})`,
      ['details.service', 'details.result'],
    ],
    ['service_failed', 'failure', 'Service worker execution failed', []],
    // When one CA's token is offline, the work is done for none of them, and the audit log says nothing.
    ['service_postponed', 'failure', `Worker execution has been postponed\\.: ${TEXT}`, ['event.reason']],
    [
      'service_overrun',
      'failure',
      `Service '${NAME}' took longer than it's configured service interval`,
      ['details.service'],
    ],
  ]),
  ...of('org.ejbca.core.ejb.ocsp.OcspResponseGeneratorSessionBean', ANSWER, [
    [
      'ocsp_request',
      'success',
      `Received OCSP request for certificate with serNo: ${SERIAL}, and issuerNameHash: ${HEX}\\. Client ip ${ADDRESS}\\.`,
      ['pki.serial', 'details.issuerNameHash', 'source.ip'],
    ],
    [
      'ocsp_status',
      'success',
      `Adding status information \\(?(good|revoked|unknown)\\)? for certificate with serial '(?:0x)?${SERIAL}' from issuer '${TEXT}'\\.`,
      ['details.certificateStatus', 'pki.serial', 'pki.caSubject'],
    ],
    [
      'ocsp_unknown_ca',
      'failure',
      `Unable to find CA certificate by issuer name hash: ${HEX}`,
      ['details.issuerNameHash'],
    ],
    [
      'ocsp_signer_offline',
      'failure',
      `Referenced private key with alias ${NAME} could not be used\\. CryptoToken is off-line for CA with id ${ID}`,
      ['pki.key', 'pki.caId'],
    ],
  ]),
  ...of('org.ejbca.ui.web.protocol.OCSPServlet', ANSWER, [
    ['ocsp_malformed', 'failure', `Error processing OCSP request\\. Message: ${TEXT}`, ['event.reason']],
  ]),
  ...of('org.cesecore.certificates.ocsp.logging.TransactionLogger', ANSWER, [
    ['ocsp_transaction', 'success', transaction(OK), TRANSACTION_FIELDS],
    ['ocsp_transaction', 'failure', transaction(REFUSED), TRANSACTION_FIELDS],
  ]),
  ...of('org.cesecore.certificates.ocsp.logging.AuditLogger', ANSWER, [
    ['ocsp_audit', 'success', ocspAudit(OK), OCSP_AUDIT_FIELDS],
    ['ocsp_audit', 'failure', ocspAudit(REFUSED), OCSP_AUDIT_FIELDS],
  ]),
  ...of('org.ejbca.core.ejb.ca.caadmin.CAAdminSessionBean', HEALTH, [
    ['health_token_offline', 'failure', `Error CA Token is disconnected, CA Name : ${NAME}`, ['pki.caName']],
    ['health_database', 'failure', 'Error creating connection to database', []],
  ]),
  ...of('org.cesecore.keys.token.SoftCryptoToken', KEYS, [
    ['token_activated', 'success', `Activated Crypto Token with ID ${ID}\\.`, ['pki.key']],
    ['token_deactivated', 'success', `De-activated Crypto Token with ID ${ID}\\.`, ['pki.key']],
    // What is said when a token is made.
    [
      'token_new',
      'success',
      `Error activating Crypto Token with ID ${ID}\\. No keystore data available yet`,
      ['pki.key'],
    ],
    [
      'token_activation_failed',
      'failure',
      `Error activating Crypto Token with ID ${ID}\\. ${TEXT}`,
      ['pki.key', 'event.reason'],
    ],
  ]),
  ...of('org.ejbca.ui.web.rest.api.config.RestLoggingFilter', ANSWER, [
    [
      'rest_request',
      'unknown',
      `([A-Z]{1,10}) ([^ \\n]{1,2000}) received from ${ADDRESS} {1,2}X-Forwarded-For: ([^\\n]{0,200})`,
      ['details.method', 'details.url', 'source.ip', 'details.forwardedFor'],
    ],
  ]),
  ...['PublisherSessionBean', 'PublisherQueueSessionBean'].flatMap((bean) =>
    of(`org.ejbca.core.ejb.ca.publisher.${bean}`, classOf('file', 'change'), [
      [
        'publish_failed',
        'failure',
        `Error when publishing to ${NAME}, fingerprint: ${SHA1}`,
        ['details.publisher', 'pki.fingerprint'],
      ],
      [
        'publish_queued',
        'unknown',
        `Stored publish to queue\\. Publisher ${NAME}, fingerprint ${SHA1}, status (\\d{1,3})`,
        ['details.publisher', 'pki.fingerprint', 'details.status'],
      ],
      [
        'publish_missing',
        'failure',
        `Certificate or CRL to publish does not exist, fingerprint: ${SHA1}`,
        ['pki.fingerprint'],
      ],
    ]),
  ),
  ...of('org.cesecore.audit.audit.AuditLogValidationReport', classOf('configuration', 'info'), [
    // LOG_VERIFY says SUCCESS nevertheless.
    [
      'audit_sequence_gap',
      'failure',
      'WARN: auditlog sequence: (-?\\d{1,19}) -> (-?\\d{1,19})\\.',
      ['details.from', 'details.to'],
    ],
  ]),
  ...of('org.ejbca.core.ejb.StartupSingletonBean', classOf('process', 'end'), [
    ['ejbca_stopping', 'success', 'Destroy, EJBCA shutdown\\.', []],
  ]),
  ...of('org.jboss.as', classOf('process', 'info'), [
    ['server_started', 'success', 'WFLYSRV0025: ', []],
    ['server_started', 'failure', 'WFLYSRV0026: ', []],
    ['server_stopped', 'success', 'WFLYSRV0050: ', []],
  ]),
]

const BY_CATEGORY: ReadonlyMap<string, readonly ServerLine[]> = Map.groupBy(
  SERVER_LINES,
  (line) => line.category,
)

/** What is known of a line, with the values of its fields; undefined: nothing but its category. */
export function serverLine(
  category: string,
  text: string,
): { line: ServerLine; values: readonly (readonly [ServerField, string])[] } | undefined {
  for (const line of BY_CATEGORY.get(category) ?? []) {
    const match = line.pattern.exec(text)
    if (match === null) continue
    const values = line.fields.flatMap((field, i) => {
      const value = match[i + 1] ?? ''
      return value === '' ? [] : [[field, value] as const]
    })
    return { line, values }
  }
  return undefined
}
