import { join } from 'node:path'
import type { Clock } from '../../model/time.ts'
import { PkiError } from '../../pki/error.ts'
import { MAX_TIMESTAMP, parseTimestamp, parseTimestampReply } from '../../pki/timestamp.ts'
import { ArtifactStore } from '../artifacts.ts'
import { decodeBlock } from '../block.ts'
import { cosignCheckpoint, parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { sha256 } from '../digest.ts'
import { nodeDisk, type Disk } from '../disk.ts'
import { JournalError } from '../error.ts'
import { decodeFrames } from '../frame.ts'
import { findHandOvers } from '../handOvers.ts'
import { VERIFIER_KEYS } from '../identity.ts'
import { lockDirectory } from '../lock.ts'
import {
  formatVerifierKey,
  MAX_NOTE_BYTES,
  parseNote,
  parseVerifierKeys,
  verifiedSignatures,
  verifyNote,
  type Signer,
  type VerifierKey,
} from '../note.ts'
import { CHECKPOINT_PATH, TIMESTAMP_ENDING } from '../publisher.ts'
import { TileHashes } from '../proof/tileHashes.ts'
import { recover } from '../recovery.ts'
import { logKeys, usedKeys } from '../rotation.ts'
import { listSegments, segmentPath } from '../segments.ts'
import { EMPTY_ROOT } from '../tree.ts'
import { TreeFiles } from '../treeFiles.ts'
import { openSigned, type Identity, type SignedSize } from '../verify/checkpoints.ts'
import { KeyPeriods } from '../verify/keys.ts'
import { fetchArtifacts } from './artifacts.ts'
import { checkConsistency, fork } from './consistency.ts'
import { FollowError } from './error.ts'
import { fetchExtension, NOTHING, type Edge, type HandOverRecord } from './extension.ts'
import { historyPathOf, hourOf, MirrorFiles } from './mirrorFiles.ts'
import { historyListPath, MAX_HISTORY_LIST, type Remote } from './remote.ts'

/** Octets of another's verifier keys: some hundred Ed25519 keys. */
const MAX_KEYS = 64 * 1024
/** Octets of a name in the list of kept checkpoints, with its line feed. */
const MAX_NAME = 32
/** A timestamp comes hours after its checkpoint, or never: for so many milliseconds it is looked for. */
const TIMESTAMP_WAIT = 48 * 3_600_000

export interface MirrorOptions {
  /** Of the mirror; made when it is missing. Beside it: `.incoming`, and `.fork` once there is one. */
  readonly directory: string
  /** Keys of the log, from outside: the first is the one that the log began with. */
  readonly trusted: readonly VerifierKey[]
  /** What cosigns each checkpoint that is consistent with those before. */
  readonly cosigners: readonly Signer[]
  readonly now: Clock
  readonly disk?: Disk
}

/** Where a mirror stands after it has looked. */
export interface Followed {
  /** What the other publishes now. */
  readonly published: Checkpoint
  /** Entries that the mirror has not got yet, because the time was up. */
  readonly behind: number
}

/** A copy of another's journal, made from what that serves: verified before it is kept, and never taken back. It is a journal directory itself. */
export class Mirror {
  readonly #options: MirrorOptions
  readonly #disk: Disk
  readonly #log: string
  readonly #epoch: number
  readonly #staging: string
  readonly #written: MirrorFiles
  readonly #lock: { release(): void }
  readonly #artifacts: ArtifactStore
  /** Keys that the log has used, in the order of its file. */
  #keys: readonly VerifierKey[]
  #handOvers: readonly HandOverRecord[]
  #files: TreeFiles
  #known: readonly Buffer[]
  #edge: Edge
  #checkpoint: Checkpoint | undefined
  #grown: number | undefined

  private constructor(
    options: MirrorOptions,
    log: { readonly name: string; readonly epoch: number; readonly keys: readonly VerifierKey[] },
    held: { readonly disk: Disk; readonly lock: { release(): void }; readonly artifacts: ArtifactStore },
    stands: Stands,
  ) {
    this.#options = options
    this.#disk = held.disk
    this.#lock = held.lock
    this.#artifacts = held.artifacts
    this.#log = log.name
    this.#epoch = log.epoch
    this.#keys = log.keys
    this.#staging = `${options.directory}.incoming`
    this.#written = new MirrorFiles(held.disk, options.directory, this.#staging)
    this.#handOvers = stands.handOvers
    this.#files = stands.files
    this.#known = stands.known
    this.#edge = stands.edge
    this.#checkpoint = stands.checkpoint
    this.#grown = grownAt(stands.checkpoint, options)
  }

  /** Throws JournalError: `key` when the directory mirrors the log of another key, `locked`, `altered`, `storage`. */
  static async open(options: MirrorOptions): Promise<Mirror> {
    const { directory, disk = nodeDisk } = options
    const first = logKeys(options.trusted)[0]
    const identity = parseOrigin(first?.name ?? '')
    if (first === undefined || identity === undefined)
      throw new JournalError(
        'key',
        `${directory}: expected the key of a journal, <origin>/<epoch>+…, got none`,
      )
    await disk.makeDirectory(directory)
    const lock = lockDirectory(directory)
    try {
      const text = (await disk.read(join(directory, VERIFIER_KEYS)))?.toString()
      const keys = text === undefined ? [first] : parseVerifierKeys(text)
      if (keys[0] === undefined || !isSame(keys[0], first))
        throw new JournalError(
          'key',
          `${directory}: expected the mirror of the journal with the key ${first.name}+${first.id}, got ${keys[0]?.name ?? ''}+${keys[0]?.id ?? ''}`,
        )
      const log = { name: first.name, epoch: identity.epoch, keys }
      await dropHalfBegun(disk, directory)
      const stands = await standing(disk, directory, log)
      const artifacts = await ArtifactStore.open(disk, directory)
      return new Mirror(options, log, { disk, lock, artifacts }, stands)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Origin line of the log. */
  get log(): string {
    return this.#log
  }

  /** The newest checkpoint that the mirror covers; undefined: none yet. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint
  }

  /** When that was taken over, in milliseconds. */
  get grown(): number | undefined {
    return this.#grown
  }

  /** The checkpoint that contradicts ours, once there was one; then nothing is followed or cosigned any more until somebody has looked at it. */
  async forkedBy(): Promise<string | undefined> {
    return (await this.#disk.read(this.#forkFile))?.toString()
  }

  /**
   * Takes over what there is new, one kept checkpoint after the other, until `isTimeUp`. What was taken over stays, whatever comes then. Rejects with FollowError,
   * FaultFound and JournalError(format, altered, invalid_record) for what the other serves; with JournalError(storage) when the disk refuses; with what `remote`
   * rejects with.
   */
  async follow(remote: Remote, isTimeUp: () => boolean = () => false): Promise<Followed> {
    const contradiction = await this.forkedBy()
    if (contradiction !== undefined)
      throw new FollowError('forked', `expected ${this.#forkFile} to be looked at and removed, got a fork`, [
        this.#checkpoint?.text ?? '',
        contradiction,
      ])
    const published = await this.#fetchPublished(remote)
    try {
      this.#checkDirection(published, await this.#rootAt(published.size))
      for (const kept of await this.#newHistory(remote, published)) {
        if (isTimeUp()) return { published, behind: published.size - this.#files.tree.size }
        await this.#takeHistory(remote, kept).catch(async (error: unknown) => {
          // What is gone is named by a record that comes later than this one.
          if (!(error instanceof FollowError) || error.code !== 'pruned') throw error
          await this.#advance(remote, published, false)
          await this.#takeHistory(remote, kept)
        })
      }
      if (published.size > this.#files.tree.size || this.#checkpoint === undefined) {
        if (isTimeUp()) return { published, behind: published.size - this.#files.tree.size }
        await this.#advance(remote, published, false)
      }
      await this.#fetchTimestamps(remote)
      return { published, behind: 0 }
    } catch (error) {
      if (!(error instanceof FollowError) || error.code !== 'forked') throw error
      await this.#disk.replace(this.#forkFile, Buffer.from(error.evidence[1] ?? ''))
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#artifacts.close()
    this.#lock.release()
  }

  get #forkFile(): string {
    return `${this.#options.directory}.fork`
  }

  async #fetchPublished(remote: Remote): Promise<SignedSize> {
    const text = (await remote.get(CHECKPOINT_PATH, MAX_NOTE_BYTES))?.toString()
    if (text === undefined) throw new FollowError('invalid', 'expected a checkpoint, got none')
    return this.#opened(await this.#fetchIdentity(remote), CHECKPOINT_PATH, text)
  }

  #identity: Identity | undefined

  /** Keys as the other serves them: those that the mirror knows, and perhaps more, which are not believed until a record hands over to them. */
  async #fetchIdentity(remote: Remote): Promise<Identity> {
    const text = (await remote.get(VERIFIER_KEYS, MAX_KEYS))?.toString() ?? ''
    const keys = parseVerifierKeys(text)
    if (keys[0]?.name !== undefined && keys[0].name !== this.#log)
      throw new FollowError('other_log', `expected the journal ${this.#log}, got ${keys[0].name}`)
    const known = [...this.#options.trusted, ...this.#keys]
    const lost = known.find((key) => !keys.some((served) => isSame(served, key)))
    const isOther = keys.some(({ name }) => name !== this.#log)
    if (lost !== undefined || isOther || keys[0] === undefined || !isSame(keys[0], known[0] ?? keys[0]))
      throw new FollowError(
        'invalid',
        `expected the keys of ${this.#log}, those known first; got ${lost === undefined ? 'others' : `none with id ${lost.id}`}`,
      )
    this.#identity = { log: this.#log, epoch: this.#epoch, keys }
    return this.#identity
  }

  #opened(identity: Identity, path: string, text: string): SignedSize {
    const [origin = ''] = text.split('\n', 1)
    if (origin !== this.#log)
      throw new FollowError(
        'other_log',
        `${path}: expected a checkpoint of ${this.#log}, got one of ${origin}`,
      )
    return openSigned(path, text, identity)
  }

  /** Whether a key signed it that the mirror already believes: only that can show a fork. */
  #isBySomebodyKnown({ text }: Checkpoint): boolean {
    return verifyNote(parseNote(text), logKeys(this.#keys)).length > 0
  }

  /** `root`: of the mirror at that size; undefined: it is not so large. */
  #checkDirection(published: SignedSize, root: string | undefined): void {
    const before = this.#checkpoint
    if (before === undefined || root === undefined) return
    if (!this.#isBySomebodyKnown(published))
      throw new FollowError(
        'invalid',
        'expected a checkpoint of no new entries to be signed by a known key, got another',
      )
    if (published.root !== root) throw fork(before, published, published.root)
    if (published.size < before.size)
      throw new FollowError(
        'rolled_back',
        `expected at least the ${before.size} entries of before, got ${published.size}`,
        [before.text, published.text],
      )
  }

  async #rootAt(size: number): Promise<string | undefined> {
    const covered = this.#checkpoint?.size ?? 0
    if (size > covered || this.#checkpoint === undefined) return undefined
    if (size === covered) return this.#checkpoint.root
    if (size === 0) return EMPTY_ROOT.toString('hex')
    const tiles = new TileHashes(this.#disk, this.#options.directory, covered)
    return (await tiles.hashOf({ start: 0, end: size })).toString('hex')
  }

  /** Kept checkpoints that the mirror has not, oldest first. */
  async #newHistory(remote: Remote, published: Checkpoint): Promise<readonly SignedSize[]> {
    const identity = this.#identity
    if (identity === undefined) return []
    const last = (await this.#written.history()).findLast((name) => name === hourOf(name)) ?? ''
    const found: SignedSize[] = []
    for (const name of await listHistory(remote, last)) {
      const path = historyPathOf(name)
      if (path === undefined || name !== hourOf(name)) continue
      const text = (await remote.get(path, MAX_NOTE_BYTES))?.toString()
      if (text === undefined) throw new FollowError('invalid', `expected ${path}, which is listed; got none`)
      const kept = this.#opened(identity, path, text)
      const before = found.at(-1)?.size ?? 0
      if (kept.size < before)
        throw new FollowError(
          'invalid',
          `${path}: expected at least the ${before} entries of the one before, got ${kept.size}`,
        )
      // It was published after what is followed now: the next look takes it.
      if (kept.size > published.size) break
      found.push(kept)
    }
    return found
  }

  async #takeHistory(remote: Remote, kept: SignedSize): Promise<void> {
    const root = await this.#rootAt(kept.size)
    if (root === undefined) {
      await this.#advance(remote, kept, true)
    } else {
      this.#periods([kept], [kept])
      const own = this.#checkpoint
      if (root !== kept.root && own !== undefined) throw fork(own, kept, kept.root)
    }
    await this.#written.write(kept.file, Buffer.from(kept.text))
  }

  /** Takes over everything up to a checkpoint that is larger than ours, then the checkpoint. */
  async #advance(remote: Remote, target: SignedSize, isKept: boolean): Promise<void> {
    const before = this.#checkpoint
    const isKnown = this.#isBySomebodyKnown(target)
    if (before !== undefined && before.size > 0 && before.size < target.size)
      await checkConsistency(remote, before, target).catch((error: unknown) => {
        if (isKnown || !(error instanceof FollowError)) throw error
        throw new FollowError('invalid', `signed by a key that nobody knows: ${error.message}`)
      })
    const { directory, cosigners, now } = this.#options
    const start = { files: this.#files, known: this.#known, edge: this.#edge }
    const staged = { disk: this.#disk, staging: this.#staging, log: this.#log }
    const extension = await fetchExtension(remote, staged, start, target)
    const handOvers = merged(this.#handOvers, extension.handOvers)
    const used = this.#periods([target], isKept ? [target] : [], handOvers)
    await fetchArtifacts(remote, this.#artifacts, { disk: this.#disk, directory }, extension.references)

    await this.#written.writeSegments(extension.segments)
    await this.#written.write(
      VERIFIER_KEYS,
      Buffer.from(used.map((key) => `${formatVerifierKey(key)}\n`).join('')),
    )
    await this.#written.writeTiles(extension.filled, extension.files.partials())
    const at = now()
    let { text } = target
    for (const cosigner of cosigners) text = await cosignCheckpoint(text, cosigner, at)
    await this.#written.write(CHECKPOINT_PATH, Buffer.from(text))
    await this.#written.clearStaging()
    this.#known = this.#known.slice(target.size - this.#files.tree.size)
    this.#files = extension.files
    this.#edge = extension.edge
    this.#handOvers = handOvers
    this.#keys = used
    const { origin, size, root } = target
    this.#checkpoint = { origin, size, root, text }
    this.#grown = at
  }

  /** Checks who signed, and returns the keys that the log has used until then. Throws FaultFound. */
  #periods(
    checkpoints: readonly SignedSize[],
    history: readonly SignedSize[],
    handOvers: readonly HandOverRecord[] = this.#handOvers,
  ): readonly VerifierKey[] {
    const identity = this.#identity ?? { log: this.#log, epoch: this.#epoch, keys: this.#keys }
    const periods = new KeyPeriods(identity)
    for (const { entry, body, file, location } of handOvers) periods.handOver(entry, body, file, location)
    periods.check(checkpoints, history)
    return usedKeys(identity.keys, periods.inForce())
  }

  async #fetchTimestamps(remote: Remote): Promise<void> {
    const names = await this.#written.history()
    const newest = names.findLast((name) => name === hourOf(name))
    if (newest === undefined) return
    const since = new Date(Date.parse(`${newest.slice(0, -1)}:00:00Z`) - TIMESTAMP_WAIT)
    const missing = names.filter(
      (name) =>
        name === hourOf(name) && !names.includes(name + TIMESTAMP_ENDING) && name > since.toISOString(),
    )
    if (missing.length === 0) return
    const served = new Set(await listHistory(remote, `${since.toISOString().slice(0, 13)}Z`))
    for (const name of missing) {
      const path = historyPathOf(name + TIMESTAMP_ENDING)
      if (path === undefined || !served.has(name + TIMESTAMP_ENDING)) continue
      const reply = await remote.get(path, MAX_TIMESTAMP)
      const checkpoint = await this.#written.read(path.slice(0, -TIMESTAMP_ENDING.length))
      if (reply === undefined || checkpoint === undefined || !isStampOf(reply, checkpoint))
        throw new FollowError(
          'invalid',
          `${path}: expected a timestamp of the checkpoint beside it, got another`,
        )
      await this.#written.write(path, reply)
    }
  }
}

/** A mirror that begins later than its log, and was ended before it had a checkpoint, has nothing that could be built on. */
async function dropHalfBegun(disk: Disk, directory: string): Promise<void> {
  const { sealed } = await listSegments(disk, directory)
  if ((sealed[0] ?? 0) === 0 || (await disk.read(join(directory, CHECKPOINT_PATH))) !== undefined) return
  for (const part of ['tile', 'segments']) await disk.remove(join(directory, part))
}

interface Stands {
  readonly files: TreeFiles
  /** Entries on disk that the checkpoint does not cover: a crash came before it was written. */
  readonly known: readonly Buffer[]
  readonly edge: Edge
  readonly checkpoint: Checkpoint | undefined
  readonly handOvers: readonly HandOverRecord[]
}

/** Throws JournalError(altered) when the mirror is not what its checkpoint says. */
async function standing(
  disk: Disk,
  directory: string,
  log: { readonly name: string; readonly epoch: number; readonly keys: readonly VerifierKey[] },
): Promise<Stands> {
  const { segments, published, unpublished } = await recover(disk, directory, { origin: log.name, ...log })
  await segments.close()
  const segment = segments.number
  const pending = await disk.read(join(directory, segmentPath(segment, 'pending')))
  const frames = pending === undefined ? [] : decodeFrames(pending).frames
  const covered = published.tree.size
  const first = frames[0] === undefined ? covered + unpublished.length : decodeBlock(frames[0].payload).entry
  const held =
    pending === undefined ? NOTHING : { pending, text: Buffer.concat(frames.map(({ payload }) => payload)) }
  const handOvers = (await findHandOvers(disk, directory, log.keys)).flatMap((told) =>
    told.handOvers.map(({ entry, endorsement }) => ({
      entry,
      body: { endorsement },
      file: 'segments',
      location: `entry ${told.entry}, record ${told.n}`,
    })),
  )
  return {
    files: new TreeFiles(published.tree, published.group),
    known: unpublished,
    edge: { segment, first, ...held },
    checkpoint: published.checkpoint,
    handOvers,
  }
}

/** When our own cosignature says that the checkpoint was taken over, in milliseconds. */
function grownAt(checkpoint: Checkpoint | undefined, { cosigners, now }: MirrorOptions): number | undefined {
  if (checkpoint === undefined) return undefined
  const keys = cosigners.map(({ key }) => key)
  const [own] = verifiedSignatures(parseNote(checkpoint.text), keys)
  return own?.time === undefined ? now() : own.time * 1000
}

function merged(
  before: readonly HandOverRecord[],
  found: readonly HandOverRecord[],
): readonly HandOverRecord[] {
  const last = before.at(-1)?.entry ?? -1
  return [...before, ...found.filter(({ entry }) => entry > last)]
}

async function listHistory(remote: Remote, after: string): Promise<readonly string[]> {
  const list = await remote.get(historyListPath(after), MAX_HISTORY_LIST * MAX_NAME)
  return (list?.toString('latin1') ?? '')
    .split('\n')
    .filter((name) => historyPathOf(name) !== undefined && hourOf(name) > after)
}

function isStampOf(reply: Buffer, checkpoint: Buffer): boolean {
  try {
    return sha256(checkpoint).equals(parseTimestamp(parseTimestampReply(reply)).imprint.digest)
  } catch (error) {
    if (error instanceof PkiError) return false
    throw error
  }
}

/** Keys of two types are not compared: OpenSSL would leave an error behind, for whatever comes next. */
function isSame(one: VerifierKey, other: VerifierKey): boolean {
  return one.id === other.id && one.type === other.type && one.publicKey.equals(other.publicKey)
}
