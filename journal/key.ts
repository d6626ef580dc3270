import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, systemCode } from '../model/thrown.ts'
import { JournalError } from './error.ts'

/** What a journal signs with: Ed25519 every checkpoint, ML-DSA-44 the one that is kept of each hour. */
export type KeyKind = 'ed25519' | 'ml-dsa-44'
const NAMES: Readonly<Record<KeyKind, string>> = { ed25519: 'an Ed25519', 'ml-dsa-44': 'an ML-DSA-44' }

/** Reads a key (PKCS#8 PEM), or makes one with mode 0600 where there is no file. Throws JournalError(key). */
export async function loadOrCreateKey(file: string, kind: KeyKind = 'ed25519'): Promise<KeyObject> {
  const pem = await readPem(file)
  return pem === undefined ? await createKey(file, kind) : parseKey(file, pem, kind)
}

/** Reads the key of a journal that exists: another one in its place could sign nothing. Throws JournalError(key). */
export async function loadKey(file: string, journal: string, kind: KeyKind = 'ed25519'): Promise<KeyObject> {
  const pem = await readPem(file)
  if (pem === undefined)
    throw new JournalError('key', `${file}: expected the key of the journal ${journal}, got no file`)
  return parseKey(file, pem, kind)
}

/** Reads a public key of one of these kinds in PEM; of a private one its public part. Throws JournalError(key). */
export async function loadPublicKey(file: string, kinds: readonly KeyKind[]): Promise<KeyObject> {
  const pem = await readPem(file)
  try {
    const key = createPublicKey(pem ?? '')
    if (kinds.some((kind) => kind === key.asymmetricKeyType)) return key
  } catch {
    // Said below.
  }
  const expected = kinds.map((kind) => NAMES[kind]).join(' or ')
  throw new JournalError('key', `${file}: expected ${expected} public key in PEM`)
}

/** undefined where there is no file. */
async function readPem(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw new JournalError('key', `${file}: cannot be read: ${messageOf(error)}`, { cause: error })
  })
}

function parseKey(file: string, pem: string, kind: KeyKind): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    throw new JournalError('key', `${file}: expected a private key in PKCS#8 PEM`, { cause: error })
  }
  if (key.asymmetricKeyType !== kind) {
    throw new JournalError(
      'key',
      `${file}: expected ${NAMES[kind]} key, got ${key.asymmetricKeyType ?? 'another'}`,
    )
  }
  return key
}

/** Whole or not at all: half a key file would keep the journal from ever being opened again. */
async function createKey(file: string, kind: KeyKind): Promise<KeyObject> {
  const privateKey = generate(kind)
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeDurably(temporary, privateKey.export({ format: 'pem', type: 'pkcs8' }))
    // A link, not a rename: a key that somebody else has made meanwhile is never replaced.
    await link(temporary, file)
    await unlink(temporary)
    // Without its directory entry on disk, a power cut would leave a journal that nobody can sign.
    await using directory = await open(dirname(file), 'r')
    await directory.sync()
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw new JournalError('key', `${file}: cannot be created: ${messageOf(error)}`, { cause: error })
  }
  return privateKey
}

/** Each kind by itself: the compiler knows no union of them. */
function generate(kind: KeyKind): KeyObject {
  return kind === 'ed25519'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ml-dsa-44').privateKey
}

async function writeDurably(file: string, text: string | Buffer): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(text)
  await handle.sync()
}

function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT'
}
