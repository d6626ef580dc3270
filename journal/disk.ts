import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from '../model/thrown.ts'

/** What the journal needs of a file system; tests put one in its place that refuses. Paths are absolute. */
export interface Disk {
  /** Opens for reading and writing; created empty when missing. */
  open(path: string): Promise<DiskFile>
  /** undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>
  /** Octets from `start` on, or from the end when it is negative; fewer where the file ends. undefined when it is missing. */
  readPart(path: string, start: number, length: number): Promise<Buffer | undefined>
  /** Writes a file so that after a crash it is there whole or not at all. */
  replace(path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  remove(path: string): Promise<void>
  /** Makes a directory and those above it, durably. */
  makeDirectory(path: string): Promise<void>
  /** Makes created, renamed and removed names in a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Names in a directory, sorted; none when it is missing. */
  list(path: string): Promise<readonly string[]>
}

export interface DiskFile {
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Makes what was written durable. Rejects with FileRemoved when nobody will ever find it. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

/** The system goes on taking what is written to a file that somebody has removed, and forgets it when the file is closed. */
export class FileRemoved extends Error {
  override readonly name = 'FileRemoved'
  constructor() {
    super('the file was removed while it was written')
  }
}

/** Ending of a file that is being written; left behind by a crash only. */
export const TEMPORARY = '.tmp'

/** Readable by the group, so that auditors need not be root; written by the owner. */
const FILE_MODE = 0o640
const DIRECTORY_MODE = 0o750

async function openFile(path: string): Promise<DiskFile> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE)
  // Some file systems count no links at all.
  const countsLinks = (await handle.stat()).nlink > 0
  return {
    async write(bytes, position) {
      let written = 0
      while (written < bytes.length) {
        const { bytesWritten } = await handle.write(
          bytes,
          written,
          bytes.length - written,
          position + written,
        )
        written += bytesWritten
      }
    },
    async sync() {
      await handle.datasync()
      if (countsLinks && (await handle.stat()).nlink === 0) throw new FileRemoved()
    },
    truncate: (length) => handle.truncate(length),
    close: () => handle.close(),
  }
}

export const nodeDisk: Disk = {
  open: openFile,

  async read(path) {
    return await readFile(path).catch(undefinedIfMissing)
  },

  async readPart(path, start, length) {
    const handle = await open(path, 'r').catch(undefinedIfMissing)
    if (handle === undefined) return undefined
    try {
      const from = start < 0 ? Math.max(0, (await handle.stat()).size + start) : start
      const bytes = Buffer.alloc(length)
      const { bytesRead } = await handle.read(bytes, 0, length, from)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  },

  async replace(path, bytes) {
    const temporary = path + TEMPORARY
    try {
      await using handle = await open(temporary, 'w', FILE_MODE)
      await handle.writeFile(bytes)
      await handle.sync()
    } catch (error) {
      // On a full disk it would keep the room that others wait for.
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  },

  async remove(path) {
    await rm(path, { recursive: true, force: true })
  },

  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
    if (first === undefined) return
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made))
  },

  syncDirectory,

  async list(path) {
    return (await readdir(path).catch(undefinedIfMissing))?.sort() ?? []
  },
}

async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

/** For `catch`: what is not there is undefined, all else is thrown again. */
export function undefinedIfMissing(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT') return undefined
  throw error
}
