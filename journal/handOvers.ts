import { join } from 'node:path'
import type { Position } from '../model/recordId.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { Disk } from './disk.ts'
import { hourOf, historyNames, historyPathOf } from './follow/mirrorFiles.ts'
import type { Note, VerifierKey } from './note.ts'
import { parseRetention } from './retention/claims.ts'
import type { Envelope } from './record.ts'
import { readRecords } from './retention/records.ts'
import { keysOfType, LOG_KEY_TYPES, type HandOver } from './rotation.ts'

/** A record that tells of hand-overs: one of its own, or, of those in segments that were pruned, all of them. */
export interface HandOverRecord extends Position {
  readonly handOvers: readonly HandOver[]
}

/**
 * The records of a journal by which its keys handed over, in order. Kept checkpoints show around where each must be, so that not all of a large journal is
 * read. Throws JournalError(altered, format).
 */
export async function findHandOvers(
  disk: Disk,
  directory: string,
  keys: readonly VerifierKey[],
): Promise<readonly HandOverRecord[]> {
  const history = new History(disk, directory)
  const found = new Map<string, HandOverRecord>()
  let wanted = 0
  for (const type of LOG_KEY_TYPES) {
    const line = keysOfType(keys, type)
    for (let place = 1; place < line.length; place++, wanted++) {
      const { from, to } = await history.around(line.slice(0, place))
      for await (const read of readRecords(disk, directory, from, to)) {
        const told = toldBy(read, read.envelope)
        if (read.envelope.kind === 'key' && told !== undefined) found.set(`${read.entry}/${read.n}`, told)
      }
    }
  }
  if (found.size < wanted) for (const told of await pruned(disk, directory)) found.set('pruned', told)
  return [...found.values()].toSorted((a, b) => firstOf(a) - firstOf(b))
}

/** What a record tells of hand-overs; undefined when it is none of these records. Throws JournalError(format). */
export function toldBy(
  { entry, n }: Position,
  { kind, body }: Pick<Envelope, 'kind' | 'body'>,
): HandOverRecord | undefined {
  if (kind === 'key' && 'endorsement' in body && typeof body.endorsement === 'string')
    return { entry, n, handOvers: [{ entry, endorsement: body.endorsement }] }
  if (kind !== 'retention') return undefined
  const retention = parseRetention(body)
  return retention.action === 'prune' ? { entry, n, handOvers: retention.keys } : undefined
}

/** The newest record that says what was pruned names all hand-overs that were, too. None when it names none. */
async function pruned(disk: Disk, directory: string): Promise<readonly HandOverRecord[]> {
  let newest: HandOverRecord | undefined
  for await (const read of readRecords(disk, directory))
    if (read.envelope.kind === 'retention') newest = toldBy(read, read.envelope) ?? newest
  return newest === undefined || newest.handOvers.length === 0 ? [] : [newest]
}

function firstOf({ handOvers }: HandOverRecord): number {
  return handOvers[0]?.entry ?? 0
}

/** Who signed the kept checkpoints; each is read when it is asked for. */
class History {
  readonly #disk: Disk
  readonly #directory: string
  #names: readonly string[] | undefined

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Entries [from, to) among which the last of these keys handed over; without `to`: up to the end. */
  async around(keys: readonly VerifierKey[]): Promise<{ readonly from: number; readonly to?: number }> {
    this.#names ??= (await historyNames(this.#disk, this.#directory, '')).filter((n) => n === hourOf(n))
    let [low, high] = [0, this.#names.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const signatures = (await this.#read(middle))?.note.signatures ?? []
      if (signatures.some(({ name, id }) => keys.some((key) => key.name === name && key.id === id)))
        low = middle + 1
      else high = middle
    }
    const [before, after] = [await this.#read(low - 1), await this.#read(low)]
    // The record is the last entry of the first, or comes after it.
    const from = Math.max(0, (before?.checkpoint.size ?? 0) - 1)
    return after === undefined ? { from } : { from, to: after.checkpoint.size }
  }

  async #read(place: number): Promise<{ readonly checkpoint: Checkpoint; readonly note: Note } | undefined> {
    const path = historyPathOf(this.#names?.[place] ?? '')
    const text = path === undefined ? undefined : await this.#disk.read(join(this.#directory, path))
    return text === undefined ? undefined : parseCheckpoint(text.toString())
  }
}
