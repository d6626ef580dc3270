import { DIGEST_BYTES, sha256 } from './digest.ts'

/** Hashes in a full tile (C2SP tlog-tiles). */
export const TILE_WIDTH = 256

/** RFC 6962 section 2.1: the hash of a leaf starts with 0x00, of a node with 0x01, so that none can pass for the other. */
export function leafHash(data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + data.length)
  bytes[0] = 0
  bytes.set(data, 1)
  return sha256(bytes)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * DIGEST_BYTES)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + DIGEST_BYTES)
  return sha256(bytes)
}

/** Root of the empty tree: the hash of nothing. */
export const EMPTY_ROOT = sha256(new Uint8Array())

/** Hash of a row of 2^k hashes, k >= 0. */
function perfectRoot(row: readonly Buffer[]): Buffer {
  let level = row
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i + 1 < level.length; i += 2)
      above.push(nodeHash(level[i] ?? EMPTY_ROOT, level[i + 1] ?? EMPTY_ROOT))
    level = above
  }
  return level[0] ?? EMPTY_ROOT
}

/** A tile that just became full. */
export interface FullTile {
  readonly level: number
  readonly index: number
  /** 256 hashes, one after the other. */
  readonly bytes: Buffer
}

/**
 * An append-only Merkle tree (RFC 6962 section 2.1) that keeps only its right edge: for each tile level the hashes of the
 * tile that is not yet full. What fills up is handed out once and forgotten.
 */
export class EdgeTree {
  readonly #levels: Buffer[][] = []
  #size = 0

  /** The tree of `size` leaves whose partial tiles are given, one for each level. */
  static restore(size: number, partials: readonly Buffer[]): EdgeTree {
    const tree = new EdgeTree()
    tree.#size = size
    for (const bytes of partials) {
      const row: Buffer[] = []
      for (let at = 0; at < bytes.length; at += DIGEST_BYTES) row.push(bytes.subarray(at, at + DIGEST_BYTES))
      tree.#levels.push(row)
    }
    return tree
  }

  get size(): number {
    return this.#size
  }

  /** One that grows by itself from here on. */
  copy(): EdgeTree {
    return EdgeTree.restore(this.#size, this.partials())
  }

  /** Adds a leaf hash; returns the tiles that it filled, lowest first. */
  append(leaf: Buffer): readonly FullTile[] {
    this.#size++
    const filled: FullTile[] = []
    let rising = leaf
    for (let level = 0; ; level++) {
      const row = (this.#levels[level] ??= [])
      row.push(rising)
      if (row.length < TILE_WIDTH) return filled
      filled.push({ level, index: this.#size / TILE_WIDTH ** (level + 1) - 1, bytes: Buffer.concat(row) })
      rising = perfectRoot(row)
      this.#levels[level] = []
    }
  }

  /** The partial tile of each level, from level 0; empty where none is needed. */
  partials(): readonly Buffer[] {
    return this.#levels.map((row) => Buffer.concat(row))
  }

  root(): Buffer {
    // From the smallest perfect subtree at the right to the largest at the left.
    let root: Buffer | undefined
    for (const row of this.#levels) {
      let end = row.length
      for (let width = 1; end > 0; width *= 2) {
        if ((end & width) === 0) continue
        const left = perfectRoot(row.slice(end - width, end))
        root = root === undefined ? left : nodeHash(left, root)
        end -= width
      }
    }
    return root ?? EMPTY_ROOT
  }
}
