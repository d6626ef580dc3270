import { parseLargePath } from '../artifactReader.ts'
import { TEMPORARY } from '../disk.ts'
import { VERIFIER_KEYS } from '../identity.ts'
import { LOCK_NAME } from '../lock.ts'
import { parsePackPath } from '../pack.ts'
import { CHECKPOINT_PATH, isHistoryPath, TIMESTAMP_ENDING } from '../publisher.ts'
import { parseSegmentPath } from '../segments.ts'
import { parseTilePath } from '../tile.ts'
import { TILE_WIDTH } from '../tree.ts'
import { fault } from './fault.ts'
import type { FileSource } from './source.ts'

/** What is in a journal directory, by kind. */
export interface Inventory {
  /** Octets of all files. */
  readonly total: number
  readonly sealed: readonly number[]
  readonly pending: readonly number[]
  /** Paths of tiles and bundles. */
  readonly tiles: ReadonlySet<string>
  /** Widths of partial tiles and bundles, by the path of the full one. */
  readonly partials: ReadonlyMap<string, readonly number[]>
  readonly history: readonly string[]
  /** Paths of the checkpoints that have a timestamp. */
  readonly stamped: readonly string[]
  readonly packs: readonly number[]
  readonly indexes: ReadonlySet<number>
  /** Digests of artifacts with a file of their own. */
  readonly large: readonly string[]
  /** Files that were being written when a crash came. */
  readonly temporary: readonly string[]
  /** What does not belong here. */
  readonly foreign: readonly string[]
}

export async function takeInventory(source: FileSource): Promise<Inventory> {
  const tiles = new Set<string>()
  const partials = new Map<string, number[]>()
  const indexes = new Set<number>()
  const sealed: number[] = []
  const pending: number[] = []
  const packs: number[] = []
  const history: string[] = []
  const stamped: string[] = []
  const large: string[] = []
  const temporary: string[] = []
  const foreign: string[] = []
  let total = 0

  const place = (path: string): boolean => {
    if (path === VERIFIER_KEYS || path === CHECKPOINT_PATH) return true
    const segment = parseSegmentPath(path)
    const tile = parseTilePath(path)
    const pack = parsePackPath(path)
    const artifact = parseLargePath(path)
    if (segment !== undefined) (segment.state === 'zst' ? sealed : pending).push(segment.number)
    else if (tile !== undefined) {
      tiles.add(path)
      if (tile.width < TILE_WIDTH) {
        const full = path.slice(0, path.lastIndexOf('.p/'))
        partials.set(full, [...(partials.get(full) ?? []), tile.width])
      }
    } else if (pack?.ending === 'pack') packs.push(pack.number)
    else if (pack !== undefined) indexes.add(pack.number)
    else if (artifact !== undefined) large.push(artifact)
    else if (isHistoryPath(path)) history.push(path)
    else if (path.endsWith(TIMESTAMP_ENDING) && isHistoryPath(path.slice(0, -TIMESTAMP_ENDING.length)))
      stamped.push(path.slice(0, -TIMESTAMP_ENDING.length))
    else return false
    return true
  }

  for (const { path, size } of await source.list()) {
    total += size ?? 0
    if (size === undefined) foreign.push(path)
    else if (path === LOCK_NAME && size === 0) continue
    else if (path.endsWith(TEMPORARY)) temporary.push(path)
    else if (!place(path)) foreign.push(path)
  }
  return {
    total,
    sealed,
    pending,
    tiles,
    partials,
    history,
    stamped,
    packs,
    indexes,
    large,
    temporary,
    foreign,
  }
}

/** Files are numbered without gaps: none may be left when `read` of them are read. Throws FaultFound. */
export function checkNoneLeft(
  numbers: readonly number[],
  read: number,
  pathOf: (number: number) => string,
): void {
  if (numbers.some((number) => number >= read)) throw fault(pathOf(read), '', 'a file', 'none')
}
