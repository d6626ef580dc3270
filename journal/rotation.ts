import { join } from 'node:path'
import { readBlocks } from './blocks.ts'
import { parseCheckpoint } from './checkpoint.ts'
import type { Disk } from './disk.ts'
import { JournalError } from './error.ts'
import {
  formatVerifierKey,
  parseNote,
  parseVerifierKeys,
  signatureBy,
  verifyNote,
  type Signer,
  type VerifierKey,
} from './note.ts'
import { CHECKPOINT_PATH } from './publisher.ts'
import { checkRecord, isErased } from './record.ts'

// How one key of a log hands over to the next: it signs the next one's name and octets, and this note becomes a record. What comes after that record is
// signed by the next key.

const HEADER = 'pki-vigil key rotation'

/** The note by which a key names its successor. Rejects with JournalError(key). */
export async function endorse(signer: Signer, next: VerifierKey): Promise<string> {
  const text = `${HEADER}\n${formatVerifierKey(next)}\n`
  return `${text}\n${await signatureBy(signer, text, 0)}`
}

/** The successor that one of these keys names; of the same log. Throws JournalError(format, altered). */
export function openEndorsement(note: string, keys: readonly VerifierKey[]): VerifierKey {
  const parsed = parseNote(note)
  const [header, line = '', ...rest] = parsed.text.split('\n')
  const [next] = header === HEADER && rest.join('') === '' ? parseVerifierKeys(line) : []
  if (next?.type !== 'ed25519')
    throw new JournalError('format', { expected: `the lines "${HEADER}" and an Ed25519 key`, got: 'others' })
  const [by] = verifyNote(parsed, keys)
  if (by?.name !== next.name)
    throw new JournalError('altered', {
      expected: `a key named by ${keys.map(({ name, id }) => `${name}+${id}`).join(' or ')}`,
      got: parsed.signatures.map(({ name, id }) => `one named by ${name}+${id}`).join(', '),
    })
  return next
}

/** The keys that sign every checkpoint, in the order of their periods. The last may be announced only. */
export function logKeys(keys: readonly VerifierKey[]): readonly VerifierKey[] {
  return keys.filter(({ type, name }) => type === 'ed25519' && name === keys[0]?.name)
}

/** Without those that were announced after the one in force, and have signed nothing. */
export function usedKeys(keys: readonly VerifierKey[], inForce: VerifierKey): readonly VerifierKey[] {
  const log = logKeys(keys)
  const announced = new Set(log.slice(log.findIndex(({ id }) => id === inForce.id) + 1))
  return keys.filter((key) => !announced.has(key))
}

/** The key that signs the checkpoint of every hour besides. */
export function postQuantumKey(keys: readonly VerifierKey[]): VerifierKey | undefined {
  return keys.find(({ type, name }) => type === 'ml_dsa_44_cosigner' && name === keys[0]?.name)
}

/**
 * Throws JournalError(key) unless this key of the log is the one in force. The last one may be announced only: then no record hands over to it. Such a record,
 * once it is written, is under the next checkpoint and the last entry of that, or comes after it.
 */
export async function requireInForce(
  disk: Disk,
  directory: string,
  log: { readonly keys: readonly VerifierKey[]; readonly own: VerifierKey },
): Promise<void> {
  const keys = logKeys(log.keys)
  const isHandedOver = keys.length === 1 || (await isLastInForce(disk, directory, keys))
  const inForce = keys.at(isHandedOver ? -1 : -2)
  if (inForce?.id === log.own.id) return
  const message = `${directory}: expected the key that is in force, ${inForce?.id ?? ''}, got ${log.own.id}`
  throw new JournalError('key', message)
}

async function isLastInForce(disk: Disk, directory: string, keys: readonly VerifierKey[]): Promise<boolean> {
  const text = (await disk.read(join(directory, CHECKPOINT_PATH)))?.toString()
  const published = text === undefined ? undefined : parseCheckpoint(text)
  if (published !== undefined && verifyNote(published.note, keys.slice(-1)).length > 0) return true
  const from = Math.max(0, (published?.checkpoint.size ?? 0) - 1)
  for await (const { records } of readBlocks(disk, directory, from))
    if (records.some((record) => !isErased(record) && checkRecord(record).kind === 'key')) return true
  return false
}
