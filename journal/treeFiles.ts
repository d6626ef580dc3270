import { encodeBundle } from './bundle.ts'
import { tilePath, type TileKind } from './tile.ts'
import { leafHash, TILE_WIDTH, type EdgeTree } from './tree.ts'

export interface TreeFile {
  /** Relative to the journal directory. */
  readonly path: string
  readonly bytes: Buffer
}

/** The tiles and bundles that a log's entries make. Each full one is handed out once and forgotten. */
export class TreeFiles {
  readonly tree: EdgeTree
  /** Entries of the bundle that is not yet full. */
  #group: Buffer[]

  constructor(tree: EdgeTree, group: readonly Buffer[]) {
    this.tree = tree
    this.#group = [...group]
  }

  /** One that grows by itself from here on. */
  copy(): TreeFiles {
    return new TreeFiles(this.tree.copy(), this.#group)
  }

  /** Takes the next entry; returns what it filled, the bundle first. */
  add(entry: Buffer): readonly TreeFile[] {
    this.#group.push(entry)
    const filled = this.tree.append(leafHash(entry))
    if (filled.length === 0) return []
    const bundle = full('entries', this.tree.size / TILE_WIDTH - 1, encodeBundle(this.#group))
    this.#group = []
    return [bundle, ...filled.map(({ level, index, bytes }) => full(level, index, bytes))]
  }

  /** What is not full, and a checkpoint of the present size needs. */
  partials(): readonly TreeFile[] {
    const { size } = this.tree
    const rows: { readonly kind: TileKind; readonly level: number; readonly bytes: Buffer }[] = [
      { kind: 'entries', level: 0, bytes: encodeBundle(this.#group) },
      ...this.tree.partials().map((bytes, level) => ({ kind: level, level, bytes })),
    ]
    return rows.flatMap(({ kind, level, bytes }) => {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1))
      const width = Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH
      return width === 0 ? [] : [{ path: tilePath({ kind, index, width }), bytes }]
    })
  }
}

function full(kind: TileKind, index: number, bytes: Buffer): TreeFile {
  return { path: tilePath({ kind, index, width: TILE_WIDTH }), bytes }
}
