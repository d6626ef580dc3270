import { dirname, join } from 'node:path'
import type { Clock } from '../model/time.ts'
import { cosignCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { Disk } from './disk.ts'
import type { Signer } from './note.ts'
import type { EdgeTree } from './tree.ts'
import { TreeFiles, type TreeFile } from './treeFiles.ts'

export const CHECKPOINT_PATH = 'checkpoint'

/** Where the first checkpoint of an hour is kept: `checkpoints/2026/2026-11-22T06Z`. */
function historyPath(ms: number): string {
  const hour = new Date(ms).toISOString().slice(0, 13)
  return `checkpoints/${hour.slice(0, 4)}/${hour}Z`
}

/** Ending of the file with the timestamp of a kept checkpoint: the authority's answer (RFC 3161 TimeStampResp). */
export const TIMESTAMP_ENDING = '.tsr'

/** Whether a path is one that historyPath writes. */
export function isHistoryPath(path: string): boolean {
  const match = /^checkpoints\/\d{4}\/(\d{4}-\d{2}-\d{2}T\d{2})Z$/.exec(path)
  const ms = Date.parse(`${match?.[1] ?? ''}:00:00.000Z`)
  return !Number.isNaN(ms) && historyPath(ms) === path
}

export interface PublisherOptions {
  readonly disk: Disk
  readonly directory: string
  /** Origin line with the epoch. */
  readonly origin: string
  /** Signs every checkpoint. */
  readonly signer: Signer
  /** Signs besides the one that is kept of each hour. */
  readonly cosigner: Signer | undefined
  readonly now: Clock
  /** Has the octets of a kept checkpoint timestamped; the answer of the authority. */
  readonly stamp?: ((checkpoint: Buffer) => Promise<Uint8Array>) | undefined
  /** What kept a timestamp from being had; it is tried again after the next checkpoint. */
  readonly onStampError?: (error: unknown) => void
}

/** Where publishing stands when a journal is opened. */
export interface Published {
  readonly tree: EdgeTree
  /** Entries of the bundle that is not yet full. */
  readonly group: readonly Buffer[]
  readonly checkpoint: Checkpoint | undefined
  /** Path of the newest checkpoint in history; '' when there is none. */
  readonly history: string
}

/** Writes tiles, bundles and checkpoints of the tree that it is fed. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #files: TreeFiles
  #checkpoint: Checkpoint | undefined
  #history: string
  /** Full tiles and bundles that are not yet on disk. */
  #outbox: TreeFile[] = []
  #work: Promise<unknown> = Promise.resolve()
  /** The kept checkpoint that has its timestamp. */
  #stamped = ''
  #isStamping = false
  #isClosed = false

  constructor(options: PublisherOptions, published: Published) {
    this.#options = options
    this.#files = new TreeFiles(published.tree, published.group)
    this.#checkpoint = published.checkpoint
    this.#history = published.history
  }

  /** Entries in the tree, published or not. */
  get size(): number {
    return this.#files.tree.size
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint
  }

  /** Whether full tiles wait to be written. */
  get hasFullTiles(): boolean {
    return this.#outbox.length > 0
  }

  add(entry: Buffer): void {
    this.#outbox.push(...this.#files.add(entry))
  }

  /** Writes full tiles and bundles; the checkpoint does not yet cover them. */
  writeFullTiles(): Promise<void> {
    return this.#inTurn(() => this.#flush())
  }

  /** Writes everything that a checkpoint of the present size needs, then the checkpoint. */
  async publish(): Promise<Checkpoint> {
    const checkpoint = await this.#publish()
    void this.#stampNewest()
    return checkpoint
  }

  /** A timestamp that is still waited for is not written any more. */
  close(): void {
    this.#isClosed = true
  }

  #publish(): Promise<Checkpoint> {
    return this.#inTurn(async () => {
      const { tree } = this.#files
      const { size } = tree
      if (this.#checkpoint?.size === size) return this.#checkpoint
      // The tree goes on growing while files are written.
      const root = tree.root()
      const partials = this.#files.partials()
      await this.#flush()
      for (const { path, bytes } of partials) await this.#write(path, bytes)
      const { origin, signer } = this.#options
      const checkpoint = await signCheckpoint({ origin, size, root }, signer)
      await this.#write(CHECKPOINT_PATH, Buffer.from(checkpoint.text))
      this.#checkpoint = checkpoint
      await this.#keepHourly(checkpoint)
      return checkpoint
    })
  }

  async #flush(): Promise<void> {
    for (let file = this.#outbox[0]; file !== undefined; file = this.#outbox[0]) {
      await this.#write(file.path, file.bytes)
      // Partial tiles must be served until the full one is there, and may go then (C2SP tlog-tiles, "Partial Tiles").
      await this.#options.disk.remove(join(this.#options.directory, `${file.path}.p`))
      this.#outbox.shift()
    }
  }

  async #keepHourly(checkpoint: Checkpoint): Promise<void> {
    const path = historyPath(this.#options.now())
    // A clock that was set back must not put a younger checkpoint before an older one.
    if (path <= this.#history) return
    const { cosigner, now } = this.#options
    const text =
      cosigner === undefined ? checkpoint.text : await cosignCheckpoint(checkpoint.text, cosigner, now())
    await this.#write(path, Buffer.from(text))
    this.#history = path
  }

  /** One at a time, and waited for by nobody: an authority that is slow or away holds nothing up. */
  async #stampNewest(): Promise<void> {
    const { stamp, onStampError, disk, directory } = this.#options
    const path = this.#history
    if (stamp === undefined || path === '' || path === this.#stamped || this.#isStamping) return
    this.#isStamping = true
    try {
      const file = join(directory, path)
      const [checkpoint, stamped] = await Promise.all([disk.read(file), disk.read(file + TIMESTAMP_ENDING)])
      if (checkpoint !== undefined && stamped === undefined) {
        const answer = await stamp(checkpoint)
        if (this.#isClosed) return
        await this.#inTurn(() => this.#write(path + TIMESTAMP_ENDING, Buffer.from(answer)))
      }
      this.#stamped = path
    } catch (error) {
      onStampError?.(error)
    } finally {
      this.#isStamping = false
    }
  }

  async #write(path: string, bytes: Buffer): Promise<void> {
    const { disk, directory } = this.#options
    const file = join(directory, path)
    await disk.makeDirectory(dirname(file))
    await disk.replace(file, bytes)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => undefined)
    return done
  }
}
