// Dogtag signs its audit log in segments: a signature covers every line from the signature before it (included) to the line before itself, each with one
// line feed, across files. So a line that was changed, added or removed makes one segment bad, and the next one good again.
import { verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Sequence } from '../format.ts'
import type { RawRecord } from '../source.ts'

/** `event.action` of a signature. */
export const SIGNING = 'AUDIT_LOG_SIGNING'

/** Octets of one segment that are kept. Dogtag signs every few seconds; what is longer is not verified. */
const MAX_SEGMENT_OCTETS = 16 * 1024 * 1024

/** The signature stands at the end of the record. Longest: ML-DSA-87 has 6,200 characters. */
const SIGNATURE = /sig: ([A-Za-z0-9+/]{4,20000}={0,2})\s*$/

/** Records from the last one back, so that the segment of one step is part of the next. */
interface Chain {
  readonly bytes: Uint8Array
  readonly before: Chain | undefined
}

interface Segment {
  /** From the signature before it on; undefined: none has come yet, or the segment is broken. */
  readonly last: Chain | undefined
  readonly records: number
  readonly octets: number
  /** Why it can't be verified. */
  readonly broken?: 'begun_before' | 'damaged' | 'too_long'
}

const EMPTY: Segment = { last: undefined, records: 0, octets: 0 }

/** From the beginning of a log, whose first signature signs what is not here. */
export function signatureSequence(signers: readonly KeyObject[]): Sequence {
  return segments(signers, { ...EMPTY, broken: 'begun_before' })
}

function segments(signers: readonly KeyObject[], segment: Segment): Sequence {
  return {
    step(record, event) {
      if (event.event.action !== SIGNING)
        return { events: [event], next: segments(signers, add(segment, record)) }
      return { events: [judged(event, segment, signers)], next: segments(signers, add(EMPTY, record)) }
    },
  }
}

function add(segment: Segment, record: RawRecord): Segment {
  const records = segment.records + 1
  if (segment.broken !== undefined) return { ...segment, records }
  const octets = segment.octets + record.bytes.length + 1
  if (record.damage !== undefined) return { ...EMPTY, records, broken: 'damaged' }
  if (octets > MAX_SEGMENT_OCTETS) return { ...EMPTY, records, broken: 'too_long' }
  return { last: { bytes: record.bytes, before: segment.last }, records, octets }
}

type Verdict = readonly [signature: 'verified' | 'unverified' | 'bad', reason?: string]

function judged(event: AuditEvent, segment: Segment, signers: readonly KeyObject[]): AuditEvent {
  const [signature, reason] = verdictOn(event, segment, signers)
  const outcome = signature === 'verified' ? 'success' : signature === 'bad' ? 'failure' : 'unknown'
  return {
    ...event,
    event: { ...event.event, outcome, ...(reason === undefined ? {} : { reason }) },
    pki: {
      ...event.pki,
      signature,
      details: { ...event.pki?.details, signedRecords: String(segment.records) },
    },
  }
}

function verdictOn({ message = '' }: AuditEvent, segment: Segment, signers: readonly KeyObject[]): Verdict {
  switch (segment.broken) {
    case 'begun_before':
      return ['unverified', 'the first signature of the log: the one before it, which it covers, is not here']
    case 'damaged':
      return ['bad', 'a record that it covers is damaged']
    case 'too_long':
      return ['unverified', `what it covers is longer than ${MAX_SEGMENT_OCTETS} octets`]
    case undefined:
  }
  const base64 = SIGNATURE.exec(message)?.[1]
  if (base64 === undefined) return ['bad', 'no signature in the record']
  if (signers.length === 0) return ['unverified', 'no key is configured (signing_keys)']
  const signature = Buffer.from(base64, 'base64')
  const covered = signedOctets(segment.last)
  return signers.some((key) => verifies(key, covered, signature))
    ? ['verified']
    : [
        'bad',
        'the signature does not fit what stands in the log: it was changed, or lines are missing or new',
      ]
}

function signedOctets(last: Chain | undefined): Buffer {
  const feed = Buffer.of(0x0a)
  const parts: Uint8Array[] = []
  for (let link = last; link !== undefined; link = link.before) parts.push(feed, link.bytes)
  return Buffer.concat(parts.reverse())
}

/** SHA-256 with RSA PKCS#1 v1.5 or ECDSA; keys that bring their own digest as they are. */
function verifies(key: KeyObject, octets: Uint8Array, signature: Uint8Array): boolean {
  const digest = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ec' ? 'sha256' : null
  try {
    return verify(digest, octets, key, signature)
  } catch {
    // A signature of another form than the key's.
    return false
  }
}
