import { parseIp } from '../ip.ts'
import { NOT_GLOBAL_IPV4, NOT_GLOBAL_UNICAST_IPV6 } from '../specialNetworks.ts'

// Syntax of the names that certificates carry. Pure text; nothing is resolved.

/** Octets of a DNS name without its final dot (RFC 1035 2.3.4). */
const MAX_DNS_NAME = 253
/** LDH label (RFC 5890 2.3.1), with the underscore that has a lint of its own. */
const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/

/** Why it is no DNS name in preferred syntax (RFC 1034 3.5), where `*` may be the first label; undefined: it is one. */
export function dnsNameFault(name: string): string | undefined {
  if (name === '') return 'an empty name'
  if (name.length > MAX_DNS_NAME) return `${name.length} characters`
  const labels = name.split('.')
  const bad = labels.find(
    (label, i) => !LABEL.test(label) && !(i === 0 && label === '*' && labels.length > 1),
  )
  if (bad === undefined) return undefined
  return bad === '' ? 'an empty label' : 'a label that is none'
}

/** addr-spec without comments and white space: Local-part "@" Domain (RFC 2821 4.1.2). */
const MAILBOX =
  /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|"(?:[^"\\]|\\.)*")@(.+)$/

export function isMailbox(text: string): boolean {
  const domain = MAILBOX.exec(text)?.[1]
  if (domain === undefined) return false
  const literal = /^\[(?:IPv6:)?([^\]]+)\]$/.exec(domain)?.[1]
  return literal === undefined
    ? dnsNameFault(domain) === undefined && !domain.includes('*')
    : parseIp(literal) !== undefined
}

/** RFC 3986: a scheme, and something behind it; nothing relative. */
export function isAbsoluteUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/.test(text)
}

/** Host of a URI with an authority; undefined: it has none. */
export function uriHost(text: string): string | undefined {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(text)?.[1]
  return authority?.replace(/^[^@]*@/, '').replace(/:\d*$/, '')
}

/** A name with at least two labels, or an address. */
export function isHost(host: string): boolean {
  if (parseIp(host.replace(/^\[(.*)\]$/, '$1')) !== undefined) return true
  return dnsNameFault(host) === undefined && host.includes('.') && !host.includes('*')
}

/**
 * Last labels that no public registry delegates: reserved by RFC 2606, 6761, 6762, 8375 and 9476, by ICANN (2018, 2024), and those of X.509's past.
 * A name under one of them, or without a dot, is an Internal Name (BR 1.6.1). The list of delegated ones changes and is not looked at.
 */
const INTERNAL_SUFFIXES = [
  'test',
  'example',
  'invalid',
  'localhost',
  'local',
  'home.arpa',
  'alt',
  'internal',
  'corp',
  'home',
  'mail',
  'lan',
  'localdomain',
]

export function isInternalName(name: string): boolean {
  const lower = name.toLowerCase().replace(/\.$/, '')
  return (
    !lower.includes('.') ||
    INTERNAL_SUFFIXES.some((suffix) => lower === suffix || lower.endsWith(`.${suffix}`))
  )
}

/** Address and bits of prefix. */
const RESERVED_RANGES = [
  ...NOT_GLOBAL_IPV4,
  ...NOT_GLOBAL_UNICAST_IPV6,
  ...['::/128', '::1/128', '::ffff:0:0/96', '64:ff9b:1::/48', '100::/64'],
  ...['5f00::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
].map((range) => {
  const [address = '', bits = ''] = range.split('/')
  return { address: parseIp(address) ?? new Uint8Array(), bits: Number(bits) }
})

export function isReservedAddress(octets: Uint8Array): boolean {
  return RESERVED_RANGES.some(
    ({ address, bits }) => address.length === octets.length && sharesPrefix(address, octets, bits),
  )
}

function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : 0xff & (0xff << (8 - (bits - bit)))
    if ((((a[bit >> 3] ?? 0) ^ (b[bit >> 3] ?? 0)) & mask) !== 0) return false
  }
  return true
}

/** The second half of a name constraint on addresses: ones, then zeros. */
export function isNameConstraintMask(addressAndMask: Uint8Array): boolean {
  const bits = [...addressAndMask.subarray(addressAndMask.length / 2)]
    .map((octet) => octet.toString(2).padStart(8, '0'))
    .join('')
  return /^1*0*$/.test(bits)
}
