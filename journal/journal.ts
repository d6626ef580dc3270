import type { KeyObject } from 'node:crypto'
import type { Artifact, ArtifactRef } from '../model/observation.ts'
import type { EpochStart, NewRecord, SealedRecord } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { ArtifactStore } from './artifacts.ts'
import { readBlocks } from './blocks.ts'
import { formatOrigin, type Checkpoint } from './checkpoint.ts'
import { nodeDisk, type Disk } from './disk.ts'
import { encodeEntry, entryOf } from './entry.ts'
import { JournalError } from './error.ts'
import {
  establishIdentity,
  readIdentity,
  refuseKeyInside,
  VERIFIER_KEYS,
  writeVerifierKeys,
  type Identity,
} from './identity.ts'
import { loadKeys, type SigningOptions } from './keys.ts'
import { lockDirectory } from './lock.ts'
import type { Signer } from './note.ts'
import { Publisher } from './publisher.ts'
import { SealQueue, type Piece } from './queue.ts'
import { RecentBatches } from './recent.ts'
import { afterPosition, decodeBlockRecords, encodeRecord, NONCE_BYTES, sealedRecord } from './record.ts'
import { recover } from './recovery.ts'
import { findHandOvers } from './handOvers.ts'
import { takeOut, type Retained, type RetentionWork } from './retention/takeOut.ts'
import { keysInForce, keysOfType, usedKeys } from './rotation.ts'
import type { SegmentWriter } from './segments.ts'
import { requireInForce, successionTo } from './succession.ts'

const DEFAULT_SEAL_INTERVAL_MS = 1000
const DEFAULT_PUBLISH_INTERVAL_MS = 60_000

export interface JournalOptions extends SigningOptions {
  /** Created when missing. */
  readonly directory: string
  /** Name of this journal for ever, without epoch: `vigil.example.org/zone-a`. */
  readonly origin: string
  readonly now: Clock
  readonly random: (octets: number) => Uint8Array
  /** Longest that a record waits for its seal, in ms; 0 seals as soon as the disk is free. Default 1000. */
  readonly sealInterval?: number
  /** Shortest time between two checkpoints, in ms. Default 60000. */
  readonly publishInterval?: number
  /** First record of a directory that is created here. Default: reason `new`. */
  readonly start?: EpochStart
  /** Faults in background work (publishing, compressing); whoever called append or publish gets theirs rejected. */
  readonly onError?: (error: JournalError) => void
  /** Has the octets of the checkpoint that is kept of each hour timestamped; the authority's answer (RFC 3161). Default: none. */
  readonly stamp?: ((checkpoint: Buffer) => Promise<Uint8Array>) | undefined
  readonly onStampError?: (error: unknown) => void
  /** Where the files are; tests put one here that refuses. */
  readonly disk?: Disk
}

/** `failing`: the last write was refused by the disk; every append tries again. */
export type JournalState = 'open' | 'failing' | 'closed'

/** The only writer of one journal directory. */
export interface Journal {
  readonly origin: string
  /** Unix time in seconds at which the directory was created. */
  readonly epoch: number
  /** Sealed entries. */
  readonly size: number
  readonly state: JournalState
  /** The newest published checkpoint. */
  readonly checkpoint: Checkpoint
  /**
   * Resolves when the records are on disk (fsync), in the order given. Rejects with JournalError: then none of them counts, if
   * they fit one entry (1024 records, 4 MiB); of more than that, the first ones may stand.
   */
  append(records: readonly NewRecord[]): Promise<readonly SealedRecord[]>
  /** Keeps bytes under their digest. Durable at the latest when a record appended afterwards is acknowledged. */
  putArtifact(artifact: Artifact): Promise<ArtifactRef>
  getArtifact(digest: string): Promise<Uint8Array | undefined>
  /** What is sealed now after a position, in order, one batch an entry. */
  read(after?: Position): AsyncIterable<readonly SealedRecord[]>
  /** What is sealed, then what is being sealed, until the signal aborts (ends without an error) or the journal closes. */
  follow(after: Position | undefined, signal: AbortSignal): AsyncIterable<readonly SealedRecord[]>
  /** Seals what waits, writes tiles and checkpoint. */
  publish(): Promise<Checkpoint>
  /**
   * Hands over to other keys, at most one of each type, and closes: from now on the journal is opened with those. One that is in force stays so. `by`: who
   * did it. Rejects with JournalError; then the old keys stay in force, and it may be called again.
   */
  rotateKeys(next: readonly KeyObject[], by: string): Promise<void>
  /** Seals what waits, publishes it, and finishes the segment that is being filled, so that none of these records is in a file that still grows. */
  finishSegment(): Promise<void>
  /**
   * Journals what is to be taken out, has it signed, and only then takes out what all such records say is gone and is still there, also what an earlier call
   * did not come to. Records and artifacts go on coming in meanwhile; an artifact that was put since it began stays. One call at a time.
   */
  retain(work: RetentionWork): Promise<Retained>
  /** Seals what waits, publishes, releases the directory. Later calls do nothing. */
  close(): Promise<void>
}

