import { join } from 'node:path'
import { formatRecordId } from '../../model/recordId.ts'
import { fromTimestamp } from '../../model/time.ts'
import { decodeBlock, decodeBlocks, encodeBlock, type Block } from '../block.ts'
import { parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { sha256 } from '../digest.ts'
import type { Disk } from '../disk.ts'
import { encodeEntry, entryOf } from '../entry.ts'
import { decodeFrames, encodeFrame, SEAL_MARK } from '../frame.ts'
import { checkRecord } from '../record.ts'
import { decodeSealed } from '../sealedFile.ts'
import { MAX_SEGMENT_BYTES, segmentPath } from '../segments.ts'
import type { TreeFile, TreeFiles } from '../treeFiles.ts'
import { inFile } from '../verify/fault.ts'
import { keptArtifacts } from '../verify/references.ts'
import type { References } from './artifacts.ts'
import { FollowError } from './error.ts'
import type { Remote } from './remote.ts'

/** Octets of a segment's file: what zstd or frames add to content that can't be made smaller. */
const MAX_SEGMENT_FILE = 2 * MAX_SEGMENT_BYTES

/** By which one key hands over to the next, as KeyPeriods takes it. */
export interface HandOverRecord {
  readonly entry: number
  readonly body: object
  readonly file: string
  readonly location: string
}

/** Where a mirror stands with its segments. */
export interface Edge {
  /** Number of the segment with the next entry. */
  readonly segment: number
  /** First entry of that segment. */
  readonly first: number
  /** What the mirror has of it: the file as it stands there, and the text of its blocks. */
  readonly pending: Buffer
  readonly text: Buffer
}

/** A segment that is to be written. */
export interface NewSegment {
  readonly number: number
  /** The whole of it as a pending one; empty where the mirror had nothing of it. */
  readonly pending: Buffer
  /** In the staging directory there is the sealed one. */
  readonly isSealed: boolean
}

/** What a log has more under a newer checkpoint. */
export interface Extension {
  readonly files: TreeFiles
  readonly filled: readonly TreeFile[]
  readonly segments: readonly NewSegment[]
  readonly references: References
  readonly handOvers: readonly HandOverRecord[]
  readonly edge: Edge
}

export interface ExtensionOptions {
  readonly disk: Disk
  /** Where sealed segments wait until the whole is known to be right. */
  readonly staging: string
  /** Origin line. */
  readonly log: string
}

/**
 * Fetches the segments up to a checkpoint and builds the tree of their records; nothing is written but into the staging directory. `known`: entries that the
 * mirror has and its checkpoint does not cover. Throws FollowError(invalid), FaultFound, JournalError where the segments are not those of the signed root.
 */
export async function fetchExtension(
  remote: Remote,
  options: ExtensionOptions,
  start: { readonly files: TreeFiles; readonly known: readonly Buffer[]; readonly edge: Edge },
  target: Checkpoint,
): Promise<Extension> {
  const run = new Fetching(remote, options, start.files.copy(), start.edge, target.size)
  for (const entry of start.known) run.add(entry)
  while (run.files.tree.size < target.size) await run.nextSegment()
  const root = run.files.tree.root().toString('hex')
  if (root !== target.root)
    throw new FollowError(
      'invalid',
      `expected segments that give the signed root ${target.root} of ${target.size} entries, got ${root}`,
    )
  return run
}

class Fetching implements Extension {
  readonly #remote: Remote
  readonly #options: ExtensionOptions
  readonly #until: number
  readonly files: TreeFiles
  readonly filled: TreeFile[] = []
  readonly segments: NewSegment[] = []
  readonly references: References = new Map()
  readonly handOvers: HandOverRecord[] = []
  edge: Edge

  constructor(remote: Remote, options: ExtensionOptions, files: TreeFiles, edge: Edge, until: number) {
    this.#remote = remote
    this.#options = options
    this.files = files
    this.edge = edge
    this.#until = until
  }

  add(entry: Buffer): void {
    if (this.files.tree.size < this.#until) this.filled.push(...this.files.add(entry))
  }

  async nextSegment(): Promise<void> {
    const { segment } = this.edge
    const sealed = await this.#sealed()
    const pending = sealed === undefined ? await this.#pending() : undefined
    if (pending !== undefined) {
      await this.#take(pending, false)
      return
    }
    // It may have been sealed between the two looks.
    const blocks = sealed ?? (await this.#sealed())
    if (blocks === undefined) throw missing(segmentPath(segment, 'zst'))
    await this.#take(blocks, true)
  }

  /** Blocks of the segment once it is sealed, its file in the staging directory. */
  async #sealed(): Promise<readonly Block[] | undefined> {
    const { segment, first } = this.edge
    const { disk, staging } = this.#options
    const path = segmentPath(segment, 'zst')
    const file = await this.#remote.get(path, MAX_SEGMENT_FILE)
    if (file === undefined) return undefined
    const { trailer, content } = await decodeSealed('segment', file, MAX_SEGMENT_BYTES)
    const blocks = inFile(path, '', () => [...decodeBlocks(content)])
    if (trailer.number !== segment || trailer.first !== first || trailer.count !== blocks.length)
      throw new FollowError(
        'invalid',
        `${path}: expected segment ${segment} with ${blocks.length} entries from ${first}, got ${trailer.number} with ${trailer.count} from ${trailer.first}`,
      )
    await disk.makeDirectory(staging)
    await disk.replace(stagedPath(staging, segment), file)
    return blocks
  }

  /** Blocks of the segment while it is filled: what the mirror has not is fetched. */
  async #pending(): Promise<readonly Block[] | undefined> {
    const { segment, pending } = this.edge
    const path = segmentPath(segment, 'pending')
    const rest = await this.#remote.get(path, MAX_SEGMENT_FILE, pending.length)
    if (rest === undefined) return undefined
    const { frames } = inFile(path, '', () => decodeFrames(Buffer.concat([pending, rest])))
    return frames.map(({ payload }) => inFile(path, '', () => decodeBlock(payload)))
  }

  async #take(blocks: readonly Block[], isSealed: boolean): Promise<void> {
    const { segment, first, text, pending } = this.edge
    const path = segmentPath(segment, isSealed ? 'zst' : 'pending')
    for (const [i, { entry }] of blocks.entries())
      if (entry !== first + i)
        throw new FollowError('invalid', `${path}: expected entry ${first + i}, got ${entry}`)
    const taken = blocks.filter(({ entry }) => entry < this.#until)
    const content = Buffer.concat(taken.map(encodeBlock))
    if (!content.subarray(0, text.length).equals(text))
      throw new FollowError(
        'invalid',
        `${path}: expected to begin with what was served before, got other records`,
      )
    const before = this.files.tree.size
    for (const block of taken) if (block.entry >= before) this.#addBlock(block, path)
    const isWhole = isSealed && taken.length === blocks.length
    // All of it may be here already: a crash came before the pending one was replaced.
    if (this.files.tree.size === before && !isWhole)
      throw new FollowError(
        'invalid',
        `${path}: expected entry ${before}, which is under the checkpoint; got the end`,
      )
    const whole = isWhole && pending.length === 0 ? Buffer.alloc(0) : pendingOf(taken)
    this.segments.push({ number: segment, pending: whole, isSealed: isWhole })
    this.edge = isWhole
      ? { segment: segment + 1, first: first + blocks.length, ...NOTHING }
      : { segment, first, pending: whole, text: content }
    // Signatures and hashes of a large segment take a while: others get their turn.
    await new Promise(setImmediate)
  }

  #addBlock({ entry, records }: Block, path: string): void {
    const { log } = this.#options
    const { origin = '', epoch = 0 } = parseOrigin(log) ?? {}
    const described = records.map((bytes, n) => {
      const location = `entry ${entry}, record ${n}`
      const envelope = inFile(path, location, () => checkRecord(bytes))
      if (envelope.kind === 'key') this.handOvers.push({ entry, body: envelope.body, file: path, location })
      const where = formatRecordId(origin, epoch, { entry, n })
      for (const { digest, size } of keptArtifacts(envelope))
        if (!this.references.has(digest)) this.references.set(digest, { size, where })
      return { recorded: fromTimestamp(envelope.recorded), digest: sha256(bytes) }
    })
    this.add(encodeEntry(entryOf(epoch, this.edge.segment, described)))
  }
}

export const NOTHING = { pending: Buffer.alloc(0), text: Buffer.alloc(0) }

/** The file of a pending segment with these blocks, as a writer leaves it. */
function pendingOf(blocks: readonly Block[]): Buffer {
  return Buffer.concat(blocks.flatMap((block) => [encodeFrame(block.entry, encodeBlock(block)), SEAL_MARK]))
}

export function stagedPath(staging: string, number: number): string {
  return join(staging, String(number))
}

function missing(path: string): FollowError {
  return new FollowError('invalid', `expected ${path}, which is under the checkpoint; got none`)
}
