import type { Certificate } from '../certificate.ts'
import type { GeneralName } from '../generalName.ts'
import type { Attribute, Name } from '../name.ts'
import { sameOctets } from '../name.ts'
import { isCa } from './certificateView.ts'
import { EXTENSION, extensionOf, has } from './extensionView.ts'
import { expected, list, quote, rfc } from './lint.ts'
import type { Lint } from './lint.ts'
import { dnsNameFault, isAbsoluteUri, isHost, isMailbox, uriHost } from './names.ts'

type CertificateLint = Lint<Certificate>

const UTF8 = 0x0c
const PRINTABLE = 0x13
const TELETEX = 0x14
const IA5 = 0x16
const UNIVERSAL = 0x1c
const BMP = 0x1e
/** DirectoryString as RFC 5280 4.1.2.4 lets new names use it; the older types only continue a name that exists. */
const DIRECTORY_STRING = [UTF8, PRINTABLE]
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [UTF8]: 'UTF8String',
  [PRINTABLE]: 'PrintableString',
  [TELETEX]: 'TeletexString',
  [IA5]: 'IA5String',
  [UNIVERSAL]: 'UniversalString',
  [BMP]: 'BMPString',
}

/** Attributes of names: string types (X.520, RFC 5280 appendix A.1) and longest value in characters (its upper bounds). */
const ATTRIBUTES: Readonly<Record<string, { name: string; tags: readonly number[]; max?: number }>> = {
  '2.5.4.3': { name: 'CN', tags: DIRECTORY_STRING, max: 64 },
  '2.5.4.4': { name: 'SN', tags: DIRECTORY_STRING, max: 32_768 },
  '2.5.4.5': { name: 'serialNumber', tags: [PRINTABLE], max: 64 },
  '2.5.4.6': { name: 'C', tags: [PRINTABLE], max: 2 },
  '2.5.4.7': { name: 'L', tags: DIRECTORY_STRING, max: 128 },
  '2.5.4.8': { name: 'ST', tags: DIRECTORY_STRING, max: 128 },
  '2.5.4.9': { name: 'STREET', tags: DIRECTORY_STRING, max: 128 },
  '2.5.4.10': { name: 'O', tags: DIRECTORY_STRING, max: 64 },
  '2.5.4.11': { name: 'OU', tags: DIRECTORY_STRING, max: 64 },
  '2.5.4.12': { name: 'title', tags: DIRECTORY_STRING, max: 64 },
  '2.5.4.17': { name: 'postalCode', tags: DIRECTORY_STRING, max: 40 },
  '2.5.4.42': { name: 'givenName', tags: DIRECTORY_STRING, max: 32_768 },
  '2.5.4.43': { name: 'initials', tags: DIRECTORY_STRING, max: 32_768 },
  '2.5.4.44': { name: 'generationQualifier', tags: DIRECTORY_STRING, max: 32_768 },
  '2.5.4.46': { name: 'dnQualifier', tags: [PRINTABLE] },
  '2.5.4.65': { name: 'pseudonym', tags: DIRECTORY_STRING, max: 128 },
  '2.5.4.97': { name: 'organizationIdentifier', tags: DIRECTORY_STRING },
  '0.9.2342.19200300.100.1.25': { name: 'DC', tags: [IA5] },
  '1.2.840.113549.1.9.1': { name: 'emailAddress', tags: [IA5], max: 255 },
}
const COUNTRY = '2.5.4.6'

function attributesOf({ subject, issuer }: Certificate): readonly (Attribute & { readonly of: string })[] {
  const within = (name: Name, of: string) => name.rdns.flat().map((attribute) => ({ ...attribute, of }))
  return [...within(subject, 'subject'), ...within(issuer, 'issuer')]
}

/** Those attributes of subject and issuer that fail, described. */
function attributeLint(
  lint: Pick<CertificateLint, 'id' | 'title' | 'source'>,
  what: string,
  fault: (attribute: Attribute) => string | undefined,
): CertificateLint {
  return {
    ...lint,
    check: (certificate) => {
      const faults = attributesOf(certificate).flatMap((attribute) => {
        const found = fault(attribute)
        const name = ATTRIBUTES[attribute.type]?.name ?? attribute.type
        return found === undefined ? [] : [`${name} in the ${attribute.of} ${found}`]
      })
      return faults.length === 0 ? undefined : expected(what, list(faults))
    },
  }
}

const hasNames = has(EXTENSION.subjectAltName)

function valuesOf(certificate: Certificate, type: 'dns' | 'email' | 'uri'): string[] {
  return certificate.subjectAltNames.flatMap((name: GeneralName) => (name.type === type ? [name.value] : []))
}

/** Alternative names of one form, each of which must be right. */
function alternativeNameLint(
  type: 'dns' | 'email' | 'uri',
  lint: Pick<CertificateLint, 'id' | 'title' | 'source'>,
  what: string,
  fault: (name: string) => boolean,
): CertificateLint {
  return {
    ...lint,
    applies: (certificate) => valuesOf(certificate, type).length > 0,
    check: (certificate) => {
      const bad = valuesOf(certificate, type).filter(fault)
      return bad.length === 0 ? undefined : expected(what, list(bad.map(quote)))
    },
  }
}

