import { lstat, opendir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CollectorError } from '../error.ts'
import { fileError } from '../error.ts'
import { GZIP_SUFFIX, gzipHead, isGzipName } from './gzipLog.ts'
import { openRegular, readHead, sameFile } from './logFile.ts'
import type { FileKey } from './logFile.ts'
import { sha256 } from './identity.ts'

/** Directory entries looked at; a log directory with more is not searched to its end. */
const MAX_ENTRIES = 10_000

/** A file beside the log. */
export interface Sibling {
  readonly path: string
  readonly key: FileKey
  /** Octets of the log; of a gzipped one nobody knows before it is read: Infinity. */
  readonly size: number
  readonly mtimeNs: bigint
  /** SHA-256 of its first line, complete or not. */
  readonly headFingerprint: string
}

/**
 * Whether rotation may have given this name: the log's own with digits and separators after it or before its extension
 * (`audit.log.1`, `audit.log.2026-11-22`, `audit-20261122.log`), gzipped afterwards or not.
 */
export function isRotatedName(log: string, file: string): boolean {
  const name = isGzipName(file) ? file.slice(0, -GZIP_SUFFIX.length) : file
  const dot = log.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [log.slice(0, dot), log.slice(dot)] : [log, '']
  const infix = name.startsWith(log)
    ? name.slice(log.length)
    : name.startsWith(stem) && name.endsWith(extension)
      ? name.slice(stem.length, name.length - extension.length)
      : ''
  return /^[.\-_]\d[\d.\-_:T]*$/.test(infix)
}

/**
 * Regular files beside the log that can be read and are not empty, the log itself and `except` left out. A file that can't
 * be read is reported and passed over.
 */
async function* siblings(
  log: string,
  options: {
    readonly select: (name: string) => boolean
    readonly except: readonly FileKey[]
    readonly onProblem: (problem: CollectorError) => void
  },
): AsyncGenerator<Sibling> {
  for (const name of await names(log, options.onProblem)) {
    if (name === basename(log) || !options.select(name)) continue
    const path = join(dirname(log), name)
    try {
      if (!(await lstat(path)).isFile()) continue
      await using handle = await openRegular(path, 'refuse')
      const { dev, ino, size, mtimeNs } = await handle.stat({ bigint: true })
      const isZipped = isGzipName(name)
      const head = isZipped ? await gzipHead(handle) : await readHead(handle, 'any')
      if (head === undefined || options.except.some((key) => sameFile(key, { dev, ino }))) continue
      const octets = isZipped ? Infinity : Number(size)
      yield { path, key: { dev, ino }, size: octets, mtimeNs, headFingerprint: sha256(head) }
    } catch (error) {
      const problem = fileError(path, error)
      if (problem.code !== 'file_missing') options.onProblem(problem)
    }
  }
}

/** What stands in the log's directory. A directory that can't be listed is reported; the log itself may still be read. */
async function names(log: string, onProblem: (problem: CollectorError) => void): Promise<string[]> {
  const found: string[] = []
  try {
    for await (const entry of await opendir(dirname(log))) {
      if (found.length === MAX_ENTRIES) break
      found.push(entry.name)
    }
  } catch (error) {
    onProblem(fileError(dirname(log), error))
  }
  return found
}

interface Search {
  readonly log: string
  readonly except: readonly FileKey[]
  readonly onProblem: (problem: CollectorError) => void
}

/** While a file is being gzipped it stands there twice: then the one that is whole. */
function isBetter(one: Sibling, other: Sibling): boolean {
  const isZipped = isGzipName(one.path)
  return isZipped === isGzipName(other.path) ? one.mtimeNs > other.mtimeNs : !isZipped
}

/** The newest file beside the log that `matches`, whatever its name; one that is not gzipped before any that is. */
export async function newestSibling(
  search: Search,
  matches: (sibling: Sibling) => boolean,
): Promise<Sibling | undefined> {
  let newest: Sibling | undefined
  for await (const sibling of siblings(search.log, { ...search, select: () => true })) {
    if (matches(sibling) && (newest === undefined || isBetter(sibling, newest))) newest = sibling
  }
  return newest
}

/** The oldest file that by its name was the log once and `matches`. */
export async function oldestRotated(
  search: Search,
  matches: (sibling: Sibling) => boolean,
): Promise<Sibling | undefined> {
  const log = basename(search.log)
  let oldest: Sibling | undefined
  for await (const sibling of siblings(search.log, {
    ...search,
    select: (name) => isRotatedName(log, name),
  })) {
    if (!matches(sibling)) continue
    if (
      oldest === undefined ||
      sibling.mtimeNs < oldest.mtimeNs ||
      (sibling.mtimeNs === oldest.mtimeNs && sibling.path < oldest.path)
    )
      oldest = sibling
  }
  return oldest
}
