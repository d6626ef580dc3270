// What a CA writes down of what it does, as different CAs write it.
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { toTimestamp, type Clock } from '../model/time.ts'
import type { AuditLog } from './auditLog.ts'
import { logCrl, logIssued, logRevoked, type LoggedCertificate, type LoggedCrl } from './ejbcaEvents.ts'
import type { SignedLog, SignedLogRecord } from './signedLog.ts'

export interface CaLog {
  issued(who: string, certificate: LoggedCertificate, entity: 'new' | 'known'): void
  /** `reason`: RFC 5280 section 5.3.1. */
  revoked(who: string, certificate: LoggedCertificate, reason: number): void
  crlIssued(who: string, crl: LoggedCrl): void
}

export function ejbcaLog(log: Pick<AuditLog, 'write'>): CaLog {
  return {
    issued: (who, certificate, entity) => logIssued(log, who, certificate, entity),
    revoked: (who, certificate, reason) => logRevoked(log, who, certificate, reason),
    crlIssued: (who, crl) => logCrl(log, who, crl),
  }
}

/** certificateHold */
const HOLD = 6

/** A Dogtag CA that is told to log its CRLs, too: by their numbers, which is all it can say of them. */
export function dogtagLog(log: Pick<SignedLog, 'write'>): CaLog {
  let requests = 0
  const write = (event: string, who: string, about: SignedLogRecord['attributes'], text: string): void =>
    log.write({ event, attributes: [['SubjectID', who], ['Outcome', 'Success'], ...about], text })
  const request = (serial: string) =>
    [
      ['ReqID', `0x${(++requests).toString(16)}`],
      ['CertSerialNum', `0x${serial}`],
    ] as const
  return {
    issued(who, { serial }) {
      write('CERT_REQUEST_PROCESSED', who, request(serial), 'certificate request processed')
    },
    revoked(who, { serial }, reason) {
      const about = [
        ...request(serial),
        ['RequestType', reason === HOLD ? 'on-hold' : 'revoke'],
        ['RevokeReasonNum', String(reason)],
        ['Approval', 'complete'],
      ] as const
      const text = 'certificate status change request processed'
      write('CERT_STATUS_CHANGE_REQUEST_PROCESSED', who, about, text)
    },
    crlIssued(who, { number }) {
      write('FULL_CRL_GENERATION', who, [['CRLnum', String(number)]], 'Full CRL generation')
    },
  }
}

/** A CA of one's own that writes a JSON object a line, with the settings that read it. */
export const JSON_MAPPING = {
  module: 'own-ca',
  time: 'at',
  action: 'op',
  outcome: { field: 'ok', success: ['true'], failure: ['false'] },
  user: 'by',
  serial: 'serial',
  certificate: 'certificate',
  revocation_reason: 'reason',
  crl_number: 'crl.number',
  fingerprint: 'crl.sha256',
  actions: {
    sign: { category: ['iam'], type: ['creation'], means: 'issued' as const },
    revoke: { category: ['iam'], type: ['change'], means: 'revoked' as const },
    publish: { category: ['file'], type: ['creation'], means: 'crl_issued' as const },
  },
}

export function jsonLog({ file, now }: { readonly file: string; readonly now: Clock }): CaLog {
  const write = (op: string, by: string, rest: object): void =>
    appendFileSync(file, `${JSON.stringify({ at: toTimestamp(now()), op, ok: true, by, ...rest })}\n`)
  return {
    issued: (who, { der }) => write('sign', who, { certificate: Buffer.from(der).toString('base64') }),
    revoked: (who, { serial }, reason) => write('revoke', who, { serial, reason }),
    crlIssued: (who, { number, der }) =>
      write('publish', who, {
        crl: { number: number.toString(), sha256: createHash('sha256').update(der).digest('hex') },
      }),
  }
}
