// IP addresses as text and as octets; pki/ opens no sockets and so imports no node:net.

/** 4 or 16 octets; undefined when the text is not an IPv4 address in four decimal parts or an IPv6 address (RFC 4291 2.2). */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  // No leading zeros: some parsers read them as octal, so what they mean depends on who reads.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined
  }
  return Uint8Array.from(parts, Number)
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => readGroups(half, i === halves.length - 1))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const given = head.length + (tail?.length ?? 0)
  if (halves.length === 1 ? given !== 16 : given > 14) return undefined
  return Uint8Array.from([...head, ...new Array<number>(16 - given).fill(0), ...(tail ?? [])])
}

/** Groups of 16 bits as octets; the last two of the address may be an IPv4 address. */
function readGroups(half: string, mayEndInIpv4: boolean): number[] | undefined {
  if (half === '') return []
  const octets: number[] = []
  const groups = half.split(':')
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
      continue
    }
    const ipv4 = mayEndInIpv4 && i === groups.length - 1 ? parseIpv4(group) : undefined
    if (ipv4 === undefined) return undefined
    octets.push(...ipv4)
  }
  return octets
}

/** Text of 4 or 16 octets; IPv6 as RFC 5952 wants it. */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0))
  const { from, length } = longestZeros(groups)
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`
}

/** Text of an address and a mask, 8 or 32 octets (RFC 5280 4.2.1.10): `10.0.0.0/8`, and of a mask with gaps `10.0.0.0/255.0.255.0`. */
export function formatSubnet(octets: Uint8Array): string {
  const [address, mask] = [octets.subarray(0, octets.length / 2), octets.subarray(octets.length / 2)]
  const prefix = prefixLength(mask)
  return `${formatIp(address)}/${prefix ?? formatIp(mask)}`
}

/** How many ones a mask begins with; undefined: others follow behind a zero. */
export function prefixLength(mask: Uint8Array): number | undefined {
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined
}

function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 }
  for (let from = 0; from < groups.length; from++) {
    let length = 0
    while (groups[from + length] === 0) length++
    if (length > best.length) best = { from, length }
  }
  return best
}
