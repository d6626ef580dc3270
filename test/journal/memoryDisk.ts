import { buffer } from 'node:stream/consumers'
import { dirname, relative } from 'node:path'
import type { Disk, DiskFile } from '../../journal/disk.ts'
import type { FileSource } from '../../journal/verify/source.ts'

interface Stored {
  /** As programs see it. */
  live: Buffer
  /** As it is on the platter. */
  durable: Buffer
}

export type Operation =
  'open' | 'write' | 'sync' | 'truncate' | 'replace' | 'remove' | 'makeDirectory' | 'syncDirectory'

const SECTOR = 512

/**
 * A file system in memory that knows what has been fsynced. `before` is asked at each change and may throw; `powerCut` gives the disk
 * as it may look after a power cut, with unsynced octets partly there, and names as they were last synced.
 */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Stored>()
  #durableNames = new Map<string, Stored>()
  before: (operation: Operation, path: string) => void = () => undefined

  static of(files: ReadonlyMap<string, Buffer>): MemoryDisk {
    const disk = new MemoryDisk()
    for (const [path, bytes] of files)
      disk.files.set(path, { live: Buffer.from(bytes), durable: Buffer.from(bytes) })
    disk.#durableNames = new Map(disk.files)
    return disk
  }

  open(path: string): Promise<DiskFile> {
    return this.#do('open', path, () => {
      const file = this.files.get(path) ?? { live: Buffer.alloc(0), durable: Buffer.alloc(0) }
      this.files.set(path, file)
      return {
        write: (bytes, position) =>
          this.#do('write', path, () => {
            const end = Math.max(file.live.length, position + bytes.length)
            const next = Buffer.alloc(end)
            file.live.copy(next)
            next.set(bytes, position)
            file.live = next
          }),
        sync: () =>
          this.#do('sync', path, () => {
            file.durable = file.live
          }),
        truncate: (length) =>
          this.#do('truncate', path, () => {
            file.live = Buffer.from(file.live.subarray(0, length))
          }),
        close: () => Promise.resolve(),
      }
    })
  }

  read(path: string): Promise<Buffer | undefined> {
    const file = this.files.get(path)
    return Promise.resolve(file === undefined ? undefined : Buffer.from(file.live))
  }

  async readPart(path: string, start: number, length: number): Promise<Buffer | undefined> {
    const bytes = await this.read(path)
    const from = start < 0 ? Math.max(0, (bytes?.length ?? 0) + start) : start
    return bytes?.subarray(from, from + length)
  }

  async replace(path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const whole = bytes instanceof Uint8Array ? bytes : await buffer(bytes)
    await this.#do('replace', path, () => {
      const stored = { live: Buffer.from(whole), durable: Buffer.from(whole) }
      this.files.set(path, stored)
      this.#durableNames.set(path, stored)
    })
  }

  remove(path: string): Promise<void> {
    return this.#do('remove', path, () => {
      for (const name of this.files.keys())
        if (name === path || name.startsWith(`${path}/`)) this.files.delete(name)
    })
  }

  makeDirectory(path: string): Promise<void> {
    return this.#do('makeDirectory', path, () => undefined)
  }

  syncDirectory(path: string): Promise<void> {
    return this.#do('syncDirectory', path, () => {
      for (const name of this.#durableNames.keys())
        if (dirname(name) === path && !this.files.has(name)) this.#durableNames.delete(name)
      for (const [name, file] of this.files) if (dirname(name) === path) this.#durableNames.set(name, file)
    })
  }

  list(path: string): Promise<readonly string[]> {
    const inside = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`))
    return Promise.resolve(
      [...new Set(inside.map((name) => name.slice(path.length + 1).split('/')[0] ?? ''))].sort(),
    )
  }

  /** The files that are left; `random` gives numbers from 0 to 1. */
  powerCut(random: () => number): Map<string, Buffer> {
    return new Map(Array.from(this.#durableNames, ([path, file]) => [path, damaged(file, random)]))
  }

  snapshot(): Map<string, Buffer> {
    return new Map(Array.from(this.files, ([path, file]) => [path, Buffer.from(file.live)]))
  }

  source(directory: string): FileSource {
    const names = () =>
      Array.from(this.files, ([path, file]) => ({ path: relative(directory, path), size: file.live.length }))
    return { list: () => Promise.resolve(names()), read: (path) => this.read(`${directory}/${path}`) }
  }

  #do<T>(operation: Operation, path: string, work: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.before(operation, path)
      resolve(work())
    })
  }
}

/** What a power cut leaves of a file: each changed sector old (zeros where there was nothing) or new, and any length between. */
function damaged({ live, durable }: Stored, random: () => number): Buffer {
  if (live.equals(durable)) return Buffer.from(durable)
  const [short, long] = [live.length, durable.length].sort((a, b) => a - b) as [number, number]
  const bytes = Buffer.alloc(short + Math.floor(random() * (long - short + 1)))
  durable.copy(bytes)
  for (let at = 0; at < bytes.length; at += SECTOR)
    if (random() < 0.5) live.copy(bytes, at, at, Math.min(at + SECTOR, bytes.length))
  return bytes
}
