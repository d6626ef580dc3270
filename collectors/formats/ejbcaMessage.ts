// What only the free text of a message says. Texts are those of EJBCA's intresources.en.properties; with another
// language, or a text that differs, nothing is taken from it. Names and subjects come from users and may hold anything,
// so values are found between fixed words that no user can put first (or last), without searching back and forth.

import type { EjbcaLine } from './ejbcaLine.ts'

export interface MessageFacts {
  readonly caName?: string
  readonly caSubject?: string
  readonly subject?: string
  readonly revocationReason?: number
  readonly crlNumber?: string
  readonly fingerprint?: string
}

export function messageFacts(line: EjbcaLine, message: string): MessageFacts {
  switch (line.eventType) {
    case 'CERT_REVOKED':
    case 'CERT_STORED':
    case 'CERT_CHANGEDSTATUS':
      return certificateFacts(message, line.detail2, line.detail1)
    case 'CRL_STORED':
      return crlStored(message)
    case 'CRL_CREATION':
      return crlCreated(message)
    default:
      return line.eventType.startsWith('CA_') ? caFacts(message) : {}
  }
}

const AFTER_USERNAME = /^', fp=([0-9a-f]{40,64}), (?:revocationReason=(-?\d{1,2}), )?subjectDN '/

/**
 * "... for username 'U', fp=F, revocationReason=N, subjectDN 'S', issuerDN 'I', serialNo=X...". U and S come from a user.
 * U is known from the line, and so is X, which nobody knew before the CA drew it: between them, only the issuer comes last.
 */
function certificateFacts(message: string, username: string, serial: string): MessageFacts {
  const user = `for username '${username}`
  const at = message.indexOf(user)
  if (at === -1 || serial === '') return {}
  const rest = message.slice(at + user.length)
  const start = AFTER_USERNAME.exec(rest)
  const end = rest.lastIndexOf(`', serialNo=${serial}`)
  const issuer = end === -1 ? -1 : rest.lastIndexOf(ISSUER, end)
  if (start === null || issuer < start[0].length) return {}
  const [whole, fingerprint = '', reason] = start
  return {
    fingerprint,
    subject: rest.slice(whole.length, issuer),
    caSubject: rest.slice(issuer + ISSUER.length, end),
    ...(reason === undefined ? {} : { revocationReason: Number(reason) }),
  }
}

const ISSUER = "', issuerDN '"
const STORED = /^Stored CRL with CRLNumber=(\d{1,49}), fingerprint=([0-9a-f]{40,64}), issuerDN '/

function crlStored(message: string): MessageFacts {
  const match = STORED.exec(message)
  if (match === null) return {}
  const [whole, crlNumber = '', fingerprint = ''] = match
  return { crlNumber, fingerprint, caSubject: untilQuote(message, whole.length) }
}

const CREATED = /^Created CRL with number (\d{1,49}) for CA '/
const WITH_DN = "' with DN '"
const NOT_CREATED = 'Error creating CRL for CA '

function crlCreated(message: string): MessageFacts {
  const match = CREATED.exec(message)
  if (match !== null) {
    const [whole, crlNumber = ''] = match
    const dn = message.indexOf(WITH_DN, whole.length)
    if (dn === -1) return { crlNumber }
    return {
      crlNumber,
      caName: message.slice(whole.length, dn),
      caSubject: untilQuote(message, dn + WITH_DN.length),
    }
  }
  const end = message.startsWith(NOT_CREATED) ? message.indexOf(', message: ') : -1
  return end === -1 ? {} : { caName: message.slice(NOT_CREATED.length, end) }
}

const CA = /^CA with id -?\d{1,11} and name (.{1,250}?) (?:added|edited|renamed|removed|deleted)\b/

function caFacts(message: string): MessageFacts {
  const caName = CA.exec(message)?.[1]
  return caName === undefined ? {} : { caName }
}

/** Up to the last quote: the CA's own name may hold one. */
function untilQuote(message: string, from: number): string {
  const end = message.lastIndexOf("'")
  return end < from ? '' : message.slice(from, end)
}
