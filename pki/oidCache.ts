/**
 * Texts of OBJECT IDENTIFIERs that were read before: certificates repeat the same fifty, and writing one out is most of the work of reading it. Each slot
 * holds the last one with that hash, so that no input can make it larger.
 */
const SLOTS: (Known | undefined)[] = new Array<Known | undefined>(512).fill(undefined)

interface Known {
  /** A copy, which keeps no larger buffer alive. */
  readonly octets: Uint8Array
  readonly text: string
}

/** The dotted form of the content octets from `at` to `end`; undefined: not known. */
export function knownOid(bytes: Uint8Array, at: number, end: number): string | undefined {
  const known = SLOTS[slotOf(bytes, at, end)]
  if (known === undefined || known.octets.length !== end - at) return undefined
  const { octets } = known
  for (let i = 0; i < octets.length; i++) if (octets[i] !== bytes[at + i]) return undefined
  return known.text
}

export function rememberOid(bytes: Uint8Array, at: number, end: number, text: string): void {
  SLOTS[slotOf(bytes, at, end)] = { octets: Uint8Array.from(bytes.subarray(at, end)), text }
}

function slotOf(bytes: Uint8Array, at: number, end: number): number {
  let hash = 0
  for (let i = at; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0
  return (hash ^ (hash >>> 9)) & (SLOTS.length - 1)
}
