import { join } from 'node:path'
import type { Position } from '../../model/recordId.ts'
import { readBlocks } from '../blocks.ts'
import { decodeBundle } from '../bundle.ts'
import { parseCheckpoint, type Checkpoint } from '../checkpoint.ts'
import type { Disk } from '../disk.ts'
import { JournalError } from '../error.ts'
import { findHandOvers } from '../handOvers.ts'
import { readIdentity } from '../identity.ts'
import { CHECKPOINT_PATH } from '../publisher.ts'
import { isErased } from '../record.ts'
import { whyGone } from '../retention/reason.ts'
import { TILE_WIDTH } from '../tree.ts'
import { encodeExtra, type Evidence } from './evidence.ts'
import { formatProof } from './format.ts'
import { consistencyRanges, inclusionRanges, type Range } from './merkle.ts'
import { TileHashes } from './tileHashes.ts'
import { verifyProof } from './verify.ts'

/**
 * One file that proves a record to whoever trusts the journal's key: record, entry, inclusion path, checkpoint. A writer may be at work.
 * Throws JournalError: `format` when there is no such record, or no checkpoint covers it yet; `altered` when the files do not fit together.
 */
export async function proveRecord(disk: Disk, directory: string, { entry, n }: Position): Promise<string> {
  const checkpoint = await publishedCheckpoint(disk, directory)
  if (entry >= checkpoint.size) {
    const got = `${checkpoint.size} published entries: what is newer is published within a minute, and when vigil stops`
    throw new JournalError('format', { expected: `entry ${entry} under the signed checkpoint`, got })
  }
  const tiles = new TileHashes(disk, directory, checkpoint.size)
  const handOvers = await proveHandOvers(disk, directory, checkpoint)
  const place = { entry, n }
  return await proveInclusion(tiles, checkpoint, {
    ...place,
    record: await recordAt(disk, directory, place),
    handOvers,
  })
}

/** The same of a record that is at hand, under any checkpoint of the tiles. */
async function proveInclusion(
  tiles: TileHashes,
  checkpoint: Checkpoint,
  { entry, n, record, handOvers }: Position & Pick<Evidence, 'record' | 'handOvers'>,
): Promise<string> {
  const bundle = decodeBundle(await tiles.read('entries', Math.floor(entry / TILE_WIDTH)))
  const octets = bundle[entry % TILE_WIDTH]
  if (octets === undefined)
    throw new JournalError('altered', { expected: `entry ${entry}`, got: 'a bundle without it' })
  return checked({
    kind: 'inclusion',
    index: entry,
    hashes: await hashesOf(tiles, inclusionRanges(entry, checkpoint.size)),
    checkpoint: checkpoint.text,
    extra: encodeExtra({ n, entry: octets, record, handOvers }),
  })
}

/** Proofs of the records by which the keys of the log have handed over, in order: who trusts the first key knows by them which came later, and when. */
export async function proveHandOvers(
  disk: Disk,
  directory: string,
  checkpoint: Checkpoint,
): Promise<readonly string[]> {
  const { keys } = await readIdentity(disk, directory)
  const tiles = new TileHashes(disk, directory, checkpoint.size)
  const proofs: string[] = []
  for (const { entry, n } of await findHandOvers(disk, directory, keys)) {
    // Not yet published: then the key before is in force under this checkpoint.
    if (entry >= checkpoint.size) continue
    const record = await recordAt(disk, directory, { entry, n })
    proofs.push(await proveInclusion(tiles, checkpoint, { entry, n, record, handOvers: [] }))
  }
  return proofs
}

/**
 * One file that proves that the journal still begins with all that an earlier checkpoint covers. Throws JournalError: `format` when that is no
 * checkpoint of this journal or covers nothing; `altered` when the journal does not begin with it.
 */
export async function proveConsistency(disk: Disk, directory: string, earlier: string): Promise<string> {
  const checkpoint = await publishedCheckpoint(disk, directory)
  const { checkpoint: before } = parseCheckpoint(earlier)
  if (before.origin !== checkpoint.origin)
    throw new JournalError('format', {
      expected: `a checkpoint of ${checkpoint.origin}`,
      got: `one of ${before.origin}`,
    })
  if (before.size === 0)
    throw new JournalError('format', 'expected a checkpoint of some entries, got one of none')
  if (before.size > checkpoint.size)
    throw new JournalError('altered', {
      expected: `at least the ${before.size} entries of the earlier checkpoint`,
      got: `${checkpoint.size}`,
      where: CHECKPOINT_PATH,
    })
  const tiles = new TileHashes(disk, directory, checkpoint.size)
  const handOvers = await proveHandOvers(disk, directory, checkpoint)
  return await proveConsistencyOf(tiles, { earlier, checkpoint, handOvers })
}

/** The same up to any checkpoint under the one of the tiles. The earlier one covers at least one entry, and no more than the other. */
export async function proveConsistencyOf(
  tiles: TileHashes,
  {
    earlier,
    checkpoint,
    handOvers,
  }: { readonly earlier: string; readonly checkpoint: Checkpoint; readonly handOvers: readonly string[] },
): Promise<string> {
  const { checkpoint: before } = parseCheckpoint(earlier)
  const hashes = await hashesOf(tiles, consistencyRanges(before.size, checkpoint.size))
  return checked({ kind: 'consistency', earlier, handOvers, hashes, checkpoint: checkpoint.text })
}

/** A proof that does not hold is worth less than none: it would be found out by somebody else. */
function checked(proof: Parameters<typeof formatProof>[0]): string {
  const text = formatProof(proof)
  const { fault } = verifyProof(text, undefined)
  if (fault !== undefined) throw new JournalError('altered', fault)
  return text
}

export async function publishedCheckpoint(disk: Disk, directory: string): Promise<Checkpoint> {
  const text = await disk.read(join(directory, CHECKPOINT_PATH))
  if (text === undefined) throw new JournalError('format', `${directory}: expected a checkpoint, got none`)
  return parseCheckpoint(text.toString()).checkpoint
}

async function recordAt(disk: Disk, directory: string, { entry, n }: Position): Promise<Buffer> {
  for await (const { records } of readBlocks(disk, directory, entry, entry + 1)) {
    const record = records[n]
    if (record !== undefined && isErased(record)) break
    if (record !== undefined) return record
    const got = `${records.length} records in entry ${entry}`
    throw new JournalError('format', { expected: `record ${n}`, got })
  }
  const got = await whyGone(disk, directory, { entry, n })
  if (got !== undefined) throw new JournalError('format', { expected: `record ${n} of entry ${entry}`, got })
  throw new JournalError('altered', {
    expected: `the records of entry ${entry}, or a retention record that says why they are gone`,
    got: 'none',
    where: 'segments',
  })
}

/** Hashes of these leaves, all of them under the tiles' checkpoint. Throws JournalError(altered). */
export async function hashesOf(tiles: TileHashes, ranges: readonly Range[]): Promise<readonly Buffer[]> {
  const hashes: Buffer[] = []
  for (const range of ranges) hashes.push(await tiles.hashOf(range))
  return hashes
}
