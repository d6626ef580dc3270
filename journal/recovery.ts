import { dirname, join } from 'node:path'
import type { Block } from './block.ts'
import { decodeBundle } from './bundle.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { sha256 } from './digest.ts'
import { TEMPORARY, type Disk } from './disk.ts'
import { encodeEntry, entryOf } from './entry.ts'
import { JournalError } from './error.ts'
import { verifyNote, type VerifierKey } from './note.ts'
import { CHECKPOINT_PATH, isHistoryPath, type Published } from './publisher.ts'
import { recordedAt } from './record.ts'
import { logKeys } from './rotation.ts'
import { listSegments, readSealedSegment, readTrailer, SegmentWriter } from './segments.ts'
import { tilePath, type TileKind } from './tile.ts'
import { EdgeTree, leafHash, TILE_WIDTH } from './tree.ts'
import { DIGEST_BYTES } from './digest.ts'

export interface Recovered {
  readonly segments: SegmentWriter
  readonly published: Published
  /** Entries that are sealed and that the checkpoint does not cover. */
  readonly unpublished: readonly Buffer[]
}

/**
 * Where a journal stands on disk. What the checkpoint covers is rebuilt from the tiles' right edge and the newest segments, and must
 * give the checkpoint's root; the rest comes from the segments alone. (Everything older is what verifyJournal checks.)
 * Throws JournalError(altered) when something that was sealed or published is missing or different.
 */
export async function recover(
  disk: Disk,
  directory: string,
  log: { readonly origin: string; readonly epoch: number; readonly keys: readonly VerifierKey[] },
): Promise<Recovered> {
  const checkpoint = await readCheckpoint(disk, directory, log.origin, log.keys)
  const covered = checkpoint?.size ?? 0
  await tidy(disk, directory, covered)
  const { writer, blocks } = await SegmentWriter.open(disk, directory)
  const parts = await replayParts(disk, directory, covered, { number: writer.number, blocks })

  const start = parts[0]?.first ?? covered
  const tree = EdgeTree.restore(start, await readEdge(disk, directory, start, covered))
  let group = await readGroup(disk, directory, tree, covered)
  const unpublished: Buffer[] = []
  let published: Published | undefined
  const publishedAt = async (): Promise<Published> => {
    checkRoot(checkpoint, tree)
    return { tree, group, checkpoint, history: await newestHistory(disk, directory) }
  }
  if (start === covered) published = await publishedAt()
  for (const part of parts) {
    for (const block of await part.read()) {
      const entry = encodeEntry(entryOf(log.epoch, part.segment, block.records.map(described)))
      if (block.entry !== tree.size + unpublished.length)
        throw lost(`entry ${tree.size + unpublished.length}`, `entry ${block.entry}`)
      if (published !== undefined) {
        unpublished.push(entry)
        continue
      }
      group = tree.append(leafHash(entry)).length > 0 ? [] : [...group, entry]
      if (tree.size === covered) published = await publishedAt()
    }
  }
  if (published === undefined) throw lost(`${covered} entries, as the checkpoint says`, `${tree.size}`)
  return { segments: writer, published, unpublished }
}

function described(record: Buffer): { recorded: number; digest: Buffer } {
  return { recorded: recordedAt(record), digest: sha256(record) }
}

async function readCheckpoint(
  disk: Disk,
  directory: string,
  origin: string,
  keys: readonly VerifierKey[],
): Promise<Checkpoint | undefined> {
  const text = await disk.read(join(directory, CHECKPOINT_PATH))
  if (text === undefined) return undefined
  const { checkpoint, note } = parseCheckpoint(text.toString())
  if (checkpoint.origin !== origin)
    throw new JournalError('altered', `checkpoint: expected origin ${origin}, got ${checkpoint.origin}`)
  if (verifyNote(note, logKeys(keys)).length === 0)
    throw new JournalError('altered', `checkpoint: expected a signature by a key of this journal, got none`)
  return checkpoint
}

function checkRoot(checkpoint: Checkpoint | undefined, tree: EdgeTree): void {
  const root = tree.root().toString('hex')
  if (checkpoint !== undefined && checkpoint.root !== root)
    throw new JournalError(
      'altered',
      `the published checkpoint has root ${checkpoint.root} at ${checkpoint.size} entries, the files give ${root}: something was altered`,
    )
}

interface ReplayPart {
  readonly segment: number
  /** First entry. */
  readonly first: number
  read(): Promise<readonly Block[]>
}

