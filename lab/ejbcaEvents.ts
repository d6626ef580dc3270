// What EJBCA 7.11 logs for each thing that is done, line by line as in its recordings: which events, in which order, with which fields.
import { createHash } from 'node:crypto'
import { javaHashCode, type AuditLog, type AuditRecord } from './auditLog.ts'

/** Fixed certificate profile ids of EJBCA. */
const CERTIFICATE_PROFILES = { tls_client: 1, ocsp_signer: 4, tls_server: 9 } as const

/** The people and machines that work on the lab's CAs, as their certificates name them. */
export const ADMINISTRATORS = {
  superAdmin: 'CN=SuperAdmin',
  registrationOfficer: 'CN=Alice Berg,O=Vigil Lab,C=SE',
  securityOfficer: 'CN=Bob Lind,O=Vigil Lab,C=SE',
  controlPlane: 'CN=control-plane,O=Vigil Lab,C=SE',
  scheduler: 'Internal CRL update service',
} as const

const MANAGEMENT_CA = 'CN=ManagementCA,O=Vigil Lab,C=SE'

export interface LoggedCertificate {
  readonly authority: { readonly dn: string }
  readonly username: string
  /** Subject DN as EJBCA prints it, and as a request holds it (most significant first). */
  readonly subjectDn: string
  readonly requestDn: string
  readonly dns: readonly string[]
  readonly profile: keyof typeof CERTIFICATE_PROFILES
  readonly spki: Uint8Array
  readonly der: Uint8Array
  /** Hex. */
  readonly serial: string
}

export interface LoggedCrl {
  readonly authority: { readonly name: string; readonly dn: string }
  readonly number: bigint
  readonly der: Uint8Array
}

export function logStart(log: Pick<AuditLog, 'write'>, host: string): void {
  log.write({
    event: 'EJBCA_STARTING',
    status: 'SUCCESS',
    module: 'SERVICE',
    service: 'EJBCA',
    who: 'Application internal',
    detail1: host,
    details: [['msg', 'Init, EJBCA 7.11.0 (PKI Vigil lab) startup.']],
  })
  log.write({
    event: 'LOG_MANAGEMENT_CHANGE',
    status: 'VOID',
    module: 'SECURITY_AUDIT',
    service: 'CORE',
    who: 'Application internal',
    details: [['msg', 'No integrity protected security audit logger devices configured.']],
  })
}

/** An administrator opens the admin web; without a reason it succeeds. */
export function logLogin(log: Pick<AuditLog, 'write'>, who: string, refused?: string): void {
  log.write({
    event: 'ADMINWEB_ADMINISTRATORLOGGEDIN',
    status: refused === undefined ? 'SUCCESS' : 'FAILURE',
    module: 'ADMINWEB',
    service: 'EJBCA',
    who,
    customId: javaHashCode(MANAGEMENT_CA),
    detail1: administratorSerial(who),
    details: [['remoteip', '127.0.0.1'], ...(refused === undefined ? [] : [['reason', refused] as const])],
  })
}

/** The issuance sequence: end entity, authentication, request, stored certificate, creation, status "generated". */
export function logIssued(
  log: Pick<AuditLog, 'write'>,
  who: string,
  issued: LoggedCertificate,
  entity: 'new' | 'known',
): void {
  const ca = javaHashCode(issued.authority.dn)
  const serial = issued.serial.toUpperCase()
  const altName = issued.dns.map((name) => `dnsName=${name}`).join(',')
  const common = { status: 'SUCCESS', service: 'CORE', who, customId: ca, detail2: issued.username } as const
  const profile = String(CERTIFICATE_PROFILES[issued.profile])
  const verb = entity === 'new' ? 'create' : 'edit'
  logAccess(log, who, [
    `/endentityprofilesrules/1/${verb}_end_entity`,
    `/ra_functionality/${verb}_end_entity`,
  ])
  log.write(
    entity === 'new'
      ? { ...common, event: 'RA_ADDENDENTITY', module: 'RA', details: endEntityDetails(issued, ca, altName) }
      : {
          ...common,
          event: 'RA_EDITENDENTITY',
          module: 'RA',
          details: [['msg', `Edited end entity ${issued.username}, new status 10.`]],
        },
  )
  log.write({
    ...common,
    event: 'CA_USERAUTH',
    module: 'CA',
    service: 'EJBCA',
    details: [['msg', `Authenticated user ${issued.username}.`]],
  })
  logAccess(log, who, ['/ca_functionality/create_certificate', `/ca/${ca}`])
  log.write({
    ...common,
    event: 'CERT_REQUEST',
    module: 'CERTIFICATE',
    details: [
      ['subjectdn', issued.subjectDn],
      ['requestX500name', issued.requestDn],
      ['subjectaltname', altName],
      ['requestaltname', altName],
      ['certprofile', profile],
      ['keyusage', '-1'],
      ['notbefore', ''],
      ['notafter', ''],
      ['sequence', ''],
      ['publickey', Buffer.from(issued.spki).toString('base64')],
    ],
  })
  log.write({
    ...common,
    event: 'CERT_STORED',
    module: 'CERTIFICATE',
    detail1: serial,
    details: [
      [
        'msg',
        `Certificate stored for username '${issued.username}', ${describe(issued)}, accountBindingId=.`,
      ],
    ],
  })
  log.write({
    ...common,
    event: 'CERT_CREATION',
    module: 'CERTIFICATE',
    detail1: serial,
    details: [
      ['subjectdn', issued.subjectDn],
      ['certprofile', profile],
      ['issuancerevocationreason', '-1'],
      ['cert', Buffer.from(issued.der).toString('base64')],
    ],
  })
  log.write({
    ...common,
    event: 'RA_EDITENDENTITY',
    module: 'RA',
    who: 'Local admin call from EndEntityManagementSession.decRequestCounter',
    details: [['msg', `Edited end entity ${issued.username}, new status 40.`]],
  })
}

