import { decodeBundle, encodeBundle } from '../bundle.ts'
import { decodeEntry } from '../entry.ts'
import { tilePath, tilesOf, type TileKind } from '../tile.ts'
import { DIGEST_BYTES } from '../digest.ts'
import { EdgeTree, leafHash, TILE_WIDTH } from '../tree.ts'
import type { SignedSize } from './checkpoints.ts'
import { fault, inFile } from './fault.ts'
import type { Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

/** Rebuilds the log from its entries, and compares every tile, bundle and signed root with it. */
export class TileCheck {
  readonly #source: FileSource
  readonly #inventory: Inventory
  readonly #checkpoints: readonly SignedSize[]
  readonly #tree = new EdgeTree()
  #group: Buffer[] = []
  #nextCheckpoint = 0
  /** Tiles and bundles that were compared, or need not be. */
  readonly #seen = new Set<string>()

  /** Checkpoints by size, smallest first. */
  constructor(source: FileSource, inventory: Inventory, checkpoints: readonly SignedSize[]) {
    this.#source = source
    this.#inventory = inventory
    this.#checkpoints = checkpoints
    this.#checkRoots()
  }

  get size(): number {
    return this.#tree.size
  }

  async add(entry: Buffer): Promise<void> {
    this.#group.push(entry)
    const filled = this.#tree.append(leafHash(entry))
    if (filled.length > 0) {
      await this.#compareBundle(this.#tree.size / TILE_WIDTH - 1)
      this.#group = []
      for (const tile of filled) await this.#compare(tile.level, tile.index, tile.bytes)
    }
    this.#checkRoots()
  }

  /** Compares what is not full, and sees to it that nothing is missing or left over. */
  async finish(published: SignedSize): Promise<void> {
    const { size } = this.#tree
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

  #checkRoots(): void {
    for (let next = this.#checkpoints[this.#nextCheckpoint]; next?.size === this.#tree.size;) {
      const root = this.#tree.root().toString('hex')
      if (next.root !== root) throw fault(next.file, `root at ${next.size} entries`, root, next.root)
      next = this.#checkpoints[++this.#nextCheckpoint]
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
      const got = await this.#source.read(path)
      // A writer at work may have replaced a partial tile by the full one.
      if (got === undefined && width < TILE_WIDTH) continue
      const expected = bytes.subarray(0, length)
      if (got === undefined || !got.equals(expected)) throw difference(path, kind, index, expected, got)
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
): Error {
  if (got === undefined) return fault(path, '', 'a file', 'none')
  if (kind === 'entries') return entryDifference(path, index, expected, got)
  const at = firstDifference(expected, got)
  const hash = Math.floor(at / DIGEST_BYTES)
  const shown = (bytes: Buffer) => bytes.toString('hex', hash * DIGEST_BYTES, (hash + 1) * DIGEST_BYTES)
  return fault(path, `hash ${hash} (octet ${at})`, shown(expected), shown(got))
}

/** Names the record whose digest differs, where that is all that differs. */
function entryDifference(path: string, index: number, expected: Buffer, got: Buffer): Error {
  const at = firstDifference(expected, got)
  const general = fault(path, `octet ${at}`, 'the entries that the segments give', 'other octets')
  try {
    const [want, have] = [expected, got].map((bytes) => inFile(path, '', () => decodeBundle(bytes)))
    const n = want?.findIndex((entry, i) => have?.[i]?.equals(entry) !== true) ?? -1
    const entries = [want?.[n], have?.[n]]
    const [wanted, found] = entries.map((bytes) => decodeEntry(bytes ?? Buffer.alloc(0)).digests)
    const record =
      wanted?.findIndex((digest, i) => Buffer.compare(digest, found?.[i] ?? Buffer.alloc(0)) !== 0) ?? -1
    if (record === -1) return general
    const shown = (digest: Uint8Array | undefined) => `digest ${Buffer.from(digest ?? []).toString('hex')}`
    return fault(
      path,
      `entry ${index * TILE_WIDTH + n}, record ${record}`,
      `${shown(wanted?.[record])} (from the segments)`,
      shown(found?.[record]),
    )
  } catch {
    return general
  }
}

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}
