import { appendFile, readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../model/thrown.ts'
import type { Timestamp } from '../model/time.ts'
import { fromTimestamp } from '../model/time.ts'
import type { BackupTarget, Fate } from './backup.ts'
import { nodeDisk } from './disk.ts'
import { TAR_END, tarMember } from './tar.ts'

// A backup in an object store. Files that do not change any more go into bundles, tar archives that are written once; then the current object is replaced, a
// tar archive too: it names all bundles and holds what still changes, the checkpoint with it. So what is stored can be restored at every moment, and an object
// is sent for many files. Unpacked in order, the bundles and then the current object, they give the directory that `vigil backup DIR` makes.

/** Whatever keeps octets by name. */
export interface ObjectStore {
  /** Durable when it resolves; at no moment is there less under that name than what was or what will be there. */
  put(name: string, content: readonly Buffer[]): Promise<void>
}

/** The object that is replaced; all others are written once. */
export const CURRENT = 'vigil-backup.tar'
/** The first member of it. */
export const LISTING = 'backup.json'

/** Octets of files in a bundle, and as many again at most: what is held in memory. A larger artifact has one of its own. */
const BUNDLE_SIZE = 64 * 1024 * 1024

const bundleSchema = z.strictObject({
  name: z.string().regex(/^bundle-\d{6,15}-[0-9a-f]{16}\.tar$/),
  size: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type Bundle = z.output<typeof bundleSchema>

export const listingSchema = z.strictObject({
  format: z.literal('pki-vigil-backup/1'),
  origin: z.string(),
  made: z.string(),
  bundles: z.array(bundleSchema),
})

/** What of a bundle is remembered where it was made: the files in it, each with its size. */
const storedSchema = bundleSchema.extend({
  files: z.array(z.tuple([z.string(), z.int().nonnegative()])),
})
type StoredBundle = z.output<typeof storedSchema>

/** One run of a backup into an object store. Its target is given to `backUp` for one epoch after the other; then `commit` makes it a backup. */
export class BundledBackup {
  readonly #store: ObjectStore
  readonly #memory: string
  readonly #made: Timestamp
  readonly #stored: StoredBundle[]
  #filling: { readonly path: string; readonly content: Buffer }[] = []
  #filled = 0
  /** Of what still changes, by path. */
  readonly #current = new Map<string, Buffer>()
  /** Objects and octets that were sent. */
  sent = { objects: 0, octets: 0 }

  private constructor(store: ObjectStore, memory: string, made: Timestamp, stored: StoredBundle[]) {
    this.#store = store
    this.#memory = memory
    this.#made = made
    this.#stored = stored
  }

  /** `memory`: the file that says which bundles are stored, also by a run that broke off. Without it everything is sent again. */
  static async open(store: ObjectStore, memory: string, made: Timestamp): Promise<BundledBackup> {
    await nodeDisk.makeDirectory(dirname(memory))
    return new BundledBackup(store, memory, made, await recall(memory))
  }

  target(epoch: number): BackupTarget {
    const prefix = `${epoch}/`
    return {
      list: () => {
        const files = this.#stored.flatMap((bundle) => bundle.files)
        const own = files.filter(([path]) => path.startsWith(prefix))
        return Promise.resolve(new Map(own.map(([path, size]) => [path.slice(prefix.length), size])))
      },
      write: async (path, content, fate) => this.#take(prefix + path, content, fate),
      // A bundle keeps what it has; what is gone from the journal is known there.
      remove: (path) => {
        this.#current.delete(prefix + path)
        return Promise.resolve()
      },
    }
  }

  async commit(origin: string): Promise<void> {
    await this.#flush()
    const bundles = this.#stored.map(({ name, size, sha256 }) => ({ name, size, sha256 }))
    const listing = { format: 'pki-vigil-backup/1', origin, made: this.#made, bundles }
    const members = [[LISTING, Buffer.from(JSON.stringify(listing))] as const, ...this.#current]
    await this.#put(CURRENT, this.#archive(members))
  }

  async #take(path: string, content: Buffer, fate: Fate): Promise<void> {
    if (fate === 'changes') {
      this.#current.set(path, content)
      return
    }
    this.#filling.push({ path, content })
    this.#filled += content.length
    if (this.#filled >= BUNDLE_SIZE) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#filling.length === 0) return
    const archive = this.#archive(this.#filling.map(({ path, content }) => [path, content] as const))
    const hash = createHash('sha256')
    for (const part of archive) hash.update(part)
    const sha256 = hash.digest('hex')
    const number = String(this.#stored.length + 1).padStart(6, '0')
    const name = `bundle-${number}-${sha256.slice(0, 16)}.tar`
    await this.#put(name, archive)
    const files = this.#filling.map(({ path, content }): [string, number] => [path, content.length])
    const bundle = { name, size: octetsOf(archive), sha256, files }
    await appendFile(this.#memory, `${JSON.stringify(bundle)}\n`, { mode: 0o640, flush: true })
    this.#stored.push(bundle)
    this.#filling = []
    this.#filled = 0
  }

  #archive(members: readonly (readonly [path: string, content: Buffer])[]): readonly Buffer[] {
    const modified = fromTimestamp(this.#made) / 1000
    return [...members.flatMap(([path, content]) => tarMember(path, content, modified)), TAR_END]
  }

  async #put(name: string, archive: readonly Buffer[]): Promise<void> {
    await this.#store.put(name, archive)
    this.sent.objects++
    this.sent.octets += octetsOf(archive)
  }
}

/** Up to the first line that is not whole: a crash came there, and what it was about is sent again. */
async function recall(memory: string): Promise<StoredBundle[]> {
  const text = await readFile(memory, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  })
  const stored: StoredBundle[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    const parsed = storedSchema.safeParse(parseJson(line))
    if (!parsed.success) break
    stored.push(parsed.data)
  }
  const known = stored.map((bundle) => `${JSON.stringify(bundle)}\n`).join('')
  if (known !== text) await nodeDisk.replace(memory, Buffer.from(known))
  return stored
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function octetsOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}
