import { PkiError } from './error.ts'

interface PemBlock {
  /** `CERTIFICATE`, `X509 CRL`, … */
  readonly label: string
  readonly der: Uint8Array
}

/** Octets of one PEM file: a CRL of the largest size that is fetched by default, in base64. */
const MAX_PEM = 96 * 1024 * 1024
/** Blocks in one file. Mozilla's trust store has 150. */
const MAX_BLOCKS = 10_000

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*$/
const SEQUENCE = 0x30
const [LF, CR, DASH] = [0x0a, 0x0d, 0x2d]

/** Every PEM block (RFC 7468) in a file, in order. Text outside the blocks is ignored. Throws PkiError(decode). */
export function decodePem(bytes: Uint8Array): PemBlock[] {
  if (bytes.length > MAX_PEM) {
    throw new PkiError(
      'decode',
      'too_large',
      `expected a PEM file of at most ${MAX_PEM} octets, got ${bytes.length}`,
    )
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const blocks: PemBlock[] = []
  let open: { readonly label: string; readonly line: number; readonly from: number } | undefined
  let number = 0
  // Line by line and not all at once: a file of line feeds has 96 million.
  for (let at = 0, next = 0; at < text.length; at = next) {
    const end = lineEnd(text, at)
    next = text[end] === CR && text[end + 1] === LF ? end + 2 : end + 1
    number++
    if (text[at] !== DASH) continue
    const line = text.toString('latin1', at, end)
    const begin = BEGIN.exec(line)?.[1]
    if (open === undefined) {
      if (begin !== undefined) open = { label: begin, line: number, from: next }
    } else if (begin !== undefined) {
      throw badPem(`expected END ${open.label}, got BEGIN ${begin}`, number)
    } else if (line.trimEnd() === `-----END ${open.label}-----`) {
      if (blocks.length >= MAX_BLOCKS) {
        throw new PkiError('decode', 'too_many', `expected at most ${MAX_BLOCKS} PEM blocks`)
      }
      const base64 = joinLines(text.subarray(open.from, at))
      blocks.push({ label: open.label, der: decodeBase64(base64, open.line) })
      open = undefined
    }
  }
  if (open !== undefined) throw badPem(`expected END ${open.label}, got the end of the file`, open.line)
  return blocks
}

/** The certificates of a file: PEM with one or several, or one as DER. Throws PkiError(decode) when there is none. */
export function decodeCertificates(bytes: Uint8Array): Uint8Array[] {
  if (bytes[0] === SEQUENCE) return [bytes]
  const blocks = decodePem(bytes)
  const certificates = blocks.flatMap(({ label, der }) =>
    label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' ? [der] : [],
  )
  if (certificates.length > 0) return certificates
  const found = [...new Set(blocks.map(({ label }) => label))].slice(0, 5).join(', ')
  throw new PkiError(
    'decode',
    'bad_pem',
    `expected a certificate as PEM or DER, got ${found === '' ? 'a file with neither' : `PEM with ${found}`}`,
  )
}

/** Offset of the CR or LF that ends the line, or of the end. */
function lineEnd(text: Uint8Array, from: number): number {
  for (let at = from; at < text.length; at++) if (text[at] === LF || text[at] === CR) return at
  return text.length
}

/** Without line ends, and what space there is around lines. */
function joinLines(text: Buffer): string {
  const joined = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = lineEnd(text, at)
    let [from, to] = [at, end]
    while (from < to && isSpace(text[from])) from++
    while (to > from && isSpace(text[to - 1])) to--
    length += text.copy(joined, length, from, to)
  }
  return joined.toString('latin1', 0, length)
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09
}

/** Strict: Buffer.from skips what is not base64, and so would accept a damaged file. */
function decodeBase64(text: string, line: number): Uint8Array {
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw badPem('expected base64 without headers', line)
  }
  const der = Buffer.from(text, 'base64')
  if (der.toString('base64') !== text) throw badPem('expected padding bits of zero in base64', line)
  return der
}

function badPem(message: string, line: number): PkiError {
  return new PkiError('decode', 'bad_pem', `${message}, block at line ${line}`)
}

/** RFC 7468, with 64 columns. */
export function encodePem(der: Uint8Array, label: string): string {
  const base64 = Buffer.from(der).toString('base64')
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}
