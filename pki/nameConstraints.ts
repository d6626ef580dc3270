import type { Certificate } from './certificate.ts'
import type { NameConstraints } from './certificateExtensions.ts'
import { PkiError } from './error.ts'
import type { GeneralName } from './generalName.ts'
import { formatIp, prefixLength } from './ip.ts'
import { isNameWithin } from './name.ts'

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'
const SMTP_UTF8_MAILBOX = '1.3.6.1.5.5.7.8.9'

/**
 * Names of one certificate times bases of all constraints above it, which takes 0.2 s. The largest certificates have 2,000 names, the largest
 * constraints 200 bases; Go stops at 250,000.
 */
const MAX_COMPARISONS = 500_000

/**
 * RFC 5280 6.1.3 (b), (c) and 4.2.1.10: is every name of the certificate within the constraints of the CAs above it?
 * Judged are the forms for which RFC 5280 says how: DNS, e-mail, URI, IP address and directory name. Where a constraint is on another,
 * and the certificate has a name of that form, the answer is no. Throws PkiError(path): name_not_permitted, or unsupported.
 */
export function checkNameConstraints(
  certificate: Certificate,
  constraints: readonly NameConstraints[],
): void {
  if (constraints.length === 0) return
  const names = namesOf(certificate)
  const bases = constraints.reduce(
    (sum, { permitted, excluded }) => sum + permitted.length + excluded.length,
    0,
  )
  if (names.length * bases > MAX_COMPARISONS) {
    throw unsupported(certificate, `${names.length} names and ${bases} bases`)
  }
  for (const { permitted, excluded, unusual } of constraints) {
    if (unusual) throw unsupported(certificate, 'a minimum or maximum')
    for (const name of names) {
      if (excluded.some((base) => sameForm(name, base) && overlaps(name, base, certificate))) {
        throw notPermitted(certificate, name, 'is excluded')
      }
      const bases = permitted.filter((base) => sameForm(name, base))
      if (bases.length > 0 && !bases.some((base) => isWithin(name, base, certificate))) {
        throw notPermitted(certificate, name, 'is not among the permitted')
      }
    }
  }
}

/**
 * Everything that constraints apply to: alternative names, a subject that is not empty, and e-mail addresses in it. RFC 5280 wants those
 * looked at only when there are no alternative names; but whoever reads them reads them also when there are.
 */
function namesOf({ subject, subjectAltNames }: Certificate): GeneralName[] {
  const emails = subject.rdns
    .flat()
    .flatMap(({ type, text }): GeneralName[] =>
      type === EMAIL_ADDRESS ? [{ type: 'email', value: text ?? '' }] : [],
    )
  const directory: GeneralName[] = subject.rdns.length > 0 ? [{ type: 'directory', name: subject }] : []
  return [...subjectAltNames, ...subjectAltNames.flatMap(internationalMailbox), ...directory, ...emails]
}

/** RFC 9598 6: a constraint on e-mail addresses is one on internationalised mailboxes too. Their domain is in ASCII. */
function internationalMailbox(name: GeneralName): GeneralName[] {
  if (name.type !== 'other' || name.form !== 'otherName' || name.oid !== SMTP_UTF8_MAILBOX) return []
  return [{ type: 'email', value: name.text ?? '' }]
}

function sameForm(name: GeneralName, base: GeneralName): boolean {
  if (name.type === 'other' && base.type === 'other') return name.form === base.form
  return name.type === base.type
}

/** All that `name` stands for lies within `base`. */
function isWithin(name: GeneralName, base: GeneralName, certificate: Certificate): boolean {
  if (name.type === 'dns' && base.type === 'dns') {
    const host = dnsNameOf(name.value, certificate)
    const domain = domainOf(base.value, certificate)
    // RFC 5280 does not allow a leading dot here; OpenSSL and Go read it as "subdomains only".
    return domain.startsWith('.') ? host.endsWith(domain) : isBelow(host, domain)
  }
  if (name.type === 'email' && base.type === 'email')
    return isMailboxWithin(name.value, base.value, certificate)
  if (name.type === 'uri' && base.type === 'uri') return isUriWithin(name.value, base.value, certificate)
  if (name.type === 'ip' && base.type === 'ip') return isInSubnet(name.octets, base.octets, certificate)
  if (name.type === 'directory' && base.type === 'directory') return isNameWithin(name.name, base.name)
  throw unsupported(certificate, `names of the form ${name.type === 'other' ? name.form : name.type}`)
}

/** Something that `name` stands for lies within `base`: a wildcard may reach into an excluded subdomain. */
function overlaps(name: GeneralName, base: GeneralName, certificate: Certificate): boolean {
  if (name.type !== 'dns' || base.type !== 'dns') return isWithin(name, base, certificate)
  const host = dnsNameOf(name.value, certificate)
  const domain = domainOf(base.value, certificate).replace(/^\./, '')
  if (isBelow(host, domain)) return true
  return host.startsWith('*.') && domain.slice(domain.indexOf('.') + 1) === host.slice(2)
}

