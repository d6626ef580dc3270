import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '../journal/disk.ts'
import { earlierEpochs, epochDirectories, openHistory } from '../journal/epochs.ts'
import { JournalError } from '../journal/error.ts'
import { VERIFIER_KEYS } from '../journal/identity.ts'
import { openJournal } from '../journal/journal.ts'
import { proveConsistency } from '../journal/proof/prove.ts'
import { openReader } from '../journal/reader.ts'
import { verifyJournal, type VerifyReport } from '../journal/verify.ts'
import type { SealedRecord } from '../model/record.ts'
import type { Clock } from '../model/time.ts'
import { compareWithJournal } from '../store/compare.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { obtainEpochs, placeText, type BackupPlace, type CopiedEpoch, type Progress } from './backupPlace.ts'
import { CommandError, EXIT } from './exit.ts'
import { journalOptions } from './journalOptions.ts'
import type { LoadedConfig } from './load.ts'
import { applyAll, rebuildProjection } from './projection.ts'
import { openScratch } from './scratch.ts'

/** Octets of the scratch disk that a drill leaves free: other programs write there, too. */
const RESERVE = 256 * 1024 * 1024
/** Batches of records between two looks at how much is free. */
const LOOK_EVERY = 256

export interface Drill {
  readonly epochs: readonly { readonly epoch: number; readonly report: VerifyReport }[]
  /** Records that the stores were made of. */
  readonly records: number
  /** Documents and state of a store made from it, compared with one made again; none may differ. */
  readonly compared: number
  readonly differences: number
  /** Milliseconds for all of it. */
  readonly duration: number
}

interface DrillOptions {
  readonly trust: string | undefined
  /** Where there is room. Default: the directory for temporary files. */
  readonly scratch?: string | undefined
  /** The journal that it must be a backup of. */
  readonly of?: string | undefined
  readonly now: Clock
  readonly onProgress: Progress
  /** Free octets at a path. */
  readonly free?: (path: string) => Promise<number>
}

/** Restores a backup into a scratch place, verifies what is there, makes a store of it, and removes it. Throws CommandError when it does not hold. */
export async function drill(
  place: BackupPlace,
  { trust, scratch: parent = tmpdir(), of, now, onProgress, free = freeAt }: DrillOptions,
): Promise<Drill> {
  const began = now()
  using opened = openScratch(parent, of ?? placeText(place))
  const scratch = opened.path
  const room = async (octets: number): Promise<void> => {
    const left = await free(parent)
    if (left < octets + RESERVE)
      throw new CommandError(
        EXIT.failed,
        `${parent}: expected room for ${octets} octets and ${RESERVE} that stay free, got ${left}`,
      )
  }
  const journal = join(scratch, 'journal')
  mkdirSync(earlierEpochs(journal))
  const epochs = await obtainEpochs(place, {
    directoryOf: (epoch, newest) => (newest ? journal : join(earlierEpochs(journal), epoch)),
    fetched: join(scratch, 'fetched'),
    room,
    onProgress,
  })
  const verified = await verifyAll(epochs, trust, onProgress)
  if (of !== undefined) await requireBackupOf(of, epochs)
  const read = async (): Promise<AsyncIterable<readonly SealedRecord[]>> =>
    withRoom((await openHistory(journal)).read(), () => room(0))
  const store = await openSqliteStore({ file: join(scratch, 'store.db') })
  const reference = await openSqliteStore({ file: join(scratch, 'reference.db') })
  try {
    const records = await applyAll(await read(), store)
    const { compared, differences } = await compareWithJournal(await read(), store, reference)
    return {
      epochs: verified,
      records,
      compared,
      differences: differences.length,
      duration: now() - began,
    }
  } finally {
    await store.close()
    await reference.close()
  }
}

async function freeAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

async function* withRoom(
  batches: AsyncIterable<readonly SealedRecord[]>,
  room: () => Promise<void>,
): AsyncGenerator<readonly SealedRecord[]> {
  let read = 0
  for await (const batch of batches) {
    if (read++ % LOOK_EVERY === 0) await room()
    yield batch
  }
}

