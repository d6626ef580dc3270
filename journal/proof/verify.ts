import type { RecordId } from '../../model/recordId.ts'
import { formatRecordId } from '../../model/recordId.ts'
import type { Timestamp } from '../../model/time.ts'
import { parseCheckpoint, parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { JournalError, type Mismatch } from '../error.ts'
import { verifyNote, type VerifierKey } from '../note.ts'
import type { Envelope } from '../record.ts'
import { leafHash } from '../tree.ts'
import { decodeExtra, openEvidence } from './evidence.ts'
import { parseProof, type ConsistencyProof, type InclusionProof } from './format.ts'
import { rootOfInclusion, rootsOfConsistency } from './merkle.ts'

/** What a proof shows. */
export interface ProofReport {
  readonly kind: 'inclusion' | 'consistency'
  /** `self_consistent`: everything in it fits together, but no key from outside says whose log it is about. */
  readonly verdict: 'authenticated' | 'self_consistent' | 'broken'
  /** Origin line of the log: `<origin>/<epoch>`. '' when it could not be read. */
  readonly origin: string
  /** Entries under the checkpoint, and its root in lower-case hex. */
  readonly size: number
  readonly root: string
  /** Trusted keys that signed the checkpoint: `name+id`. */
  readonly signedBy: readonly string[]
  /** What is proven to be in the log; of inclusion only. */
  readonly record?: ProvenRecord
  /** Entries of the earlier checkpoint, with which the log begins; of consistency only. */
  readonly earlier?: { readonly size: number; readonly root: string }
  /** Present exactly when the verdict is broken. */
  readonly fault?: Mismatch
}

interface ProvenRecord {
  readonly id: RecordId
  readonly kind: Envelope['kind']
  /** When it was journaled, according to the log. */
  readonly recorded: Timestamp
  /** Canonical JSON, octet for octet what was hashed. */
  readonly text: string
}

/** Verifies a proof from its text alone. Throws JournalError(format) when the text is no proof. Without `trusted` nobody vouches for the checkpoint. */
export function verifyProof(text: string, trusted: readonly VerifierKey[] | undefined): ProofReport {
  const proof = parseProof(text)
  const unread = { kind: proof.kind, origin: '', size: 0, root: '', signedBy: [] }
  try {
    return { ...unread, ...verified(proof, trusted) }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    const fault = error.mismatch ?? { expected: 'a proof', got: error.message }
    return { ...unread, verdict: 'broken', fault }
  }
}

function verified(
  proof: InclusionProof | ConsistencyProof,
  trusted: readonly VerifierKey[] | undefined,
): Omit<ProofReport, 'kind'> {
  const { checkpoint, signedBy } = openCheckpoint(proof.checkpoint, trusted)
  const { origin, size, root } = checkpoint
  return {
    verdict: trusted === undefined ? 'self_consistent' : 'authenticated',
    origin,
    size,
    root,
    signedBy,
    ...(proof.kind === 'inclusion'
      ? { record: provenRecord(proof, checkpoint) }
      : { earlier: earlierTree(proof, checkpoint, trusted) }),
  }
}

/** A checkpoint that stands in a proof, and the trusted keys that signed it: `name+id`. Throws JournalError(format, altered). */
export function openCheckpoint(
  text: string,
  trusted: readonly VerifierKey[] | undefined,
): { readonly checkpoint: Checkpoint; readonly signedBy: readonly string[] } {
  const { checkpoint, note } = parseCheckpoint(text)
  if (trusted === undefined) return { checkpoint, signedBy: [] }
  // A key vouches for the log of its name.
  const own = trusted.filter(({ name }) => name === checkpoint.origin)
  const signers = verifyNote(note, own).map(({ name, id }) => `${name}+${id}`)
  if (signers.length === 0)
    throw new JournalError('altered', {
      expected: `a checkpoint signed by ${trusted.map(({ name, id }) => `${name}+${id}`).join(' or ')}`,
      got: note.signatures.map(({ name, id }) => `${name}+${id}`).join(', ') || 'no signature',
    })
  return { checkpoint, signedBy: signers }
}

function provenRecord({ index, hashes, extra }: InclusionProof, checkpoint: Checkpoint): ProvenRecord {
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
  const id = formatRecordId(log.origin, log.epoch, { entry: index, n: evidence.n })
  return { id, kind: envelope.kind, recorded: envelope.recorded, text: evidence.record.toString() }
}

function earlierTree(
  { earlier, hashes }: ConsistencyProof,
  checkpoint: Checkpoint,
  trusted: readonly VerifierKey[] | undefined,
): { readonly size: number; readonly root: string } {
  const { checkpoint: before } = openCheckpoint(earlier, trusted)
  if (before.origin !== checkpoint.origin)
    throw new JournalError('altered', {
      expected: `an earlier checkpoint of ${checkpoint.origin}`,
      got: `one of ${before.origin}`,
    })
  const sizes = { before: before.size, size: checkpoint.size }
  const roots = rootsOfConsistency(Buffer.from(before.root, 'hex'), sizes, hashes)
  requireRoot(roots?.before, before, `the first ${before.size} entries`)
  requireRoot(roots?.after, checkpoint, `all ${checkpoint.size} entries`)
  return { size: before.size, root: before.root }
}

function requireRoot(root: Uint8Array | undefined, checkpoint: Checkpoint, of: string): void {
  const got = root === undefined ? 'a path of another length' : Buffer.from(root).toString('hex')
  if (got !== checkpoint.root)
    throw new JournalError('altered', { expected: `the signed root ${checkpoint.root}`, got, where: of })
}
