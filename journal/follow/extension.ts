import { join } from 'node:path'
import { formatRecordId } from '../../model/recordId.ts'
import { fromTimestamp } from '../../model/time.ts'
import { decodeBlock, decodeBlocks, encodeBlock, type Block } from '../block.ts'
import { parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { sha256 } from '../digest.ts'
import type { Disk } from '../disk.ts'
import { decodeBundle } from '../bundle.ts'
import { decodeEntry, encodeEntry, entryOf } from '../entry.ts'
import { TileHashes } from '../proof/tileHashes.ts'
import { parseRetention, RetentionClaims } from '../retention/claims.ts'
import type { HandOver } from '../rotation.ts'
import { TILE_WIDTH } from '../tree.ts'
import { decodeFrames, encodeFrame, SEAL_MARK } from '../frame.ts'
import { checkRecord, isErased } from '../record.ts'
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

/** Octets of a bundle: 256 entries of 1024 digests at most. */
const MAX_BUNDLE = 9 * 1024 * 1024

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
  run.requireAccounted()
  return run
}

class Fetching implements Extension {
  readonly #remote: Remote
  readonly #options: ExtensionOptions
  readonly #until: number
  /** Whether the mirror has nothing yet: only a mirror that begins can begin later than the log. */
  readonly #begins: boolean
  readonly #claims = new RetentionClaims()
  /** Where the records begin, when what is before was pruned. */
  #beginning: { readonly segment: number; readonly entry: number } | undefined
  readonly #erased: (readonly [entry: number, n: number])[] = []
  #bundle: { readonly index: number; readonly entries: readonly Buffer[] } | undefined
  readonly files: TreeFiles
  readonly filled: TreeFile[] = []
  readonly segments: NewSegment[] = []
  readonly references: References = new Map()
  handOvers: HandOverRecord[] = []
  edge: Edge

  constructor(remote: Remote, options: ExtensionOptions, files: TreeFiles, edge: Edge, until: number) {
    this.#remote = remote
    this.#options = options
    this.files = files
    this.edge = edge
    this.#until = until
    this.#begins = files.tree.size === 0 && edge.segment === 0
  }

