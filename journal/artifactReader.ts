import { join } from 'node:path'
import { sha256InTurns } from './digest.ts'
import type { Disk } from './disk.ts'
import { JournalError } from './error.ts'
import { decodeFrames, FRAME_HEADER_BYTES, type Frame } from './frame.ts'
import { decodeItems, PackIndex, packPath, parsePackPath, type PackItem, type PackLocation } from './pack.ts'
import { decodeSealed, inflate } from './sealedFile.ts'

/** Largest artifact; probes read at most 1 GiB. */
export const MAX_ARTIFACT_BYTES = 1024 * 1024 * 1024

/** How a digest is written. */
const DIGEST = /^[0-9a-f]{64}$/

/** Two levels of directories, 65536 of them, keep each short. */
export function largePath(digest: string): string {
  return `artifacts/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}.zst`
}

/** Digest of the artifact that a path is for; undefined when it is no artifact's. */
export function parseLargePath(path: string): string | undefined {
  const digest = /([0-9a-f]{64})\.zst$/.exec(path)?.[1]
  return digest !== undefined && largePath(digest) === path ? digest : undefined
}

/** Items of a pack with their offsets in the file. Throws JournalError(altered). */
export function* itemsOf(frames: readonly Frame[]): Generator<PackItem & PackLocation> {
  for (const frame of frames) {
    for (const item of decodeItems(frame.payload))
      yield { ...item, offset: frame.start + FRAME_HEADER_BYTES + item.offset }
  }
}

/** Finds artifacts in a directory, also one that another process writes. */
export class ArtifactReader {
  readonly #disk: Disk
  readonly #directory: string
  /** Indexes of full packs, newest last, by pack number. */
  readonly #indexes = new Map<number, PackIndex>()

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** undefined when it was never kept. Throws JournalError(altered) when it is not what its digest says. */
  async get(digest: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#get(digest)
    } catch {
      // A writer may have taken something out of its pack, which was written anew then: the index from before is of no use.
      this.#indexes.clear()
      return await this.#get(digest)
    }
  }

  async #get(digest: string): Promise<Uint8Array | undefined> {
    const key = Buffer.from(digest, 'hex')
    const item = await this.#find(key)
    return item === undefined
      ? await readLarge(this.#disk, this.#directory, digest)
      : await openItem(item, key)
  }

  async #find(key: Buffer): Promise<PackItem | undefined> {
    const names = await this.#disk.list(join(this.#directory, 'artifacts/packs'))
    const packs = names.flatMap((name) => parsePackPath(`artifacts/packs/${name}`) ?? [])
    for (const { number } of packs.filter((p) => p.ending === 'pack').reverse()) {
      const found = await this.#findIn(number, key)
      if (found !== undefined) return found
    }
    return undefined
  }

  async #findIn(number: number, key: Buffer): Promise<PackItem | undefined> {
    const pack = join(this.#directory, packPath(number, 'pack'))
    const index = await this.#index(number)
    if (index === undefined) {
      const { frames } = decodeFrames((await this.#disk.read(pack)) ?? Buffer.alloc(0))
      for (const item of itemsOf(frames)) if (item.digest.equals(key)) return item
      return undefined
    }
    const location = index.find(key)
    if (location === undefined) return undefined
    return await readItem(this.#disk, this.#directory, number, location)
  }

  /** undefined for the pack that is being filled. */
  async #index(number: number): Promise<PackIndex | undefined> {
    const known = this.#indexes.get(number)
    if (known !== undefined) return known
    const bytes = await this.#disk.read(join(this.#directory, packPath(number, 'idx')))
    if (bytes === undefined) return undefined
    const index = PackIndex.decode(bytes)
    this.#indexes.set(number, index)
    return index
  }
}

/** undefined when there is no such file. Throws JournalError(altered). */
export async function readLarge(disk: Disk, directory: string, digest: string): Promise<Buffer | undefined> {
  // The digest becomes a path, and may come from a request.
  if (!DIGEST.test(digest)) return undefined
  const file = await disk.read(join(directory, largePath(digest)))
  if (file === undefined) return undefined
  const { content } = await decodeSealed('artifact', file, MAX_ARTIFACT_BYTES)
  return await checked(content, Buffer.from(digest, 'hex'))
}

export async function readItem(
  disk: Disk,
  directory: string,
  pack: number,
  location: PackLocation,
): Promise<PackItem | undefined> {
  const bytes = await disk.readPart(join(directory, packPath(pack, 'pack')), location.offset, location.length)
  const [item] = decodeItems(bytes ?? Buffer.alloc(0))
  return item
}

/** Throws JournalError(altered). */
export async function openItem(item: Pick<PackItem, 'compressed' | 'size'>, key: Buffer): Promise<Buffer> {
  return await checked(await inflate(item.compressed, item.size), key)
}

async function checked(content: Buffer, key: Buffer): Promise<Buffer> {
  if (!(await sha256InTurns(content)).equals(key))
    throw new JournalError('altered', {
      expected: `an artifact with digest ${key.toString('hex')}`,
      got: 'other octets',
    })
  return content
}
