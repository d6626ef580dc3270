import type { Checkpoint } from '../checkpoint.ts'
import { JournalError, type Mismatch } from '../error.ts'
import type { VerifierKey } from '../note.ts'
import { decodeExtra } from './evidence.ts'
import { parseProof, type ConsistencyProof, type InclusionProof } from './format.ts'
import { provenRecord, requireRoot, type ProvenRecord } from './inclusion.ts'
import { rootsOfConsistency } from './merkle.ts'
import { TrustedKeys } from './trust.ts'

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

/** Verifies a proof from its text alone. Throws JournalError(format) when the text is no proof. Without `trusted` nobody vouches for the checkpoint. */
export function verifyProof(text: string, trusted: readonly VerifierKey[] | undefined): ProofReport {
  const verdict = trusted === undefined ? 'self_consistent' : 'authenticated'
  return verifyProofWith(text, new TrustedKeys(trusted), verdict)
}

/** The same within another file, whose keys are known. */
export function verifyProofWith(
  text: string,
  keys: TrustedKeys,
  verdict: Exclude<ProofReport['verdict'], 'broken'>,
): ProofReport {
  const proof = parseProof(text)
  const unread = { kind: proof.kind, origin: '', size: 0, root: '', signedBy: [] }
  try {
    return { ...unread, verdict, ...verified(proof, keys) }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    const fault = error.mismatch ?? { expected: 'a proof', got: error.message }
    return { ...unread, verdict: 'broken', fault }
  }
}

function verified(
  proof: InclusionProof | ConsistencyProof,
  keys: TrustedKeys,
): Omit<ProofReport, 'kind' | 'verdict'> {
  keys.learn(proof.kind === 'inclusion' ? decodeExtra(proof.extra).handOvers : proof.handOvers)
  const { checkpoint, signedBy } = keys.open(proof.checkpoint)
  const { origin, size, root } = checkpoint
  if (proof.kind === 'consistency')
    return { origin, size, root, signedBy, earlier: earlierTree(proof, checkpoint, keys) }
  const { id, kind, recorded, text } = provenRecord(proof, checkpoint)
  return { origin, size, root, signedBy, record: { id, kind, recorded, text } }
}

function earlierTree(
  { earlier, hashes }: ConsistencyProof,
  checkpoint: Checkpoint,
  keys: TrustedKeys,
): { readonly size: number; readonly root: string } {
  const { checkpoint: before } = keys.open(earlier)
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