  /** What is gone must be named by a record under the checkpoint. Throws FollowError(pruned). */
  requireAccounted(): void {
    const { segments, entries, keys } = this.#claims
    const { segment, entry } = this.#beginning ?? { segment: 0, entry: 0 }
    const isPrunedSo = segment < segments || (segment === segments && entry === entries)
    if (segment > 0 && !isPrunedSo)
      throw new FollowError(
        'pruned',
        `expected the segments below ${segment}, or a retention record that says that they were pruned; got neither`,
      )
    for (const [at, n] of this.#erased)
      if (!this.#claims.isErased(at, n))
        throw new FollowError(
          'pruned',
          `expected record ${n} of entry ${at}, or a retention record that says that it was erased; got neither`,
        )
    const before = keys.filter((key) => key.entry < entry)
    this.handOvers = [...before.map(toldByRetention), ...this.handOvers]
  }

  add(entry: Buffer): void {
    if (this.files.tree.size < this.#until) this.filled.push(...this.files.add(entry))
  }

  async nextSegment(): Promise<void> {
    const sealed = await this.#sealed()
    const pending = sealed === undefined ? await this.#pending() : undefined
    if (pending !== undefined) {
      await this.#take(pending, false)
      return
    }
    // It may have been sealed between the two looks.
    const blocks = sealed ?? (await this.#sealed())
    if (blocks === undefined) await this.#passPruned()
    else await this.#take(blocks, true)
  }

  /** Takes the entries of a segment that is gone from their bundles. */
  async #passPruned(): Promise<void> {
    const { segment, first } = this.edge
    const path = segmentPath(segment, 'zst')
    if (!this.#begins || this.segments.length > 0)
      throw new FollowError(
        'pruned',
        `expected ${path}, got none: the other has pruned it before it was fetched, or lost it. The mirror stays as it is; move it away, and another one begins with what is left there`,
      )
    let entry = first
    for (; entry < this.#until; entry++) {
      const octets = await this.#published(entry)
      if (inFile(path, `entry ${entry}`, () => decodeEntry(octets)).segment !== segment) break
      this.add(octets)
    }
    if (entry === first) throw missing(path)
    this.#beginning = { segment: segment + 1, entry }
    this.edge = { segment: segment + 1, first: entry, ...NOTHING }
  }

  /** The entry as it was published; it is the log's when the whole gives the signed root. */
  async #published(entry: number): Promise<Buffer> {
    const index = Math.floor(entry / TILE_WIDTH)
    if (this.#bundle?.index !== index) {
      const tiles = new TileHashes({ read: (path) => this.#remote.get(path, MAX_BUNDLE) }, '', this.#until)
      this.#bundle = { index, entries: decodeBundle(await tiles.read('entries', index)) }
    }
    const octets = this.#bundle.entries[entry % TILE_WIDTH]
    if (octets === undefined) throw missing(`entry ${entry}`)
    return octets
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
    const held = inFile('the mirror', '', () => [...decodeBlocks(text)])
    const path = segmentPath(segment, isSealed ? 'zst' : 'pending')
    for (const [i, { entry }] of blocks.entries())
      if (entry !== first + i)
        throw new FollowError('invalid', `${path}: expected entry ${first + i}, got ${entry}`)
    const taken = blocks.filter(({ entry }) => entry < this.#until)
    const content = Buffer.concat(taken.map(encodeBlock))
    if (!content.subarray(0, text.length).equals(text) && !this.#isErasedFrom(held, taken))
      throw new FollowError(
        'invalid',
        `${path}: expected to begin with what was served before, got other records`,
      )
    const before = this.files.tree.size
    for (const block of taken) if (block.entry >= before) await this.#addBlock(block, path)
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

  /** Whether what is served is what the mirror has but for records that were erased since. */
  #isErasedFrom(held: readonly Block[], served: readonly Block[]): boolean {
    return held.every(({ entry, records }, i) => {
      const other = served[i]?.records ?? []
      if (other.length !== records.length) return false
      return records.every((record, n) => {
        const now = other[n]
        if (now === undefined || !isErased(now) || isErased(record)) return now?.equals(record) === true
        this.#erased.push([entry, n])
        return true
      })
    })
  }

  async #addBlock({ entry, records }: Block, path: string): Promise<void> {
    const { log } = this.#options
    const { origin = '', epoch = 0 } = parseOrigin(log) ?? {}
    const described = records.map((bytes, n) => {
      if (isErased(bytes)) return undefined
      const location = `entry ${entry}, record ${n}`
      const envelope = inFile(path, location, () => checkRecord(bytes))
      if (envelope.kind === 'key') this.handOvers.push({ entry, body: envelope.body, file: path, location })
      if (envelope.kind === 'retention')
        this.#claims.add(inFile(path, location, () => parseRetention(envelope.body)))
      const where = formatRecordId(origin, epoch, { entry, n })
      for (const { digest, size } of keptArtifacts(envelope))
        if (!this.references.has(digest)) this.references.set(digest, { size, where })
      return { recorded: fromTimestamp(envelope.recorded), digest: sha256(bytes) }
    })
    const left = described.filter((record) => record !== undefined)
    if (left.length === described.length) this.add(encodeEntry(entryOf(epoch, this.edge.segment, left)))
    else this.add(await this.#erasedEntry(entry, described, path))
  }

  /** What is left must be in the entry as it was published. */
  async #erasedEntry(
    entry: number,
    described: readonly ({ readonly digest: Buffer } | undefined)[],
    path: string,
  ): Promise<Buffer> {
    const octets = await this.#published(entry)
    const { digests, segment } = inFile(path, `entry ${entry}`, () => decodeEntry(octets))
    const fits = described.every((record, n) => {
      if (record === undefined) this.#erased.push([entry, n])
      return record === undefined || record.digest.equals(digests[n] ?? Buffer.alloc(0))
    })
    if (!fits || digests.length !== described.length || segment !== this.edge.segment)
      throw new FollowError('invalid', `${path}: expected the records of entry ${entry}, got others`)
    return octets
  }
}

function toldByRetention({ entry, endorsement }: HandOver): HandOverRecord {
  return { entry, body: { endorsement }, file: 'a retention record', location: `key of entry ${entry}` }
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
