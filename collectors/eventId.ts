import { hash } from 'node:crypto'

/** Octets at the beginning of a file that tell it from others: `fingerprint.length` in filebeat/*.yml. */
export const FILE_HEAD_OCTETS = 128

/** Where a record stands, as Filebeat reports it. */
export interface RecordPlace {
  /** `log.file.fingerprint`: SHA-256 over the first FILE_HEAD_OCTETS of the file. */
  readonly file: string
  /** `log.offset`: where the record's last line begins in the file. */
  readonly offset: number
}

const LF = 0x0a
const CR = 0x0d

/**
 * `event.id`: what Filebeat's `fingerprint` processor gives over source, file, place and record, so that a record has one id whichever way it came
 * and meets itself. Filebeat takes a carriage return before a line feed for part of the line end; so does this.
 */
export function eventId(source: string, place: RecordPlace, bytes: Uint8Array): string {
  // Fields in the order of their names, as the processor sorts them.
  const fields = [
    Buffer.from(`|log.file.fingerprint|${place.file}|log.offset|${place.offset}|message|`),
    withoutCarriageReturns(bytes),
    Buffer.from(`|position.source|${source}|`),
  ]
  return hash('sha256', Buffer.concat(fields))
}

function withoutCarriageReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(CR)) return bytes
  return bytes.filter((octet, at) => octet !== CR || (at + 1 < bytes.length && bytes[at + 1] !== LF))
}
