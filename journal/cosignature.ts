import { JournalError } from './error.ts'
import { parseTreeHead } from './treeHead.ts'

/**
 * What a key signs (C2SP signed-note, tlog-cosignature), by the first octet of its key material.
 * `ed25519`: the text of a note. `ed25519_cosigner`, `ml_dsa_44_cosigner`: that a checkpoint was seen and is consistent with those before, at a time.
 */
export const SIGNATURE_TYPES = { ed25519: 0x01, ed25519_cosigner: 0x04, ml_dsa_44_cosigner: 0x06 } as const
export type SignatureType = keyof typeof SIGNATURE_TYPES

/** Octets of the time, in seconds since the Unix epoch, before a cosignature. */
const TIME_BYTES = 8
/** tlog-cosignature, "ML-DSA-44 signed message". */
const SUBTREE_LABEL = Buffer.from('subtree/v1\n\0')
const MAX_NAME = 255

/** The octets that a key of this type signs for a note. `time` in seconds. Throws JournalError(format) when the note is no checkpoint. */
export function signedMessage(type: SignatureType, name: string, text: string, time: number): Buffer {
  switch (type) {
    case 'ed25519':
      return Buffer.from(text)
    case 'ed25519_cosigner':
      parseTreeHead(text)
      return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
    case 'ml_dsa_44_cosigner': {
      const { origin, size, root } = parseTreeHead(text)
      return Buffer.concat([
        SUBTREE_LABEL,
        shortText(name),
        uint64(time),
        shortText(origin),
        uint64(0),
        uint64(size),
        root,
      ])
    }
  }
}

/** A signature as it stands in a note: a cosigner's with its time before it. */
export function withTime(type: SignatureType, time: number, signature: Buffer): Buffer {
  return type === 'ed25519' ? signature : Buffer.concat([uint64(time), signature])
}

/** The reverse; time 0 where there is none. undefined: too short, or at a time that no clock shows. */
export function splitTime(
  type: SignatureType,
  octets: Buffer,
): { readonly time: number; readonly signature: Buffer } | undefined {
  if (type === 'ed25519') return { time: 0, signature: octets }
  if (octets.length <= TIME_BYTES) return undefined
  const time = octets.readBigUInt64BE(0)
  return time > BigInt(Number.MAX_SAFE_INTEGER)
    ? undefined
    : { time: Number(time), signature: octets.subarray(TIME_BYTES) }
}

function uint64(n: number): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(n))
  return octets
}

function shortText(text: string): Buffer {
  const octets = Buffer.from(text)
  if (octets.length === 0 || octets.length > MAX_NAME)
    throw new JournalError('format', `expected a name of 1 to ${MAX_NAME} octets, got ${octets.length}`)
  return Buffer.concat([Buffer.of(octets.length), octets])
}
