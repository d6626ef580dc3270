import type { Certificate } from '../certificate.ts'
import { PURPOSE, isCa, isEndEntity, isSelfIssued } from './certificateView.ts'
import { EXTENSION, authorityKeyIdentifierOf, extensionOf, has } from './extensionView.ts'
import { duplicates, expected, list, rfc } from './lint.ts'
import type { Lint, LintSource } from './lint.ts'
import { isNameConstraintMask } from './names.ts'

/** Which keys can serve which usage: a usage that the key's algorithm does not have is a mistake. */
const KEY_USAGES_OF_KEYS: readonly { key: RegExp; allowed: readonly string[]; source: LintSource }[] = [
  {
    key: /^RSA$/,
    allowed: [
      'digitalSignature',
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyCertSign',
      'cRLSign',
    ],
    source: rfc(3279, '2.3.1'),
  },
  {
    key: /^EC /,
    allowed: [
      'digitalSignature',
      'nonRepudiation',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
      'encipherOnly',
      'decipherOnly',
    ],
    source: rfc(8813, '3'),
  },
  {
    key: /^(RSA-PSS|Ed25519|Ed448|ML-DSA-.*|SLH-DSA-.*)$/,
    allowed: ['digitalSignature', 'nonRepudiation', 'keyCertSign', 'cRLSign'],
    source: rfc(9881, '3'),
  },
]

function keyUsagesFor({ keyAlgorithm }: Certificate): readonly string[] | undefined {
  return KEY_USAGES_OF_KEYS.find(({ key }) => key.test(keyAlgorithm))?.allowed
}