export function logRevoked(
  log: Pick<AuditLog, 'write'>,
  who: string,
  revoked: LoggedCertificate,
  reason: number,
): void {
  const ca = javaHashCode(revoked.authority.dn)
  logAccess(log, who, ['/endentityprofilesrules/1/revoke_end_entity', '/ra_functionality/revoke_end_entity'])
  logAccess(log, who, [`/ca/${ca}`])
  log.write({
    event: 'CERT_REVOKED',
    status: 'SUCCESS',
    module: 'CERTIFICATE',
    service: 'CORE',
    who,
    customId: ca,
    detail1: revoked.serial.toUpperCase(),
    detail2: revoked.username,
    details: [
      [
        'msg',
        `Revoked certificate for username '${revoked.username}', ${describe(revoked, `revocationReason=${reason}, `)}.`,
      ],
    ],
  })
}

export function logCrl(log: Pick<AuditLog, 'write'>, who: string, crl: LoggedCrl): void {
  const ca = javaHashCode(crl.authority.dn)
  const common = { status: 'SUCCESS', module: 'CRL', service: 'CORE', who, customId: ca } as const
  logAccess(log, who, ['/ca_functionality/create_crl'])
  logAccess(log, who, [`/ca/${ca}`])
  log.write({
    ...common,
    event: 'CRL_STORED',
    details: [
      [
        'msg',
        `Stored CRL with CRLNumber=${crl.number}, fingerprint=${sha1(crl.der)}, issuerDN '${crl.authority.dn}'.`,
      ],
    ],
  })
  log.write({
    ...common,
    event: 'CRL_CREATION',
    details: [
      [
        'msg',
        `Created CRL with number ${crl.number} for CA '${crl.authority.name}' with DN '${crl.authority.dn}'.`,
      ],
    ],
  })
}

function logAccess(log: Pick<AuditLog, 'write'>, who: string, resources: readonly string[]): void {
  log.write({
    event: 'ACCESS_CONTROL',
    status: 'SUCCESS',
    module: 'ACCESSCONTROL',
    service: 'CORE',
    who,
    details: resources.map((resource, n) => [`resource${n}`, resource] as const),
  })
}

function endEntityDetails(issued: LoggedCertificate, ca: number, altName: string): AuditRecord['details'] {
  return [
    ['msg', `Added end entity ${issued.username}.`],
    ['caid', String(ca)],
    ['cardnumber', ''],
    ['certificateprofileid', String(CERTIFICATE_PROFILES[issued.profile])],
    ['endentityprofileid', '1'],
    ['status', '10'],
    ['subjectAltName', base64(altName)],
    ['subjectDN', base64(issued.subjectDn)],
    ['subjectEmail', ''],
    ['tokentype', '1'],
    ['type', '1'],
    ['username', base64(issued.username)],
  ]
}

/** EJBCA's putBase64String: an empty value stays empty. */
function base64(text: string): string {
  return text === '' ? '' : `B64:${Buffer.from(text, 'utf8').toString('base64')}`
}

function describe(certificate: LoggedCertificate, more = ''): string {
  return (
    `fp=${sha1(certificate.der)}, ${more}subjectDN '${certificate.subjectDn}', ` +
    `issuerDN '${certificate.authority.dn}', serialNo=${certificate.serial.toUpperCase()}`
  )
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex')
}

/** An administrator's certificate serial: always the same for the same name. */
function administratorSerial(who: string): string {
  return `4${sha1(Buffer.from(who)).slice(1).toUpperCase()}`
}
