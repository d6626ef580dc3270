import { JournalError } from '../error.ts'
import { parseNote, verifyNote, type VerifierKey } from '../note.ts'
import { logKeys, openEndorsement, postQuantumKey } from '../rotation.ts'
import { VERIFIER_KEYS } from '../identity.ts'
import type { Identity, SignedSize } from './checkpoints.ts'
import { fault, inFile } from './fault.ts'

interface HandOver {
  /** Entry with the record. */
  readonly entry: number
  readonly endorsement: string
  readonly next: VerifierKey
}

/** Which key was in force when, as the log itself tells. */
export class KeyPeriods {
  readonly #identity: Identity
  readonly #keys: readonly VerifierKey[]
  readonly #handOvers: HandOver[] = []

  constructor(identity: Identity) {
    this.#identity = identity
    this.#keys = logKeys(identity.keys)
  }

  /** Takes a record by which one key hands over to the next. Throws FaultFound. */
  handOver(entry: number, body: object, file: string, location: string): void {
    const inForce = this.#keys[this.#handOvers.length]
    const announced = this.#keys[this.#handOvers.length + 1]
    const endorsement = 'endorsement' in body && typeof body.endorsement === 'string' ? body.endorsement : ''
    const next = inFile(file, location, () =>
      openEndorsement(endorsement, inForce === undefined ? [] : [inForce]),
    )
    if (announced?.id !== next.id)
      throw fault(
        VERIFIER_KEYS,
        '',
        `the key ${next.id}, to which ${file}, ${location} hands over`,
        'another or none',
      )
    this.#handOvers.push({ entry, endorsement, next })
  }

  /** Every checkpoint was signed by the key in force at its size, that of every hour by the post-quantum key too. Throws FaultFound. */
  check(checkpoints: readonly SignedSize[], history: readonly SignedSize[], notes: string[]): void {
    const extra = this.#keys.slice(this.#handOvers.length + 1)
    if (extra.length > 1)
      throw fault(VERIFIER_KEYS, '', 'keys that a record hands over to', extra.map(({ id }) => id).join(', '))
    for (const { id } of extra)
      notes.push(`${VERIFIER_KEYS}: key ${id} is announced, no record hands over to it`)
    for (const { file, size, text } of checkpoints) {
      const allowed = this.#inForceAt(size)
      const signers = signersOf(file, text, this.#keys)
      if (!signers.some((key) => allowed.includes(key)))
        throw fault(
          file,
          'signatures',
          `one by ${named(allowed)}, in force at ${size} entries`,
          named(signers) === '' ? 'none' : named(signers),
        )
    }
    const postQuantum = postQuantumKey(this.#identity.keys)
    if (postQuantum === undefined) return
    for (const { file, text } of history)
      if (signersOf(file, text, [postQuantum]).length === 0)
        throw fault(file, 'signatures', `one by ${named([postQuantum])}`, 'none')
  }

  /**
   * What a trusted key vouches for: it signed the newest checkpoint, or handed over to the key that did, and a trusted post-quantum key the newest one that is
   * kept. Throws FaultFound.
   */
  checkTrust(last: SignedSize, history: readonly SignedSize[], trusted: readonly VerifierKey[]): void {
    const keys = this.#successors(trusted)
    inFile(last.file, 'signatures', () => requireSigner(last.text, keys))
    const postQuantum = trusted.filter(
      ({ type, name }) => type === 'ml_dsa_44_cosigner' && name === this.#identity.log,
    )
    const newest = history.at(-1)
    if (postQuantum.length > 0 && newest !== undefined)
      inFile(newest.file, 'signatures', () => requireSigner(newest.text, postQuantum))
  }

  /** These keys, and those that they have handed over to. */
  #successors(trusted: readonly VerifierKey[]): readonly VerifierKey[] {
    const keys = trusted.filter(({ type, name }) => type === 'ed25519' && name === this.#identity.log)
    for (const { endorsement, next } of this.#handOvers)
      if (verifyNote(parseNote(endorsement), keys).length > 0) keys.push(next)
    return keys.length === 0 ? trusted : keys
  }

  /** Two where it is the one under which the handing over stands. */
  #inForceAt(size: number): readonly VerifierKey[] {
    return this.#keys.filter((_, period) => {
      const from = period === 0 ? -1 : (this.#handOvers[period - 1]?.entry ?? Infinity)
      const until = this.#handOvers[period]?.entry ?? Infinity
      return size > from && size <= until + 1
    })
  }
}

function signersOf(file: string, text: string, keys: readonly VerifierKey[]): readonly VerifierKey[] {
  return inFile(file, 'signatures', () => verifyNote(parseNote(text), keys))
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
