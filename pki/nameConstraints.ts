import type { Certificate } from './certificate.ts'
import type { NameConstraints } from './certificateExtensions.ts'
import { PkiError } from './error.ts'
import type { GeneralName } from './generalName.ts'
import { formatIp } from './ip.ts'
import { isNameWithin } from './name.ts'

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'

/**
 * RFC 5280 6.1.3 (b), (c) and 4.2.1.10: is every name of the certificate within the constraints of the CAs above it?
 * DNS names, IP addresses and directory names are judged; where a constraint is on a form that is not, and the certificate has a
 * name of that form, the answer is no. Throws PkiError(path): name_not_permitted, or unsupported.
 */
export function checkNameConstraints(
  certificate: Certificate,
  constraints: readonly NameConstraints[],
): void {
  if (constraints.length === 0) return
  const names = namesOf(certificate)
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

/** Everything that constraints apply to: alternative names, a subject that is not empty, and e-mail addresses in it. */
function namesOf({ subject, subjectAltNames }: Certificate): GeneralName[] {
  const emails = subject.rdns
    .flat()
    .flatMap(({ type, text }): GeneralName[] =>
      type === EMAIL_ADDRESS ? [{ type: 'email', value: text ?? '' }] : [],
    )
  const directory: GeneralName[] = subject.rdns.length > 0 ? [{ type: 'directory', name: subject }] : []
  return [...subjectAltNames, ...directory, ...emails]
}

function sameForm(name: GeneralName, base: GeneralName): boolean {
  if (name.type === 'other' && base.type === 'other') return name.form === base.form
  return name.type === base.type
}

/** All that `name` stands for lies within `base`. */
function isWithin(name: GeneralName, base: GeneralName, certificate: Certificate): boolean {
  if (name.type === 'dns' && base.type === 'dns') {
    const domain = base.value.toLowerCase()
    // RFC 5280 does not allow a leading dot here; OpenSSL and Go read it as "subdomains only".
    return domain.startsWith('.') ? hostOf(name.value).endsWith(domain) : isBelow(hostOf(name.value), domain)
  }
  if (name.type === 'ip' && base.type === 'ip') return isInSubnet(name.octets, base.octets, certificate)
  if (name.type === 'directory' && base.type === 'directory') return isNameWithin(name.name, base.name)
  throw unsupported(certificate, `names of the form ${name.type === 'other' ? name.form : name.type}`)
}

/** Something that `name` stands for lies within `base`: a wildcard may reach into an excluded subdomain. */
function overlaps(name: GeneralName, base: GeneralName, certificate: Certificate): boolean {
  if (name.type !== 'dns' || base.type !== 'dns') return isWithin(name, base, certificate)
  const host = hostOf(name.value)
  const domain = base.value.toLowerCase().replace(/^\./, '')
  if (isBelow(host, domain)) return true
  return host.startsWith('*.') && domain.slice(domain.indexOf('.') + 1) === host.slice(2)
}

function hostOf(value: string): string {
  return value.toLowerCase().replace(/\.$/, '')
}

/** 4.2.1.10: the domain itself, or with labels added on its left. The empty domain is everything. */
function isBelow(host: string, domain: string): boolean {
  return domain === '' || host === domain || host.endsWith(`.${domain}`)
}

/** `subnet`: address and mask (4.2.1.10). */
function isInSubnet(address: Uint8Array, subnet: Uint8Array, certificate: Certificate): boolean {
  const mask = subnet.subarray(subnet.length / 2)
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, '0')).join('')
  if (!/^1*0*$/.test(bits)) throw unsupported(certificate, `the mask ${formatIp(mask)}`)
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
