// IANA special-purpose registries (RFC 6890 and its updates), multicast and reserved networks: what is not globally reachable. CIDR.

export const NOT_GLOBAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
] as const

/** What is global unicast at all (RFC 4291 section 2.4). */
export const UNICAST_IPV6 = '2000::/3'

/** Within UNICAST_IPV6. */
export const NOT_GLOBAL_UNICAST_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'] as const
