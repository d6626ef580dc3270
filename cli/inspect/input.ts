import { createReadStream, statSync } from 'node:fs'
import { PkiError } from '../../pki/error.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'

/** `-` on the command line: standard input. */
export const STDIN = '-'

/** Octets asked for in one read: large enough that a 200 MB list needs few, small beside what a process takes anyway. */
const CHUNK = 1024 * 1024

/** The bytes of one file, or of standard input, as they arrive. */
export interface Source {
  readonly name: string
  /** Octets of a regular file; undefined where nobody knows before the end (a pipe). */
  readonly size: number | undefined
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Opens nothing yet but what `stat` says: a directory and a missing file are refused here, with EXIT.failed. */
export function openSource(file: string, stdin: AsyncIterable<Uint8Array>): Source {
  if (file === STDIN) return { name: 'standard input', size: undefined, chunks: stdin }
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) throw new CommandError(EXIT.failed, `${file}: is a directory: expected a file`)
    return { name: file, size: stat.isFile() ? stat.size : undefined, chunks: fileChunks(file) }
  } catch (error) {
    throw asFailure(file, error)
  }
}

async function* fileChunks(file: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(file, { highWaterMark: CHUNK })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    throw asFailure(file, error)
  } finally {
    stream.destroy()
  }
}

export function asFailure(file: string, error: unknown): CommandError {
  return error instanceof CommandError
    ? error
    : new CommandError(EXIT.failed, `${file}: ${unreadable(error)}`, undefined)
}

/**
 * Everything, when it is at most `limit` octets; never reads more than that. `checkHead` is given the first piece, and throws when the rest is
 * not worth reading. Throws PkiError(decode, too_large), CommandError.
 */
export async function readAll(
  source: Source,
  limit: number,
  checkHead?: (head: Uint8Array) => void,
): Promise<Uint8Array> {
  if (source.size !== undefined && source.size > limit) throw tooLarge(limit, `${source.size}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source.chunks) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit, 'more')
    if (chunks.length === 0) checkHead?.(chunk)
    chunks.push(chunk)
  }
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size)
}

function tooLarge(limit: number, got: string): PkiError {
  return new PkiError('decode', 'too_large', `expected at most ${limit} octets of input, got ${got}`)
}
