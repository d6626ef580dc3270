import { randomBytes } from 'node:crypto'
import { openJournal } from '../../journal/journal.ts'
import { openReader } from '../../journal/reader.ts'
import type { ArtifactRef } from '../../model/observation.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'

/**
 * The journal as its operator would write it anew, with the key, after the fact: every record where it stood, at the time at which it was journaled, but for
 * what `alter` makes of it.
 */
export async function forge(
  directory: string,
  { into, keyFile }: { readonly into: string; readonly keyFile: string },
  alter: (record: SealedRecord) => NewRecord,
): Promise<void> {
  const reader = await openReader(directory)
  const clock = { ms: reader.epoch * 1000 }
  const journal = await openJournal({
    directory: into,
    keyFile,
    origin: reader.origin,
    now: () => clock.ms,
    random: randomBytes,
    sealInterval: 0,
    publishInterval: 3_600_000,
  })
  for await (const batch of reader.read()) {
    // The journal has made its own.
    if (batch[0]?.kind === 'epoch') continue
    const altered = batch.map((record) => ({ record: alter(record), at: fromTimestamp(record.recorded) }))
    for (const { mediaType, digest } of altered.flatMap(({ record }) => artifactsOf(record))) {
      const bytes = await reader.getArtifact(digest)
      if (bytes !== undefined) await journal.putArtifact({ mediaType, bytes })
    }
    // Before anything of it is sealed, so that it is one entry again.
    const appended = altered.map(({ record, at }) => {
      clock.ms = at
      return journal.append([record])
    })
    await Promise.all(appended)
  }
  await journal.close()
}

function artifactsOf(record: NewRecord): readonly ArtifactRef[] {
  return record.kind === 'observation' || record.kind === 'configuration' ? record.body.artifacts : []
}
