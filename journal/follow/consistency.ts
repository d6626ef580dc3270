import type { Checkpoint } from '../checkpoint.ts'
import { halves, type Range } from '../proof/merkle.ts'
import { TileHashes } from '../proof/tileHashes.ts'
import { DIGEST_BYTES } from '../digest.ts'
import { nodeHash, TILE_WIDTH } from '../tree.ts'
import { FollowError } from './error.ts'
import type { Remote } from './remote.ts'

/** Octets of a tile of hashes. */
const MAX_TILE = TILE_WIDTH * DIGEST_BYTES

/**
 * Whether a log of this checkpoint begins with all that an earlier one covers, 0 < earlier.size < later.size, by the log's own tiles. What they give must be the
 * signed root, so whoever serves them can neither hide a fork nor make one up. Throws FollowError: `forked`; `invalid` when the tiles are not those of the log.
 */
export async function checkConsistency(
  remote: Remote,
  earlier: Checkpoint,
  later: Checkpoint,
): Promise<void> {
  const tiles = new TileHashes({ read: (path) => remote.get(path, MAX_TILE) }, '', later.size)
  const { whole, beginning } = await rootsOf(tiles, { start: 0, end: later.size }, earlier.size)
  if (whole.toString('hex') !== later.root)
    throw new FollowError(
      'invalid',
      `expected tiles that give the signed root ${later.root} of ${later.size} entries, got ${whole.toString('hex')}`,
    )
  const begins = beginning?.toString('hex') ?? ''
  if (begins !== earlier.root) throw fork(earlier, later, begins)
}

export function fork(earlier: Checkpoint, later: Checkpoint, got: string): FollowError {
  return new FollowError(
    'forked',
    `expected a log whose first ${earlier.size} entries have the root ${earlier.root}, as it signed before; got ${got}, signed too`,
    [earlier.text, later.text],
  )
}

interface Roots {
  readonly whole: Buffer
  /** Of the leaves before the end of the earlier tree; undefined: there are none. */
  readonly beginning: Buffer | undefined
}

/** The hash of a range and that of the part of it before `until`, both from the same tiles: the larger tree is divided as the smaller is (RFC 9162 section 2.1.1). */
async function rootsOf(tiles: TileHashes, range: Range, until: number): Promise<Roots> {
  if (range.start >= until) return { whole: await tiles.hashOf(range), beginning: undefined }
  if (range.end <= until) {
    const whole = await tiles.hashOf(range)
    return { whole, beginning: whole }
  }
  const [first, second] = halves(range)
  const left = await rootsOf(tiles, first, until)
  const right = await rootsOf(tiles, second, until)
  return {
    whole: nodeHash(left.whole, right.whole),
    beginning:
      left.beginning === undefined || right.beginning === undefined
        ? left.beginning
        : nodeHash(left.beginning, right.beginning),
  }
}
