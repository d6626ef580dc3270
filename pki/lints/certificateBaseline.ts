import type { Certificate } from '../certificate.ts'
import type { DistributionPoint } from '../distributionPoint.ts'
import { PROFILES, dnsNames } from './certificateProfile.ts'
import { isDeclaredTlsServer, isResponder, isSelfIssued } from './certificateView.ts'
import { EXTENSION, accessDescriptionsOf, authorityKeyIdentifierOf, has } from './extensionView.ts'
import { baseline, expected, list, quote } from './lint.ts'
import type { Lint } from './lint.ts'
import { dnsNameFault } from './names.ts'

/** 7.1.3.1: and their sizes, which are thresholds. */
const KEY_ALGORITHMS = /^(RSA|EC P-256|EC P-384|EC P-521)$/
/** 7.1.3.2, SHA-1 aside: whether it is over is a matter of dates. */
export const SIGNATURE_ALGORITHMS =
  /^(RSA-SHA(1|256|384|512)|RSA-PSS-SHA(256|384|512)|ECDSA-SHA(256|384|512))$/

/** 7.1.2.11.2: one distribution point, one way to name it. */
function pointFault(point: DistributionPoint): string | undefined {
  const { name, reasons, crlIssuer } = point
  if (reasons !== undefined || crlIssuer !== undefined) return 'one with reasons or a CRL issuer'
  if (name === undefined || !('fullName' in name)) return 'one without a full name'
  const other = name.fullName.find((general) => general.type !== 'uri' || !/^http:\/\//i.test(general.value))
  if (other === undefined) return undefined
  return other.type === 'uri' ? quote(other.value) : `a name of the form ${other.type}`
}

const isProfiled = (certificate: Certificate): boolean =>
  certificate.isCa || isResponder(certificate) || isDeclaredTlsServer(certificate)

/** 7.1.2.11, 7.1.3: what all profiles share. */
export const COMMON_LINTS: readonly Lint<Certificate>[] = [
  {
    id: 'cert_baseline_authority_key_id',
    title: 'All profiles: the authority key identifier is a keyIdentifier only',
    source: baseline('7.1.2.11.1'),
    effectiveFrom: PROFILES,
    applies: (certificate) => isProfiled(certificate) && !isSelfIssued(certificate),
    check: (certificate) => {
      const id = authorityKeyIdentifierOf(certificate)
      return id?.hasKeyId === true && !id.hasIssuer && !id.hasSerial
        ? undefined
        : expected(
            'an authority key identifier with keyIdentifier only',
            id === undefined ? 'none' : 'another',
          )
    },
  },
  {
    id: 'cert_baseline_distribution_points',
    title: 'All profiles: one distribution point, named by HTTP URLs, for all reasons',
    source: baseline('7.1.2.11.2'),
    effectiveFrom: PROFILES,
    applies: (certificate) => isProfiled(certificate) && has(EXTENSION.crlDistributionPoints)(certificate),
    check: ({ crlDistributionPoints: points }) => {
      const fault = points.length === 1 ? points.map(pointFault)[0] : String(points.length)
      return fault === undefined ? undefined : expected('one distribution point with HTTP URLs only', fault)
    },
  },
  {
    id: 'cert_baseline_info_access',
    title: 'All profiles: authority information access has OCSP and CA issuers by HTTP only',
    source: baseline('7.1.2.7.7, 7.1.2.10.3'),
    effectiveFrom: PROFILES,
    applies: (certificate) => isProfiled(certificate) && has(EXTENSION.authorityInfoAccess)(certificate),
    check: (certificate) => {
      const other = accessDescriptionsOf(certificate).filter(
        ({ method, location }) =>
          !(method === EXTENSION.accessOcsp || method === EXTENSION.accessCaIssuers) ||
          location.type !== 'uri' ||
          !/^http:\/\//i.test(location.value),
      )
      const shown = other.map(
        ({ method, location }) =>
          `${method} ${location.type === 'uri' ? quote(location.value) : location.type}`,
      )
      return other.length === 0
        ? undefined
        : expected('HTTP URLs of OCSP responders and CA issuers', list(shown))
    },
  },
  {
    id: 'cert_baseline_key_algorithm',
    title: 'All profiles: the key is RSA or ECDSA on P-256, P-384 or P-521',
    source: baseline('7.1.3.1'),
    applies: isProfiled,
    check: ({ keyAlgorithm }) =>
      KEY_ALGORITHMS.test(keyAlgorithm)
        ? undefined
        : expected('an RSA, P-256, P-384 or P-521 key', keyAlgorithm),
  },
  {
    id: 'cert_baseline_signature_algorithm',
    title:
      'All profiles: the signature is RSA or ECDSA with SHA-256, SHA-384 or SHA-512 (SHA-1 is a matter of dates)',
    source: baseline('7.1.3.2'),
    applies: isProfiled,
    check: ({ signatureAlgorithm }) =>
      SIGNATURE_ALGORITHMS.test(signatureAlgorithm)
        ? undefined
        : expected('an RSA or ECDSA signature with SHA-2', signatureAlgorithm),
  },
  {
    id: 'cert_baseline_dns_names',
    title: 'All profiles: DNS names have labels of letters, digits and hyphens',
    source: baseline('7.1.4.2.1'),
    applies: (certificate) => isProfiled(certificate) && dnsNames(certificate).length > 0,
    check: (certificate) => {
      const bad = dnsNames(certificate).filter(
        (name) => dnsNameFault(name) !== undefined || name.endsWith('.'),
      )
      return bad.length === 0 ? undefined : expected('LDH labels', list(bad.map(quote)))
    },
  },
]
