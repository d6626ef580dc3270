import { generateKeyPairSync } from 'node:crypto'
import type { KeyPair } from '../../lab/issue.ts'

// Keys of every kind that certificates carry.

/** RSA is small: it has to be made for each test run. */
const MAKERS = {
  rsa1024: () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-pss': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  brainpoolP256r1: () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  ed448: () => generateKeyPairSync('ed448'),
  'ml-dsa-44': () => generateKeyPairSync('ml-dsa-44'),
  'ml-dsa-65': () => generateKeyPairSync('ml-dsa-65'),
  'ml-dsa-87': () => generateKeyPairSync('ml-dsa-87'),
  'slh-dsa-sha2-128s': () => generateKeyPairSync('slh-dsa-sha2-128s'),
  'slh-dsa-sha2-128f': () => generateKeyPairSync('slh-dsa-sha2-128f'),
  'slh-dsa-sha2-192s': () => generateKeyPairSync('slh-dsa-sha2-192s'),
  'slh-dsa-sha2-192f': () => generateKeyPairSync('slh-dsa-sha2-192f'),
  'slh-dsa-sha2-256s': () => generateKeyPairSync('slh-dsa-sha2-256s'),
  'slh-dsa-sha2-256f': () => generateKeyPairSync('slh-dsa-sha2-256f'),
  'slh-dsa-shake-128s': () => generateKeyPairSync('slh-dsa-shake-128s'),
  'slh-dsa-shake-128f': () => generateKeyPairSync('slh-dsa-shake-128f'),
  'slh-dsa-shake-192s': () => generateKeyPairSync('slh-dsa-shake-192s'),
  'slh-dsa-shake-192f': () => generateKeyPairSync('slh-dsa-shake-192f'),
  'slh-dsa-shake-256s': () => generateKeyPairSync('slh-dsa-shake-256s'),
  'slh-dsa-shake-256f': () => generateKeyPairSync('slh-dsa-shake-256f'),
} as const satisfies Record<string, () => KeyPair>

export type KeyType = keyof typeof MAKERS

export function keyPairOf(type: KeyType): KeyPair {
  return MAKERS[type]()
}
