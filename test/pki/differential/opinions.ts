import { X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { addressView, entryView, hex, isPlain, serialView } from './view.ts'
import type { CertificateView, CrlView } from './view.ts'

// Certificates and CRLs as libraries in this process read them. Each says what it can say.

// The container that @peculiar/x509 is built on wants a polyfill of reflection at start; these three functions are all that is called.
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
})
const x509 = await import('@peculiar/x509')

export function byNode(der: Uint8Array): Partial<CertificateView> {
  const certificate = new X509Certificate(der)
  const { infoAccess = '', subjectAltName = '' } = certificate
  const access = (method: string): string[] =>
    infoAccess.split('\n').flatMap((line) => (line.startsWith(method) ? [line.slice(method.length)] : []))
  return {
    serial: serialView(certificate.serialNumber),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    // `ca` wants keyCertSign too: that is another question. `keyUsage` is what others call extended.
    extendedKeyUsage: plain(certificate.keyUsage),
    plainNames: printedNames(subjectAltName),
    ocspUrls: access('OCSP - URI:'),
    caIssuerUrls: access('CA Issuers - URI:'),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    ...keyByNode(certificate),
  }
}

function keyByNode(certificate: X509Certificate): Partial<CertificateView> {
  let key: KeyObject
  try {
    key = certificate.publicKey
  } catch {
    // A DSA key that inherits its parameters is none by itself.
    return {}
  }
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  return {
    spki: hex(key.export({ type: 'spki', format: 'der' })),
    keyType: key.asymmetricKeyType ?? '',
    keyBits: modulusLength ?? (namedCurve === undefined ? undefined : Number(/\d{3}/.exec(namedCurve)?.[0])),
  }
}

/** `DNS:a, IP Address:10.0.0.1, DirName:"..."`; only forms whose text has no separators in it. */
export function printedNames(text: string): string[] {
  const pattern = /(DNS|IP Address|email|URI|Registered ID|othername|DirName):("(?:[^"\\]|\\.)*"|[^,]*)/g
  return [...text.matchAll(pattern)].flatMap(([, form = '', value = '']) => {
    switch (form) {
      case 'DNS':
        return [`dns:${value}`]
      case 'email':
        return [`email:${value}`]
      case 'URI':
        return [`uri:${value}`]
      case 'Registered ID':
        return [`id:${value}`]
      case 'IP Address':
        return [addressView(value)]
      default:
        return []
    }
  })
}

