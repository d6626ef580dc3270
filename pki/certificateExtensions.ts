import { TAG, explicit, implicit } from './der.ts'
import type { Der } from './der.ts'
import { readAuthorityKeyId, readValue } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { readDistributionPoints, urlsOf } from './distributionPoint.ts'
import type { DistributionPoint } from './distributionPoint.ts'
import { readGeneralName, readGeneralNames } from './generalName.ts'
import type { GeneralName } from './generalName.ts'
import { OID } from './oid.ts'
import { readCertificatePolicies, readPolicyConstraints, readPolicyMappings } from './policyExtensions.ts'
import type { PolicyConstraints, PolicyInformation, PolicyMapping } from './policyExtensions.ts'
import { readSctList } from './sct.ts'
import type { SignedCertificateTimestamp } from './sct.ts'

/** RFC 5280 4.2.1.3, in bit order. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
type KeyUsage = (typeof KEY_USAGES)[number]

/** RFC 5280 4.2.1.10. */
export interface NameConstraints {
  /** undefined: everything is permitted. */
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
  /** A base distance other than the default was given: RFC 5280 gives it no meaning. */
  readonly unusual: boolean
}

/** What the extensions of a certificate say (RFC 5280 4.2). */
export interface CertificateExtensions {
  subjectAltNames: readonly GeneralName[]
  isCa: boolean
  pathLength: number | undefined
  keyUsage: ReadonlySet<KeyUsage> | undefined
  extendedKeyUsage: readonly string[] | undefined
  subjectKeyId: string | undefined
  authorityKeyId: string | undefined
  ocspUrls: readonly string[]
  caIssuerUrls: readonly string[]
  crlDistributionPoints: readonly DistributionPoint[]
  freshestCrl: readonly DistributionPoint[]
  /** The URIs in `crlDistributionPoints`. */
  crlUrls: readonly string[]
  ocspNoCheck: boolean
  nameConstraints: NameConstraints | undefined
  /** undefined: no such extension, which is not the same as an empty list (RFC 5280 6.1.3 (e)). */
  certificatePolicies: readonly PolicyInformation[] | undefined
  policyMappings: readonly PolicyMapping[]
  policyConstraints: PolicyConstraints | undefined
  /** skipCerts (RFC 5280 4.2.1.14). */
  inhibitAnyPolicy: number | undefined
  /** The poison that keeps a precertificate from being used (RFC 6962 3.1) is there. */
  isPrecertificate: boolean
  /** Signed certificate timestamps that the certificate carries (RFC 6962 3.3). */
  scts: readonly SignedCertificateTimestamp[]
  /** TLS extensions that a server with this certificate must use (RFC 7633). */
  tlsFeatures: readonly number[]
  /** OIDs of statements about qualified certificates (RFC 3739 3.2.6). */
  qcStatements: readonly string[]
  /** OIDs of critical extensions that are not understood, or have something in them that is not. */
  unknownCritical: string[]
}

/** Items in one list of an extension: key purposes, access descriptions, distribution points. Real ones have up to 20. */
const MAX_ITEMS = 256
/** Subtrees in name constraints. Product with the names of a certificate bounds the work of a path; real ones have up to 200. */
const MAX_SUBTREES = 1024

type Reader = (extension: Extension, into: CertificateExtensions) => void

/** What is understood. An extension that is not here and critical makes a path invalid (RFC 5280 4.2). */
const READERS: Readonly<Record<string, Reader>> = {
  [OID.subjectAltName]: (extension, into) => {
    into.subjectAltNames = readValue(extension, TAG.sequence, readGeneralNames)
  },
  [OID.basicConstraints]: (extension, into) => {
    readValue(extension, TAG.sequence, (content) => {
      into.isCa = content.optional(TAG.boolean, 'cA')?.asFlag() ?? false
      if (!content.done) into.pathLength = content.smallInteger('pathLenConstraint')
    })
  },
  [OID.keyUsage]: (extension, into) => {
    const octets = extension.value.namedBits('')
    extension.value.finish()
    into.keyUsage = new Set(
      KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0),
    )
  },
  [OID.extendedKeyUsage]: (extension, into) => {
    into.extendedKeyUsage = readValue(extension, TAG.sequence, (content) =>
      readList(content, (i) => content.enter(TAG.oid, i).asOid()),
    )
  },
  [OID.subjectKeyIdentifier]: (extension, into) => {
    into.subjectKeyId = Buffer.from(extension.value.octets('')).toString('hex')
    extension.value.finish()
  },
  [OID.authorityKeyIdentifier]: (extension, into) => {
    into.authorityKeyId = readAuthorityKeyId(extension)
  },
  [OID.authorityInfoAccess]: (extension, into) => {
    const accesses = readValue(extension, TAG.sequence, readAccessDescriptions)
    into.ocspUrls = accesses.flatMap(({ method, url }) => (method === OID.accessOcsp ? [url] : []))
    into.caIssuerUrls = accesses.flatMap(({ method, url }) => (method === OID.accessCaIssuers ? [url] : []))
  },
  [OID.crlDistributionPoints]: (extension, into) => {
    into.crlDistributionPoints = readValue(extension, TAG.sequence, readDistributionPoints)
    into.crlUrls = into.crlDistributionPoints.flatMap(({ name }) => urlsOf(name))
  },
  [OID.freshestCrl]: (extension, into) => {
    into.freshestCrl = readValue(extension, TAG.sequence, readDistributionPoints)
  },
  [OID.ocspNoCheck]: (extension, into) => {
    // RFC 6960 4.2.2.2.1: the value is NULL, and some responders leave it empty; only the presence counts.
    if (!extension.value.done) extension.value.null('')
    extension.value.finish()
    into.ocspNoCheck = true
  },
  [OID.nameConstraints]: (extension, into) => {
    into.nameConstraints = readValue(extension, TAG.sequence, readNameConstraints)
  },
  [OID.policyConstraints]: (extension, into) => {
    into.policyConstraints = readValue(extension, TAG.sequence, readPolicyConstraints)
  },
  [OID.certificatePolicies]: (extension, into) => {
    const policies = readValue(extension, TAG.sequence, readCertificatePolicies)
    into.certificatePolicies = policies
    // 4.2.1.4: when critical, the qualifiers must be understood too.
    const unknown = policies.some(({ qualifiers }) => qualifiers.some(({ type }) => type === 'other'))
    if (extension.critical && unknown) into.unknownCritical.push(extension.oid)
  },
  [OID.policyMappings]: (extension, into) => {
    into.policyMappings = readValue(extension, TAG.sequence, readPolicyMappings)
  },
  [OID.inhibitAnyPolicy]: (extension, into) => {
    into.inhibitAnyPolicy = extension.value.smallInteger('skipCerts')
    extension.value.finish()
  },
}

