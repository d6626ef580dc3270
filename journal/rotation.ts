import { JournalError } from './error.ts'
import {
  formatVerifierKey,
  parseNote,
  parseVerifierKeys,
  textSignatureBy,
  textSigners,
  type Signer,
  type VerifierKey,
} from './note.ts'

// How one key of a log hands over to the next of its type: it signs the next one's name and octets, and this note becomes a record. What comes after that
// record is signed by the next key.

const HEADER = 'pki-vigil key rotation'

/** What a log signs with: every checkpoint, and the one that is kept of each hour besides. */
export const LOG_KEY_TYPES = ['ed25519', 'ml_dsa_44_cosigner'] as const
export type LogKeyType = (typeof LOG_KEY_TYPES)[number]

/** A record by which one key hands over to the next, as the log tells it. */
export interface HandOver {
  readonly entry: number
  readonly endorsement: string
}

/** The note by which a key names its successor. Rejects with JournalError(key). */
export async function endorse(signer: Signer, next: VerifierKey): Promise<string> {
  const text = `${HEADER}\n${formatVerifierKey(next)}\n`
  return `${text}\n${await textSignatureBy(signer, text)}`
}

/** A successor, and the id of the key that is said to name it. */
export interface Endorsement {
  readonly next: VerifierKey & { readonly type: LogKeyType }
  readonly by: string
  /** The one of these keys that signed it. Throws JournalError(altered). */
  readonly signer: (keys: readonly VerifierKey[]) => VerifierKey | undefined
}

/** Reads an endorsement; whether it is signed, `signer` tells. Throws JournalError(format). */
export function parseEndorsement(note: string): Endorsement {
  const parsed = parseNote(note)
  const [header, line = '', ...rest] = parsed.text.split('\n')
  const [next] = header === HEADER && rest.join('') === '' ? parseVerifierKeys(line) : []
  const [signature, ...others] = parsed.signatures
  if (next === undefined || !isLogKey(next) || signature === undefined || others.length > 0)
    throw new JournalError('format', {
      expected: `the lines "${HEADER}" and an Ed25519 or ML-DSA-44 key, and one signature`,
      got: 'others',
    })
  return {
    next,
    by: signature.id,
    signer: (keys) =>
      textSigners(
        parsed,
        keys.filter(({ type, name }) => type === next.type && name === next.name),
      )[0],
  }
}

/** The successor that one of these keys names; of the same log and type. Throws JournalError(format, altered). */
export function openEndorsement(note: string, keys: readonly VerifierKey[]): Endorsement['next'] {
  const { next, by, signer } = parseEndorsement(note)
  if (signer(keys) !== undefined) return next
  throw new JournalError('altered', {
    expected: `a key named by ${keys.map(({ name, id }) => `${name}+${id}`).join(' or ')}`,
    got: `one named by ${next.name}+${by}`,
  })
}

/** The keys of a log of one type, in the order of their periods. The last may be announced only. */
export function keysOfType(keys: readonly VerifierKey[], wanted: LogKeyType): readonly VerifierKey[] {
  return keys.filter(({ type, name }) => type === wanted && name === keys[0]?.name)
}

/** Those that sign every checkpoint. */
export function logKeys(keys: readonly VerifierKey[]): readonly VerifierKey[] {
  return keysOfType(keys, 'ed25519')
}

/** The keys in force, one of each type that the log has: the last one that was handed over to. */
export function keysInForce(
  keys: readonly VerifierKey[],
  handOvers: readonly HandOver[],
): readonly VerifierKey[] {
  const named = new Set(handOvers.map(({ endorsement }) => parseEndorsement(endorsement).next.id))
  return LOG_KEY_TYPES.flatMap((type) => {
    const [first, ...later] = keysOfType(keys, type)
    return later.findLast(({ id }) => named.has(id)) ?? first ?? []
  })
}

/** Without those that were announced after the ones in force, and have signed nothing. */
export function usedKeys(
  keys: readonly VerifierKey[],
  inForce: readonly VerifierKey[],
): readonly VerifierKey[] {
  const announced = new Set(
    inForce.flatMap(({ id, type }) => {
      const ofType = keys.filter((key) => key.type === type && key.name === keys[0]?.name)
      return ofType.slice(ofType.findIndex((key) => key.id === id) + 1)
    }),
  )
  return keys.filter((key) => !announced.has(key))
}

function isLogKey(key: VerifierKey): key is VerifierKey & { readonly type: LogKeyType } {
  return LOG_KEY_TYPES.some((type) => type === key.type)
}
