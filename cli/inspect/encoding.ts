import { PkiError } from '../../pki/error.ts'
import { decodePem } from '../../pki/pem.ts'

// Which of PEM, base64 and DER a file is in is not for people to say: the bytes say it.

/** PEM labels of the objects that one command looks at (RFC 7468; the others are written by old and by careless tools). */
export const LABELS = {
  cert: ['CERTIFICATE', 'X509 CERTIFICATE'],
  chain: ['CERTIFICATE', 'X509 CERTIFICATE'],
  crl: ['X509 CRL', 'CRL'],
  ocsp: ['OCSP RESPONSE'],
} as const satisfies Record<string, readonly string[]>

type Labels = (typeof LABELS)[keyof typeof LABELS]

export interface Decoded {
  /** At least one. */
  readonly objects: readonly Uint8Array[]
  /** Labels of PEM blocks of other kinds, which were left out. */
  readonly leftOut: readonly string[]
}

export const SEQUENCE = 0x30
const BEGIN = '-----BEGIN '
/** Octets of a byte order mark in UTF-8. */
const BOM_OCTETS = 3
/** Octets at the start that tell text from DER, whose headers, versions and algorithms are octets that no text has. */
export const HEAD = 64
/** Octets of a file with base64 or PEM: 70 MB of DER. As pki/pem.ts, which refuses more. */
export const MAX_TEXT = 96 * 1024 * 1024

/** Only controls tell: text in front of PEM may be in any encoding. An empty file is text. */
export function looksLikeText(head: Uint8Array): boolean {
  return head.subarray(0, HEAD).every((octet) => octet >= 0x20 || [0x09, 0x0a, 0x0d].includes(octet))
}

/** A file that begins with a SEQUENCE's octet may still be text: `openssl s_client` prints `0 s:CN=…` before the PEM. */
function looksLikeDer(bytes: Uint8Array): boolean {
  return bytes[0] === SEQUENCE && !looksLikeText(bytes)
}

/**
 * The DER in a file: the file itself, the PEM blocks with one of the labels, or what its base64 (plain or URL-safe, wrapped or not,
 * padded or not) stands for. Whatever is none of these is returned as it is, so that the DER reader says what is wrong.
 * Throws PkiError(decode).
 */
export function decodeObjects(bytes: Uint8Array, labels: Labels): Decoded {
  if (looksLikeDer(bytes)) return { objects: [bytes], leftOut: [] }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const begin = buffer.indexOf(BEGIN)
  // Editors put a byte order mark in front, which would make the first line another one.
  if (begin >= 0) return pemObjects(buffer.subarray(begin === BOM_OCTETS ? begin : 0), labels)
  const der = base64Object(buffer)
  return { objects: [der ?? bytes], leftOut: [] }
}

function pemObjects(bytes: Uint8Array, labels: Labels): Decoded {
  const blocks = decodePem(bytes)
  const isWanted = (label: string): boolean => labels.some((wanted) => wanted === label)
  const objects = blocks.flatMap(({ label, der }) => (isWanted(label) ? [der] : []))
  const leftOut = blocks.flatMap(({ label }) => (isWanted(label) ? [] : [label]))
  if (objects.length > 0) return { objects, leftOut }
  const got = leftOut.length === 0 ? 'no whole block' : [...new Set(leftOut)].slice(0, 5).join(', ')
  throw new PkiError('decode', 'bad_pem', `expected PEM with ${labels.join(' or ')}, got ${got}`)
}

/** undefined: it is no base64, or not of a SEQUENCE. Strict, since Buffer.from skips what it does not know. */
function base64Object(bytes: Buffer): Uint8Array | undefined {
  if (bytes.length > MAX_TEXT || bytes.length === 0) return undefined
  const text = bytes.toString('latin1').replace(/\s+/g, '')
  const match = /^(M[A-Za-z0-9+/_-]+)={0,2}$/.exec(text)
  if (match?.[1] === undefined || (text.endsWith('=') && text.length % 4 !== 0)) return undefined
  const digits = match[1].replaceAll('-', '+').replaceAll('_', '/')
  const der = Buffer.from(digits, 'base64')
  // A last digit with bits set that belong to no octet, and a length that no octets have, come back different.
  return der.toString('base64').replace(/=+$/, '') === digits ? der : undefined
}
