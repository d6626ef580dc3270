import { JournalError } from '../error.ts'
import { VERIFIER_KEYS } from '../identity.ts'
import { parseNote, verifyNote, type VerifierKey } from '../note.ts'
import { keysOfType, LOG_KEY_TYPES, openEndorsement, parseEndorsement, type LogKeyType } from '../rotation.ts'
import type { Identity, SignedSize } from './checkpoints.ts'
import { fault, inFile } from './fault.ts'

/** The keys of one type, in the order of their periods, and the entries with the records by which they handed over. */
interface Line {
  readonly keys: readonly VerifierKey[]
  readonly handOvers: { readonly entry: number; readonly endorsement: string; readonly next: VerifierKey }[]
}

/** Which key was in force when, as the log itself tells. */
export class KeyPeriods {
  readonly #identity: Identity
  readonly #lines: Readonly<Record<LogKeyType, Line>>

  constructor(identity: Identity) {
    this.#identity = identity
    const line = (type: LogKeyType): Line => ({ keys: keysOfType(identity.keys, type), handOvers: [] })
    this.#lines = { ed25519: line('ed25519'), ml_dsa_44_cosigner: line('ml_dsa_44_cosigner') }
  }

  /** Takes a record by which one key hands over to the next. Throws FaultFound. */
  handOver(entry: number, body: object, file: string, location: string): void {
    const inForce = LOG_KEY_TYPES.flatMap((type) => {
      const { keys, handOvers } = this.#lines[type]
      return keys[handOvers.length] ?? []
    })
    const endorsement = 'endorsement' in body && typeof body.endorsement === 'string' ? body.endorsement : ''
    const next = inFile(file, location, () => openEndorsement(endorsement, inForce))
    const { keys, handOvers } = this.#lines[next.type]
    if (keys[handOvers.length + 1]?.id !== next.id)
      throw fault(
        VERIFIER_KEYS,
        '',
        `the key ${next.id}, to which ${file}, ${location} hands over`,
        'another or none',
      )
    handOvers.push({ entry, endorsement, next })
  }

  /** The keys that all these records have handed over to, one of each type that the log has. */
  inForce(): readonly VerifierKey[] {
    return Object.values(this.#lines).flatMap(({ keys, handOvers }) => keys[handOvers.length] ?? [])
  }

  /** At most one key of each type is there that no record hands over to. Throws FaultFound. */
  checkAnnounced(notes: string[]): void {
    for (const { keys, handOvers } of Object.values(this.#lines)) {
      const extra = keys.slice(handOvers.length + 1)
      if (extra.length > 1)
        throw fault(
          VERIFIER_KEYS,
          '',
          'keys that a record hands over to',
          extra.map(({ id }) => id).join(', '),
        )
      for (const { id } of extra)
        notes.push(`${VERIFIER_KEYS}: key ${id} is announced, no record hands over to it`)
    }
  }

  /** Every checkpoint was signed by the key in force at its size, that of every hour by the post-quantum key too. Throws FaultFound. */
  check(checkpoints: readonly SignedSize[], history: readonly SignedSize[]): void {
    checkLine(this.#lines.ed25519, checkpoints)
    const postQuantum = this.#lines.ml_dsa_44_cosigner
    if (postQuantum.keys.length > 0) checkLine(postQuantum, history)
  }

  /**
   * What a trusted key vouches for: it signed the newest checkpoint, or handed over to the key that did, and a trusted post-quantum key the newest one that is
   * kept. Throws FaultFound.
   */
  checkTrust(last: SignedSize, history: readonly SignedSize[], trusted: readonly VerifierKey[]): void {
    const keys = this.#successors(trusted, 'ed25519')
    inFile(last.file, 'signatures', () => requireSigner(last.text, keys.length === 0 ? trusted : keys))
    const postQuantum = this.#successors(trusted, 'ml_dsa_44_cosigner')
    const newest = history.at(-1)
    if (postQuantum.length > 0 && newest !== undefined)
      inFile(newest.file, 'signatures', () => requireSigner(newest.text, postQuantum))
  }

  /** Those of these keys that are of the log, and those that they have handed over to. */
  #successors(trusted: readonly VerifierKey[], wanted: LogKeyType): readonly VerifierKey[] {
    const keys = trusted.filter(({ type, name }) => type === wanted && name === this.#identity.log)
    for (const { endorsement, next } of this.#lines[wanted].handOvers)
      if (parseEndorsement(endorsement).signer(keys) !== undefined) keys.push(next)
    return keys
  }
}

function checkLine({ keys, handOvers }: Line, checkpoints: readonly SignedSize[]): void {
  for (const { file, size, text } of checkpoints) {
    const allowed = keys.filter((_, period) => isInForce(handOvers, period, size))
    const signers = inFile(file, 'signatures', () => verifyNote(parseNote(text), keys))
    if (!signers.some((key) => allowed.includes(key)))
      throw fault(
        file,
        'signatures',
        `one by ${named(allowed)}, in force at ${size} entries`,
        named(signers) === '' ? 'none' : named(signers),
      )
  }
}

/** At the checkpoint under which the handing over stands, two keys are. */
export function isInForce(
  handOvers: readonly { readonly entry: number }[],
  period: number,
  size: number,
): boolean {
  const from = period === 0 ? -1 : (handOvers[period - 1]?.entry ?? Infinity)
  const until = handOvers[period]?.entry ?? Infinity
  return size > from && size <= until + 1
}

function requireSigner(text: string, keys: readonly VerifierKey[]): void {
  const note = parseNote(text)
  if (verifyNote(note, keys).length > 0) return
  const got = note.signatures.map(({ name, id }) => `${name}+${id}`).join(', ')
  throw new JournalError('altered', { expected: `one by ${named(keys)}`, got })
}

function named(keys: readonly VerifierKey[]): string {
  return keys.map(({ name, id }) => `${name}+${id}`).join(' or ')
}
