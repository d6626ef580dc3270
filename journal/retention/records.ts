import type { Position } from '../../model/recordId.ts'
import { fromTimestamp } from '../../model/time.ts'
import { readBlocks } from '../blocks.ts'
import type { Disk } from '../disk.ts'
import { checkRecord, isErased, type Envelope } from '../record.ts'

export interface ReadRecord extends Position {
  readonly envelope: Envelope
  /** When it was journaled, in ms since the Unix epoch. */
  readonly recorded: number
}

/** Every record that is left of the entries [from, to), in order. Throws JournalError. */
export async function* readRecords(
  disk: Disk,
  directory: string,
  from = 0,
  to?: number,
): AsyncGenerator<ReadRecord> {
  for await (const { entry, records } of readBlocks(disk, directory, from, to))
    for (const [n, bytes] of records.entries()) {
      if (isErased(bytes)) continue
      const envelope = checkRecord(bytes)
      yield { entry, n, envelope, recorded: fromTimestamp(envelope.recorded) }
    }
}
