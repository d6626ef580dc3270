import type { NewRecord, Retention, SealedRecord } from '../../model/record.ts'
import { toTimestamp, type Clock } from '../../model/time.ts'
import type { ArtifactStore } from '../artifacts.ts'
import type { Disk } from '../disk.ts'
import { remove, type Outstanding, type Removed } from './apply.ts'

/** How a journal finds out what goes; it may be read elsewhere, since it takes a while. */
export interface RetentionWork {
  /** The records to write, by what is sealed now. */
  plan(): Promise<readonly Retention[]>
  /** What the records that are sealed now say is gone. */
  outstanding(): Promise<Outstanding>
}

export interface Retained {
  /** What says so in the journal. */
  readonly records: readonly SealedRecord[]
  readonly removed: Removed
}

/** What a journal does for it. */
interface Writer {
  append(records: readonly NewRecord[]): Promise<readonly SealedRecord[]>
  finishSegment(): Promise<void>
}

interface TakeOutOptions {
  readonly disk: Disk
  readonly directory: string
  readonly now: Clock
  readonly removal: Pick<ReturnType<ArtifactStore['beginRemoval']>, 'put' | 'remove'>
}

/** Journals what goes, has it signed, and takes it out. */
export async function takeOut(
  journal: Writer,
  work: RetentionWork,
  { disk, directory, now, removal }: TakeOutOptions,
): Promise<Retained> {
  // Records are erased in finished segments only.
  await journal.finishSegment()
  const time = toTimestamp(now())
  const records: SealedRecord[] = []
  for (const planned of await work.plan()) {
    const body = withoutArtifacts(planned, removal.put)
    // Each may take an entry of its own.
    records.push(...(await journal.append([{ kind: 'retention', time, body }])))
  }
  if (records.length > 0) await journal.finishSegment()
  const removed = await remove(disk, directory, await work.outstanding(), (gone) => removal.remove(gone))
  return { records, removed }
}

/** What was put again meanwhile is not gone. */
function withoutArtifacts(retention: Retention, put: ReadonlySet<string>): Retention {
  if (retention.action === 'hold' || retention.action === 'release') return retention
  return { ...retention, artifacts: retention.artifacts.filter((digest) => !put.has(digest)) }
}