/** The domain of a constraint, lower case. One that no name can match (a URL, a wildcard) would exclude nothing. */
function domainOf(base: string, certificate: Certificate): string {
  if (!/^[a-z0-9_.-]*$/i.test(base) || base === '.') throw unsupported(certificate, `the base "${base}"`)
  return hostOf(base)
}

/** Labels, in front of which there may be a wildcard. Of anything else nobody knows what others take it for: a wildcard inside a label, say. */
const DNS_NAME = /^(\*|(\*\.)?([^*.\s]+\.)*[^*.\s]+\.?)$/

function dnsNameOf(value: string, certificate: Certificate): string {
  if (!DNS_NAME.test(value)) throw unsupported(certificate, `the DNS name "${value}"`)
  return hostOf(value)
}

function hostOf(value: string): string {
  return value.toLowerCase().replace(/\.$/, '')
}

/** 4.2.1.10: the domain itself, or with labels added on its left. The empty domain is everything. */
function isBelow(host: string, domain: string): boolean {
  return domain === '' || host === domain || host.endsWith(`.${domain}`)
}

/**
 * A constraint is a mailbox, a host with all its mailboxes, or with a leading dot a domain with all the hosts below it. The part before the
 * at sign is compared as it stands: only that host knows whether case matters in it.
 */
function isMailboxWithin(mailbox: string, base: string, certificate: Certificate): boolean {
  const at = mailbox.lastIndexOf('@')
  const host = hostOf(mailbox.slice(at + 1))
  if (at < 1 || !/^[\x21-\x7e]+$/.test(host))
    throw unsupported(certificate, `the e-mail address "${mailbox}"`)
  const baseAt = base.lastIndexOf('@')
  if (baseAt < 0) return isHostWithin(host, base, certificate)
  if (baseAt === 0) throw unsupported(certificate, `the base "${base}"`)
  return (
    host === domainOf(base.slice(baseAt + 1), certificate) && mailbox.slice(0, at) === base.slice(0, baseAt)
  )
}

/** A constraint is a host, or with a leading dot a domain with all the hosts below it; a URI without a host's name must be rejected. */
function isUriWithin(uri: string, base: string, certificate: Certificate): boolean {
  const host = uriHost(uri)
  if (host === undefined) {
    throw notPermitted(certificate, { type: 'uri', value: uri }, "has no host's name to judge")
  }
  return isHostWithin(host, base, certificate)
}

/**
 * The name in the authority of a URI (RFC 3986 3.2), lower case; undefined when there is none, as in `urn:`, or it is an IP address or
 * is written with escapes, which different readers read differently.
 */
function uriHost(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri)?.[1]
  // WHATWG takes a backslash for a slash.
  if (authority === undefined || /[\\\s]/.test(authority)) return undefined
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '')
  if (!/^[a-z0-9_.-]+$/i.test(host)) return undefined
  const name = hostOf(host)
  // RFC 3986 3.2.2 and WHATWG: what ends in a number is an IPv4 address, in one of its many spellings.
  return name === '' || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name) ? undefined : name
}

/** The host itself; with a leading dot the hosts below it and not itself; the empty base is everything. */
function isHostWithin(host: string, base: string, certificate: Certificate): boolean {
  const domain = domainOf(base, certificate)
  return domain === '' || (domain.startsWith('.') ? host.endsWith(domain) : host === domain)
}

/** `subnet`: address and mask (4.2.1.10). */
function isInSubnet(address: Uint8Array, subnet: Uint8Array, certificate: Certificate): boolean {
  const mask = subnet.subarray(subnet.length / 2)
  if (prefixLength(mask) === undefined) throw unsupported(certificate, `the mask ${formatIp(mask)}`)
  return (
    address.length === mask.length &&
    address.every((octet, i) => ((octet ^ (subnet[i] ?? 0)) & (mask[i] ?? 0)) === 0)
  )
}

function unsupported({ subject }: Certificate, what: string): PkiError {
  return new PkiError(
    'path',
    'unsupported',
    `${subject.text}: expected name constraints that can be judged, got ${what}`,
  )
}

function notPermitted({ subject }: Certificate, name: GeneralName, why: string): PkiError {
  const text =
    name.type === 'ip'
      ? formatIp(name.octets)
      : name.type === 'directory'
        ? name.name.text
        : name.type === 'other'
          ? name.form
          : name.value
  return new PkiError(
    'path',
    'name_not_permitted',
    `${subject.text}: expected names within the CA's constraints, but ${text} ${why}`,
  )
}
