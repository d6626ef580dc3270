import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { printedNames } from './opinions.ts'
import { entryView, normalName, serialView } from './view.ts'
import type { CertificateView, CrlView } from './view.ts'

// Certificates and CRLs as the openssl command prints them.

/** RFC 2253 in UTF-8. */
const NAME_OPTIONS = 'esc_2253,esc_ctrl,utf8,dump_nostr,dump_unknown,dump_der,sep_comma_plus,dn_rev,sname'
const EXTENSIONS = [
  'subjectAltName',
  'keyUsage',
  'basicConstraints',
  'extendedKeyUsage',
  'authorityInfoAccess',
  'crlDistributionPoints',
  'certificatePolicies',
  'subjectKeyIdentifier',
  'authorityKeyIdentifier',
]

const USAGES = [
  'Digital Signature',
  'Non Repudiation',
  'Key Encipherment',
  'Data Encipherment',
  'Key Agreement',
  'Certificate Sign',
  'CRL Sign',
  'Encipher Only',
  'Decipher Only',
]
const PURPOSES: Readonly<Record<string, string>> = {
  'TLS Web Server Authentication': '1.3.6.1.5.5.7.3.1',
  'TLS Web Client Authentication': '1.3.6.1.5.5.7.3.2',
  'OCSP Signing': '1.3.6.1.5.5.7.3.9',
}
const POLICIES: Readonly<Record<string, string>> = { 'X509v3 Any Policy': '2.5.29.32.0' }
const REASONS: Readonly<Record<string, string>> = {
  Unspecified: 'unspecified',
  'Key Compromise': 'keyCompromise',
  'CA Compromise': 'cACompromise',
  'Affiliation Changed': 'affiliationChanged',
  Superseded: 'superseded',
  'Cessation Of Operation': 'cessationOfOperation',
  'Certificate Hold': 'certificateHold',
  'Remove From CRL': 'removeFromCRL',
  'Privilege Withdrawn': 'privilegeWithdrawn',
  'AA Compromise': 'aACompromise',
}

function openssl(args: readonly string[], input: Uint8Array): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

export function byOpenssl(der: Uint8Array): Partial<CertificateView> {
  const text = openssl(
    [
      ...['x509', '-inform', 'DER', '-noout', '-nameopt', NAME_OPTIONS, '-dateopt', 'iso_8601'],
      ...['-serial', '-subject', '-issuer', '-dates', '-fingerprint', '-sha256', '-ext', EXTENSIONS.join()],
    ],
    der,
  )
  // Not by a pattern: names may hold U+2028, which ends a line for one.
  const field = (name: string): string =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? ''
  const lines = (title: string): string[] => section(text, title)
  const first = (title: string): string => lines(title)[0] ?? ''
  const items = (title: string): string[] => (first(title) === '' ? [] : first(title).split(', '))
  const urls = (title: string, prefix: string): string[] =>
    lines(title).flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : []))
  const keyId = (title: string): string | undefined =>
    lines(title).length === 0
      ? undefined
      : first(title)
          .replace(/^keyid:/, '')
          .replaceAll(':', '')
          .toLowerCase()
  const [, pathLength] = /pathlen:(\d+)/.exec(first('X509v3 Basic Constraints')) ?? []
  return {
    serial: serialView(field('serial')),
    subjectText: nameView(field('subject')),
    issuerText: nameView(field('issuer')),
    notBefore: Date.parse(field('notBefore')),
    notAfter: Date.parse(field('notAfter')),
    sha256: field('sha256 Fingerprint').replaceAll(':', '').toLowerCase(),
    isCa: first('X509v3 Basic Constraints').startsWith('CA:TRUE'),
    pathLength: pathLength === undefined ? undefined : Number(pathLength),
    keyUsage: items('X509v3 Key Usage')
      .map((usage) => USAGES.indexOf(usage))
      .sort((a, b) => a - b),
    extendedKeyUsage: items('X509v3 Extended Key Usage').map((purpose) => PURPOSES[purpose] ?? purpose),
    plainNames: printedNames(first('X509v3 Subject Alternative Name')),
    ocspUrls: urls('Authority Information Access', 'OCSP - URI:'),
    caIssuerUrls: urls('Authority Information Access', 'CA Issuers - URI:'),
    crlUrls: urls('X509v3 CRL Distribution Points', 'URI:'),
    policies: urls('X509v3 Certificate Policies', 'Policy: ').map((policy) => POLICIES[policy] ?? policy),
    subjectKeyId: keyId('X509v3 Subject Key Identifier'),
    authorityKeyId: keyId('X509v3 Authority Key Identifier'),
  }
}

/** Where OpenSSL's short name is not that of RFC 4519. */
function nameView(text: string): string {
  return normalName(text).replace(/(?<=^|[,+])GN=/g, 'givenName=')
}

/** The indented lines under a title. */
function section(text: string, title: string): string[] {
  const all = text.split('\n')
  const at = all.findIndex((line) => line.startsWith(`${title}:`))
  if (at < 0) return []
  const behind = all.slice(at + 1)
  const end = behind.findIndex((line) => line !== '' && !line.startsWith(' '))
  return behind
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

export function crlByOpenssl(der: Uint8Array): Partial<CrlView> {
  const text = openssl(['crl', '-inform', 'DER', '-noout', '-text'], der)
  const field = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''
  const next = field(/Next Update: (.*)/)
  const number = field(/X509v3 CRL Number: \n\s+(\w+)/)
  const entries = text.split(/^ {4}Serial Number: /m).slice(1)
  return {
    thisUpdate: Date.parse(field(/Last Update: (.*)/)),
    nextUpdate: next === 'NONE' ? undefined : Date.parse(next),
    number: number === '' ? undefined : BigInt(number),
    entries: entries.map((entry) => {
      const [, serial = ''] = /^(-?\w+)/.exec(entry) ?? []
      const [, at = ''] = /Revocation Date: (.*)/.exec(entry) ?? []
      const [, reason] = /Reason Code: \n\s+(.*)/.exec(entry) ?? []
      return entryView(serialView(serial), Date.parse(at), reason === undefined ? undefined : REASONS[reason])
    }),
  }
}
