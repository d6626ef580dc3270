import { open } from 'node:fs/promises'
import { systemCode } from '../../model/thrown.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { matchesIdentity } from '../../pki/identity.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import type { TlsTarget } from '../probe.ts'

/** Octets of the file that are read: a certificate and its chain, with ML-DSA keys too. */
const MAX_FILE = 256 * 1024

/**
 * The newest certificate that was issued for a service, from the file where its control plane writes it. undefined: no file is declared. `unreadable`: it
 * is missing, in the middle of being written, or no certificate of this service.
 */
export async function readIssued({
  certificateFile,
  servername,
}: Pick<TlsTarget, 'certificateFile' | 'servername'>): Promise<Certificate | 'unreadable' | undefined> {
  if (certificateFile === undefined) return undefined
  try {
    const [der] = decodeCertificates(await readStart(certificateFile))
    const certificate = der === undefined ? undefined : parseCertificate(der)
    return certificate !== undefined && matchesIdentity(certificate, servername) ? certificate : 'unreadable'
  } catch (error) {
    if (error instanceof PkiError || systemCode(error) !== '') return 'unreadable'
    throw error
  }
}

async function readStart(name: string): Promise<Uint8Array> {
  await using file = await open(name)
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_FILE) })
  return buffer.subarray(0, bytesRead)
}
