import type { Certificate } from '../../pki/certificate.ts'
import type { ProbeMemory } from '../memory.ts'
import type { CrlTarget } from '../probe.ts'
import type { Ledger } from '../reconciliation/ledger.ts'

/** Revoked certificates that are taken over from a log, the newest: they may cross to a worker with every CRL that is new. */
const MAX_LOGGED = 100_000

/**
 * Serial number and notAfter (milliseconds) of every certificate of the authority that is known: the CAs below it from the inventory, what services were
 * seen to have, and those that its log says are revoked. Of others nobody can say when they expire.
 */
export function knownCertificates(
  { issuer, issued }: Pick<CrlTarget, 'issuer' | 'issued'>,
  memory: ProbeMemory,
  ledger: Ledger,
): ReadonlyMap<string, number> {
  const known = new Map(issued.map(({ serial, notAfter }) => [serial, notAfter]))
  if (issuer === undefined) return known
  for (const [serial, notAfter] of ledger.of(issuer.id)?.certificates.revoked(MAX_LOGGED) ?? [])
    known.set(serial, notAfter)
  for (const { facts } of memory.all('tls')) {
    const { issuer: name, serial, notAfter } = facts.certificate ?? {}
    if (name !== issuer.certificate.subject.text || serial === undefined || notAfter === undefined) continue
    known.set(serial, Date.parse(notAfter))
  }
  return known
}

/** Certificates of the inventory that this authority issued. */
export function issuedBy(
  issuer: Certificate,
  certificates: Iterable<Certificate>,
): readonly Pick<Certificate, 'serial' | 'notBefore' | 'notAfter' | 'sha256'>[] {
  return [...certificates]
    .filter((certificate) => certificate !== issuer && certificate.issuer.text === issuer.subject.text)
    .map(({ serial, notBefore, notAfter, sha256 }) => ({ serial, notBefore, notAfter, sha256 }))
}
