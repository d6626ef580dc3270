import type { RecordId } from '../../model/recordId.ts'
import { formatRecordId } from '../../model/recordId.ts'
import type { Timestamp } from '../../model/time.ts'
import { parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { JournalError } from '../error.ts'
import type { Envelope } from '../record.ts'
import { leafHash } from '../tree.ts'
import { decodeExtra, openEvidence } from './evidence.ts'
import type { InclusionProof } from './format.ts'
import { rootOfInclusion } from './merkle.ts'

/** A record that is proven to be in a log. */
export interface ProvenRecord {
  readonly id: RecordId
  readonly kind: Envelope['kind']
  /** When it was journaled, according to the log. */
  readonly recorded: Timestamp
  /** Canonical JSON, octet for octet what was hashed. */
  readonly text: string
}

/** Whether who signed the checkpoint is to be believed is for others. Throws JournalError(format, invalid_record, altered). */
export function provenRecord(
  { index, hashes, extra }: Pick<InclusionProof, 'index' | 'hashes' | 'extra'>,
  checkpoint: Checkpoint,
): ProvenRecord & { readonly n: number; readonly envelope: Envelope } {
  const evidence = decodeExtra(extra)
  const root = rootOfInclusion(leafHash(evidence.entry), { index, size: checkpoint.size }, hashes)
  requireRoot(root, checkpoint, `the inclusion of entry ${index}`)
  const { entry, envelope } = openEvidence(evidence)
  const log = parseOrigin(checkpoint.origin)
  if (log?.epoch !== entry.epoch)
    throw new JournalError('altered', {
      expected: `an entry of ${checkpoint.origin}`,
      got: `one of epoch ${entry.epoch}`,
    })
  const { n, record } = evidence
  const id = formatRecordId(log.origin, log.epoch, { entry: index, n })
  return { id, kind: envelope.kind, recorded: envelope.recorded, text: record.toString(), n, envelope }
}

/** Throws JournalError(altered) unless this is the root that the checkpoint signs. */
export function requireRoot(root: Uint8Array | undefined, checkpoint: Checkpoint, of: string): void {
  const got = root === undefined ? 'a path of another length' : Buffer.from(root).toString('hex')
  if (got !== checkpoint.root)
    throw new JournalError('altered', { expected: `the signed root ${checkpoint.root}`, got, where: of })
}
