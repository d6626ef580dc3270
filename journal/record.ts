import { isUtf8 } from 'node:buffer'
import { type NewRecord, type RecordKind, type SealedRecord } from '../model/record.ts'
import { formatRecordId, type Position } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../model/time.ts'
import type { Block } from './block.ts'
import { canonicalize } from './canonical.ts'
import { NOT_PLAIN, OBJECT, plainEnd } from './canonicalForm.ts'
import { sha256 } from './digest.ts'
import { JournalError } from './error.ts'

/** Largest record in octets of canonical JSON: a raw audit line is bounded well below, and artifacts are kept apart. */
export const MAX_RECORD_BYTES = 1024 * 1024

/** Octets of the random nonce: nobody can guess an erased record from the digest that stays. */
export const NONCE_BYTES = 16

const VERSION = 1
const NONCE = /^[0-9a-f]{32}$/
const MEMBERS = 'body,kind,nonce,recorded,time,v'
const KINDS: Readonly<Record<RecordKind, true>> = {
  epoch: true,
  configuration: true,
  key: true,
  retention: true,
  tick: true,
  observation: true,
  unchanged: true,
  audit: true,
  decision: true,
  action: true,
}

export const RECORD_KINDS: readonly RecordKind[] = Object.keys(KINDS).filter(isRecordKind)

/** A record as it is hashed and stored. */
export interface EncodedRecord {
  readonly record: NewRecord
  /** Milliseconds since the Unix epoch. */
  readonly recorded: number
  readonly recordedTime: Timestamp
  /** Canonical JSON in UTF-8. */
  readonly bytes: Buffer
  readonly digest: Buffer
}

/** Throws JournalError(invalid_record) on what can't be written in canonical JSON, or is larger than MAX_RECORD_BYTES. */
export function encodeRecord(
  record: NewRecord,
  { recorded, recordedTime }: Pick<EncodedRecord, 'recorded' | 'recordedTime'>,
  nonce: Uint8Array,
): EncodedRecord {
  const { kind, time, body } = record
  if (!isTimestamp(time)) throw malformed('a time like 2026-01-31T00:00:00.000Z', shown(time))
  const text = canonicalize({
    v: VERSION,
    kind,
    time,
    recorded: recordedTime,
    nonce: Buffer.from(nonce).toString('hex'),
    body,
  })
  const bytes = Buffer.from(text)
  if (bytes.length > MAX_RECORD_BYTES)
    throw new JournalError(
      'invalid_record',
      `expected a record of at most ${MAX_RECORD_BYTES} octets, got ${bytes.length} (kind ${kind})`,
    )
  return { record, recorded, recordedTime, bytes, digest: sha256(bytes) }
}

/** What every record says about itself. */
export interface Envelope {
  readonly kind: RecordKind
  readonly time: string
  readonly recorded: string
  readonly body: object
}

