import { join } from 'node:path'
import { itemsOf, largePath } from '../artifactReader.ts'
import { encodeBlock, type Block } from '../block.ts'
import type { Disk } from '../disk.ts'
import { decodeFrames, encodeFrame, SEAL_MARK } from '../frame.ts'
import { encodeItem, PackIndex, packPath, parsePackPath, type PackItem } from '../pack.ts'
import { isErased } from '../record.ts'
import { encodeSealed } from '../sealedFile.ts'
import { listSegments, readSealedSegment, readTrailer, segmentPath } from '../segments.ts'
import { keptArtifacts } from '../verify/references.ts'
import { parseRetention, RetentionClaims } from './claims.ts'
import { readRecords } from './records.ts'

/** A pack's frame is written anew in pieces of this many octets of items. */
const FRAME_BYTES = 4 * 1024 * 1024
const ERASED = Buffer.alloc(0)

/** What was removed. */
export interface Removed {
  readonly segments: number
  readonly records: number
  readonly artifacts: number
}

/**
 * Removes what the retention records of a journal say is gone, and is still there. No writer may be at work. After a crash it is called again: it
 * removes the oldest segments first, so that at any moment the files are those of a pruned journal. Throws JournalError(altered, format).
 */
export async function applyRetention(disk: Disk, directory: string): Promise<Removed> {
  const claims = new RetentionClaims()
  for await (const { envelope } of readRecords(disk, directory))
    if (envelope.kind === 'retention') claims.add(parseRetention(envelope.body))
  // What was named again after it was removed was kept again.
  const gone = new Set(claims.artifacts)
  for await (const { entry, n, envelope } of readRecords(disk, directory, claims.entries))
    if (!claims.isErased(entry, n)) for (const { digest } of keptArtifacts(envelope)) gone.delete(digest)
  const segments = await removeSegments(disk, directory, claims)
  const records = await eraseRecords(disk, directory, claims)
  const artifacts = await removeArtifacts(disk, directory, gone)
  return { segments, records, artifacts }
}

async function removeSegments(disk: Disk, directory: string, claims: RetentionClaims): Promise<number> {
  const { sealed } = await listSegments(disk, directory)
  // The newest one says where the next begins.
  const gone = sealed
    .filter((number) => number < claims.segments)
    .filter((number) => number !== sealed.at(-1))
  for (const number of gone) {
    await disk.remove(join(directory, segmentPath(number, 'zst')))
    await disk.syncDirectory(join(directory, 'segments'))
  }
  return gone.length
}

async function eraseRecords(disk: Disk, directory: string, claims: RetentionClaims): Promise<number> {
  let count = 0
  for (const number of (await listSegments(disk, directory)).sealed) {
    const trailer = await readTrailer(disk, directory, number)
    if (!claims.erasesIn(trailer.first, trailer.first + trailer.count)) continue
    let found = 0
    const blocks: Block[] = (await readSealedSegment(disk, directory, number)).map(({ entry, records }) => ({
      entry,
      records: records.map((record, n) => {
        if (isErased(record) || !claims.isErased(entry, n)) return record
        found++
        return ERASED
      }),
    }))
    if (found === 0) continue
    const content = Buffer.concat(blocks.map(encodeBlock))
    await disk.replace(
      join(directory, segmentPath(number, 'zst')),
      await encodeSealed('segment', trailer, content),
    )
    count += found
  }
  return count
}

async function removeArtifacts(disk: Disk, directory: string, gone: ReadonlySet<string>): Promise<number> {
  if (gone.size === 0) return 0
  let count = 0
  for (const digest of gone) {
    const path = join(directory, largePath(digest))
    if ((await disk.readPart(path, 0, 1)) === undefined) continue
    await disk.remove(path)
    count++
  }
  const names = await disk.list(join(directory, 'artifacts/packs'))
  for (const name of names) {
    const pack = parsePackPath(`artifacts/packs/${name}`)
    if (pack?.ending === 'pack') count += await thinPack(disk, directory, pack.number, gone)
  }
  return count
}

/** Writes a pack anew without some of its items; its number stays. */
async function thinPack(
  disk: Disk,
  directory: string,
  number: number,
  gone: ReadonlySet<string>,
): Promise<number> {
  const [pack, index] = (['pack', 'idx'] as const).map((ending) => join(directory, packPath(number, ending)))
  if (pack === undefined || index === undefined) return 0
  const items = [...itemsOf(decodeFrames((await disk.read(pack)) ?? Buffer.alloc(0)).frames)]
  const left = items.filter(({ digest }) => !gone.has(digest.toString('hex')))
  if (left.length === items.length) return 0
  const isFull = (await disk.readPart(index, 0, 1)) !== undefined
  const content = encodePack(left)
  // An index that says where things were is worse than none, which is made again.
  await disk.remove(index)
  await disk.syncDirectory(join(directory, 'artifacts/packs'))
  await disk.replace(pack, content)
  if (isFull) await disk.replace(index, PackIndex.of(itemsOf(decodeFrames(content).frames)).encode())
  return items.length - left.length
}

function encodePack(items: readonly PackItem[]): Buffer {
  const frames: Buffer[] = []
  let payload: Buffer[] = []
  let length = 0
  const finish = (): void => {
    if (length > 0) frames.push(encodeFrame(frames.length / 2, Buffer.concat(payload)), SEAL_MARK)
    payload = []
    length = 0
  }
  for (const item of items) {
    const encoded = encodeItem(item)
    if (length + encoded.length > FRAME_BYTES) finish()
    payload.push(encoded)
    length += encoded.length
  }
  finish()
  return Buffer.concat(frames)
}
