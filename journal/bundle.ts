import { JournalError } from './error.ts'

// Entry bundles (C2SP tlog-tiles, "Log entries"): every entry with its length before it, two octets, big-endian.

const LENGTH_BYTES = 2

export function encodeBundle(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

/** Throws JournalError(format). */
export function decodeBundle(bytes: Buffer): readonly Buffer[] {
  const entries: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const start = at + LENGTH_BYTES
    const end = start > bytes.length ? Infinity : start + bytes.readUInt16BE(at)
    if (end > bytes.length)
      throw new JournalError('format', {
        expected: 'an entry within the bundle',
        got: 'the end',
        where: `octet ${at}`,
      })
    entries.push(bytes.subarray(start, end))
    at = end
  }
  return entries
}
