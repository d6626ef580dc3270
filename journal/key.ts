import type { KeyObject } from 'node:crypto'

/** Reads an Ed25519 key (PKCS#8 PEM), or makes one with mode 0600 where there is no file. */
export function loadOrCreateKey(file: string): Promise<KeyObject> {
  return Promise.reject(new Error(`not written yet: ${file}`))
}
