// What an audit log can tell, or fail to tell. A log takes nothing back: what was written stands there after the repair, which only ends the cause.
import type { AuditLog, AuditRecord } from '../auditLog.ts'
import { javaHashCode } from '../auditLog.ts'
import { ADMINISTRATORS, logLogin } from '../ejbcaEvents.ts'
import type { AuthorityParts, CaFault, Named, Undo } from './fault.ts'

const HOUR = 3_600_000

/** Somebody whom no role knows. */
const STRANGER = 'CN=mallory,O=EJBCA Sample,C=SE'
/** What a script would try within a minute. */
const MANY = 25
/** More than a publisher catches up with in passing. */
const MANY_QUEUED = 120

/** Something happens to the log; ended by what `apply` gives. */
function logFault({ id, title }: Named, apply: (log: AuditLog, ca: AuthorityParts) => Undo): CaFault {
  return { id, title, group: 'log', target: 'ca', apply: (ca, { log }) => Promise.resolve(apply(log, ca)) }
}

/** Something is done, and logged as EJBCA logs it. */
function logged(named: Named, recordsOf: (ca: string) => readonly AuditRecord[]): CaFault {
  return logFault(named, (log, { authority }) => {
    for (const record of recordsOf(authority.dn)) log.write(record)
    return () => undefined
  })
}

export const LOG_FAULTS: readonly CaFault[] = [
  logFault({ id: 'log-publishers-behind', title: 'What should be published waits in the queue' }, (log) => {
    for (let i = 0; i < MANY_QUEUED; i++) {
      const fingerprint = i.toString(16).padStart(40, '0')
      const text = `Stored publish to queue. Publisher LDAP, fingerprint ${fingerprint}, status 40.`
      log.writeServerLine('org.ejbca.core.ejb.ca.publisher.PublisherSessionBean', text)
    }
    return () => undefined
  }),
  logFault({ id: 'log-silent', title: 'Nothing is written to the audit log any more' }, (log) => {
    const speak = log.silence()
    return () => {
      speak()
      logLogin(log, ADMINISTRATORS.superAdmin)
    }
  }),
  logFault({ id: 'log-time-back', title: "The clock of the CA's server is set back by an hour" }, (log) => {
    log.shift(-HOUR)
    logLogin(log, ADMINISTRATORS.superAdmin)
    return () => log.shift(HOUR)
  }),
  logFault({ id: 'log-sequence-gap', title: "Records are missing in EJBCA's own audit table" }, (log) => {
    log.writeServerLine(
      'org.cesecore.audit.audit.AuditLogValidationReport',
      'WARN: auditlog sequence: 41 -> 44. Message: records are missing',
    )
    return () => undefined
  }),
  logFault({ id: 'log-truncated', title: 'The audit log is emptied' }, (log) => {
    log.truncate()
    logLogin(log, ADMINISTRATORS.superAdmin)
    return () => undefined
  }),
  logFault({ id: 'log-garbage', title: 'Something else writes into the audit log' }, (log) => {
    log.writeRaw('2026-13-45 99:99:99+00:00;CERT_CREATION;MAYBE;no such line\n')
    return () => undefined
  }),
  logged({ id: 'log-authentication-burst', title: 'Somebody tries passwords, one after another' }, () =>
    Array.from({ length: MANY }, () => ({
      event: 'AUTHENTICATION',
      status: 'FAILURE',
      module: 'AUTHENTICATION',
      service: 'CORE',
      who: 'ejbca',
      details: [
        [
          'msg',
          'Authentication failed. Further information: Incorrect one-time hash was passed with CLI token.',
        ],
      ],
    })),
  ),
  logFault({ id: 'log-stranger', title: 'Somebody without rights opens the admin web' }, (log) => {
    logLogin(log, STRANGER, 'Client certificate has no access')
    return () => undefined
  }),
  logged(
    { id: 'log-foreign-administrator', title: 'An administrator comes with the certificate of another CA' },
    (ca) => [
      {
        event: 'ADMINWEB_ADMINISTRATORLOGGEDIN',
        status: 'SUCCESS',
        module: 'ADMINWEB',
        service: 'EJBCA',
        who: ADMINISTRATORS.superAdmin,
        customId: javaHashCode(ca),
        detail1: '4711',
        details: [['remoteip', '127.0.0.1']],
      },
    ],
  ),
  logged(
    { id: 'log-policy-violation', title: 'A request for what the profile does not allow is refused' },
    (ca) => [
      {
        event: 'VALIDATOR_VALIDATION_FAILED',
        status: 'FAILURE',
        module: 'VALIDATOR',
        service: 'CORE',
        who: ADMINISTRATORS.registrationOfficer,
        customId: javaHashCode(ca),
        details: [['msg', "Key validator 'RSA' failed: key length 1024 is below 2048."]],
      },
    ],
  ),
  logged({ id: 'log-unplanned-change', title: 'A certificate profile is edited' }, () => [
    {
      event: 'CERTPROFILE_EDITING',
      status: 'SUCCESS',
      module: 'CERTIFICATEPROFILE',
      service: 'CORE',
      who: ADMINISTRATORS.superAdmin,
      details: [
        ['msg', 'Edited certificateprofile TLSServer.'],
        ['changed:keyusage', '[true, true, true, true]'],
      ],
    },
  ]),
  logged({ id: 'log-exported', title: 'The audit log is exported and deleted in the database' }, () =>
    (['LOG_EXPORT', 'LOG_DELETE'] as const).map((event) => ({
      event,
      status: 'SUCCESS',
      module: 'SECURITY_AUDIT',
      service: 'CORE',
      who: ADMINISTRATORS.superAdmin,
      details: [],
    })),
  ),
  logged({ id: 'log-key-exported', title: "The CA's token is exported with its keys" }, (ca) => [
    {
      event: 'CA_EXPORTTOKEN',
      status: 'SUCCESS',
      module: 'CA',
      service: 'CORE',
      who: ADMINISTRATORS.superAdmin,
      customId: javaHashCode(ca),
      details: [['msg', 'CA token exported.']],
    },
  ]),
  logged({ id: 'log-crl-failed', title: 'The CA cannot make its CRL' }, (ca) => [
    {
      event: 'CRL_CREATION',
      status: 'FAILURE',
      module: 'CRL',
      service: 'CORE',
      who: ADMINISTRATORS.scheduler,
      customId: javaHashCode(ca),
      details: [
        [
          'msg',
          'Error creating CRL: The keys in the crypto token could not be accessed. Is the crypto token active? .',
        ],
      ],
    },
  ]),
]
