import { existsSync } from 'node:fs'
import { copyFile, readdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createHash } from 'node:crypto'
import { backUp, type BackupReport } from '../journal/backup.ts'
import { BundledBackup, CURRENT } from '../journal/backupBundles.ts'
import { commandFetch, commandStore, NAME_PLACE } from '../journal/backupCommand.ts'
import { directoryTarget } from '../journal/backupDirectory.ts'
import { fetchBackup, type FetchObject } from '../journal/backupFetch.ts'
import { epochDirectories } from '../journal/epochs.ts'
import { openReader } from '../journal/reader.ts'
import { directorySource } from '../journal/verify/source.ts'
import { systemCode } from '../model/thrown.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { CommandError, EXIT } from './exit.ts'

/** Milliseconds that a program may take for one object, where nothing else is said. */
export const OBJECT_TIMEOUT = 600_000

/** Where a backup goes, or is. */
export type BackupPlace =
  | { readonly kind: 'directory'; readonly directory: string }
  /** An object store, by its own client; either command may be missing where it is not needed. */
  | {
      readonly kind: 'objects'
      readonly to: readonly string[] | undefined
      readonly from: readonly string[] | undefined
      /** Milliseconds for one object. */
      readonly timeout: number
    }

export type Progress = (label: string, done: number, of: number) => void

/** Beside a journal: what is known of its backups. */
export function backupMemory(journalDirectory: string): string {
  return `${journalDirectory}.backups`
}

/** A place in a few words that hold no secret: a directory, or the program that knows the way. */
export function placeText(place: BackupPlace): string {
  if (place.kind === 'directory') return place.directory
  return basename((place.to ?? place.from)?.[0] ?? '')
}

/** Whether a command says where the name of an object goes. */
export function namesObject([, ...args]: readonly string[]): boolean {
  return args.some((argument) => argument.includes(NAME_PLACE))
}

export interface BackedUp {
  readonly epochs: readonly BackupReport[]
  /** What an object store was sent; undefined where files were copied. */
  readonly sent: { readonly objects: number; readonly octets: number } | undefined
}

/** Copies a journal, with the epochs before it. A directory then holds a directory for each epoch, named by it. */
export async function backUpAll(
  journalDirectory: string,
  place: BackupPlace,
  { now, onProgress }: { readonly now: Clock; readonly onProgress: Progress },
): Promise<BackedUp> {
  const objects = place.kind === 'directory' ? undefined : await openObjects(journalDirectory, place, now)
  const epochs: BackupReport[] = []
  for (const directory of await epochDirectories(journalDirectory)) {
    const { epoch } = await openReader(directory)
    const target =
      place.kind === 'directory'
        ? directoryTarget(join(place.directory, String(epoch)))
        : objects?.target(epoch)
    if (target === undefined) throw new RangeError('expected a target')
    epochs.push(await backUp(directory, target, (done, of) => onProgress(`epoch ${epoch}`, done, of)))
  }
  await objects?.commit(epochs.at(-1)?.origin ?? '')
  return { epochs, sent: objects?.sent }
}

/** What was sent already is remembered for the command that sent it: with another one it goes somewhere else. */
async function openObjects(
  journalDirectory: string,
  { to, timeout }: BackupPlace & { kind: 'objects' },
  now: Clock,
): Promise<BundledBackup> {
  if (to === undefined) throw new CommandError(EXIT.usage, 'expected a command that stores an object')
  const id = createHash('sha256').update(JSON.stringify(to)).digest('hex').slice(0, 16)
  const memory = join(backupMemory(journalDirectory), `${id}.jsonl`)
  return await BundledBackup.open(commandStore(to, timeout), memory, toTimestamp(now()))
}

export interface CopiedEpoch {
  readonly epoch: number
  readonly directory: string
}

interface Obtain {
  readonly directoryOf: (epoch: string, newest: boolean) => string
  /** Where an object store's files come first: empty or missing, on the disk of the others, and removed by the caller. */
  readonly fetched: string
  /** Asked for as many octets before they are written; throws where there is too little room. */
  readonly room: (octets: number) => Promise<void>
  readonly onProgress: Progress
}

/** Puts every epoch of a backup where it is wanted, the oldest first. Throws CommandError where there is none. */
export async function obtainEpochs(
  place: BackupPlace,
  { directoryOf, fetched, room, onProgress }: Obtain,
): Promise<readonly CopiedEpoch[]> {
  const fetch = fetcherOf(place)
  if (fetch !== undefined)
    await fetchBackup(fetch, fetched, {
      room,
      onProgress: (done, of) => onProgress('fetching', done, of),
    })
  const from = fetch !== undefined || place.kind === 'objects' ? fetched : place.directory
  const names = (await readdir(from)).filter((name) => /^\d{1,15}$/.test(name))
  names.sort((a, b) => Number(a) - Number(b))
  if (names.length === 0)
    throw new CommandError(
      EXIT.usage,
      `${placeText(place)}: expected a backup made by vigil backup, got no epoch in it`,
    )
  if (fetch === undefined) await room(await octetsIn(names.map((name) => join(from, name))))
  const copied: CopiedEpoch[] = []
  for (const name of names) {
    const directory = directoryOf(name, name === names.at(-1))
    if (fetch === undefined)
      await backUp(join(from, name), directoryTarget(directory), (done, of) =>
        onProgress(`epoch ${name}`, done, of),
      )
    else await moveEpoch(join(from, name), directory)
    copied.push({ epoch: Number(name), directory })
  }
  return copied
}

/** undefined: a directory with the files themselves. */
function fetcherOf(place: BackupPlace): FetchObject | undefined {
  if (place.kind === 'objects') {
    if (place.from === undefined)
      throw new CommandError(
        EXIT.usage,
        'expected a command that fetches an object, such as backup.from_command',
      )
    return commandFetch(place.from, place.timeout)
  }
  const { directory } = place
  // Objects that were fetched by hand.
  if (!existsSync(join(directory, CURRENT))) return undefined
  return (name, file) => copyFile(join(directory, name), file)
}

async function octetsIn(directories: readonly string[]): Promise<number> {
  let octets = 0
  for (const directory of directories)
    for (const { size = 0 } of await directorySource(directory).list()) octets += size
  return octets
}

/** Where an earlier attempt has left something, it is made whole. */
async function moveEpoch(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error
    await backUp(from, directoryTarget(to))
  }
}