/** RFC 5280 4.1.2.4, 4.1.2.6, 4.2.1.6. */
export const NAME_LINTS: readonly CertificateLint[] = [
  {
    id: 'cert_issuer_not_empty',
    title: 'The issuer has a name',
    source: rfc(5280, '4.1.2.4'),
    check: ({ issuer }) => (issuer.rdns.length > 0 ? undefined : expected('a name', 'an empty one')),
  },
  {
    id: 'cert_issuer_encoded_as_subject',
    title: "The issuer's name is encoded as in the issuer's certificate",
    source: rfc(5280, '4.1.2.6'),
    checkIssued: ({ issuer }, { subject }) =>
      sameOctets(issuer.der, subject.der)
        ? undefined
        : expected(`the octets of ${subject.text}`, `other ones: ${issuer.text}`),
  },
  {
    id: 'cert_ca_subject_not_empty',
    title: 'A CA has a name',
    source: rfc(5280, '4.1.2.6'),
    applies: isCa,
    check: ({ subject }) => (subject.rdns.length > 0 ? undefined : expected('a name', 'an empty one')),
  },
  {
    id: 'cert_empty_subject_has_critical_san',
    title: 'Without a subject, alternative names are there and critical',
    source: rfc(5280, '4.1.2.6, 4.2.1.6'),
    applies: ({ subject }) => subject.rdns.length === 0,
    check: (certificate) => {
      const extension = extensionOf(certificate, EXTENSION.subjectAltName)
      if (extension?.critical === true) return undefined
      return expected(
        'critical subject alternative names',
        extension === undefined ? 'none' : 'ones that are not critical',
      )
    },
  },
  {
    id: 'cert_san_not_critical_with_subject',
    title: 'Beside a subject, alternative names SHOULD NOT be critical',
    source: rfc(5280, '4.2.1.6'),
    applies: (certificate) => hasNames(certificate) && certificate.subject.rdns.length > 0,
    check: (certificate) =>
      extensionOf(certificate, EXTENSION.subjectAltName)?.critical === true
        ? expected('an extension that is not critical', 'a critical one')
        : undefined,
  },
  {
    id: 'cert_san_not_empty',
    title: 'Subject alternative names have at least one name',
    source: rfc(5280, '4.2.1.6'),
    applies: hasNames,
    check: ({ subjectAltNames }) => (subjectAltNames.length > 0 ? undefined : expected('a name', 'none')),
  },
  alternativeNameLint(
    'dns',
    {
      id: 'cert_san_dns_syntax',
      title: 'DNS names are in preferred name syntax',
      source: rfc(5280, '4.2.1.6'),
    },
    'DNS names',
    (name) => dnsNameFault(name) !== undefined,
  ),
  alternativeNameLint(
    'email',
    { id: 'cert_san_email_syntax', title: 'E-mail addresses are mailboxes', source: rfc(5280, '4.2.1.6') },
    'mailboxes (RFC 2821)',
    (name) => !isMailbox(name),
  ),
  alternativeNameLint(
    'uri',
    { id: 'cert_san_uri_absolute', title: 'URIs are absolute', source: rfc(5280, '4.2.1.6') },
    'absolute URIs',
    (name) => !isAbsoluteUri(name),
  ),
  alternativeNameLint(
    'uri',
    {
      id: 'cert_san_uri_host',
      title: 'The host in a URI is a fully qualified name or an address',
      source: rfc(5280, '4.2.1.6'),
    },
    'fully qualified names or addresses',
    (name) => !isHost(uriHost(name) ?? 'no.authority'),
  ),
  attributeLint(
    {
      id: 'cert_name_string_types',
      title: 'Attributes of names have a string type that RFC 5280 gives them',
      source: rfc(5280, '4.1.2.4, appendix A.1'),
    },
    'UTF8String or PrintableString, PrintableString for C, serialNumber and dnQualifier, IA5String for DC and emailAddress',
    ({ type, tag }) => {
      const known = ATTRIBUTES[type]
      return known === undefined || known.tags.includes(tag)
        ? undefined
        : `as ${TYPE_NAMES[tag] ?? `tag ${tag}`}`
    },
  ),
  attributeLint(
    {
      id: 'cert_name_lengths',
      title: 'Attributes of names are not longer than their upper bound',
      source: rfc(5280, 'appendix A.1'),
    },
    'values within their upper bound',
    ({ type, text = '' }) => {
      const { length } = Array.from(text)
      const max = ATTRIBUTES[type]?.max
      return max === undefined || length <= max ? undefined : `of ${length} characters (at most ${max})`
    },
  ),
  attributeLint(
    {
      id: 'cert_name_country_code',
      title: 'Countries are two capital letters',
      source: rfc(5280, 'appendix A.1'),
    },
    'two capital letters (ISO 3166)',
    ({ type, text = '' }) => (type !== COUNTRY || /^[A-Z]{2}$/.test(text) ? undefined : quote(text)),
  ),
  attributeLint(
    {
      id: 'cert_name_values_not_empty',
      title: 'Attributes of names have a value',
      source: rfc(5280, 'appendix A.1'),
    },
    'a value of at least one character that is not a space',
    ({ text }) => (text === undefined || text.trim() !== '' ? undefined : quote(text)),
  ),
  attributeLint(
    {
      id: 'cert_name_values_trimmed',
      title: 'Attributes of names neither begin nor end with white space',
      source: rfc(4518, '2.6.1'),
    },
    'no white space at the ends',
    ({ text = '' }) => (text === text.trim() ? undefined : quote(text)),
  ),
]
