import { parseCheckpoint, type Checkpoint } from '../checkpoint.ts'
import { JournalError } from '../error.ts'
import { toldBy } from '../handOvers.ts'
import { verifyNote, type VerifierKey } from '../note.ts'
import { LOG_KEY_TYPES, parseEndorsement, type Endorsement } from '../rotation.ts'
import { isInForce } from '../verify/keys.ts'
import { decodeExtra } from './evidence.ts'
import { parseProof } from './format.ts'
import { provenRecord } from './inclusion.ts'

interface Learned extends Endorsement {
  readonly entry: number
}

/** Keys from outside, and those that they have handed over to, as a file that stands without its journal tells and proves. */
export class TrustedKeys {
  readonly #given: readonly VerifierKey[]
  readonly #isAnybody: boolean
  #believed: readonly VerifierKey[]
  #handOvers: readonly Learned[] = []

  /** undefined: nobody vouches for anything, and only what can be computed is checked. */
  constructor(trusted: readonly VerifierKey[] | undefined) {
    this.#given = trusted ?? []
    this.#isAnybody = trusted === undefined
    this.#believed = this.#given
  }

  /**
   * Takes proofs of the records by which the keys of one log handed over, all of them. A key that is not believed hands over to nobody. Throws JournalError(format,
   * invalid_record, altered).
   */
  learn(proofs: readonly string[]): void {
    if (proofs.length === 0) return
    const handOvers: Learned[] = []
    const checkpoints: string[] = []
    for (const [i, text] of proofs.entries()) {
      const proof = parseProof(text)
      const isPlain = proof.kind === 'inclusion' && decodeExtra(proof.extra).handOvers.length === 0
      if (!isPlain) throw wrongProof(i, 'another proof')
      const { checkpoint } = parseCheckpoint(proof.checkpoint)
      const { n, kind, envelope } = provenRecord(proof, checkpoint)
      const told = toldBy({ entry: proof.index, n }, envelope)
      if (told === undefined) throw wrongProof(i, `one of kind ${kind}`)
      for (const { entry, endorsement } of told.handOvers)
        handOvers.push({ entry, ...parseEndorsement(endorsement) })
      checkpoints.push(proof.checkpoint)
    }
    this.#handOvers = handOvers.toSorted((a, b) => a.entry - b.entry)
    const believed = [...this.#given]
    for (const handOver of this.#handOvers) {
      this.#requireOrder(handOver)
      if (handOver.signer(believed) !== undefined) believed.push(handOver.next)
    }
    this.#believed = believed
    for (const text of checkpoints) this.open(text)
  }

  /** A checkpoint, and the keys that are believed and have signed it: `name+id`. Throws JournalError(format, altered). */
  open(text: string): { readonly checkpoint: Checkpoint; readonly signedBy: readonly string[] } {
    const { checkpoint, note } = parseCheckpoint(text)
    if (this.#isAnybody) return { checkpoint, signedBy: [] }
    // A key vouches for the log of its name.
    const signers = verifyNote(
      note,
      this.#believed.filter(({ name }) => name === checkpoint.origin),
    )
    if (signers.length === 0) throw this.#notSigned(checkpoint, note.signatures)
    for (const type of LOG_KEY_TYPES) {
      const line = this.#line(type, checkpoint.origin)
      const ids = [line[0]?.by, ...line.map(({ next }) => next.id)]
      const allowed = ids.filter((_, period) => isInForce(line, period, checkpoint.size))
      const own = signers.filter((key) => key.type === type).map(({ id }) => id)
      if (line.length > 0 && own.length > 0 && !own.some((id) => allowed.includes(id)))
        throw new JournalError('altered', {
          expected: `a checkpoint signed by ${allowed.map((id) => `${checkpoint.origin}+${id}`).join(' or ')}, in force at ${checkpoint.size} entries`,
          got: own.map((id) => `${checkpoint.origin}+${id}`).join(', '),
        })
    }
    return { checkpoint, signedBy: signers.map(({ name, id }) => `${name}+${id}`) }
  }

  #line(type: VerifierKey['type'], log: string): readonly Learned[] {
    return this.#handOvers.filter(({ next }) => next.type === type && next.name === log)
  }

  /** Each key is named by the one before it. */
  #requireOrder({ entry, by, next }: Learned): void {
    const before = this.#line(next.type, next.name)
      .filter((other) => other.entry < entry)
      .at(-1)
    if (before !== undefined && before.next.id !== by)
      throw new JournalError('altered', {
        expected: `a key named by ${before.next.name}+${before.next.id}`,
        got: `one named by ${next.name}+${by}`,
        where: `entry ${entry}`,
      })
  }

  #notSigned(
    { origin }: Checkpoint,
    signatures: readonly { readonly name: string; readonly id: string }[],
  ): JournalError {
    const found = signatures.map(({ name, id }) => `${name}+${id}`).join(', ') || 'no signature'
    const isOther = this.#given.some(({ name }) => name === origin)
    const hint = ', another key of this log: trust its line of the file vkey too, if you know that it is'
    return new JournalError('altered', {
      expected: `a checkpoint signed by ${this.#believed.map(({ name, id }) => `${name}+${id}`).join(' or ')}`,
      got: `${found}${isOther ? hint : ''}`,
    })
  }
}

function wrongProof(place: number, got: string): JournalError {
  return new JournalError('format', {
    expected: 'a proof of a record by which a key hands over',
    got,
    where: `hand-over ${place + 1}`,
  })
}
