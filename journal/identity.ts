import { join, relative, resolve } from 'node:path'
import { formatOrigin, parseOrigin } from './checkpoint.ts'
import { TEMPORARY, type Disk } from './disk.ts'
import { JournalError } from './error.ts'
import { LOCK_NAME } from './lock.ts'
import type { JournalKeys } from './keys.ts'
import { formatVerifierKey, parseVerifierKeys, type VerifierKey } from './note.ts'

/** File with the verifier keys of a journal, one a line. */
export const VERIFIER_KEYS = 'vkey'

/** Which log a directory holds. */
export interface Identity {
  readonly origin: string
  /** Unix time in seconds. */
  readonly epoch: number
  /** As they stand in the file. */
  readonly keys: readonly VerifierKey[]
}

/** Throws JournalError(format) where the directory is no journal. */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity> {
  const text = await disk.read(join(directory, VERIFIER_KEYS))
  const keys = parseVerifierKeys(text?.toString() ?? '')
  const identity = parseOrigin(keys[0]?.name ?? '')
  if (identity === undefined)
    throw new JournalError(
      'format',
      `${directory}: expected a journal with a file ${VERIFIER_KEYS}, got none`,
    )
  return { ...identity, keys }
}

/** The log in the directory, begun here when there is none. Throws JournalError(origin, key, format). */
export async function establishIdentity(
  disk: Disk,
  directory: string,
  options: { readonly origin: string; readonly keys: JournalKeys; readonly now: number },
): Promise<Identity> {
  const { origin, keys, now } = options
  const names = await disk.list(directory)
  if (!names.includes(VERIFIER_KEYS)) {
    const foreign = names.find((name) => name !== LOCK_NAME && !name.endsWith(TEMPORARY))
    if (foreign !== undefined)
      throw new JournalError(
        'format',
        `${directory}: expected a journal or an empty directory, got ${foreign}`,
      )
    const epoch = Math.floor(now / 1000)
    const name = formatOrigin(origin, epoch)
    const own = verifierKeysOf(keys, name)
    await writeVerifierKeys(disk, directory, own)
    return { origin, epoch, keys: own }
  }
  const identity = await readIdentity(disk, directory)
  if (identity.origin !== origin)
    throw new JournalError(
      'origin',
      `${directory}: expected the journal of ${origin}, got ${identity.origin}'s`,
    )
  const name = formatOrigin(origin, identity.epoch)
  for (const own of verifierKeysOf(keys, name))
    if (!identity.keys.some((key) => isSame(key, own)))
      throw new JournalError(
        'key',
        `${directory}: expected a key of this journal (${VERIFIER_KEYS}), got ${own.id}`,
      )
  return identity
}

/** Keys of two types are not compared: OpenSSL would leave an error behind, for whatever comes next. */
function isSame(one: VerifierKey, other: VerifierKey): boolean {
  return one.id === other.id && one.type === other.type && one.publicKey.equals(other.publicKey)
}

function verifierKeysOf({ log, postQuantum }: JournalKeys, name: string): readonly VerifierKey[] {
  return [log(name).key, ...(postQuantum === undefined ? [] : [postQuantum(name).key])]
}

export async function writeVerifierKeys(
  disk: Disk,
  directory: string,
  keys: readonly VerifierKey[],
): Promise<void> {
  const text = keys.map((key) => `${formatVerifierKey(key)}\n`).join('')
  await disk.replace(join(directory, VERIFIER_KEYS), Buffer.from(text))
}

/** The private key may not be copied along with the evidence. Throws JournalError(key). */
export function refuseKeyInside(directory: string, keyFile: string): void {
  const path = relative(resolve(directory), resolve(keyFile))
  if (!path.startsWith('..') && path !== resolve(keyFile))
    throw new JournalError('key', `${keyFile}: expected a place outside the journal directory ${directory}`)
}