/**
 * Opens or creates a journal; after a crash, recovers what was sealed.
 * Throws JournalError: locked, key, origin, format, altered (what stands there is not what was written), storage.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, keyFile, disk = nodeDisk } = options
  refuseKeyInside(directory, keyFile)
  const exists = (await disk.list(directory)).includes(VERIFIER_KEYS)
  const known = exists ? (await readIdentity(disk, directory)).keys : []
  const hasPostQuantum = keysOfType(known, 'ml_dsa_44_cosigner').length > 0
  const keys = await loadKeys(options, { directory, exists, hasPostQuantum })
  await disk.makeDirectory(directory)
  const lock = lockDirectory(directory)
  try {
    const identity = await establishIdentity(disk, directory, {
      origin: options.origin,
      keys,
      now: options.now(),
    })
    const origin = formatOrigin(identity.origin, identity.epoch)
    const signer = keys.log(origin)
    const cosigner = keys.postQuantum?.(origin)
    const handOvers = await findHandOvers(disk, directory, identity.keys)
    requireInForce(
      directory,
      keysInForce(
        identity.keys,
        handOvers.flatMap((told) => told.handOvers),
      ),
      cosigner === undefined ? [signer] : [signer, cosigner],
    )
    const { segments, published, unpublished } = await recover(disk, directory, {
      origin,
      epoch: identity.epoch,
      keys: identity.keys,
    })
    const publisher = new Publisher(
      {
        disk,
        directory,
        origin,
        signer,
        cosigner,
        now: options.now,
        stamp: options.stamp,
        ...(options.onStampError === undefined ? {} : { onStampError: options.onStampError }),
      },
      published,
    )
    for (const entry of unpublished) publisher.add(entry)
    const artifacts = await ArtifactStore.open(disk, directory)
    const journal = new FileJournal(
      { ...options, disk },
      { identity, signer, cosigner, lock, segments, publisher, artifacts },
    )
    await journal.begin()
    return journal
  } catch (error) {
    lock.release()
    throw asJournalError(error)
  }
}

interface Parts {
  readonly identity: Identity
  readonly signer: Signer
  readonly cosigner: Signer | undefined
  readonly lock: { release(): void }
  readonly segments: SegmentWriter
  readonly publisher: Publisher
  readonly artifacts: ArtifactStore
}

class FileJournal implements Journal {
  readonly #options: JournalOptions & { readonly disk: Disk }
  readonly #parts: Parts
  readonly #queue = new SealQueue()
  readonly #recent = new RecentBatches()
  #retaining: Promise<unknown> = Promise.resolve()
  #failing = false
  #closing: Promise<void> | undefined
  /** Whether nothing more will be sealed. */
  #ended = false
  /** How many of the pieces that wait may not wait any longer. */
  #due = 0
  #sealing: Promise<void> | undefined
  #sealTimer: NodeJS.Timeout | undefined
  #publishTimer: NodeJS.Timeout | undefined

  constructor(options: JournalOptions & { readonly disk: Disk }, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  get origin(): string {
    return this.#parts.identity.origin
  }

  get epoch(): number {
    return this.#parts.identity.epoch
  }

  get size(): number {
    return this.#parts.publisher.size
  }

  get state(): JournalState {
    if (this.#closing !== undefined) return 'closed'
    return this.#failing ? 'failing' : 'open'
  }

  get checkpoint(): Checkpoint {
    const { checkpoint } = this.#parts.publisher
    if (checkpoint === undefined) throw new JournalError('closed', 'expected a begun journal')
    return checkpoint
  }

  /** A new journal gets its first record, and every journal a checkpoint of what was recovered. */
  async begin(): Promise<void> {
    if (this.size === 0) {
      const body = this.#options.start ?? { reason: 'new', previous: null }
      const begun = this.append([{ kind: 'epoch', time: toTimestamp(this.#options.now()), body }])
      this.#sealNow()
      await begun
    }
    await this.#parts.publisher.publish()
  }

  async append(records: readonly NewRecord[]): Promise<readonly SealedRecord[]> {
    this.#refuseClosed()
    const { now, random } = this.#options
    const recorded = now()
    const times = { recorded, recordedTime: toTimestamp(recorded) }
    const nonces = random(NONCE_BYTES * records.length)
    const encoded = records.map((record, i) =>
      encodeRecord(record, times, nonces.subarray(NONCE_BYTES * i, NONCE_BYTES * (i + 1))),
    )
    const sealed = this.#queue.add(encoded)
    if (this.#queue.length > 0) this.#arm()
    return await sealed
  }

  async putArtifact(artifact: Artifact): Promise<ArtifactRef> {
    this.#refuseClosed()
    return await this.#parts.artifacts.put(artifact)
  }

  async getArtifact(digest: string): Promise<Uint8Array | undefined> {
    return await this.#parts.artifacts.get(digest)
  }

  async *read(after?: Position): AsyncGenerator<readonly SealedRecord[]> {
    for await (const { records } of this.#batches(after?.entry ?? 0)) {
      const rest = afterPosition(records, after)
      if (rest.length > 0) yield rest
    }
  }

  async *follow(after: Position | undefined, signal: AbortSignal): AsyncGenerator<readonly SealedRecord[]> {
    let next = after?.entry ?? 0
    while (!signal.aborted) {
      const held = this.#recent.get(next)
      const batches = held === undefined ? this.#batches(next) : [{ entry: next, records: held }]
      for await (const { entry, records } of batches) {
        next = entry + 1
        const rest = afterPosition(records, after)
        if (rest.length > 0) yield rest
        if (isAborted(signal)) return
      }
      if (next < this.size) continue
      if (this.#ended) return
      await this.#recent.next(signal)
    }
  }

  /** Whole batches from an entry on, from disk. */
  async *#batches(
    from: number,
  ): AsyncGenerator<{ readonly entry: number; readonly records: readonly SealedRecord[] }> {
    const { disk, directory } = this.#options
    const { origin, epoch } = this.#parts.identity
    for await (const block of readBlocks(disk, directory, from, this.size))
      yield { entry: block.entry, records: decodeBlockRecords(block, origin, epoch) }
  }

  async publish(): Promise<Checkpoint> {
    this.#refuseClosed()
    await this.#drain()
    return await this.#publishNow()
  }

  async finishSegment(): Promise<void> {
    await this.publish()
    await this.#alone(() => this.#parts.segments.rotate())
  }

  retain(work: RetentionWork): Promise<Retained> {
    const turn = this.#retaining.then(() => this.#retain(work))
    this.#retaining = turn.catch(() => undefined)
    return turn
  }

  async #retain(work: RetentionWork): Promise<Retained> {
    this.#refuseClosed()
    const removal = this.#parts.artifacts.beginRemoval()
    try {
      return await takeOut(this, work, { ...this.#options, removal })
    } catch (error) {
      throw asJournalError(error)
    } finally {
      removal.end()
    }
  }

  async rotateKeys(next: readonly KeyObject[], by: string): Promise<void> {
    this.#refuseClosed()
    const { disk, directory, now } = this.#options
    const { identity, signer, cosigner } = this.#parts
    const own = cosigner === undefined ? [signer] : [signer, cosigner]
    const used = usedKeys(
      identity.keys,
      own.map(({ key }) => key),
    )
    const successions = await successionTo(next, own, used)
    // Announced first: a key that stands in no record signs nothing, but one that does must be found.
    await writeVerifierKeys(disk, directory, [...used, ...successions.map(({ key }) => key)])
    const time = toTimestamp(now())
    const records = successions.map(({ endorsement }): NewRecord => ({
      kind: 'key',
      time,
      body: { by, endorsement },
    }))
    // One call, so that they are sealed in one entry or not at all.
    const handedOver = this.append(records)
    this.#sealNow()
    await handedOver
    await this.close()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const { artifacts, segments, lock } = this.#parts
    try {
      await this.#drain()
      await artifacts.flush()
      await this.#publishNow()
    } catch (error) {
      throw asJournalError(error)
    } finally {
      clearTimeout(this.#sealTimer)
      clearTimeout(this.#publishTimer)
      this.#ended = true
      this.#parts.publisher.close()
      this.#recent.wake()
      await artifacts.close()
      await segments.close()
      lock.release()
    }
  }

  async #publishNow(): Promise<Checkpoint> {
    clearTimeout(this.#publishTimer)
    this.#publishTimer = undefined
    try {
      return await this.#parts.publisher.publish()
    } catch (error) {
      throw asJournalError(error)
    }
  }

  /** Sees to it that what waits is sealed in time. */
  #arm(): void {
    if (this.#queue.isFull) this.#sealNow()
    else
      this.#sealTimer ??= setTimeout(() => {
        this.#sealNow()
      }, this.#options.sealInterval ?? DEFAULT_SEAL_INTERVAL_MS)
  }

  #sealNow(): void {
    clearTimeout(this.#sealTimer)
    this.#sealTimer = undefined
    this.#due = this.#queue.length
    this.#sealing ??= this.#sealDue().finally(() => {
      this.#sealing = undefined
    })
  }

  async #drain(): Promise<void> {
    this.#sealNow()
    while (this.#sealing !== undefined) await this.#sealing
  }

  /** While nothing is sealed. Rejects with JournalError. */
  async #alone(work: () => Promise<void>): Promise<void> {
    while (this.#sealing !== undefined) await this.#sealing
    const done = work()
    this.#sealing = done.then(
      () => undefined,
      () => undefined,
    )
    try {
      await done
    } catch (error) {
      throw asJournalError(error)
    } finally {
      this.#sealing = undefined
      if (this.#queue.length > 0) this.#sealNow()
    }
  }

  /** Never rejects: those who wait for a record are told. What comes in meanwhile waits for its own time, or a full entry. */
  async #sealDue(): Promise<void> {
    while (this.#due > 0 || this.#queue.isFull) {
      const pieces = this.#queue.take()
      this.#due -= pieces.length
      if (pieces.length === 0) return
      await this.#seal(pieces)
    }
  }

  async #seal(pieces: readonly Piece[]): Promise<void> {
    const { segments, publisher, artifacts, identity } = this.#parts
    const records = pieces.flatMap((piece) => piece.records)
    const entry = publisher.size
    const segment = segments.number
    try {
      await artifacts.flush()
      await segments.append({ entry, records: records.map((r) => r.bytes) }, records[0]?.recorded ?? 0)
    } catch (error) {
      this.#refuseWaiting(pieces, asJournalError(error))
      return
    }
    this.#failing = false
    publisher.add(encodeEntry(entryOf(identity.epoch, segment, records)))
    const sealed = records.map((r, n) => sealedRecord(r, identity.origin, identity.epoch, { entry, n }))
    let from = 0
    for (const piece of pieces) piece.resolve(sealed.slice(from, (from += piece.records.length)))
    this.#recent.add(
      entry,
      sealed,
      pieces.reduce((total, piece) => total + piece.bytes, 0),
    )
    await this.#tend()
  }

  /** What is not part of sealing but follows from it. Faults are reported and tried again after the next seal. */
  async #tend(): Promise<void> {
    const { segments, publisher } = this.#parts
    try {
      if (segments.isDue(this.#options.now())) await segments.rotate()
      if (publisher.hasFullTiles) await publisher.writeFullTiles()
    } catch (error) {
      this.#report(error)
    }
    if (this.#closing !== undefined) return
    this.#publishTimer ??= setTimeout(() => {
      this.#publishNow().catch((error: unknown) => {
        this.#report(error)
      })
    }, this.#options.publishInterval ?? DEFAULT_PUBLISH_INTERVAL_MS).unref()
  }

  #refuseWaiting(pieces: readonly Piece[], error: JournalError): void {
    this.#failing = true
    let refused = pieces
    // Nobody's records may be sealed before those that were given earlier.
    while (refused.length > 0) {
      for (const piece of refused) piece.reject(error)
      refused = this.#queue.take()
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(asJournalError(error))
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new JournalError('closed', 'the journal is closed')
  }
}

/** A call, because the compiler takes a property for unchanged over a yield. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

function asJournalError(error: unknown): JournalError {
  if (error instanceof JournalError) return error
  return new JournalError('storage', error instanceof Error ? error.message : String(error), { cause: error })
}
