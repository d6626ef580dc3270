import type { PartitionOctets } from './compare.ts'
import type { Present } from './members.ts'

/** Octets of all partitions that are compared at once: 5 million entries. They are held, and their fingerprints too. */
const MAX_COMPARED = 256 * 1024 * 1024

/** The octets of every partition; undefined: the journal lacks some, or they are too many. */
export async function artifactsOf(
  partitions: readonly Present[],
  artifact: (digest: string) => Promise<Uint8Array | undefined>,
): Promise<readonly PartitionOctets[] | undefined> {
  const total = partitions.reduce((sum, { crl }) => sum + (crl.size ?? 0), 0)
  if (total > MAX_COMPARED) return undefined
  const found: PartitionOctets[] = []
  for (const { declared, crl } of partitions) {
    const octets = crl.sha256 === undefined ? undefined : await artifact(crl.sha256)
    if (octets === undefined) return undefined
    found.push({ name: declared.partition ?? declared.url, octets })
  }
  return found
}
