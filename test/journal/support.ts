import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { TestContext } from 'node:test'
import { openJournal, type Journal, type JournalOptions } from '../../journal/journal.ts'
import type { FileSource } from '../../journal/verify/source.ts'
import type { ArtifactRef } from '../../model/observation.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import type { Position } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'

export const ORIGIN = 'vigil.test/zone-a'

/** A clock that only the test moves. */
export class FakeClock {
  ms: number
  constructor(ms = Date.UTC(2026, 10, 22, 6, 44)) {
    this.ms = ms
  }
  readonly now = (): number => this.ms
}

export interface Place {
  readonly directory: string
  readonly keyFile: string
}

/** An empty place for one journal and its key; removed after the test. */
export async function makePlace(t: Pick<TestContext, 'after'>): Promise<Place> {
  const place = await newPlace()
  t.after(() => place.remove())
  return place
}

export async function newPlace(): Promise<Place & { remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'vigil-journal-'))
  const remove = () => rm(root, { recursive: true, force: true })
  return { directory: join(root, 'journal'), keyFile: join(root, 'key.pem'), remove }
}

/** Opens a journal that seals at once and publishes on demand. */
export async function openTestJournal(place: Place, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return await openJournal({
    ...place,
    origin: ORIGIN,
    now: new FakeClock().now,
    random: randomBytes,
    sealInterval: 0,
    publishInterval: 3_600_000,
    ...options,
  })
}

/** A small record that can be told from others by its number. */
export function numbered(number: number, ms = 0): NewRecord {
  return {
    kind: 'action',
    time: toTimestamp(ms),
    body: {
      kind: 'alert',
      id: `action-${number}`,
      status: 'sent',
      rule: 'crl_freshness_ok',
      subject: 'ca_crl[issuing-1]',
      receiver: 'http://127.0.0.1:9093',
      detail: 'x',
      evidence: [],
    },
  }
}

/** A good run of a probe of CRLs. */
export function observed(subject: string, artifacts: readonly ArtifactRef[], ms: number): NewRecord {
  const time = toTimestamp(ms)
  return {
    kind: 'observation',
    time,
    body: {
      subject,
      probe: 'crl',
      target: 'http://127.0.0.1/a.crl',
      vantage: 'default',
      start: time,
      duration: 12,
      outcome: 'success',
      facts: {},
      artifacts,
    },
  }
}

/** The number given to numbered(); undefined for other records. */
export function numberOf(record: SealedRecord): number | undefined {
  return record.kind === 'action' ? Number(record.body.id.slice('action-'.length)) : undefined
}

export async function readAll(
  source: { read(after?: Position): AsyncIterable<readonly SealedRecord[]> },
  after?: Position,
): Promise<SealedRecord[]> {
  const records: SealedRecord[] = []
  for await (const batch of source.read(after)) records.push(...batch)
  return records
}

export async function listFiles(directory: string): Promise<string[]> {
  const items = await readdir(directory, { recursive: true, withFileTypes: true })
  return items
    .filter((item) => item.isFile())
    .map((item) => relative(directory, join(item.parentPath, item.name)))
    .sort()
}

/** All files of a directory in memory. */
export async function loadFiles(directory: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const path of await listFiles(directory)) files.set(path, await readFile(join(directory, path)))
  return files
}

export function memorySource(files: ReadonlyMap<string, Buffer>): FileSource {
  return {
    list: () => Promise.resolve(Array.from(files, ([path, bytes]) => ({ path, size: bytes.length }))),
    read: (path) => Promise.resolve(files.get(path)),
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