/** RFC 5280 4.2.1.12: usages of which one at least is needed for the purpose. */
const USAGES_OF_PURPOSES: ReadonlyMap<string, readonly string[]> = new Map([
  [PURPOSE.serverAuth, ['digitalSignature', 'keyEncipherment', 'keyAgreement']],
  [PURPOSE.clientAuth, ['digitalSignature', 'keyAgreement']],
  [PURPOSE.codeSigning, ['digitalSignature']],
  [PURPOSE.emailProtection, ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement']],
  [PURPOSE.timeStamping, ['digitalSignature', 'nonRepudiation']],
  [PURPOSE.ocspSigning, ['digitalSignature', 'nonRepudiation']],
])

/** RFC 5280 4.2.1: which key, what for, and for which names. */
export const KEY_LINTS: readonly Lint<Certificate>[] = [
  {
    id: 'cert_version_3',
    title: 'The version is 3',
    source: rfc(5280, '4.1.2.1'),
    check: ({ version }) => (version === 3 ? undefined : expected('version 3', String(version))),
  },
  // Key identifiers
  {
    id: 'cert_authority_key_id_present',
    title: 'The issuer names its key, unless it is the subject itself',
    source: rfc(5280, '4.2.1.1'),
    applies: (certificate) => !isSelfIssued(certificate),
    check: (certificate) =>
      authorityKeyIdentifierOf(certificate) === undefined
        ? expected('an authority key identifier', 'none')
        : undefined,
  },
  {
    id: 'cert_authority_key_id_has_key_id',
    title: 'The authority key identifier has a keyIdentifier',
    source: rfc(5280, '4.2.1.1'),
    applies: has(EXTENSION.authorityKeyIdentifier),
    check: (certificate) =>
      authorityKeyIdentifierOf(certificate)?.hasKeyId === true
        ? undefined
        : expected('a keyIdentifier', 'none'),
  },
  {
    id: 'cert_authority_key_id_issuer_and_serial',
    title: 'The authority key identifier has the certificate issuer and serial number both or neither',
    source: rfc(5280, '4.2.1.1'),
    applies: has(EXTENSION.authorityKeyIdentifier),
    check: (certificate) => {
      const id = authorityKeyIdentifierOf(certificate)
      return id?.hasIssuer === id?.hasSerial
        ? undefined
        : expected('authorityCertIssuer and authorityCertSerialNumber together', 'one of them')
    },
  },
  {
    id: 'cert_authority_key_id_matches_issuer',
    title: "The authority key identifier is the issuer's subject key identifier",
    source: rfc(5280, '4.2.1.1'),
    applies: ({ authorityKeyId }) => authorityKeyId !== undefined,
    checkIssued: ({ authorityKeyId }, { subjectKeyId }) =>
      subjectKeyId === undefined || subjectKeyId === authorityKeyId
        ? undefined
        : expected(`key identifier ${subjectKeyId}`, authorityKeyId ?? 'none'),
  },
  {
    id: 'cert_subject_key_id_present_in_ca',
    title: 'A CA certificate names its key',
    source: rfc(5280, '4.2.1.2'),
    applies: isCa,
    check: ({ subjectKeyId }) =>
      subjectKeyId === undefined ? expected('a subject key identifier', 'none') : undefined,
  },
  {
    id: 'cert_subject_key_id_present_in_end_entity',
    title: 'An end entity certificate SHOULD name its key',
    source: rfc(5280, '4.2.1.2'),
    applies: isEndEntity,
    check: ({ subjectKeyId }) =>
      subjectKeyId === undefined ? expected('a subject key identifier', 'none') : undefined,
  },
  // Key usage
  {
    id: 'cert_key_usage_not_empty',
    title: 'Key usage has at least one bit',
    source: rfc(5280, '4.2.1.3'),
    applies: ({ keyUsage }) => keyUsage !== undefined,
    check: ({ keyUsage }) => (keyUsage?.size === 0 ? expected('at least one key usage', 'none') : undefined),
  },
  {
    id: 'cert_key_usage_cert_sign_needs_ca',
    title: 'keyCertSign stands in CA certificates only',
    source: rfc(5280, '4.2.1.9'),
    applies: ({ keyUsage }) => keyUsage?.has('keyCertSign') === true,
    check: (certificate) =>
      certificate.isCa ? undefined : expected('basic constraints with cA', 'an end entity'),
  },
  {
    id: 'cert_key_usage_present_in_ca',
    title: 'A CA certificate has key usage keyCertSign',
    source: rfc(5280, '4.2.1.3'),
    applies: isCa,
    check: ({ keyUsage }) =>
      keyUsage?.has('keyCertSign') === true
        ? undefined
        : expected('key usage keyCertSign', list(keyUsage ?? [])),
  },
  {
    id: 'cert_key_usage_encipher_only_needs_agreement',
    title: 'encipherOnly and decipherOnly stand with keyAgreement only',
    source: rfc(5280, '4.2.1.3'),
    applies: ({ keyUsage }) =>
      keyUsage?.has('encipherOnly') === true || keyUsage?.has('decipherOnly') === true,
    check: ({ keyUsage }) =>
      keyUsage?.has('keyAgreement') === true
        ? undefined
        : expected('key usage keyAgreement too', list(keyUsage ?? [])),
  },
  {
    id: 'cert_key_usage_fits_key',
    title: "Key usage has only what the key's algorithm can do",
    source: rfc(5280, '4.2.1.3, RFC 3279 2.3.1, RFC 8813 3, RFC 9295 3, RFC 9881 3'),
    applies: (certificate) => certificate.keyUsage !== undefined && keyUsagesFor(certificate) !== undefined,
    check: (certificate) => {
      const allowed = keyUsagesFor(certificate) ?? []
      const other = [...(certificate.keyUsage ?? [])].filter((usage) => !allowed.includes(usage))
      return other.length === 0
        ? undefined
        : expected(`usages of a key ${certificate.keyAlgorithm}: ${allowed.join(', ')}`, list(other))
    },
  },
  // Basic constraints
  {
    id: 'cert_path_length_only_in_ca',
    title: 'A path length stands in CA certificates with keyCertSign only',
    source: rfc(5280, '4.2.1.9'),
    applies: ({ pathLength }) => pathLength !== undefined,
    check: ({ isCa, keyUsage }) =>
      isCa && (keyUsage?.has('keyCertSign') ?? true)
        ? undefined
        : expected(
            'no path length constraint without cA and keyCertSign',
            isCa ? list(keyUsage ?? []) : 'an end entity',
          ),
  },
  // Name constraints
  {
    id: 'cert_name_constraints_not_empty',
    title: 'Name constraints permit or exclude something',
    source: rfc(5280, '4.2.1.10'),
    applies: ({ nameConstraints }) => nameConstraints !== undefined,
    check: ({ nameConstraints: names }) =>
      (names?.permitted.length ?? 0) + (names?.excluded.length ?? 0) === 0
        ? expected('permitted or excluded subtrees', 'neither')
        : undefined,
  },
  {
    id: 'cert_name_constraints_no_distance',
    title: 'Name constraints have minimum 0 and no maximum',
    source: rfc(5280, '4.2.1.10'),
    applies: ({ nameConstraints }) => nameConstraints !== undefined,
    check: ({ nameConstraints }) =>
      nameConstraints?.unusual === true
        ? expected('minimum 0 and no maximum', 'another base distance')
        : undefined,
  },
  {
    id: 'cert_name_constraints_masks',
    title: 'Masks in name constraints on IP addresses are contiguous',
    source: rfc(5280, '4.2.1.10'),
    applies: ({ nameConstraints: names }) =>
      [...(names?.permitted ?? []), ...(names?.excluded ?? [])].some(({ type }) => type === 'ip'),
    check: ({ nameConstraints: names }) => {
      const bases = [...(names?.permitted ?? []), ...(names?.excluded ?? [])]
      const bad = bases.filter((base) => base.type === 'ip' && !isNameConstraintMask(base.octets))
      return bad.length === 0
        ? undefined
        : expected('masks of ones followed by zeros', `${bad.length} others`)
    },
  },
  // Extended key usage
  {
    id: 'cert_eku_unique',
    title: 'No purpose of extended key usage occurs twice',
    source: rfc(5280, '4.2.1.12'),
    applies: ({ extendedKeyUsage }) => extendedKeyUsage !== undefined,
    check: ({ extendedKeyUsage = [] }) => {
      const twice = duplicates(extendedKeyUsage)
      return twice.length === 0 ? undefined : expected('every purpose once', list(twice))
    },
  },
  {
    id: 'cert_eku_any_not_critical',
    title: 'Extended key usage with anyExtendedKeyUsage SHOULD NOT be critical',
    source: rfc(5280, '4.2.1.12'),
    applies: ({ extendedKeyUsage }) => extendedKeyUsage?.includes(PURPOSE.any) === true,
    check: (certificate) =>
      extensionOf(certificate, EXTENSION.extendedKeyUsage)?.critical === true
        ? expected('an extension that is not critical', 'a critical one')
        : undefined,
  },
  {
    id: 'cert_eku_consistent_with_key_usage',
    title: 'Every purpose has a key usage that serves it',
    source: rfc(5280, '4.2.1.12'),
    applies: ({ isCa, keyUsage, extendedKeyUsage }) =>
      !isCa &&
      keyUsage !== undefined &&
      extendedKeyUsage?.some((purpose) => USAGES_OF_PURPOSES.has(purpose)) === true,
    check: ({ keyUsage, extendedKeyUsage = [] }) => {
      const held: ReadonlySet<string> = keyUsage ?? new Set()
      const unserved = extendedKeyUsage.filter((purpose) => {
        const usages = USAGES_OF_PURPOSES.get(purpose)
        return usages !== undefined && !usages.some((usage) => held.has(usage))
      })
      return unserved.length === 0
        ? undefined
        : expected(
            `key usages for ${list(unserved)}: ${list(USAGES_OF_PURPOSES.get(unserved[0] ?? '') ?? [])}`,
            list(held),
          )
    },
  },
  {
    id: 'cert_time_stamping_eku_alone_and_critical',
    title: 'A time-stamping certificate has that purpose only, in a critical extension',
    source: rfc(3161, '2.3'),
    applies: ({ isCa, extendedKeyUsage }) =>
      !isCa && extendedKeyUsage?.includes(PURPOSE.timeStamping) === true,
    check: (certificate) => {
      const isAlone = certificate.extendedKeyUsage?.length === 1
      const isCritical = extensionOf(certificate, EXTENSION.extendedKeyUsage)?.critical === true
      return isAlone && isCritical
        ? undefined
        : expected(
            'timeStamping alone and critical',
            isAlone ? 'an extension that is not critical' : list(certificate.extendedKeyUsage ?? []),
          )
    },
  },
]
