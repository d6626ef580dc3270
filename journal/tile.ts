import { TILE_WIDTH } from './tree.ts'

/** A tile of hashes at a level, or a bundle of entries (C2SP tlog-tiles). */
export type TileKind = number | 'entries'

export interface TileName {
  readonly kind: TileKind
  readonly index: number
  /** Hashes or entries in it: 1 to 256. */
  readonly width: number
}

/** Levels that a tree of 2^53 leaves has. */
const MAX_LEVEL = 6

/** `tile/<L>/<N>[.p/<W>]`: the index in groups of three digits, all but the last with an `x`. */
export function tilePath({ kind, index, width }: TileName): string {
  return `tile/${kind}/${indexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

function indexPath(index: number): string {
  const last = String(index % 1000).padStart(3, '0')
  let path = last
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`
  return path
}

/** undefined when the path is not exactly how tilePath writes it. */
export function parseTilePath(path: string): TileName | undefined {
  const match = /^tile\/(entries|\d)\/((?:x\d{3}\/)*)(\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (match === null) return undefined
  const kind: TileKind = match[1] === 'entries' ? 'entries' : Number(match[1])
  const index = Number((match[2] ?? '').replaceAll(/[x/]/g, '') + (match[3] ?? ''))
  const width = match[4] === undefined ? TILE_WIDTH : Number(match[4])
  const name: TileName = { kind, index, width }
  const valid = (kind === 'entries' || kind <= MAX_LEVEL) && width >= 1 && width <= TILE_WIDTH
  return valid && Number.isSafeInteger(index) && tilePath(name) === path ? name : undefined
}

/** Every tile and bundle that a checkpoint of this size needs, partial ones at the end of each level. */
export function* tilesOf(size: number): Generator<TileName> {
  for (const kind of ['entries', 0, 1, 2, 3, 4, 5, 6] as const) {
    const level = kind === 'entries' ? 0 : kind
    const hashes = Math.floor(size / TILE_WIDTH ** level)
    for (let index = 0; index < Math.floor(hashes / TILE_WIDTH); index++)
      yield { kind, index, width: TILE_WIDTH }
    if (hashes % TILE_WIDTH > 0)
      yield { kind, index: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH }
  }
}