/** The newest segments, back to the one that holds the first entry after the checkpoint. */
async function replayParts(
  disk: Disk,
  directory: string,
  covered: number,
  open: { readonly number: number; readonly blocks: readonly Block[] },
): Promise<readonly ReplayPart[]> {
  const parts: ReplayPart[] = []
  const first = open.blocks[0]?.entry
  if (first !== undefined)
    parts.push({ segment: open.number, first, read: () => Promise.resolve(open.blocks) })
  const { sealed } = await listSegments(disk, directory)
  for (const segment of sealed.toReversed()) {
    const next = parts[0]?.first
    if (next !== undefined && next <= covered) break
    const trailer = await readTrailer(disk, directory, segment)
    const end = trailer.first + trailer.count
    if (next !== undefined && end !== next) throw lost(`entry ${end}`, `entry ${next}`)
    if (next === undefined && end === covered) return []
    parts.unshift({ segment, first: trailer.first, read: () => readSealedSegment(disk, directory, segment) })
  }
  const start = parts[0]?.first ?? 0
  if (start > covered) throw lost(`entry ${covered}`, `entry ${start}`)
  if (parts.length === 0 && covered > 0)
    throw lost(`${covered} entries, as the checkpoint says`, 'no segment')
  return parts
}

/** The partial tiles of a tree of `size`, from the published tiles of a tree of `covered`, which is not smaller. */
async function readEdge(
  disk: Disk,
  directory: string,
  size: number,
  covered: number,
): Promise<readonly Buffer[]> {
  const partials: Buffer[] = []
  for (let level = 0; size >= TILE_WIDTH ** level; level++) {
    const hashes = Math.floor(size / TILE_WIDTH ** level)
    const width = hashes % TILE_WIDTH
    const bytes = await readTile(disk, directory, level, Math.floor(hashes / TILE_WIDTH), width, covered)
    if (bytes.length < width * DIGEST_BYTES)
      throw lost(`${width} hashes at level ${level}`, `${bytes.length} octets`)
    partials.push(bytes.subarray(0, width * DIGEST_BYTES))
  }
  return partials
}

/** Entries of the bundle that is not full at the tree's size; each must hash to its leaf. */
async function readGroup(
  disk: Disk,
  directory: string,
  tree: EdgeTree,
  covered: number,
): Promise<readonly Buffer[]> {
  const width = tree.size % TILE_WIDTH
  const index = Math.floor(tree.size / TILE_WIDTH)
  const entries = decodeBundle(await readTile(disk, directory, 'entries', index, width, covered)).slice(
    0,
    width,
  )
  const leaves = Buffer.concat(entries.map(leafHash))
  if (width > 0 && !leaves.equals(tree.partials()[0] ?? Buffer.alloc(0)))
    throw new JournalError(
      'altered',
      `${tilePath({ kind: 'entries', index, width })}: entries do not fit their tile`,
    )
  return entries
}

/** The published tile with at least `width` hashes; empty when width is 0. */
async function readTile(
  disk: Disk,
  directory: string,
  kind: TileKind,
  index: number,
  width: number,
  covered: number,
): Promise<Buffer> {
  if (width === 0) return Buffer.alloc(0)
  const hashes = Math.floor(covered / TILE_WIDTH ** (kind === 'entries' ? 0 : kind))
  const published = Math.floor(hashes / TILE_WIDTH) > index ? TILE_WIDTH : hashes % TILE_WIDTH
  // The partial tile goes as soon as the full one is there, which may be before the next checkpoint.
  for (const candidate of [published, TILE_WIDTH]) {
    const bytes = await disk.read(join(directory, tilePath({ kind, index, width: candidate })))
    if (bytes !== undefined) return bytes
  }
  throw lost(tilePath({ kind, index, width: published }), 'no such file')
}

async function newestHistory(disk: Disk, directory: string): Promise<string> {
  const year = (await disk.list(join(directory, 'checkpoints'))).at(-1)
  if (year === undefined) return ''
  const names = await disk.list(join(directory, 'checkpoints', year))
  // Timestamps lie beside their checkpoints.
  return names.map((name) => `checkpoints/${year}/${name}`).findLast(isHistoryPath) ?? ''
}

/** Removes what a crash left: files that were being written, and partial tiles beside their full tile. */
async function tidy(disk: Disk, directory: string, covered: number): Promise<void> {
  const directories = new Set(['', 'segments', 'artifacts/packs'])
  for (const kind of ['entries', 0, 1, 2, 3] as const) {
    const hashes = Math.floor(covered / TILE_WIDTH ** (kind === 'entries' ? 0 : kind))
    const index = Math.floor(hashes / TILE_WIDTH)
    if (hashes === 0) continue
    directories.add(dirname(tilePath({ kind, index, width: TILE_WIDTH })))
    directories.add(dirname(tilePath({ kind, index, width: 1 })))
    if (index > 0) await disk.remove(join(directory, dirname(tilePath({ kind, index: index - 1, width: 1 }))))
  }
  for (const name of directories) {
    for (const file of await disk.list(join(directory, name)))
      if (file.endsWith(TEMPORARY)) await disk.remove(join(directory, name, file))
  }
}

function lost(expected: string, got: string): JournalError {
  return new JournalError('altered', `expected ${expected}, got ${got}: sealed records are missing`)
}
