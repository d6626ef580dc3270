import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Journal } from '../../journal/journal.ts'
import { verifyFiles, type VerifyReport } from '../../journal/verify.ts'
import { MemoryDisk } from './memoryDisk.ts'
import { FakeClock, makePlace, memorySource, openTestJournal, type Place } from './support.ts'

export type Files = Map<string, Buffer>

/** A journal in memory; its directory holds only the lock. */
export interface Bench {
  readonly place: Place
  readonly clock: FakeClock
  disk: MemoryDisk
}

export async function makeBench(t: TestContext): Promise<Bench> {
  const place = await makePlace(t)
  await mkdir(place.directory)
  return { place, clock: new FakeClock(), disk: new MemoryDisk() }
}

export async function open({ place, clock, disk }: Bench): Promise<Journal> {
  return await openTestJournal(place, { disk, now: clock.now })
}

/** The files by their names in the journal. */
export function filesOf({ place, disk }: Bench): Files {
  return new Map(
    Array.from(disk.snapshot(), ([path, bytes]) => [path.slice(place.directory.length + 1), bytes]),
  )
}

export function restore(bench: Bench, files: ReadonlyMap<string, Buffer>): void {
  bench.disk = MemoryDisk.of(
    new Map(Array.from(files, ([path, bytes]) => [join(bench.place.directory, path), bytes])),
  )
}

export async function verify(bench: Bench): Promise<VerifyReport> {
  return await verifyFiles(memorySource(filesOf(bench)))
}
