import { hash } from 'node:crypto'

export const DIGEST_BYTES = 32

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}
