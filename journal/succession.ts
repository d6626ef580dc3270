import type { KeyObject } from 'node:crypto'
import { JournalError } from './error.ts'
import { verifierKey, type Signer, type VerifierKey } from './note.ts'
import { endorse } from './rotation.ts'

// Which keys a writer may sign with, and to which it may hand over.

/** Throws JournalError(key) unless these sign with the keys in force: a key that was announced, and that no record hands over to, signs nothing. */
export function requireInForce(
  directory: string,
  inForce: readonly VerifierKey[],
  signers: readonly Signer[],
): void {
  for (const { key: own } of signers) {
    const wanted = inForce.find(({ type }) => type === own.type)
    if (wanted?.id === own.id) continue
    const what = own.type === 'ed25519' ? 'key' : 'post-quantum key'
    const message = `${directory}: expected the ${what} that is in force, ${wanted?.id ?? ''}, got ${own.id}`
    throw new JournalError('key', message)
  }
}

/** A key that is handed over to, and the note that says so. */
interface Succession {
  readonly key: VerifierKey
  readonly endorsement: string
}

/** To which of these keys the own ones hand over, at most one of each type; `used` have signed this log. Rejects with JournalError(key). */
export async function successionTo(
  next: readonly KeyObject[],
  own: readonly Signer[],
  used: readonly VerifierKey[],
): Promise<readonly Succession[]> {
  const successions: Succession[] = []
  for (const publicKey of next) {
    const { from, to } = successor(own, publicKey)
    if (from.key.id === to.id) continue
    if ([...used, ...successions.map(({ key }) => key)].some(({ id }) => id === to.id))
      throw new JournalError('key', `expected a key that has not signed this journal, got ${to.id}`)
    successions.push({ key: to, endorsement: await endorse(from, to) })
  }
  if (successions.length === 0)
    throw new JournalError('key', 'expected a key that is not in force yet, got none')
  if (new Set(successions.map(({ key }) => key.type)).size < successions.length)
    throw new JournalError('key', 'expected at most one key of each type, got two')
  return successions
}

/** Who hands over to a key, and how that is called in this log. Throws JournalError(key). */
function successor(
  own: readonly Signer[],
  publicKey: KeyObject,
): { readonly from: Signer; readonly to: VerifierKey } {
  const type = publicKey.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'ml_dsa_44_cosigner'
  const from = own.find(({ key }) => key.type === type)
  if (from === undefined)
    throw new JournalError('key', 'expected an Ed25519 key: this journal has no post-quantum key')
  return { from, to: verifierKey(from.key.name, publicKey, type) }
}
