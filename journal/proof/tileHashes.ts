import { join } from 'node:path'
import { DIGEST_BYTES } from '../digest.ts'
import { JournalError } from '../error.ts'
import type { Disk } from '../disk.ts'
import { tilePath, type TileName } from '../tile.ts'
import { nodeHash, TILE_WIDTH } from '../tree.ts'
import { halves, type Range } from './merkle.ts'

/** Tile levels are eight levels of the tree apart. */
const TILE_HEIGHT = 8

/**
 * Reads hashes of a published log from its tiles (C2SP tlog-tiles). They are not compared with a root here: what is made of them is verified
 * before it is given away.
 */
export class TileHashes {
  readonly #disk: Pick<Disk, 'read'>
  readonly #directory: string
  readonly #size: number
  readonly #tiles = new Map<string, Buffer>()

  /** `size`: entries that a checkpoint covers, so that the tiles up to there are on disk. */
  constructor(disk: Pick<Disk, 'read'>, directory: string, size: number) {
    this.#disk = disk
    this.#directory = directory
    this.#size = size
  }

  /** The hash of these leaves, all of them in the log. Throws JournalError(altered). */
  async hashOf(range: Range): Promise<Buffer> {
    const width = range.end - range.start
    const height = Math.log2(width)
    if (Number.isInteger(height) && height % TILE_HEIGHT === 0)
      return this.#stored(height / TILE_HEIGHT, range.start / width)
    const [left, right] = halves(range)
    return nodeHash(await this.hashOf(left), await this.hashOf(right))
  }

  async #stored(level: number, place: number): Promise<Buffer> {
    const index = Math.floor(place / TILE_WIDTH)
    const bytes = await this.read(level, index)
    const at = (place % TILE_WIDTH) * DIGEST_BYTES
    return bytes.subarray(at, at + DIGEST_BYTES)
  }

  /** A tile or bundle, in the width that the checkpoint asks for or the full one. Throws JournalError(altered). */
  async read(kind: TileName['kind'], index: number): Promise<Buffer> {
    const rows = Math.floor(this.#size / TILE_WIDTH ** (kind === 'entries' ? 0 : kind))
    const width = Math.min(TILE_WIDTH, rows - index * TILE_WIDTH)
    const path = tilePath({ kind, index, width })
    const known = this.#tiles.get(path)
    if (known !== undefined) return known
    const bytes =
      (await this.#disk.read(join(this.#directory, path))) ??
      (await this.#disk.read(join(this.#directory, tilePath({ kind, index, width: TILE_WIDTH }))))
    if (bytes === undefined || (kind !== 'entries' && bytes.length < width * DIGEST_BYTES))
      throw new JournalError('altered', {
        expected: `the ${width} hashes of a published tile`,
        got: bytes === undefined ? 'no file' : `${bytes.length} octets`,
        where: path,
      })
    this.#tiles.set(path, bytes)
    return bytes
  }
}
