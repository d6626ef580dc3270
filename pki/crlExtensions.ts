import { TAG, implicit } from './der.ts'
import type { Der } from './der.ts'
import {
  readDistributionPointName,
  readDistributionPoints,
  readReasonFlags,
  urlsOf,
} from './distributionPoint.ts'
import type { DistributionPoint, DistributionPointName, ReasonFlag } from './distributionPoint.ts'
import { rawExtension, readAuthorityKeyId, readExtensions, readValue } from './extensions.ts'
import type { RawExtension } from './extensions.ts'
import { OID } from './oid.ts'

/** RFC 5280 5.2.5. */
interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined
  /** The URIs in `name`. */
  readonly urls: readonly string[]
  readonly onlyUserCertificates: boolean
  readonly onlyCaCertificates: boolean
  readonly onlyAttributeCertificates: boolean
  /** undefined: all reasons. */
  readonly onlySomeReasons: ReadonlySet<ReasonFlag> | undefined
  readonly indirect: boolean
}

/** What the extensions of a CRL say (RFC 5280 5.2). */
export interface CrlExtensions {
  number: bigint | undefined
  isDelta: boolean
  /** BaseCRLNumber of a delta CRL. */
  baseNumber: bigint | undefined
  issuingDistributionPoint: IssuingDistributionPoint | undefined
  /** keyIdentifier, lower-case hex. */
  authorityKeyId: string | undefined
  /** OIDs of critical extensions, of the CRL or of its entries, that this code does not process. */
  unknownCritical: readonly string[]
  /** Where delta CRLs are (5.2.6). */
  freshestCrl: readonly DistributionPoint[]
  /** All of the CRL itself, in order. */
  extensions: readonly RawExtension[]
}

export const NO_EXTENSIONS: Readonly<CrlExtensions> = {
  number: undefined,
  isDelta: false,
  baseNumber: undefined,
  issuingDistributionPoint: undefined,
  authorityKeyId: undefined,
  unknownCritical: [],
  freshestCrl: [],
  extensions: [],
}

/** crlExtensions, the next field of tbsCertList if it is there. Throws PkiError(decode). */
export function readCrlExtensions(tbs: Der, version: 1 | 2): CrlExtensions {
  const unknownCritical: string[] = []
  const result: CrlExtensions = { ...NO_EXTENSIONS, unknownCritical }
  const field = tbs.explicit(0, 'crlExtensions')
  if (field === undefined) return result
  // 5.1.2.7
  if (version === 1) field.fail('bad_version', 'expected no extensions in a version 1 CRL')
  const list = field.enter(TAG.sequence, '')
  field.finish()
  const extensions = readExtensions(list)
  result.extensions = extensions.map(rawExtension)
  for (const extension of extensions) {
    const { oid, critical, value } = extension
    switch (oid) {
      case OID.authorityKeyIdentifier:
        result.authorityKeyId = readAuthorityKeyId(extension)
        break
      case OID.crlNumber:
        result.number = value.bigInteger('cRLNumber')
        value.finish()
        break
      case OID.deltaCrlIndicator:
        result.isDelta = true
        result.baseNumber = value.bigInteger('baseCRLNumber')
        value.finish()
        break
      case OID.issuingDistributionPoint:
        result.issuingDistributionPoint = readValue(extension, TAG.sequence, readIssuingDistributionPoint)
        break
      case OID.freshestCrl:
        result.freshestCrl = readValue(extension, TAG.sequence, readDistributionPoints)
        break
      default:
        if (critical) unknownCritical.push(oid)
    }
  }
  return result
}

function readIssuingDistributionPoint(content: Der): IssuingDistributionPoint {
  const choice = content.explicit(0, 'distributionPoint')
  const name = choice === undefined ? undefined : readDistributionPointName(choice)
  const flag = (n: number, name: string) => content.optional(implicit(n), name)?.asFlag() ?? false
  const onlyUserCertificates = flag(1, 'onlyContainsUserCerts')
  const onlyCaCertificates = flag(2, 'onlyContainsCACerts')
  const onlySomeReasons =
    content.next === implicit(3) ? readReasonFlags(content, 'onlySomeReasons', 3) : undefined
  const indirect = flag(4, 'indirectCRL')
  const onlyAttributeCertificates = flag(5, 'onlyContainsAttributeCerts')
  return {
    name,
    urls: urlsOf(name),
    onlyUserCertificates,
    onlyCaCertificates,
    onlyAttributeCertificates,
    onlySomeReasons,
    indirect,
  }
}
