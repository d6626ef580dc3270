import { access } from 'node:fs/promises'
import { parseCheckpoint, parseOrigin, type Checkpoint } from './checkpoint.ts'
import { JournalError } from './error.ts'
import { LOCK_NAME } from './lock.ts'
import { VERIFIER_KEYS } from './identity.ts'
import { parsePackPath } from './pack.ts'
import { CHECKPOINT_PATH } from './publisher.ts'
import { parseSegmentPath } from './segments.ts'
import { parseTilePath } from './tile.ts'
import { TILE_WIDTH } from './tree.ts'
import { directorySource, mayHaveMissed, type FileSource } from './verify/source.ts'
import { TEMPORARY } from './disk.ts'

// A copy of a journal directory that is itself one: every tool works on it. It may be made while a writer is at work, and again and again into the
// same place, when only what is new is copied.

/** Whether a file is never written again: its size then says that a copy has all of it. */
export type Fate = 'stays' | 'changes'

/** Where a copy goes. Paths are those of the journal directory. */
export interface BackupTarget {
  /** Octets of each file that is there. */
  list(): Promise<ReadonlyMap<string, number>>
  /** Durable when it resolves; replaces what was there. */
  write(path: string, octets: Buffer, fate: Fate): Promise<void>
  remove(path: string): Promise<void>
}

export interface BackupReport {
  /** Of the journal, as far as its checkpoint covers it; what was sealed since is copied too. */
  readonly checkpoint: Checkpoint
  readonly origin: string
  readonly epoch: number
  /** Files of the journal; of them copied now, and their octets. */
  readonly files: number
  readonly copied: number
  readonly octets: number
}

/** How often the directory is listed again because a writer replaced files meanwhile. */
const ATTEMPTS = 5

/**
 * Copies a journal: kept checkpoints, then the published one is read, then what it covers, and artifacts after the records that name them. So whatever a writer
 * adds meanwhile, the copy holds all that its own checkpoint covers. That is written last. Throws JournalError(format) where there is no journal.
 */
export async function backUp(
  directory: string,
  target: BackupTarget,
  onProgress: (done: number, of: number) => void = () => undefined,
): Promise<BackupReport> {
  await access(directory)
  const run = new BackupRun(directorySource(directory), target, await target.list(), onProgress)
  const { kept, keys, checkpoint } = await run.copyAll(directory)
  const parsed = parseCheckpoint(checkpoint.toString()).checkpoint
  const identity = parseOrigin(parsed.origin)
  if (identity === undefined)
    throw new JournalError('format', {
      expected: 'an origin with its epoch',
      got: parsed.origin,
      where: CHECKPOINT_PATH,
    })
  for (const path of run.there.keys()) if (isCopied(path) && !kept.has(path)) await target.remove(path)
  await run.copy(VERIFIER_KEYS, keys, 'changes')
  await run.copy(CHECKPOINT_PATH, checkpoint, 'changes')
  const { copied, octets } = run
  return { checkpoint: parsed, ...identity, files: kept.size + 2, copied, octets }
}

interface CopiedAll {
  /** Paths that the copy then has. */
  readonly kept: ReadonlySet<string>
  readonly keys: Buffer
  readonly checkpoint: Buffer
}

class BackupRun {
  readonly #source: FileSource
  readonly #target: BackupTarget
  readonly #onProgress: (done: number, of: number) => void
  /** Octets of each file of the copy. */
  readonly there: Map<string, number>
  copied = 0
  octets = 0

  constructor(
    source: FileSource,
    target: BackupTarget,
    there: ReadonlyMap<string, number>,
    onProgress: (done: number, of: number) => void,
  ) {
    this.#source = source
    this.#target = target
    this.#onProgress = onProgress
    this.there = new Map(there)
  }

  /** Each step sees what there is when the one before it is done. */
  async copyAll(directory: string): Promise<CopiedAll> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const kept = new Set<string>()
      const before = await this.#source.list()
      // Kept checkpoints first: the published one must cover no less than they do.
      let isComplete = await this.#copyStep('history', kept)
      const [keys, checkpoint] = await Promise.all([
        this.#source.read(VERIFIER_KEYS),
        this.#source.read(CHECKPOINT_PATH),
      ])
      if (keys === undefined || checkpoint === undefined)
        throw new JournalError('format', `${directory}: expected a journal with a checkpoint, got none`)
      for (const step of ['tiles', 'records', 'artifacts'] as const)
        isComplete = (await this.#copyStep(step, kept)) && isComplete
      // The checkpoint that was read may not cover the record that says what was taken out meanwhile.
      if (isComplete && !mayHaveMissed(before, await this.#source.list())) return { kept, keys, checkpoint }
    }
    throw new JournalError('storage', `${directory}: files went away faster than they could be copied`)
  }

  /** False when a writer has put something else in the place of a file that was listed: that is copied in the next round. */
  async #copyStep(step: Step, kept: Set<string>): Promise<boolean> {
    let isComplete = true
    const found = (await this.#source.list()).filter(({ path, size }) => size !== undefined && isCopied(path))
    const paths = new Set(found.map(({ path }) => path))
    const wanted = found.filter(({ path }) => stepOf(path) === step)
    for (const [i, { path, size }] of wanted.entries()) {
      this.#onProgress(i, wanted.length)
      kept.add(path)
      const fate = fateOf(path, paths)
      if (fate === 'stays' && this.there.get(path) === size) continue
      const content = await this.#source.read(path)
      if (content === undefined) isComplete = false
      else await this.copy(path, content, fate)
    }
    return isComplete
  }

  async copy(path: string, content: Buffer, fate: Fate): Promise<void> {
    await this.#target.write(path, content, fate)
    this.there.set(path, content.length)
    this.copied++
    this.octets += content.length
  }
}

/** Neither what is written at the end, nor what means nothing in a copy. */
function isCopied(path: string): boolean {
  return ![CHECKPOINT_PATH, VERIFIER_KEYS, LOCK_NAME].includes(path) && !path.endsWith(TEMPORARY)
}

type Step = 'history' | 'tiles' | 'records' | 'artifacts'

function stepOf(path: string): Step {
  if (path.startsWith('checkpoints/')) return 'history'
  if (path.startsWith('artifacts/')) return 'artifacts'
  return parseSegmentPath(path) === undefined ? 'tiles' : 'records'
}

function fateOf(path: string, paths: ReadonlySet<string>): Fate {
  const tile = parseTilePath(path)
  if (tile !== undefined) return tile.width === TILE_WIDTH ? 'stays' : 'changes'
  const segment = parseSegmentPath(path)
  if (segment !== undefined) return segment.state === 'zst' ? 'stays' : 'changes'
  // A pack that has its index is full.
  if (parsePackPath(path)?.ending === 'pack')
    return paths.has(path.replace(/\.pack$/, '.idx')) ? 'stays' : 'changes'
  return path.startsWith('artifacts/') || path.startsWith('checkpoints/') ? 'stays' : 'changes'
}
