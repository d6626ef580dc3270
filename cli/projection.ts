import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { JournalError } from '../journal/error.ts'
import { lockDirectory } from '../journal/lock.ts'
import { openHistory } from '../journal/epochs.ts'
import type { JournalReader } from '../journal/reader.ts'
import type { SealedRecord } from '../model/record.ts'
import { compareWithJournal } from '../store/compare.ts'
import type { Store } from '../store/contract.ts'
import { removeElasticsearchStore, openElasticsearchStore } from '../store/elasticsearch/store.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { CommandError, EXIT } from './exit.ts'
import type { LoadedConfig } from './load.ts'

/** The stores that a journal is projected into. */
export const PROJECTIONS = ['sqlite', 'elasticsearch'] as const
export type ProjectionName = (typeof PROJECTIONS)[number]

/** Records applied at once: each time is a transaction, or a request. */
const BATCH_RECORDS = 5000

type Comparison = Awaited<ReturnType<typeof compareWithJournal>>

/** Where a store differs from what its journal gives. vigil may go on writing the embedded store, of which a copy is compared, but not Elasticsearch. */
export async function compareProjection(
  loaded: LoadedConfig,
  name: ProjectionName,
  onProgress: (entries: number, of: number) => void,
): Promise<Comparison> {
  await using undo = new AsyncDisposableStack()
  const reader = await openHistory(loaded.journalDirectory)
  const copy = temporaryBeside(loaded.storeFile, 'compared')
  const reference = temporaryBeside(loaded.storeFile, 'reference')
  undo.defer(() => removeDatabase(copy))
  undo.defer(() => removeDatabase(reference))
  if (name === 'sqlite') await copyDatabase(loaded.storeFile, copy)
  else undo.use(stopped(loaded))
  const store = name === 'sqlite' ? await openSqliteStore({ file: copy }) : await openElasticsearch(loaded)
  undo.defer(() => store.close())
  const made = await openSqliteStore({ file: reference })
  undo.defer(() => made.close())
  return await compareWithJournal(counted(reader, (await reader.checkpoint()).size, onProgress), store, made)
}

/** Makes a store anew from the journal; vigil must not run. Until it is whole, the embedded one stays as it is. Returns the records applied. */
export async function rebuildProjection(
  loaded: LoadedConfig,
  name: ProjectionName,
  onProgress: (entries: number, of: number) => void,
): Promise<number> {
  using undo = new DisposableStack()
  undo.use(stopped(loaded))
  const reader = await openHistory(loaded.journalDirectory)
  const journal = counted(reader, (await reader.checkpoint()).size, onProgress)
  if (name === 'elasticsearch') {
    await removeElasticsearchStore(requireElasticsearch(loaded))
    const store = await openElasticsearch(loaded)
    return await applyAll(journal, store).finally(() => store.close())
  }
  const file = temporaryBeside(loaded.storeFile, 'rebuilt')
  try {
    const store = await openSqliteStore({ file })
    const applied = await applyAll(journal, store).finally(() => store.close())
    removeDatabase(loaded.storeFile)
    renameSync(file, loaded.storeFile)
    return applied
  } finally {
    removeDatabase(file)
  }
}

/** Returns the records applied. */
export async function applyAll(
  journal: AsyncIterable<readonly SealedRecord[]>,
  store: Pick<Store, 'apply'>,
): Promise<number> {
  let applied = 0
  let waiting: SealedRecord[] = []
  const apply = async (): Promise<void> => {
    await store.apply(waiting)
    applied += waiting.length
    waiting = []
  }
  for await (const batch of journal) {
    waiting.push(...batch)
    if (waiting.length >= BATCH_RECORDS) await apply()
  }
  if (waiting.length > 0) await apply()
  return applied
}

async function* counted(
  reader: JournalReader,
  size: number,
  onProgress: (entries: number, of: number) => void,
): AsyncGenerator<readonly SealedRecord[]> {
  for await (const batch of reader.read()) {
    yield batch
    const done = (batch.at(-1)?.position.entry ?? 0) + 1
    onProgress(done, Math.max(done, size))
  }
}

/** Holds the journal's lock, so that no vigil starts meanwhile. Throws CommandError when one runs. */
function stopped({ journalDirectory }: LoadedConfig): Disposable {
  try {
    const lock = lockDirectory(journalDirectory)
    return { [Symbol.dispose]: () => lock.release() }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    throw new CommandError(EXIT.failed, `${error.message}: stop vigil first`)
  }
}

function openElasticsearch(loaded: LoadedConfig): Promise<Store> {
  return openElasticsearchStore(requireElasticsearch(loaded))
}

function requireElasticsearch({ elasticsearch }: LoadedConfig): NonNullable<LoadedConfig['elasticsearch']> {
  if (elasticsearch !== undefined) return elasticsearch
  throw new CommandError(EXIT.usage, 'elasticsearch: is not configured')
}

function temporaryBeside(file: string, what: string): string {
  return `${file}.${what}-${randomBytes(4).toString('hex')}`
}

/** As of one moment, while another process writes it. */
async function copyDatabase(file: string, copy: string): Promise<void> {
  // Opening it would make it.
  if (!existsSync(file))
    throw new CommandError(EXIT.failed, `${file}: no such store; vigil run makes it, vigil rebuild too`)
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    await backup(database, copy)
  } finally {
    database.close()
  }
}

function removeDatabase(file: string): void {
  for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true })
}
