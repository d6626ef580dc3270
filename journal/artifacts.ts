import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { Artifact, ArtifactRef } from '../model/observation.ts'
import { sha256InTurns } from './digest.ts'
import type { Disk } from './disk.ts'
import { diskRefused, JournalError } from './error.ts'
import { itemsOf, largePath, MAX_ARTIFACT_BYTES, openItem, readItem, readLarge } from './artifactReader.ts'
import { FRAME_HEADER_BYTES } from './frame.ts'
import { FramedFile } from './framedFile.ts'
import {
  decodeItems,
  encodeItem,
  PackIndex,
  packPath,
  parsePackPath,
  type PackItem,
  type PackLocation,
} from './pack.ts'
import { sealedPieces } from './sealedFile.ts'
import { thinPack } from './thinPack.ts'

const compress = promisify(zstdCompress)

/** Artifacts from this size on (64 KiB) get a file of their own; smaller ones would waste a block and an inode each. */
export const LARGE_BYTES = 64 * 1024
/** A pack this long is full, and gets its index. */
const PACK_BYTES = 16 * 1024 * 1024
/** Items are gathered up to here in one frame. */
const FRAME_BYTES = 4 * 1024 * 1024
/** Most octets that wait for a disk that refuses. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** The writer's side: keeps every artifact once. */
export class ArtifactStore {
  readonly #disk: Disk
  readonly #directory: string
  /** Indexes of full packs, by number; the pack after them is being filled. */
  readonly #full: PackIndex[] = []
  #pack: FramedFile | undefined
  #frames = 0
  /** Items of the pack that is being filled, by digest. */
  #current = new Map<string, Pick<PackItem, 'digest' | 'size'> & PackLocation>()
  /** What no pack holds yet, by digest. */
  readonly #waiting = new Map<string, PackItem>()
  #waitingBytes = 0
  /** Large artifacts that are being written. */
  readonly #writing = new Map<string, Promise<void>>()
  /** One at a time: packs are appended to, and written anew. */
  #work: Promise<unknown> = Promise.resolve()
  /** What was put while somebody decides what goes, by digest. */
  #kept: Set<string> | undefined
  /** What goes now, by digest. */
  #leaving: ReadonlySet<string> = new Set()
  #removal: Promise<unknown> = Promise.resolve()
  /** How many packs were written anew. */
  #thinned = 0

  private constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Throws JournalError(altered). */
  static async open(disk: Disk, directory: string): Promise<ArtifactStore> {
    const store = new ArtifactStore(disk, directory)
    const packs = join(directory, 'artifacts/packs')
    await disk.makeDirectory(packs)
    const found = (await disk.list(packs)).flatMap((name) => parsePackPath(`artifacts/packs/${name}`) ?? [])
    const count = found.filter((p) => p.ending === 'pack').length
    for (let number = 0; number < count; number++) {
      const index = await disk.read(join(directory, packPath(number, 'idx')))
      if (index !== undefined) {
        store.#full.push(PackIndex.decode(index))
        continue
      }
      const items = await store.#openPack()
      store.#current = new Map(items.map((item) => [item.digest.toString('hex'), item]))
      if (number < count - 1) await store.#finishPack()
    }
    return store
  }

