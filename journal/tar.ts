import type { FileHandle } from 'node:fs/promises'
import { JournalError } from './error.ts'

// Archives as `tar` reads them (POSIX.1-1988 ustar), of regular files only.

const BLOCK = 512
/** Octets of the fields that hold a name and what stands before it; together with the slash between them. */
const NAME = 100
const PREFIX = 155
/** The size has eleven octal digits. */
const MAX_SIZE = 8 ** 11 - 1

export interface TarMember {
  readonly name: string
  readonly size: number
  /** Where its octets begin in the archive. */
  readonly offset: number
}

/** One file of an archive. `modified`: seconds since the Unix epoch. Throws RangeError where the name or the content is too long. */
export function tarMember(name: string, content: Buffer, modified: number): readonly Buffer[] {
  const header = Buffer.alloc(BLOCK)
  const split = name.length <= NAME ? -1 : name.lastIndexOf('/', PREFIX)
  const [prefix, rest] = split === -1 ? ['', name] : [name.slice(0, split), name.slice(split + 1)]
  if (rest.length > NAME || content.length > MAX_SIZE || !/^[\x21-\x7e]+$/.test(name))
    throw new RangeError(`expected a name and a size that fit a tar archive, got ${name}, ${content.length}`)
  header.write(rest, 0)
  header.write('0000640\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${octal(content.length, 11)} `, 124)
  header.write(`${octal(Math.floor(modified), 11)} `, 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345)
  header.write(`${octal(checksum(header), 6)}\0 `, 148)
  return [header, content, Buffer.alloc(padding(content.length))]
}

/** What stands at the end of an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK)

/** The members of an archive, in order. Throws JournalError(altered): not an archive of regular files, or not whole. */
export async function* tarMembers(file: FileHandle, what: string): AsyncGenerator<TarMember> {
  const refuse = (expected: string, got: string, at: number): JournalError =>
    new JournalError('altered', { expected, got, where: `${what}, octet ${at}` })
  const { size: end } = await file.stat()
  const header = Buffer.alloc(BLOCK)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(header, 0, BLOCK, at)
    if (bytesRead < BLOCK) throw refuse('a header of a tar archive', 'its end', at)
    if (header.every((octet) => octet === 0)) return
    if (field(header, 257, 5) !== 'ustar' || parseInt(field(header, 148, 8), 8) !== checksum(header))
      throw refuse('a header of a tar archive', 'something else', at)
    const type = field(header, 156, 1)
    if (type !== '0') throw refuse('a regular file', `type ${JSON.stringify(type)}`, at)
    const prefix = field(header, 345, PREFIX)
    const name = (prefix === '' ? '' : `${prefix}/`) + field(header, 0, NAME)
    const size = parseInt(field(header, 124, 12), 8)
    const offset = at + BLOCK
    if (!(offset + size <= end)) throw refuse(`${size} octets of ${name}`, `${end - offset}`, offset)
    yield { name, size, offset }
    at = offset + size + padding(size)
  }
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** The sum of all octets of a header, where its own field counts as blanks. */
function checksum(header: Buffer): number {
  return header.reduce((sum, octet, i) => sum + (i >= 148 && i < 156 ? 0x20 : octet), 0)
}

function field(header: Buffer, start: number, length: number): string {
  const text = header.toString('latin1', start, start + length)
  const end = text.indexOf('\0')
  return (end === -1 ? text : text.slice(0, end)).trim()
}
