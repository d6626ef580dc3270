import { createHash, hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'

export const DIGEST_BYTES = 32

/** Octets that are digested at a time, which takes 2 ms. */
const PIECE_BYTES = 4 * 1024 * 1024

export function sha256(bytes: Uint8Array): Buffer {
  // Half the time of asking for a buffer, which gets memory of its own.
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1')
}

/** The same of what may be large: others have their turn meanwhile. */
export async function sha256InTurns(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length <= PIECE_BYTES) return sha256(bytes)
  const digest = createHash('sha256')
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    digest.update(bytes.subarray(at, at + PIECE_BYTES))
    await turn()
  }
  return digest.digest()
}
