import { hash } from 'node:crypto'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { parseCrl } from '../../pki/crl.ts'
import { PkiError } from '../../pki/error.ts'
import { parseOcspResponse } from '../../pki/ocsp.ts'
import { inspectCertificate, inspectChain } from './certificate.ts'
import { inspectCrl } from './crl.ts'
import { malformed, type FactTree, type Inspection, type Kind } from './document.ts'
import { decodeObjects, LABELS } from './encoding.ts'
import { inspectOcsp, inspectOcspError } from './ocsp.ts'
import type { Question } from './question.ts'

/** Certificates in one chain. Servers send up to 5; a root store is no chain. */
const MAX_CHAIN = 100

/** Looks at every certificate, CRL or OCSP answer in one file. */
export function lookAt(kind: Exclude<Kind, 'chain'>, bytes: Uint8Array, question: Question): Inspection[] {
  let objects: readonly Uint8Array[]
  try {
    objects = decodeObjects(bytes, LABELS[kind]).objects
  } catch (error) {
    return [malformed(kind, octetFacts(bytes), error)]
  }
  return objects.map((der) => lookAtObject(kind, der, question))
}

function lookAtObject(kind: Exclude<Kind, 'chain'>, der: Uint8Array, question: Question): Inspection {
  try {
    switch (kind) {
      case 'cert':
        return inspectCertificate(parseCertificate(der, question), question)
      case 'crl':
        return inspectCrl(parseCrl(der, question), question)
      case 'ocsp':
        return inspectOcsp(parseOcspResponse(der, question), question)
    }
  } catch (error) {
    return kind === 'ocsp'
      ? inspectOcspError(octetFacts(der), error)
      : malformed(kind, octetFacts(der), error)
  }
}

/** Looks at one chain: the certificates of all files in their order. */
export function lookAtChain(files: readonly Uint8Array[], question: Question): Inspection {
  const certificates: Certificate[] = []
  try {
    for (const der of files.flatMap((bytes) => decodeObjects(bytes, LABELS.chain).objects)) {
      if (certificates.length >= MAX_CHAIN)
        throw new PkiError('decode', 'too_many', `expected at most ${MAX_CHAIN} certificates in a chain`)
      certificates.push(parseCertificate(der, question))
    }
  } catch (error) {
    return malformed('chain', { certificatesRead: certificates.length }, error)
  }
  const [leaf, ...sent] = certificates
  if (leaf === undefined) throw new Error('expected decodeObjects to give at least one object')
  return inspectChain(leaf, sent, question)
}

/** What is known even of bytes that are no such object. */
function octetFacts(bytes: Uint8Array): FactTree {
  return { size: bytes.length, sha256: hash('sha256', bytes) }
}
