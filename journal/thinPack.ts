import { join } from 'node:path'
import { itemsOf } from './artifactReader.ts'
import type { Disk } from './disk.ts'
import { decodeFrames, encodeFrame, SEAL_MARK } from './frame.ts'
import { encodeItem, PackIndex, packPath, type PackItem } from './pack.ts'

/** A pack's frame is written anew in pieces of this many octets of items. */
const FRAME_BYTES = 4 * 1024 * 1024

/** Writes a pack anew without some of its items; its number stays. */
export async function thinPack(
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
