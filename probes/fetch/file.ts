import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { systemCode } from '../../model/thrown.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'

/** Octets read at a time. */
const PIECE = 256 * 1024

/**
 * Reads a regular file piece by piece, each of which is valid until the next. Throws FetchError: connect (`file_not_found`, `file_unreadable`),
 * size (`body_too_large`), http (`timeout`).
 */
export async function readFileUrl(
  url: string,
  { into, maxSize }: { readonly into: (octets: Uint8Array) => void; readonly maxSize: number },
  deadline: Deadline,
): Promise<void> {
  const path = fileURLToPath(url)
  await using file = await openRegular(path)
  const tooLarge = (got: string): FetchError =>
    new FetchError('size', 'body_too_large', `${path}: expected at most ${maxSize} octets, got ${got}`)
  const { size } = await file.stat()
  if (size > maxSize) throw tooLarge(`${size}`)
  const buffer = Buffer.allocUnsafeSlow(PIECE)
  for (let total = 0; ;) {
    if (deadline.signal.aborted) throw deadline.failure('http', `all of ${path}`)
    const { bytesRead } = await file.read(buffer, 0, PIECE, total)
    if (bytesRead === 0) return
    total += bytesRead
    // It may grow while it is read.
    if (total > maxSize) throw tooLarge('more')
    into(buffer.subarray(0, bytesRead))
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  try {
    // Does not wait for somebody to write into a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (error) {
    const code = systemCode(error)
    if (code === '') throw error
    const name = code === 'ENOENT' || code === 'ENOTDIR' ? 'file_not_found' : 'file_unreadable'
    throw new FetchError('connect', name, `expected to read ${path}, got ${code}`, error)
  }
  throw new FetchError('connect', 'file_unreadable', `expected a regular file at ${path}, got something else`)
}