/** Every epoch of the backup is the beginning of one of the journal's. */
async function requireBackupOf(journalDirectory: string, epochs: readonly CopiedEpoch[]): Promise<void> {
  const own = new Map<string, string>()
  for (const directory of await epochDirectories(journalDirectory)) {
    const { origin, epoch } = await openReader(directory)
    own.set(`${origin}/${epoch}`, directory)
  }
  for (const { directory } of epochs) {
    const reader = await openReader(directory)
    const log = `${reader.origin}/${reader.epoch}`
    const live = own.get(log)
    if (live === undefined)
      throw new CommandError(
        EXIT.findings,
        `expected a backup of ${[...own.keys()].join(', ')}, got one of ${log}`,
      )
    const { text, size } = await reader.checkpoint()
    if (size === 0) continue
    try {
      await proveConsistency(nodeDisk, live, text)
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      throw new CommandError(EXIT.findings, `the journal does not begin with its backup: ${error.message}`)
    }
  }
}

/**
 * Puts a backup in the place of a journal that is lost: its epochs become earlier ones, and a new one begins, whose first record names the last checkpoint
 * that is known. Makes the store anew. Throws CommandError: a journal is there, the backup does not verify, or it is another's.
 */
export async function restore(
  place: BackupPlace,
  loaded: LoadedConfig,
  {
    trust,
    now,
    onProgress,
  }: { readonly trust: string | undefined; readonly now: Clock; readonly onProgress: Progress },
): Promise<{ readonly epochs: readonly number[]; readonly epoch: number; readonly records: number }> {
  const { journalDirectory, config } = loaded
  if (existsSync(join(journalDirectory, VERIFIER_KEYS)))
    throw new CommandError(
      EXIT.failed,
      `${journalDirectory}: a journal is there; move it away first, nothing is written over`,
    )
  const folder = earlierEpochs(journalDirectory)
  mkdirSync(folder, { recursive: true })
  const fetched = `${journalDirectory}.fetched`
  rmSync(fetched, { recursive: true, force: true })
  const epochs = await obtainEpochs(place, {
    directoryOf: (epoch) => join(folder, epoch),
    fetched,
    room: () => Promise.resolve(),
    onProgress,
  }).finally(() => rmSync(fetched, { recursive: true, force: true }))
  const verified = await verifyAll(epochs, trust, onProgress)
  const newest = verified.at(-1)
  const reader = await openReader(join(folder, String(newest?.epoch ?? '')))
  if (reader.origin !== config.origin)
    throw new CommandError(
      EXIT.usage,
      `${placeText(place)}: expected a backup of ${config.origin}, got one of ${reader.origin}`,
    )
  const { text } = await reader.checkpoint()
  const journal = await openJournal({
    ...journalOptions(loaded, now),
    start: { reason: 'restore', previous: text },
  })
  const { epoch } = journal
  await journal.close()
  const records = await rebuildProjection(loaded, 'sqlite', (done, of) => onProgress('store', done, of))
  return { epochs: verified.map((each) => each.epoch), epoch, records }
}

async function verifyAll(
  epochs: readonly CopiedEpoch[],
  trust: string | undefined,
  onProgress: Progress,
): Promise<readonly { readonly epoch: number; readonly report: VerifyReport }[]> {
  const verified = []
  for (const { epoch, directory } of epochs) {
    const report = await verifyJournal(directory, {
      // A key vouches for the log of its epoch.
      ...(trust?.includes(`/${epoch}+`) === true ? { trust } : {}),
      onProgress: ({ done, total }) => onProgress(`verifying epoch ${epoch}`, done, total),
    })
    if (report.fault !== undefined) {
      const { file, location, expected, got } = report.fault
      throw new CommandError(
        EXIT.findings,
        `epoch ${epoch} is broken: ${file}, ${location}: expected ${expected}, got ${got}`,
      )
    }
    verified.push({ epoch, report })
  }
  return verified
}
