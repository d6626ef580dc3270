import { join } from 'node:path'
import { encodeBlock, type Block } from '../block.ts'
import type { Disk } from '../disk.ts'
import { itemsOf, largePath } from '../artifactReader.ts'
import { decodeFrames } from '../frame.ts'
import { PackIndex, packPath, parsePackPath } from '../pack.ts'
import { isErased } from '../record.ts'
import { encodeSealed } from '../sealedFile.ts'
import { listSegments, readSealedSegment, readTrailer, segmentPath } from '../segments.ts'
import { keptArtifacts } from '../verify/references.ts'
import { parseRetention, RetentionClaims } from './claims.ts'
import { readRecords } from './records.ts'

const ERASED = Buffer.alloc(0)

/** What was removed. */
export interface Removed {
  readonly segments: number
  readonly records: number
  readonly artifacts: number
}

/** What the retention records of a journal say is gone, and is still there. */
export interface Outstanding {
  /** Segments below this number. */
  readonly segments: number
  /** In order. */
  readonly records: readonly (readonly [entry: number, n: number])[]
  readonly artifacts: readonly string[]
}

/** Takes artifacts out of a journal; returns how many were there. */
export type RemoveArtifacts = (gone: ReadonlySet<string>) => Promise<number>

/** Reads all of a journal. Throws JournalError(altered, format). */
export async function findOutstanding(disk: Disk, directory: string): Promise<Outstanding> {
  const claims = new RetentionClaims()
  for await (const { envelope } of readRecords(disk, directory))
    if (envelope.kind === 'retention') claims.add(parseRetention(envelope.body))
  // What was named again after it was removed was kept again.
  const artifacts = new Set(claims.artifacts)
  const records: (readonly [number, number])[] = []
  for await (const { entry, n, envelope } of readRecords(disk, directory, claims.entries))
    if (claims.isErased(entry, n)) records.push([entry, n])
    else for (const { digest } of keptArtifacts(envelope)) artifacts.delete(digest)
  return { segments: claims.segments, records, artifacts: await thoseThere(disk, directory, artifacts) }
}

async function thoseThere(
  disk: Disk,
  directory: string,
  digests: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (digests.size === 0) return []
  const packed: ((digest: string) => boolean)[] = []
  for (const name of await disk.list(join(directory, 'artifacts/packs'))) {
    const pack = parsePackPath(`artifacts/packs/${name}`)
    if (pack?.ending === 'pack') packed.push(await lookInto(disk, directory, pack.number))
  }
  const there: string[] = []
  for (const digest of digests) {
    const isThere =
      packed.some((has) => has(digest)) ||
      (await disk.readPart(join(directory, largePath(digest)), 0, 1)) !== undefined
    if (isThere) there.push(digest)
  }
  return there
}

async function lookInto(disk: Disk, directory: string, number: number): Promise<(digest: string) => boolean> {
  const encoded = await disk.read(join(directory, packPath(number, 'idx')))
  if (encoded !== undefined) {
    const index = PackIndex.decode(encoded)
    return (digest) => index.find(Buffer.from(digest, 'hex')) !== undefined
  }
  const pack = (await disk.read(join(directory, packPath(number, 'pack')))) ?? Buffer.alloc(0)
  const items = new Set(Array.from(itemsOf(decodeFrames(pack).frames), (item) => item.digest.toString('hex')))
  return (digest) => items.has(digest)
}

/**
 * Removes it: the oldest segments first, so that at any moment the files are those of a pruned journal; after a crash what is left is outstanding again.
 * A writer may be at work when it is the one that does it.
 */
export async function remove(
  disk: Disk,
  directory: string,
  outstanding: Outstanding,
  removeArtifacts: RemoveArtifacts,
): Promise<Removed> {
  const segments = await removeSegments(disk, directory, outstanding.segments)
  const records = await eraseRecords(disk, directory, outstanding.records)
  const artifacts = await removeArtifacts(new Set(outstanding.artifacts))
  return { segments, records, artifacts }
}

async function removeSegments(disk: Disk, directory: string, below: number): Promise<number> {
  const { sealed } = await listSegments(disk, directory)
  // The newest one says where the next begins.
  const gone = sealed.filter((number) => number < below && number !== sealed.at(-1))
  for (const number of gone) {
    await disk.remove(join(directory, segmentPath(number, 'zst')))
    await disk.syncDirectory(join(directory, 'segments'))
  }
  return gone.length
}

/** Those in finished segments; each of these is written anew, once. */
async function eraseRecords(
  disk: Disk,
  directory: string,
  records: readonly (readonly [entry: number, n: number])[],
): Promise<number> {
  let count = 0
  let next = 0
  for (const number of (await listSegments(disk, directory)).sealed) {
    if (next === records.length) break
    const trailer = await readTrailer(disk, directory, number)
    const gone = new Map<number, Set<number>>()
    for (
      let at = records[next];
      at !== undefined && at[0] < trailer.first + trailer.count;
      at = records[++next]
    )
      if (at[0] >= trailer.first) gone.set(at[0], (gone.get(at[0]) ?? new Set()).add(at[1]))
    if (gone.size === 0) continue
    const blocks = await readSealedSegment(disk, directory, number)
    const left: Block[] = blocks.map(({ entry, records: all }) => ({
      entry,
      records: all.map((record, n) => {
        if (isErased(record) || gone.get(entry)?.has(n) !== true) return record
        count++
        return ERASED
      }),
    }))
    const content = Buffer.concat(left.map(encodeBlock))
    await disk.replace(
      join(directory, segmentPath(number, 'zst')),
      await encodeSealed('segment', trailer, content),
    )
  }
  return count
}
