import { toTimestamp } from '../../model/time.ts'
import { crlFacts, type Crl, type ReadCrl } from '../../pki/crl.ts'
import type { CrlEntry } from '../../pki/crlEntries.ts'
import type { FactTree } from './document.ts'
import { distributionPointFacts, extensionFacts, pointNameFacts, present } from './pieces.ts'

/** Everything a CRL says but its entries; the facts that rules see under the same names. */
export function crlTree(crl: ReadCrl): FactTree {
  return {
    ...crlFacts(crl),
    reasons: Object.fromEntries(Object.entries(crl.reasons).filter(([, count]) => count > 0)),
    version: crl.version,
    baseNumber: crl.baseNumber?.toString(),
    aki: crl.authorityKeyId,
    idp: scopeTree(crl),
    freshestCrl: present(crl.freshestCrl.map(distributionPointFacts)),
    unknownCritical: present(crl.unknownCritical),
    extensions: present(crl.extensions.map(extensionFacts)),
  }
}

/** issuingDistributionPoint (RFC 5280 5.2.5): what the list is about. */
function scopeTree({ issuingDistributionPoint: scope }: ReadCrl): FactTree | undefined {
  if (scope === undefined) return undefined
  return {
    ...pointNameFacts(scope.name),
    onlyUserCertificates: scope.onlyUserCertificates,
    onlyCaCertificates: scope.onlyCaCertificates,
    onlyAttributeCertificates: scope.onlyAttributeCertificates,
    onlySomeReasons: scope.onlySomeReasons === undefined ? undefined : [...scope.onlySomeReasons],
    indirect: scope.indirect,
  }
}

/** What the list says about one serial number of its own issuer. */
export function lookUpTree({ find }: Pick<Crl, 'find'>, serial: string): FactTree {
  const entry = find(serial)
  return entry === undefined ? { serial, listed: false } : { ...entryTree(entry), listed: true }
}

export function entryTree(entry: CrlEntry): FactTree {
  return {
    serial: entry.serial,
    revokedAt: toTimestamp(entry.revokedAt),
    reason: entry.reason,
    invalidityDate: entry.invalidityDate === undefined ? undefined : toTimestamp(entry.invalidityDate),
    certificateIssuer: entry.certificateIssuer?.text,
  }
}