export function byPkijs(der: Uint8Array): Partial<CertificateView> {
  const certificate = pkijs.Certificate.fromBER(Uint8Array.from(der))
  const parsed = (oid: string): unknown =>
    certificate.extensions?.find(({ extnID }) => extnID === oid)?.parsedValue
  const constraints = parsed('2.5.29.19')
  const usage = parsed('2.5.29.15')
  const purposes = parsed('2.5.29.37')
  const names = parsed('2.5.29.17')
  const access = parsed('1.3.6.1.5.5.7.1.1')
  const points = parsed('2.5.29.31')
  const policies = parsed('2.5.29.32')
  const subjectKey = parsed('2.5.29.14')
  const authorityKey = parsed('2.5.29.35')
  const bits = usage instanceof asn1js.BitString ? usage.valueBlock.valueHexView : new Uint8Array()
  const general = names instanceof pkijs.AltName ? names.altNames.map(pkijsName) : []
  const urls = (method: string): string[] =>
    access instanceof pkijs.InfoAccess
      ? access.accessDescriptions.flatMap(({ accessMethod, accessLocation }) =>
          accessMethod === method ? [String(accessLocation.value)] : [],
        )
      : []
  return {
    serial: signed(certificate.serialNumber.valueBlock.valueHexView),
    subject: pkijsAttributes(certificate.subject),
    issuer: pkijsAttributes(certificate.issuer),
    notBefore: certificate.notBefore.value.getTime(),
    notAfter: certificate.notAfter.value.getTime(),
    isCa: constraints instanceof pkijs.BasicConstraints && constraints.cA,
    pathLength: pkijsPathLength(constraints),
    keyUsage: Array.from({ length: 9 }, (_, bit) => bit).filter(
      (bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0,
    ),
    extendedKeyUsage: purposes instanceof pkijs.ExtKeyUsage ? purposes.keyPurposes : [],
    names: general,
    plainNames: general.filter(isPlain),
    ocspUrls: urls('1.3.6.1.5.5.7.48.1'),
    caIssuerUrls: urls('1.3.6.1.5.5.7.48.2'),
    crlUrls:
      points instanceof pkijs.CRLDistributionPoints
        ? points.distributionPoints.flatMap(({ distributionPoint }) =>
            Array.isArray(distributionPoint)
              ? distributionPoint.flatMap(({ type, value }) => (type === 6 ? [String(value)] : []))
              : [],
          )
        : [],
    policies:
      policies instanceof pkijs.CertificatePolicies
        ? policies.certificatePolicies.map(({ policyIdentifier }) => policyIdentifier)
        : [],
    subjectKeyId:
      subjectKey instanceof asn1js.OctetString ? hex(subjectKey.valueBlock.valueHexView) : undefined,
    authorityKeyId:
      authorityKey instanceof pkijs.AuthorityKeyIdentifier && authorityKey.keyIdentifier !== undefined
        ? hex(authorityKey.keyIdentifier.valueBlock.valueHexView)
        : undefined,
    extensions: (certificate.extensions ?? []).map(
      ({ extnID, critical, extnValue }) => `${extnID} ${critical} ${hex(extnValue.valueBlock.valueHexView)}`,
    ),
    tbs: hex(certificate.tbsView),
    signature: hex(certificate.signatureValue.valueBlock.valueHexView),
  }
}

function pkijsPathLength(constraints: unknown): number | undefined {
  if (!(constraints instanceof pkijs.BasicConstraints)) return undefined
  const length: unknown = constraints.pathLenConstraint
  if (length instanceof asn1js.Integer) return length.valueBlock.valueDec
  return typeof length === 'number' ? length : undefined
}

function pkijsAttributes(name: pkijs.RelativeDistinguishedNames): string[] {
  return name.typesAndValues.map(({ type, value }) => `${type}=${value.valueBlock.value}`)
}

function pkijsName({ type, value }: pkijs.GeneralName): string {
  const content: unknown = value
  switch (type) {
    case 1:
      return `email:${String(content)}`
    case 2:
      return `dns:${String(content)}`
    case 6:
      return `uri:${String(content)}`
    case 8:
      return `id:${String(content)}`
    case 7:
      return content instanceof asn1js.OctetString ? `ip:${hex(content.valueBlock.valueHexView)}` : '?'
    case 4:
      return content instanceof pkijs.RelativeDistinguishedNames
        ? `directory:${pkijsAttributes(content).join(' / ')}`
        : '?'
    case 0: {
      if (!(content instanceof asn1js.Constructed)) return '?'
      const [id, wrapped] = content.valueBlock.value
      if (!(id instanceof asn1js.ObjectIdentifier) || !(wrapped instanceof asn1js.Constructed)) return '?'
      return `other:${id.valueBlock.toString()}:${hex(wrapped.valueBlock.value[0]?.toBER() ?? new ArrayBuffer())}`
    }
    default:
      return '?'
  }
}

export function byPeculiar(der: Uint8Array): Partial<CertificateView> {
  const certificate = new x509.X509Certificate(Uint8Array.from(der))
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
  const usage = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? []
  const access = certificate.getExtension(x509.AuthorityInfoAccessExtension)
  const points = certificate.getExtension(x509.CRLDistributionPointsExtension)
  return {
    // No serial number: it cuts zeros off in front, and with them the sign.
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    isCa: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    keyUsage: Array.from({ length: 9 }, (_, bit) => bit).filter((bit) => (usage & (1 << bit)) !== 0),
    extendedKeyUsage: plain(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).map(String),
    plainNames: names.flatMap(({ type, value }) => peculiarName(type, value)),
    ocspUrls: access?.ocsp.map(({ value }) => value) ?? [],
    caIssuerUrls: access?.caIssuers.map(({ value }) => value) ?? [],
    crlUrls: plain(points?.distributionPoints).flatMap(({ distributionPoint }) =>
      plain(distributionPoint?.fullName).flatMap(({ uniformResourceIdentifier: uri }) => uri ?? []),
    ),
    policies: plain(certificate.getExtension(x509.CertificatePolicyExtension)?.policies),
    subjectKeyId: certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
    authorityKeyId: certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
    extensions: plain(certificate.extensions).map(
      ({ type, critical, value }) => `${type} ${critical} ${hex(value)}`,
    ),
    signature: hex(certificate.signature),
    spki: hex(certificate.publicKey.rawData),
  }
}

/** Its lists are classes of their own, which no comparison takes for an array. */
function plain<T>(list: Iterable<T> | undefined): T[] {
  return list === undefined ? [] : Array.from(list)
}

function peculiarName(type: string, value: string): string[] {
  switch (type) {
    case 'dns':
    case 'email':
    case 'id':
      return [`${type}:${value}`]
    case 'url':
      return [`uri:${value}`]
    case 'ip':
      return [addressView(value)]
    default:
      return []
  }
}

/** Two's complement octets as vigil writes the number. */
function signed(octets: Uint8Array): string {
  return serialView(BigInt.asIntN(octets.length * 8, BigInt(`0x${hex(octets)}`)).toString(16))
}

const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  '7',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const

export function crlByPkijs(der: Uint8Array): CrlView {
  const crl = pkijs.CertificateRevocationList.fromBER(Uint8Array.from(der))
  const number: unknown = crl.crlExtensions?.extensions.find(
    ({ extnID }) => extnID === '2.5.29.20',
  )?.parsedValue
  return {
    issuer: pkijsAttributes(crl.issuer),
    thisUpdate: crl.thisUpdate.value.getTime(),
    nextUpdate: crl.nextUpdate?.value.getTime(),
    number: number instanceof asn1js.Integer ? BigInt(`0x${hex(number.valueBlock.valueHexView)}`) : undefined,
    entries: (crl.revokedCertificates ?? []).map(
      ({ userCertificate, revocationDate, crlEntryExtensions }) => {
        const reason: unknown = crlEntryExtensions?.extensions.find(
          ({ extnID }) => extnID === '2.5.29.21',
        )?.parsedValue
        const code = reason instanceof asn1js.Enumerated ? REASONS[reason.valueBlock.valueDec] : undefined
        return entryView(
          signed(userCertificate.valueBlock.valueHexView),
          revocationDate.value.getTime(),
          code,
        )
      },
    ),
    tbs: hex(crl.tbsView),
    signature: hex(crl.signatureValue.valueBlock.valueHexView),
  }
}

export function crlByPeculiar(der: Uint8Array): Partial<CrlView> {
  const crl = new x509.X509Crl(Uint8Array.from(der))
  const times = { thisUpdate: crl.thisUpdate.getTime(), nextUpdate: crl.nextUpdate?.getTime() }
  // In a CRL without nextUpdate it finds no entries.
  if (crl.nextUpdate === undefined) return times
  const entries = plain(crl.entries).map(({ serialNumber, revocationDate, reason }) =>
    entryView(
      serialView(serialNumber),
      revocationDate.getTime(),
      reason === undefined ? undefined : REASONS[reason],
    ),
  )
  return { ...times, entries, signature: hex(crl.signature) }
}
