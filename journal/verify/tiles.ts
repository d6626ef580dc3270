import { decodeBundle, encodeBundle } from '../bundle.ts'
import { decodeEntry } from '../entry.ts'
import { JournalError } from '../error.ts'
import { tilePath, tilesOf, type TileKind } from '../tile.ts'
import { DIGEST_BYTES } from '../digest.ts'
import { EdgeTree, leafHash, TILE_WIDTH } from '../tree.ts'
import type { SignedSize } from './checkpoints.ts'
import { fault, type FaultFound } from './fault.ts'
import type { Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

/** Rebuilds the log from its entries, and compares every tile, bundle and signed root with it. */
export class TileCheck {
  readonly #source: FileSource
  readonly #inventory: Inventory
  readonly #checkpoints: readonly SignedSize[]
  readonly #tree = new EdgeTree()
  /** Entries of the bundle that is not yet full, and the segment file that each came from. */
  #group: Buffer[] = []
  #groupFiles: string[] = []
  #nextCheckpoint = 0
  /** Tiles and bundles that were compared, or need not be. */
  readonly #seen = new Set<string>()

  /** Checkpoints by size, smallest first. */
  constructor(source: FileSource, inventory: Inventory, checkpoints: readonly SignedSize[]) {
    this.#source = source
    this.#inventory = inventory
    this.#checkpoints = checkpoints
  }

  get size(): number {
    return this.#tree.size
  }

  /** Takes the next entry, which a segment file gave. */
  async add(entry: Buffer, file: string): Promise<void> {
    this.#group.push(entry)
    this.#groupFiles.push(file)
    const filled = this.#tree.append(leafHash(entry))
    await this.#checkRoots()
    if (filled.length > 0) {
      await this.#compareBundle(this.#tree.size / TILE_WIDTH - 1)
      this.#group = []
      this.#groupFiles = []
      for (const tile of filled) await this.#compare(tile.level, tile.index, tile.bytes)
    }
  }

  /** Compares what is not full, and sees to it that nothing is missing or left over. */
  async finish(published: SignedSize): Promise<void> {
    const { size } = this.#tree
    // A checkpoint of nothing comes before the first entry.
    if (size === 0) await this.#checkRoots()
    const ahead = this.#checkpoints[this.#nextCheckpoint]
    if (ahead !== undefined)
      throw fault(ahead.file, 'size', `at most the ${size} entries there are`, `${ahead.size}`)
    await this.#compareBundle(Math.floor(size / TILE_WIDTH))
    for (const [level, bytes] of this.#tree.partials().entries())
      await this.#compare(level, Math.floor(size / TILE_WIDTH ** (level + 1)), bytes)
    for (const name of tilesOf(published.size)) {
      const path = tilePath(name)
      if (!this.#seen.has(path) && !this.#seen.has(tilePath({ ...name, width: TILE_WIDTH })))
        throw fault(path, '', `a tile of the ${published.size} published entries`, 'no file')
    }
    for (const path of this.#inventory.tiles)
      if (!this.#seen.has(path))
        throw fault(path, '', `no tile beyond the ${size} entries there are`, 'a file')
  }

  async #checkRoots(): Promise<void> {
    for (let next = this.#checkpoints[this.#nextCheckpoint]; next?.size === this.#tree.size;) {
      const root = this.#tree.root().toString('hex')
      if (next.root !== root) {
        await this.#locate()
        throw fault(next.file, `root at ${next.size} entries`, root, next.root)
      }
      next = this.#checkpoints[++this.#nextCheckpoint]
    }
  }

  /** The segments do not give the signed root: names the record that is not the one whose digest was published. */
  async #locate(): Promise<void> {
    const index = Math.floor((this.#tree.size - 1) / TILE_WIDTH)
    const full = tilePath({ kind: 'entries', index, width: TILE_WIDTH })
    for (const width of [TILE_WIDTH, ...(this.#inventory.partials.get(full) ?? [])]) {
      const published = await this.#source.read(tilePath({ kind: 'entries', index, width }))
      const record = published && differentRecord(published, encodeBundle(this.#group), index)
      if (record !== undefined)
        throw fault(this.#groupFiles[record.n] ?? '', record.location, record.expected, record.got)
    }
  }

  async #compareBundle(index: number): Promise<void> {
    if (this.#group.length === 0) return
    const ends: number[] = []
    let end = 0
    for (const entry of this.#group) ends.push((end += 2 + entry.length))
    await this.#compareFiles('entries', index, encodeBundle(this.#group), (width) => ends[width - 1])
  }

  async #compare(level: number, index: number, bytes: Buffer): Promise<void> {
    await this.#compareFiles(level, index, bytes, (width) => {
      return width * DIGEST_BYTES <= bytes.length ? width * DIGEST_BYTES : undefined
    })
  }

  /** The full tile and the partial ones are beginnings of the same octets. */
  async #compareFiles(
    kind: TileKind,
    index: number,
    bytes: Buffer,
    lengthOf: (width: number) => number | undefined,
  ): Promise<void> {
    const full = tilePath({ kind, index, width: TILE_WIDTH })
    for (const width of [TILE_WIDTH, ...(this.#inventory.partials.get(full) ?? [])]) {
      const path = tilePath({ kind, index, width })
      const length = lengthOf(width)
      // What is longer than the tree is left over, and reported at the end.
      if (!this.#inventory.tiles.has(path) || length === undefined) continue
      // A writer at work may have replaced a partial tile by the full one.
      const got = (await this.#source.read(path)) ?? (await this.#source.read(full))?.subarray(0, length)
      const expected = bytes.subarray(0, length)
      if (got?.equals(expected) !== true) throw difference(path, kind, index, expected, got)
      this.#seen.add(path)
    }
  }
}

function difference(
  path: string,
  kind: TileKind,
  index: number,
  expected: Buffer,
  got: Buffer | undefined,
): FaultFound {
  if (got === undefined) return fault(path, '', 'a file', 'none')
  const at = firstDifference(expected, got)
  if (kind === 'entries') {
    const record = differentRecord(expected, got, index)
    if (record !== undefined) return fault(path, record.location, record.expected, record.got)
    return fault(path, `octet ${at}`, 'the entries that the segments give', 'other octets')
  }
  const hash = Math.floor(at / DIGEST_BYTES)
  const shown = (bytes: Buffer) => bytes.toString('hex', hash * DIGEST_BYTES, (hash + 1) * DIGEST_BYTES)
  return fault(path, `hash ${hash} (octet ${at})`, shown(expected), shown(got))
}

/** The first record whose digest differs between two beginnings of a bundle; undefined when something else differs first. */
function differentRecord(
  expected: Buffer,
  got: Buffer,
  index: number,
):
  | { readonly n: number; readonly location: string; readonly expected: string; readonly got: string }
  | undefined {
  try {
    const [want = [], have = []] = [expected, got].map(decodeBundle)
    const n = want.findIndex((entry, i) => have[i]?.equals(entry) === false)
    const [wanted = [], found = []] = [want[n], have[n]].map(
      (bytes) => decodeEntry(bytes ?? Buffer.alloc(0)).digests,
    )
    const record = wanted.findIndex((digest, i) => Buffer.compare(digest, found[i] ?? Buffer.alloc(0)) !== 0)
    if (record === -1) return undefined
    const shown = (digest: Uint8Array | undefined) => `digest ${Buffer.from(digest ?? []).toString('hex')}`
    const location = `entry ${index * TILE_WIDTH + n}, record ${record}`
    return { n, location, expected: shown(wanted[record]), got: shown(found[record]) }
  } catch (error) {
    if (error instanceof JournalError) return undefined
    throw error
  }
}

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}
