import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { undefinedIfMissing } from '../disk.ts'

/** The files that are verified, wherever they are. Paths are relative, with slashes. */
export interface FileSource {
  /** Every file, in order of path. `size` is undefined for what is no regular file (a link, a socket). */
  list(): Promise<readonly { readonly path: string; readonly size: number | undefined }[]>
  /** undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>
}

export function directorySource(directory: string): FileSource {
  return {
    async list() {
      const found = await readdir(directory, { recursive: true, withFileTypes: true })
      const listed: { path: string; size: number | undefined }[] = []
      for (const item of found) {
        if (item.isDirectory()) continue
        const file = join(item.parentPath, item.name)
        const path = relative(directory, file).replaceAll('\\', '/')
        listed.push({ path, size: item.isFile() ? await sizeOf(file) : undefined })
      }
      return listed.sort((a, b) => (a.path < b.path ? -1 : 1))
    },
    read: (path) => readFile(join(directory, path)).catch(undefinedIfMissing),
  }
}

/** 0 for a file that a running writer removed meanwhile. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(undefinedIfMissing))?.size ?? 0
}

type Listing = Awaited<ReturnType<FileSource['list']>>

/**
 * Whether something was taken out of a journal between two looks: what is written once, and then stays or goes, is gone or smaller. Whoever read the rest meanwhile
 * may have missed the record that says so.
 */
export function hasShrunk(before: Listing, after: Listing): boolean {
  const sizes = new Map(after.map(({ path, size }) => [path, size ?? 0]))
  return before.some(
    ({ path, size = 0 }) =>
      /^(?:segments\/.*\.zst|artifacts\/.*)$/.test(path) && (sizes.get(path) ?? -1) < size,
  )
}
