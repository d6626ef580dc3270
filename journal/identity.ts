import type { KeyObject } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import { formatOrigin, parseOrigin } from './checkpoint.ts'
import { TEMPORARY, type Disk } from './disk.ts'
import { JournalError } from './error.ts'
import { LOCK_NAME } from './lock.ts'
import { formatVerifierKey, parseVerifierKeys, verifierKey } from './note.ts'

/** File with the verifier keys of a journal, one a line. */
export const VERIFIER_KEYS = 'vkey'

/** Which log a directory holds. */
export interface Identity {
  readonly origin: string
  /** Unix time in seconds. */
  readonly epoch: number
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
  return identity
}

/** The log in the directory, begun here when there is none. Throws JournalError(origin, key, format). */
export async function establishIdentity(
  disk: Disk,
  directory: string,
  options: { readonly origin: string; readonly key: KeyObject; readonly now: number },
): Promise<Identity> {
  const { origin, key, now } = options
  const names = await disk.list(directory)
  if (!names.includes(VERIFIER_KEYS)) {
    const foreign = names.find((name) => name !== LOCK_NAME && !name.endsWith(TEMPORARY))
    if (foreign !== undefined)
      throw new JournalError(
        'format',
        `${directory}: expected a journal or an empty directory, got ${foreign}`,
      )
    const epoch = Math.floor(now / 1000)
    const line = formatVerifierKey(verifierKey(formatOrigin(origin, epoch), key))
    await disk.replace(join(directory, VERIFIER_KEYS), Buffer.from(`${line}\n`))
    return { origin, epoch }
  }
  const identity = await readIdentity(disk, directory)
  if (identity.origin !== origin)
    throw new JournalError(
      'origin',
      `${directory}: expected the journal of ${origin}, got ${identity.origin}'s`,
    )
  const text = (await disk.read(join(directory, VERIFIER_KEYS)))?.toString() ?? ''
  const own = verifierKey(formatOrigin(origin, identity.epoch), key)
  if (!parseVerifierKeys(text).some((k) => k.name === own.name && k.publicKey.equals(own.publicKey)))
    throw new JournalError(
      'key',
      `${directory}: expected the key of this journal (${VERIFIER_KEYS}), got ${own.id}`,
    )
  return identity
}

/** The private key may not be copied along with the evidence. Throws JournalError(key). */
export function refuseKeyInside(directory: string, keyFile: string): void {
  const path = relative(resolve(directory), resolve(keyFile))
  if (!path.startsWith('..') && path !== resolve(keyFile))
    throw new JournalError('key', `${keyFile}: expected a place outside the journal directory ${directory}`)
}
