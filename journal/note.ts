import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { signedMessage, SIGNATURE_TYPES, splitTime, withTime, type SignatureType } from './cosignature.ts'
import { sha256 } from './digest.ts'
import { JournalError } from './error.ts'

// Signed notes (C2SP signed-note) with Ed25519 signatures, and cosignatures of checkpoints (C2SP tlog-cosignature).

const ID_BYTES = 4
/** Signature lines read in one note; the specification asks for 16 at least. */
const MAX_SIGNATURES = 64
/** Octets of a note: a checkpoint with MAX_SIGNATURES lines, most of them post-quantum, stays below. */
export const MAX_NOTE_BYTES = 512 * 1024

const ED25519_KEY = { length: 32, prefix: Buffer.from('302a300506032b6570032100', 'hex') }
/** Octets of a raw public key, and what comes before them in a SubjectPublicKeyInfo (RFC 8410, RFC 9881). */
const RAW_KEYS: Readonly<Record<SignatureType, typeof ED25519_KEY>> = {
  ed25519: ED25519_KEY,
  ed25519_cosigner: ED25519_KEY,
  ml_dsa_44_cosigner: {
    length: 1312,
    prefix: Buffer.from('30820532300b06096086480165030403110382052100', 'hex'),
  },
}

/** A public key with the name that it signs under. */
export interface VerifierKey {
  readonly name: string
  /** First four octets of SHA-256(name, line feed, type, key), in hex. */
  readonly id: string
  readonly type: SignatureType
  readonly publicKey: KeyObject
}

/** A private key, wherever it is kept. */
export interface Signer {
  readonly key: VerifierKey
  /** Rejects with JournalError(key). */
  sign(message: Buffer): Promise<Buffer>
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

export function verifierKey(name: string, key: KeyObject, type: SignatureType = 'ed25519'): VerifierKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return { name, id: keyId(name, type, rawKey(type, publicKey)), type, publicKey }
}

/** `name+id+base64(type, key)`, without line feed. */
export function formatVerifierKey(key: VerifierKey): string {
  const raw = Buffer.concat([Buffer.of(SIGNATURE_TYPES[key.type]), rawKey(key.type, key.publicKey)])
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
  const type = typeOf(raw[0])
  const octets = raw.subarray(1)
  if (type === undefined || octets.length !== RAW_KEYS[type].length)
    throw malformed(`an Ed25519 or ML-DSA-44 verifier key in line ${number}`)
  if (keyId(name, type, octets) !== id)
    throw malformed(`key id ${keyId(name, type, octets)} in line ${number}`)
  const spki = Buffer.concat([RAW_KEYS[type].prefix, octets])
  return { name, id, type, publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }
}

function typeOf(octet: number | undefined): SignatureType | undefined {
  return SIGNERS.find((type) => SIGNATURE_TYPES[type] === octet)
}

const SIGNERS = [
  'ed25519',
  'ed25519_cosigner',
  'ml_dsa_44_cosigner',
] as const satisfies readonly SignatureType[]

/** Signs a text that ends in a line feed. */
export function signNote(text: string, name: string, privateKey: KeyObject): string {
  const key = verifierKey(name, privateKey)
  return `${text}\n${signatureLine(key, sign(null, Buffer.from(text), privateKey))}`
}

/** The line that a signer puts under a text; a cosigner says when, in seconds since the Unix epoch. Rejects with JournalError(key, format). */
export async function signatureBy(signer: Signer, text: string, time: number): Promise<string> {
  const { key } = signer
  const signature = await signer.sign(signedMessage(key.type, key.name, text, time))
  return signatureLine(key, withTime(key.type, time, signature))
}

/** The line by which a key signs a text as it stands, also one that otherwise signs checkpoints only. Rejects with JournalError(key). */
export async function textSignatureBy(signer: Signer, text: string): Promise<string> {
  return signatureLine(signer.key, await signer.sign(Buffer.from(text)))
}

/** The keys among those given that signed the text of a note as it stands. Throws JournalError(altered) where one of their signatures does not verify. */
export function textSigners(note: Note, keys: readonly VerifierKey[]): readonly VerifierKey[] {
  return keys.filter((key) => {
    const own = note.signatures.find(({ name, id }) => name === key.name && id === key.id)
    if (own === undefined) return false
    if (verify(null, Buffer.from(note.text), key.publicKey, own.signature)) return true
    throw unverified(key)
  })
}

function signatureLine({ name, id }: VerifierKey, signature: Buffer): string {
  return `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`
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

/** A key whose signature verified; a cosigner's with the time that it says, in seconds since the Unix epoch. */
export interface VerifiedSignature {
  readonly key: VerifierKey
  readonly time: number | undefined
}

/**
 * The keys among those given whose signature stands under the note and verifies. Signatures of unknown keys are ignored;
 * one of a known key that does not verify throws JournalError(altered), as the specification asks.
 */
export function verifyNote(note: Note, keys: readonly VerifierKey[]): readonly VerifierKey[] {
  return verifiedSignatures(note, keys).map(({ key }) => key)
}

/** The same, with the times of cosigners. Throws JournalError(altered). */
export function verifiedSignatures(note: Note, keys: readonly VerifierKey[]): readonly VerifiedSignature[] {
  return keys.flatMap((key) => {
    const own = note.signatures.find(({ name, id }) => name === key.name && id === key.id)
    return own === undefined ? [] : [verifiedSignature(note.text, own.signature, key)]
  })
}

function verifiedSignature(text: string, octets: Buffer, key: VerifierKey): VerifiedSignature {
  const { type, name, publicKey } = key
  const split = splitTime(type, octets)
  if (
    split === undefined ||
    !verify(null, signedMessage(type, name, text, split.time), publicKey, split.signature)
  )
    throw unverified(key)
  return { key, time: type === 'ed25519' ? undefined : split.time }
}

function unverified({ name, id }: VerifierKey): JournalError {
  return new JournalError('altered', { expected: `a valid signature by ${name}+${id}`, got: 'another' })
}

function rawKey(type: SignatureType, publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-RAW_KEYS[type].length)
}

function keyId(name: string, type: SignatureType, raw: Uint8Array): string {
  const octets = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(SIGNATURE_TYPES[type]), raw])
  return sha256(octets).toString('hex', 0, ID_BYTES)
}

/** undefined when the text is not the one base64 spelling of its octets. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function malformed(expected: string): JournalError {
  return new JournalError('format', { expected, got: 'something else' })
}
