import { parseCheckpoint, parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { VERIFIER_KEYS } from '../identity.ts'
import { formatVerifierKey, parseVerifierKeys, verifyNote, type VerifierKey } from '../note.ts'
import { CHECKPOINT_PATH } from '../publisher.ts'
import { logKeys } from '../rotation.ts'
import { fault, inFile } from './fault.ts'
import type { FileSource } from './source.ts'

export interface SignedSize extends Checkpoint {
  readonly file: string
}

export interface Identity {
  /** Origin line: `<origin>/<epoch>`. */
  readonly log: string
  readonly epoch: number
  readonly keys: readonly VerifierKey[]
}

/** The log that the directory says it holds. Throws FaultFound. */
export async function readIdentity(source: FileSource): Promise<Identity> {
  const text = (await source.read(VERIFIER_KEYS))?.toString()
  if (text === undefined) throw fault(VERIFIER_KEYS, '', 'verifier keys', 'no file')
  const keys = inFile(VERIFIER_KEYS, '', () => parseVerifierKeys(text))
  const name = keys[0]?.name ?? ''
  const identity = parseOrigin(name)
  if (identity === undefined) throw fault(VERIFIER_KEYS, 'line 1', 'a key named <origin>/<epoch>', name)
  if (keys.map((key) => `${formatVerifierKey(key)}\n`).join('') !== text)
    throw fault(VERIFIER_KEYS, '', 'one key a line and nothing else', 'other lines')
  return { log: name, epoch: identity.epoch, keys }
}

/** The published checkpoint. Throws FaultFound. */
export async function readPublished(source: FileSource, identity: Identity): Promise<SignedSize> {
  return await readSigned(source, CHECKPOINT_PATH, identity)
}

/** Checkpoints of the history, oldest first. Throws FaultFound. */
export async function readHistory(
  source: FileSource,
  paths: readonly string[],
  identity: Identity,
): Promise<readonly SignedSize[]> {
  const history: SignedSize[] = []
  for (const path of paths) {
    const checkpoint = await readSigned(source, path, identity)
    const before = history.at(-1)?.size ?? 0
    if (checkpoint.size < before)
      throw fault(path, 'size', `at least ${before} entries, as before`, `${checkpoint.size}`)
    history.push(checkpoint)
  }
  return history
}

async function readSigned(source: FileSource, path: string, identity: Identity): Promise<SignedSize> {
  const text = (await source.read(path))?.toString()
  if (text === undefined) throw fault(path, '', 'a signed checkpoint', 'no file')
  return openSigned(path, text, identity)
}

/** A checkpoint of this log, signed by a key of it; which one was in force is for KeyPeriods. Throws FaultFound. */
export function openSigned(path: string, text: string, { log, keys }: Identity): SignedSize {
  return inFile(path, '', () => {
    const { checkpoint, note } = parseCheckpoint(text)
    if (checkpoint.origin !== log) throw fault(path, 'line 1', `origin ${log}`, checkpoint.origin)
    if (verifyNote(note, logKeys(keys)).length === 0) {
      const wanted = logKeys(keys)
        .map((key) => `${key.name}+${key.id}`)
        .join(' or ')
      const found = note.signatures.map((s) => `${s.name}+${s.id}`).join(', ')
      throw fault(path, 'signatures', `one by ${wanted}`, found)
    }
    return { ...checkpoint, file: path }
  })
}