  /** Durable at the next flush, or at once when it is large. Rejects with JournalError(storage, overloaded). */
  async put({ bytes, mediaType, digest: known }: Artifact): Promise<ArtifactRef> {
    if (bytes.length > MAX_ARTIFACT_BYTES)
      throw new JournalError(
        'overloaded',
        `expected an artifact of at most ${MAX_ARTIFACT_BYTES} octets, got ${bytes.length}`,
      )
    const key = known === undefined ? await sha256InTurns(bytes) : Buffer.from(known, 'hex')
    const digest = key.toString('hex')
    this.#kept?.add(digest)
    while (this.#leaving.has(digest)) await this.#removal
    if (bytes.length >= LARGE_BYTES) await this.#putLarge(digest, bytes)
    else if (!this.#has(digest, key)) await this.#putSmall(digest, key, bytes)
    return { digest, mediaType, size: bytes.length, kept: true }
  }

  /** Whether a pack holds it, or will. */
  holdsSmall(digest: string): boolean {
    return this.#has(digest, Buffer.from(digest, 'hex'))
  }

  async get(digest: string): Promise<Uint8Array | undefined> {
    for (;;) {
      const thinned = this.#thinned
      try {
        return await this.#get(digest)
      } catch (error) {
        // Its pack was written anew between the look into the index and that into the pack.
        await this.#removal
        if (thinned === this.#thinned) throw error
      }
    }
  }

  async #get(digest: string): Promise<Uint8Array | undefined> {
    const key = Buffer.from(digest, 'hex')
    const item = this.#waiting.get(digest) ?? (await this.#readItem(digest, key))
    return item === undefined
      ? await readLarge(this.#disk, this.#directory, digest)
      : await openItem(item, key)
  }

  /**
   * To be called before it is decided what goes: what is put from then on, and named by a record that is still to come, does not go. Until `end` it can be
   * removed with `remove`, which returns how many there were.
   */
  beginRemoval(): {
    readonly put: ReadonlySet<string>
    remove(gone: ReadonlySet<string>): Promise<number>
    end(): void
  } {
    const put = (this.#kept = new Set<string>())
    return {
      put,
      remove: (gone) => (this.#removal = this.#inTurn(() => this.#remove(gone, put))),
      end: () => (this.#kept = undefined),
    }
  }

  /** Makes durable what waits. Rejects with JournalError(storage); then it goes on waiting. */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#flush())
  }

  async #flush(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch: PackItem[] = []
      let length = 0
      for (const item of this.#waiting.values()) {
        if (length > 0 && length + item.compressed.length > FRAME_BYTES) break
        batch.push(item)
        length += item.compressed.length
      }
      await this.#write(batch)
    }
  }

  async close(): Promise<void> {
    await this.#pack?.close()
    this.#pack = undefined
  }

  async #remove(gone: ReadonlySet<string>, put: ReadonlySet<string>): Promise<number> {
    const isUsed = (digest: string) =>
      put.has(digest) || this.#waiting.has(digest) || this.#writing.has(digest)
    this.#leaving = new Set([...gone].filter((digest) => !isUsed(digest)))
    try {
      return (await this.#removeLarge()) + (await this.#removeSmall())
    } catch (error) {
      throw diskRefused(this.#directory, error)
    } finally {
      this.#leaving = new Set()
    }
  }

  async #removeLarge(): Promise<number> {
    let count = 0
    for (const digest of this.#leaving) {
      const path = join(this.#directory, largePath(digest))
      if ((await this.#disk.readPart(path, 0, 1)) === undefined) continue
      await this.#disk.remove(path)
      count++
    }
    return count
  }

  async #removeSmall(): Promise<number> {
    const keys = Array.from(this.#leaving, (digest) => Buffer.from(digest, 'hex'))
    if (keys.some((key) => this.#current.has(key.toString('hex')))) await this.#finishPack()
    let count = 0
    for (const [number, index] of this.#full.entries()) {
      if (!keys.some((key) => index.find(key) !== undefined)) continue
      count += await thinPack(this.#disk, this.#directory, number, this.#leaving)
      const bytes = await this.#disk.read(join(this.#directory, packPath(number, 'idx')))
      this.#full[number] = PackIndex.decode(bytes ?? Buffer.alloc(0))
      this.#thinned++
    }
    return count
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #readItem(digest: string, key: Buffer): Promise<PackItem | undefined> {
    const current = this.#current.get(digest)
    if (current !== undefined) return await readItem(this.#disk, this.#directory, this.#full.length, current)
    for (const [number, index] of this.#full.entries()) {
      const location = index.find(key)
      if (location !== undefined) return await readItem(this.#disk, this.#directory, number, location)
    }
    return undefined
  }

  #has(digest: string, key: Buffer): boolean {
    if (this.#waiting.has(digest) || this.#current.has(digest)) return true
    return this.#full.some((index) => index.find(key) !== undefined)
  }

  async #putSmall(digest: string, key: Buffer, bytes: Uint8Array): Promise<void> {
    const compressed = await compress(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    if (this.#waiting.has(digest)) return
    if (this.#waitingBytes + compressed.length > MAX_WAITING_BYTES)
      throw new JournalError(
        'overloaded',
        `more than ${MAX_WAITING_BYTES} octets of artifacts wait for the disk`,
      )
    this.#waiting.set(digest, { digest: key, size: bytes.length, compressed })
    this.#waitingBytes += compressed.length
  }

  async #putLarge(digest: string, bytes: Uint8Array): Promise<void> {
    const underWay = this.#writing.get(digest)
    if (underWay !== undefined) {
      await underWay
      return
    }
    const work = this.#writeLarge(digest, bytes).finally(() => this.#writing.delete(digest))
    this.#writing.set(digest, work)
    await work
  }

  async #writeLarge(digest: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, largePath(digest))
    try {
      if ((await this.#disk.readPart(path, 0, 1)) !== undefined) return
      await this.#disk.makeDirectory(dirname(path))
      await this.#disk.replace(path, sealedPieces('artifact', { number: 0, first: 0, count: 0 }, bytes))
    } catch (error) {
      throw diskRefused(path, error)
    }
  }

  async #write(batch: readonly PackItem[]): Promise<void> {
    if (this.#pack !== undefined && this.#pack.length >= PACK_BYTES) await this.#finishPack()
    if (this.#pack === undefined) await this.#openPack()
    const payload = Buffer.concat(batch.map(encodeItem))
    const start = await this.#pack?.append(this.#frames, payload)
    this.#frames++
    for (const item of decodeItems(payload)) {
      const digest = item.digest.toString('hex')
      const offset = (start ?? 0) + FRAME_HEADER_BYTES + item.offset
      this.#current.set(digest, {
        digest: Buffer.from(item.digest),
        size: item.size,
        offset,
        length: item.length,
      })
      this.#waitingBytes -= item.compressed.length
      this.#waiting.delete(digest)
    }
  }

  /** Opens the pack after the full ones; hands out its items. */
  async #openPack(): Promise<readonly (Pick<PackItem, 'digest' | 'size'> & PackLocation)[]> {
    const path = join(this.#directory, packPath(this.#full.length, 'pack'))
    const { file, frames } = await FramedFile.open(this.#disk, path)
    this.#pack = file
    this.#frames = frames.length
    return Array.from(itemsOf(frames), ({ digest, size, offset, length }) => ({
      digest: Buffer.from(digest),
      size,
      offset,
      length,
    }))
  }

  async #finishPack(): Promise<void> {
    const index = PackIndex.of(this.#current.values())
    await this.#disk.replace(join(this.#directory, packPath(this.#full.length, 'idx')), index.encode())
    this.#full.push(index)
    await this.#pack?.close()
    this.#pack = undefined
    this.#current = new Map()
  }
}
