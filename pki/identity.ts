import { domainToASCII } from 'node:url'
import type { Certificate } from './certificate.ts'
import { parseIp } from './ip.ts'
import { sameOctets } from './name.ts'

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * RFC 9525: does the certificate carry this DNS name or IP address in its subjectAltName? The subject's CN never counts;
 * a wildcard is the whole left-most label and stands for exactly one; IP addresses are compared by value.
 * An IPv6 address may stand in brackets. A host that is neither a name nor an address matches nothing.
 */
export function matchesIdentity(certificate: Certificate, host: string): boolean {
  const address = parseIp(host.replace(/^\[(.*)\]$/, '$1'))
  if (address !== undefined) {
    return certificate.subjectAltNames.some((name) => name.type === 'ip' && sameOctets(name.octets, address))
  }
  const labels = hostLabels(host)
  if (labels === undefined) return false
  const exact = labels.join('.')
  const wildcard = ['*', ...labels.slice(1)].join('.')
  return certificate.subjectAltNames.some((name) => {
    if (name.type !== 'dns') return false
    const presented = name.value.toLowerCase()
    // 6.3: `*` alone would stand for every host without a domain.
    return presented === exact || (labels.length > 1 && presented === wildcard)
  })
}

/** The reference identifier in lower-case A-labels; undefined when it is not a DNS name. */
function hostLabels(host: string): string[] | undefined {
  const ascii = /^[\x20-\x7e]*$/.test(host) ? host.toLowerCase() : domainToASCII(host)
  const labels = ascii.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  // `1.2.3.256` is a mistyped address, not a name: no top-level domain is a number.
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(last) ? labels : undefined
}
