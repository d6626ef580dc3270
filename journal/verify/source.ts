import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { undefinedIfMissing } from '../disk.ts'
import { VERIFIER_KEYS } from '../identity.ts'

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
      const listed = await listDirectory(directory, '', await look(directory))
      return listed.sort((a, b) => (a.path < b.path ? -1 : 1))
    },
    read: (path) => readFile(join(directory, path)).catch(undefinedIfMissing),
  }
}

interface Listed {
  readonly path: string
  readonly size: number | undefined
}

/**
 * What is in a directory and below. A writer may put one file in the place of others meanwhile, such as a full tile in that of its partial ones: whoever saw
 * neither in one look sees the new one in a second.
 */
async function listDirectory(root: string, under: string, first: readonly Dirent[]): Promise<Listed[]> {
  const listed: Listed[] = []
  for (const item of first) {
    const path = under + item.name
    if (!item.isDirectory()) listed.push(await listFile(root, path, item))
    // One that went meanwhile is empty.
    else
      listed.push(
        ...(await listDirectory(
          root,
          `${path}/`,
          (await look(join(root, path)).catch(undefinedIfMissing)) ?? [],
        )),
      )
  }
  const seen = new Set(first.map(({ name }) => name))
  for (const item of (await look(join(root, under)).catch(undefinedIfMissing)) ?? [])
    if (!seen.has(item.name) && !item.isDirectory())
      listed.push(await listFile(root, under + item.name, item))
  return listed
}

async function look(directory: string): Promise<readonly Dirent[]> {
  return await readdir(directory, { withFileTypes: true })
}

async function listFile(root: string, path: string, item: Dirent): Promise<Listed> {
  return { path, size: item.isFile() ? await sizeOf(join(root, path)) : undefined }
}

/** 0 for a file that a running writer removed meanwhile. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(undefinedIfMissing))?.size ?? 0
}

type Listing = Awaited<ReturnType<FileSource['list']>>

/**
 * Whether something was taken out of a journal between two looks (what is written once, and then stays or goes, is gone or smaller), or keys were handed over. Whoever
 * read the rest meanwhile may have missed the record that says so, or the key.
 */
export function mayHaveMissed(before: Listing, after: Listing): boolean {
  const sizes = new Map(after.map(({ path, size }) => [path, size ?? 0]))
  return before.some(({ path, size = 0 }) => {
    const now = sizes.get(path) ?? -1
    if (path === VERIFIER_KEYS) return now !== size
    return /^(?:segments\/.*\.zst|artifacts\/.*(?<!\.tmp))$/.test(path) && now < size
  })
}