const BEFORE_BODY = Buffer.from('{"body":')
const BODY = BEFORE_BODY.length
const AFTER_BODY =
  /^,"kind":"([a-z]{1,20})","nonce":"[0-9a-f]{32}","recorded":"([^"\\]{24})","time":"([^"\\]{24})","v":1\}$/
/** More than AFTER_BODY can match. */
const AFTER_BODY_BYTES = 256

/** The envelope of a record that is plainly in canonical form; its body is parsed when it is asked for. undefined: it has to be looked at in full. */
function plainEnvelope(bytes: Buffer): Envelope | undefined {
  if (bytes.compare(BEFORE_BODY, 0, BODY, 0, BODY) !== 0 || bytes[BODY] !== OBJECT) return undefined
  const end = plainEnd(bytes, BODY)
  if (end === NOT_PLAIN || bytes.length - end > AFTER_BODY_BYTES) return undefined
  const [, kind, recorded, time] = AFTER_BODY.exec(bytes.toString('latin1', end)) ?? []
  if (!isRecordKind(kind) || !isTimestamp(recorded) || !isTimestamp(time)) return undefined
  return {
    kind,
    time,
    recorded,
    get body() {
      return JSON.parse(bytes.toString('utf8', BODY, end)) as object
    },
  }
}

/**
 * Checks the canonical form and the envelope (version, kind, times, nonce). The body's own shape is not checked: the
 * digest says that it is what vigil wrote. Throws JournalError(invalid_record).
 */
export function checkRecord(bytes: Buffer): Envelope {
  // Invalid UTF-8 would decode to replacement characters.
  if (!isUtf8(bytes)) throw malformed('UTF-8', 'other octets')
  const plain = plainEnvelope(bytes)
  if (plain !== undefined) return plain
  const text = bytes.toString()
  const value = parse(text)
  if (canonicalize(value) !== text)
    throw malformed('canonical JSON (RFC 8785)', 'another spelling of the same value')
  return envelope(value)
}

/** Reads a record whose integrity is already established. Throws JournalError(invalid_record). */
function decodeRecord(bytes: Buffer, origin: string, epoch: number, position: Position): SealedRecord {
  const { kind, time, recorded, body } = envelope(parse(bytes.toString()))
  // The writer took kind and body from a NewRecord, and the digest in the tree covers both.
  const record = { kind, time, body } as NewRecord
  return { ...record, id: formatRecordId(origin, epoch, position), position, recorded }
}

/** The records of a block without those that were erased. Throws JournalError(invalid_record). */
export function decodeBlockRecords(
  { entry, records }: Block,
  origin: string,
  epoch: number,
): readonly SealedRecord[] {
  return records.flatMap((bytes, n) =>
    isErased(bytes) ? [] : [decodeRecord(bytes, origin, epoch, { entry, n })],
  )
}

/** What stands in place of an erased record is an empty line. */
export function isErased(record: Buffer): boolean {
  return record.length === 0
}

/** What of an entry's records comes after a position. */
export function afterPosition(
  batch: readonly SealedRecord[],
  after: Position | undefined,
): readonly SealedRecord[] {
  if (after === undefined || batch[0]?.position.entry !== after.entry) return batch
  return batch.filter(({ position }) => position.n > after.n)
}

export function sealedRecord(
  encoded: EncodedRecord,
  origin: string,
  epoch: number,
  position: Position,
): SealedRecord {
  return {
    ...encoded.record,
    id: formatRecordId(origin, epoch, position),
    position,
    recorded: encoded.recordedTime,
  }
}

/** When a stored record was journaled, in ms since the Unix epoch, without decoding the rest. */
export function recordedAt(bytes: Buffer): number {
  return fromTimestamp(envelope(parse(bytes.toString())).recorded)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new JournalError('invalid_record', 'expected JSON, got something else', { cause: error })
  }
}

function envelope(value: unknown): Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('an object', 'another value')
  const members = Object.keys(value).sort().join()
  if (members !== MEMBERS) throw malformed(`the members ${MEMBERS}`, members.slice(0, 200))
  const { v, kind, time, recorded, nonce, body } = value as Readonly<Record<string, unknown>>
  if (v !== VERSION) throw malformed(`record version ${VERSION}`, shown(v))
  if (!isRecordKind(kind)) throw malformed('a record kind', shown(kind))
  if (!isTimestamp(time) || !isTimestamp(recorded))
    throw malformed('times like 2026-01-31T00:00:00.000Z', `${shown(time)}, ${shown(recorded)}`)
  if (typeof nonce !== 'string' || !NONCE.test(nonce))
    throw malformed(`a nonce of ${NONCE_BYTES} octets in hex`, shown(nonce))
  if (typeof body !== 'object' || body === null) throw malformed('a body', shown(body))
  return { kind, time, recorded, body }
}

export function isRecordKind(value: unknown): value is RecordKind {
  return typeof value === 'string' && Object.hasOwn(KINDS, value)
}

/** RFC 3339 with milliseconds and Z; days that a month may lack are looked up. */
const TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const FIRST_UNSURE_DAY = '29'

export function isTimestamp(value: unknown): value is string {
  if (typeof value !== 'string' || !TIMESTAMP.test(value)) return false
  return value.slice(8, 10) < FIRST_UNSURE_DAY || toTimestamp(Date.parse(value)) === value
}

function shown(value: unknown): string {
  return (typeof value === 'string' ? JSON.stringify(value) : String(value)).slice(0, 100)
}

function malformed(expected: string, got: string): JournalError {
  return new JournalError('invalid_record', { expected, got })
}
