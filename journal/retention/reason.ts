import { formatRecordId, type Position } from '../../model/recordId.ts'
import type { Disk } from '../disk.ts'
import { readIdentity } from '../identity.ts'
import { parseRetention, RetentionClaims } from './claims.ts'
import { readRecords } from './records.ts'

/** Why a record is not there any more, in words; undefined when no record says so. Reads the whole journal. Throws JournalError(altered, format). */
export async function whyGone(
  disk: Disk,
  directory: string,
  { entry, n }: Position,
): Promise<string | undefined> {
  const { origin, epoch } = await readIdentity(disk, directory)
  for await (const { entry: at, n: place, envelope } of readRecords(disk, directory)) {
    if (envelope.kind !== 'retention') continue
    const retention = parseRetention(envelope.body)
    const claims = new RetentionClaims()
    claims.add(retention)
    const how = claims.isErased(entry, n) ? 'erased' : entry < claims.entries ? 'pruned' : undefined
    if (how === undefined) continue
    const said = formatRecordId(origin, epoch, { entry: at, n: place })
    return `one that was ${how} by ${retention.by}: ${retention.reason} (${said} says so; backups, mirrors and archives from before may have it)`
  }
  return undefined
}
