import { hash } from 'node:crypto'
import { toTimestamp } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import type { CertStatus, OcspResponse, SingleResponse } from '../../pki/ocspResponse.ts'
import type { FactTree } from './document.ts'

/** Everything an OCSP answer says. `signer`: whose signature verified. */
export function ocspTree(response: OcspResponse, signer: Certificate | undefined): FactTree {
  const { responderId, nonce, certificates, unknownCritical } = response
  return {
    responseStatus: 'successful',
    producedAt: toTimestamp(response.producedAt),
    responder: responderId.by === 'name' ? responderId.name.text : responderId.keyHash,
    responderBy: responderId.by,
    responses: response.responses.map(singleTree),
    nonce: nonce === undefined ? undefined : hex(unwrapped(nonce)),
    extendedRevoke: response.extendedRevoke || undefined,
    signatureAlgorithm: response.signatureAlgorithm,
    signer: signer === undefined ? undefined : summary(signer),
    certificates: certificates.map(certificateSummary),
    unknownCritical: unknownCritical.length === 0 ? undefined : unknownCritical,
    size: response.der.length,
    sha256: hash('sha256', response.der),
  }
}

function singleTree(single: SingleResponse): FactTree {
  const { certId, thisUpdate, nextUpdate, archiveCutoff, crlReference } = single
  return {
    serial: certId.serial,
    ...statusTree(single.certStatus),
    thisUpdate: toTimestamp(thisUpdate),
    nextUpdate: timestamp(nextUpdate),
    archiveCutoff: timestamp(archiveCutoff),
    crlReference:
      crlReference === undefined
        ? undefined
        : {
            url: crlReference.url,
            number: crlReference.number?.toString(),
            time: timestamp(crlReference.time),
          },
    hash: certId.hash,
    issuerNameHash: certId.issuerNameHash,
    issuerKeyHash: certId.issuerKeyHash,
    unknownCritical: single.unknownCritical.length === 0 ? undefined : single.unknownCritical,
  }
}

function statusTree(status: CertStatus): FactTree {
  if (status.status !== 'revoked') return { status: status.status }
  return { status: 'revoked', revokedAt: toTimestamp(status.revokedAt), reason: status.reason }
}

function certificateSummary(der: Uint8Array): FactTree {
  try {
    return summary(parseCertificate(der))
  } catch (error) {
    if (error instanceof PkiError) return { sha256: hash('sha256', der), error: error.message }
    throw error
  }
}

function summary({ subject, issuer, serial, notAfter, sha256 }: Certificate): FactTree {
  return { subject: subject.text, issuer: issuer.text, serial, notAfter: toTimestamp(notAfter), sha256 }
}

/** Of the OCTET STRING that RFC 9654 2.1 wants around a nonce; older responders leave it out, and then everything is the nonce. */
function unwrapped(value: Uint8Array): Uint8Array {
  return value[0] === 0x04 && value[1] === value.length - 2 ? value.subarray(2) : value
}

function timestamp(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : toTimestamp(ms)
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
