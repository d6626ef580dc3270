import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backUp, type BackupReport } from '../journal/backup.ts'
import { directoryTarget } from '../journal/backupDirectory.ts'
import { earlierEpochs, epochDirectories, openHistory } from '../journal/epochs.ts'
import { VERIFIER_KEYS } from '../journal/identity.ts'
import { openJournal } from '../journal/journal.ts'
import { openReader } from '../journal/reader.ts'
import { verifyJournal, type VerifyReport } from '../journal/verify.ts'
import type { Clock } from '../model/time.ts'
import { compareWithJournal } from '../store/compare.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { CommandError, EXIT } from './exit.ts'
import type { LoadedConfig } from './load.ts'
import { applyAll, rebuildProjection } from './projection.ts'

type Progress = (label: string, done: number, of: number) => void

/** A backup holds a directory for each epoch, named by it. */
export async function backUpAll(
  journalDirectory: string,
  place: string,
  onProgress: Progress,
): Promise<readonly BackupReport[]> {
  const reports: BackupReport[] = []
  for (const directory of await epochDirectories(journalDirectory)) {
    const { epoch } = await openReader(directory)
    const target = directoryTarget(join(place, String(epoch)))
    reports.push(await backUp(directory, target, (done, of) => onProgress(`epoch ${epoch}`, done, of)))
  }
  return reports
}

export interface Drill {
  readonly epochs: readonly { readonly epoch: number; readonly report: VerifyReport }[]
  /** Documents and state of a store made from it, compared with one made again; none may differ. */
  readonly compared: number
  readonly differences: number
  /** Milliseconds for all of it. */
  readonly duration: number
}

/** Restores a backup into a scratch place, verifies what is there, makes a store of it, and removes it. Throws CommandError when it does not hold. */
export async function drill(
  place: string,
  {
    trust,
    now,
    onProgress,
  }: { readonly trust: string | undefined; readonly now: Clock; readonly onProgress: Progress },
): Promise<Drill> {
  const began = now()
  const scratch = mkdtempSync(join(tmpdir(), 'vigil-restore-drill-'))
  try {
    const journal = join(scratch, 'journal')
    const epochs = await copyEpochs(
      place,
      (epoch, newest) => (newest ? journal : join(earlierEpochs(journal), epoch)),
      onProgress,
    )
    const verified = await verifyAll(epochs, trust, onProgress)
    const store = await openSqliteStore({ file: join(scratch, 'store.db') })
    const reference = await openSqliteStore({ file: join(scratch, 'reference.db') })
    try {
      await applyAll((await openHistory(journal)).read(), store)
      const { compared, differences } = await compareWithJournal(
        (await openHistory(journal)).read(),
        store,
        reference,
      )
      return { epochs: verified, compared, differences: differences.length, duration: now() - began }
    } finally {
      await store.close()
      await reference.close()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * Puts a backup in the place of a journal that is lost: its epochs become earlier ones, and a new one begins, whose first record names the last checkpoint
 * that is known. Makes the store anew. Throws CommandError: a journal is there, the backup does not verify, or it is another's.
 */
export async function restore(
  place: string,
  loaded: LoadedConfig,
  {
    trust,
    now,
    onProgress,
  }: { readonly trust: string | undefined; readonly now: Clock; readonly onProgress: Progress },
): Promise<{ readonly epochs: readonly number[]; readonly epoch: number; readonly records: number }> {
  const { journalDirectory, config, keyFile, signCommand } = loaded
  if (existsSync(join(journalDirectory, VERIFIER_KEYS)))
    throw new CommandError(
      EXIT.failed,
      `${journalDirectory}: a journal is there; move it away first, nothing is written over`,
    )
  const folder = earlierEpochs(journalDirectory)
  const epochs = await copyEpochs(place, (epoch) => join(folder, epoch), onProgress)
  const verified = await verifyAll(epochs, trust, onProgress)
  const newest = verified.at(-1)
  const reader = await openReader(join(folder, String(newest?.epoch ?? '')))
  if (reader.origin !== config.origin)
    throw new CommandError(
      EXIT.usage,
      `${place}: expected a backup of ${config.origin}, got one of ${reader.origin}`,
    )
  const { text } = await reader.checkpoint()
  const journal = await openJournal({
    directory: journalDirectory,
    origin: config.origin,
    keyFile,
    signCommand,
    now,
    random: randomBytes,
    start: { reason: 'restore', previous: text },
  })
  const { epoch } = journal
  await journal.close()
  const records = await rebuildProjection(loaded, 'sqlite', (done, of) => onProgress('store', done, of))
  return { epochs: verified.map((each) => each.epoch), epoch, records }
}

interface CopiedEpoch {
  readonly epoch: number
  readonly directory: string
}

async function copyEpochs(
  place: string,
  directoryOf: (epoch: string, newest: boolean) => string,
  onProgress: Progress,
): Promise<readonly CopiedEpoch[]> {
  const names = (await readdir(place))
    .filter((name) => /^\d{1,15}$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
  if (names.length === 0)
    throw new CommandError(EXIT.usage, `${place}: expected a backup made by vigil backup, got no epoch in it`)
  const copied: CopiedEpoch[] = []
  for (const name of names) {
    const directory = directoryOf(name, name === names.at(-1))
    await backUp(join(place, name), directoryTarget(directory), (done, of) =>
      onProgress(`epoch ${name}`, done, of),
    )
    copied.push({ epoch: Number(name), directory })
  }
  return copied
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