/** What is read because it says something about the certificate; a relying party that must act on it, because it is critical, cannot. */
const DESCRIPTIONS: Readonly<Record<string, Reader>> = {
  [OID.ctPoison]: (_, into) => {
    into.isPrecertificate = true
  },
  [OID.sctList]: (extension, into) => {
    into.scts = readValue(extension, TAG.octetString, readSctList)
  },
  [OID.tlsFeature]: (extension, into) => {
    into.tlsFeatures = readValue(extension, TAG.sequence, (content) =>
      readList(content, () => content.smallInteger('feature')),
    )
  },
  [OID.qcStatements]: (extension, into) => {
    into.qcStatements = readValue(extension, TAG.sequence, (content) =>
      readList(content, (i) => readStatement(content.enter(TAG.sequence, i))),
    )
  },
}

/** Reads the extensions of a certificate. Throws PkiError(decode). */
export function readCertificateExtensions(extensions: readonly Extension[]): Readonly<CertificateExtensions> {
  const result: CertificateExtensions = {
    subjectAltNames: [],
    isCa: false,
    pathLength: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    ocspUrls: [],
    caIssuerUrls: [],
    crlDistributionPoints: [],
    freshestCrl: [],
    crlUrls: [],
    ocspNoCheck: false,
    nameConstraints: undefined,
    certificatePolicies: undefined,
    policyMappings: [],
    policyConstraints: undefined,
    inhibitAnyPolicy: undefined,
    isPrecertificate: false,
    scts: [],
    tlsFeatures: [],
    qcStatements: [],
    unknownCritical: [],
  }
  for (const extension of extensions) {
    const read = READERS[extension.oid]
    if (read !== undefined) {
      read(extension, result)
      continue
    }
    DESCRIPTIONS[extension.oid]?.(extension, result)
    if (extension.critical) result.unknownCritical.push(extension.oid)
  }
  return result
}

/** QCStatement: its information is not read. */
function readStatement(statement: Der): string {
  const id = statement.oid('statementId')
  if (!statement.done) statement.any('statementInfo')
  statement.finish()
  return id
}

/** At most `MAX_ITEMS`. */
function readList<T>(content: Der, read: (index: number) => T): T[] {
  const items: T[] = []
  while (!content.done) {
    if (items.length >= MAX_ITEMS) content.fail('too_many', `expected at most ${MAX_ITEMS} items`)
    items.push(read(items.length))
  }
  if (items.length === 0) content.note('empty_list')
  return items
}

/** RFC 5280 4.2.2.1; only URLs are of interest. */
function readAccessDescriptions(content: Der): { method: string; url: string }[] {
  return readList(content, (i) => {
    const description = content.enter(TAG.sequence, i)
    const method = description.oid('accessMethod')
    const location = readGeneralName(description, 'accessLocation', [4, 16])
    description.finish()
    return location.type === 'uri' ? [{ method, url: location.value }] : []
  }).flat()
}

function readNameConstraints(content: Der): NameConstraints {
  const permitted = readSubtrees(content.optional(explicit(0), 'permittedSubtrees'))
  const excluded = readSubtrees(content.optional(explicit(1), 'excludedSubtrees'))
  return {
    permitted: permitted.map(({ base }) => base),
    excluded: excluded.map(({ base }) => base),
    unusual: [...permitted, ...excluded].some(({ unusual }) => unusual),
  }
}

/** At least one: an empty list of what is permitted could be read as "nothing" or as "anything". */
function readSubtrees(list: Der | undefined): { base: GeneralName; unusual: boolean }[] {
  if (list === undefined) return []
  const subtrees: { base: GeneralName; unusual: boolean }[] = []
  do {
    if (subtrees.length >= MAX_SUBTREES) list.fail('too_many', `expected at most ${MAX_SUBTREES} subtrees`)
    const subtree = list.enter(TAG.sequence, subtrees.length)
    const base = readGeneralName(subtree, 'base', [8, 32])
    const minimum = subtree.next === implicit(0) ? subtree.smallInteger('minimum', implicit(0)) : undefined
    if (minimum === 0) subtree.note('default_written')
    const hasMaximum = subtree.next === implicit(1)
    if (hasMaximum) subtree.smallInteger('maximum', implicit(1))
    subtree.finish()
    subtrees.push({ base, unusual: (minimum ?? 0) !== 0 || hasMaximum })
  } while (!list.done)
  return subtrees
}
