import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { sha256 } from './digest.ts'
import { JournalError } from './error.ts'

// Signed notes (C2SP signed-note), with Ed25519 signatures.

const ED25519 = 0x01
const KEY_BYTES = 32
const ID_BYTES = 4
/** Signature lines read in one note; the specification asks for 16 at least. */
const MAX_SIGNATURES = 64
/** Octets of a note: a checkpoint with MAX_SIGNATURES lines, most of them post-quantum, stays below. */
const MAX_NOTE_BYTES = 512 * 1024

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A public key with the name that it signs under. */
export interface VerifierKey {
  readonly name: string
  /** First four octets of SHA-256(name, line feed, type, key), in hex. */
  readonly id: string
  readonly publicKey: KeyObject
}

export interface NoteSignature {
  readonly name: string
  readonly id: string
  readonly signature: Buffer
}

export interface Note {
  /** What is signed, with its final line feed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export function verifierKey(name: string, key: KeyObject): VerifierKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return { name, id: keyId(name, rawKey(publicKey)), publicKey }
}

/** `name+id+base64(type, key)`, without line feed. */
export function formatVerifierKey(key: VerifierKey): string {
  const raw = Buffer.concat([Buffer.of(ED25519), rawKey(key.publicKey)])
  return `${key.name}+${key.id}+${raw.toString('base64')}`
}

/** Verifier keys, one a line; blank lines are passed over. Throws JournalError(format) naming the line. */
export function parseVerifierKeys(text: string): readonly VerifierKey[] {
  return text.split('\n').flatMap((line, i) => (line === '' ? [] : [parseVerifierKey(line, i + 1)]))
}

function parseVerifierKey(line: string, number: number): VerifierKey {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(line)
  const [, name = '', id = '', key = ''] = match ?? []
  const raw = decodeBase64(key)
  if (match === null || raw === undefined) throw malformed(`a verifier key name+id+key in line ${number}`)
  if (raw.length !== 1 + KEY_BYTES || raw[0] !== ED25519)
    throw malformed(`an Ed25519 verifier key in line ${number}`)
  const point = raw.subarray(1)
  if (keyId(name, point) !== id) throw malformed(`key id ${keyId(name, point)} in line ${number}`)
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, point]), format: 'der', type: 'spki' })
  return { name, id, publicKey }
}

/** Signs a text that ends in a line feed. */
export function signNote(text: string, name: string, privateKey: KeyObject): string {
  const { id } = verifierKey(name, privateKey)
  const signature = sign(null, Buffer.from(text), privateKey)
  return `${text}\n— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`
}

/** Throws JournalError(format). */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_BYTES || /[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed())
    throw malformed('a note without control characters')
  const split = note.lastIndexOf('\n\n')
  if (split === -1 || !note.endsWith('\n')) throw malformed('a text, a blank line and signature lines')
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) throw malformed(`at most ${MAX_SIGNATURES} signatures`)
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) }
}

function parseSignature(line: string): NoteSignature {
  const match = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/u.exec(line)
  const bytes = decodeBase64(match?.[2] ?? '')
  if (match?.[1] === undefined || bytes === undefined || bytes.length <= ID_BYTES)
    throw malformed('a signature line "— name base64"')
  return { name: match[1], id: bytes.toString('hex', 0, ID_BYTES), signature: bytes.subarray(ID_BYTES) }
}

/**
 * The keys among those given whose signature stands under the note and verifies. Signatures of unknown keys are ignored;
 * one of a known key that does not verify throws JournalError(altered), as the specification asks.
 */
export function verifyNote(note: Note, keys: readonly VerifierKey[]): readonly VerifierKey[] {
  const bytes = Buffer.from(note.text)
  return keys.filter((key) =>
    note.signatures.some(({ name, id, signature }) => {
      if (name !== key.name || id !== key.id) return false
      if (!verify(null, bytes, key.publicKey, signature))
        throw new JournalError('altered', {
          expected: `a valid signature by ${key.name}+${key.id}`,
          got: 'another',
        })
      return true
    }),
  )
}

function rawKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
}

function keyId(name: string, raw: Uint8Array): string {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw])).toString(
    'hex',
    0,
    ID_BYTES,
  )
}

/** undefined when the text is not the one base64 spelling of its octets. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function malformed(expected: string): JournalError {
  return new JournalError('format', { expected, got: 'something else' })
}
