import { DIGEST_BYTES } from '../digest.ts'
import { JournalError } from '../error.ts'

// Proofs as texts: lines of base64 hashes, a blank line, a checkpoint (C2SP tlog-proof). A consistency proof, for which there is no such specification,
// is written in the same way; the earlier checkpoint stands where the other has its extra data.

const INCLUSION = 'c2sp.org/tlog-proof@v1'
const CONSISTENCY = 'pki-vigil/consistency-proof@v1'
/** Beginning of a line with the proof of a record by which a key hands over. */
const HAND_OVER = 'handover '

/** A log of 2^53 entries has paths of 53 hashes; consistency takes one more. */
const MAX_HASHES = 64
/** Characters: a record of 1 MiB in base64, an entry of 1024 digests, a checkpoint with many signatures. */
const MAX_PROOF = 4 * 1024 * 1024

/** That an entry is in the log (C2SP tlog-proof). */
export interface InclusionProof {
  readonly kind: 'inclusion'
  /** Entry in the log, from 0. */
  readonly index: number
  readonly hashes: readonly Buffer[]
  /** The signed note as it stood. */
  readonly checkpoint: string
  /** Data of the application, which nothing here vouches for. */
  readonly extra: Buffer
}

/** That a log begins with all that an earlier checkpoint covers. */
export interface ConsistencyProof {
  readonly kind: 'consistency'
  readonly earlier: string
  /** Proofs of the records by which the keys of the log have handed over; none where they did not. */
  readonly handOvers: readonly string[]
  readonly hashes: readonly Buffer[]
  readonly checkpoint: string
}

export function formatProof(proof: InclusionProof | ConsistencyProof): string {
  const head =
    proof.kind === 'inclusion'
      ? [INCLUSION, `extra ${proof.extra.toString('base64')}`, `index ${proof.index}`]
      : [
          CONSISTENCY,
          `earlier ${Buffer.from(proof.earlier).toString('base64')}`,
          ...proof.handOvers.map((text) => `${HAND_OVER}${Buffer.from(text).toString('base64')}`),
        ]
  return [...head, ...proof.hashes.map((hash) => hash.toString('base64')), '', proof.checkpoint].join('\n')
}

/** Reads a proof; nothing in it is verified. Throws JournalError(format). */
export function parseProof(text: string): InclusionProof | ConsistencyProof {
  if (text.length > MAX_PROOF) throw malformed(`at most ${MAX_PROOF} characters`, `${text.length}`)
  const end = text.indexOf('\n\n')
  if (end === -1) throw malformed('a blank line before the checkpoint', 'none')
  const checkpoint = text.slice(end + 2)
  const [first, ...lines] = text.slice(0, end).split('\n')
  if (first === CONSISTENCY) {
    const [earlier = '', ...rest] = lines
    const note = octetsOf(value('earlier', earlier)).toString()
    const isHash = rest.findIndex((line) => !line.startsWith(HAND_OVER))
    const [given, hashes] = isHash === -1 ? [rest, []] : [rest.slice(0, isHash), rest.slice(isHash)]
    const handOvers = given.map((line) => octetsOf(line.slice(HAND_OVER.length)).toString())
    return { kind: 'consistency', earlier: note, handOvers, hashes: hashesOf(hashes), checkpoint }
  }
  if (first !== INCLUSION)
    throw malformed(`${INCLUSION} or ${CONSISTENCY} in line 1`, (first ?? '').slice(0, 100))
  const hasExtra = lines[0]?.startsWith('extra ') === true
  const [index = '', ...hashes] = hasExtra ? lines.slice(1) : lines
  const extra = hasExtra ? octetsOf(value('extra', lines[0] ?? '')) : Buffer.alloc(0)
  return {
    kind: 'inclusion',
    index: indexOf(value('index', index)),
    hashes: hashesOf(hashes),
    checkpoint,
    extra,
  }
}

function value(name: string, line: string): string {
  if (line.startsWith(`${name} `)) return line.slice(name.length + 1)
  throw malformed(`a line "${name} …"`, JSON.stringify(line.slice(0, 100)))
}

function indexOf(text: string): number {
  if (/^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw malformed('an index without leading zeros', text.slice(0, 100))
}

function hashesOf(lines: readonly string[]): readonly Buffer[] {
  if (lines.length > MAX_HASHES) throw malformed(`at most ${MAX_HASHES} hashes`, `${lines.length}`)
  return lines.map((line) => {
    const hash = octetsOf(line)
    if (hash.length !== DIGEST_BYTES) throw malformed('hashes of 32 octets', `${hash.length} octets`)
    return hash
  })
}

function octetsOf(text: string): Buffer {
  const octets = Buffer.from(text, 'base64')
  if (octets.toString('base64') !== text) throw malformed('base64', JSON.stringify(text.slice(0, 100)))
  return octets
}

function malformed(expected: string, got: string): JournalError {
  return new JournalError('format', { expected, got, where: 'the proof' })
}
