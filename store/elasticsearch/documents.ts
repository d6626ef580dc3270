import { canonicalize } from '../../journal/canonical.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import type { Facts } from '../../model/facts.ts'
import type { RecordId } from '../../model/recordId.ts'
import type { Timestamp } from '../../model/time.ts'
import type { Located } from '../sealed.ts'
import { digestOf, instantOf, sha256 } from '../sealed.ts'
import type { EvidenceKind, Names } from './indices.ts'
import { EVIDENCE } from './indices.ts'
import type { Operation } from './bulk.ts'
import type { Address } from './state.ts'

export type EvidenceRecord = Extract<SealedRecord, { kind: EvidenceKind }>

/** What `targets` holds: the newest run of one target. */
export interface TargetDocument {
  readonly subject: string
  readonly probe: string
  readonly target: string
  readonly outcome: Observation['outcome']
  /** Record of the newest full observation. */
  readonly record: RecordId
  readonly recorded: Timestamp
  readonly observation: Observation
  /** Digest of outcome, error and facts. */
  readonly state: string
  readonly known: Facts
  /** Milliseconds since the Unix epoch. */
  readonly lastStart: number
  readonly lastDuration: number
}

/** Version of Elastic Common Schema that audit events are written in. */
const ECS_VERSION = '8.17.0'
/** Longest text that audit events are found by as it is, in UTF-16 units; longer ones are found by their digest. */
const MAX_TERM = 256
const DIGEST_MARK = 'sha256:'

/** Text as a term of bounded length; different texts give different terms. */
export function termOf(text: string): string {
  return text.length > MAX_TERM || text.startsWith(DIGEST_MARK)
    ? `${DIGEST_MARK}${sha256(text).toString('hex')}`
    : text
}

/** The id of a piece of state. */
export function keyOf(...parts: readonly (string | number)[]): string {
  return sha256(canonicalize(parts)).toString('hex')
}

/** The document of a record. `repeats`: the observation says what the run before it said, and is kept for reference only. */
export function evidenceOf(
  record: EvidenceRecord,
  { at }: Pick<Located, 'at'>,
  names: Names,
  content: 'whole' | 'repeats' = 'whole',
): Operation {
  const vigil = {
    id: record.id,
    ...at,
    recorded: record.recorded,
    time: timeOf(record),
    digest: digestOf(record).toString('hex'),
    ...(content === 'repeats' ? { repeats: true } : {}),
  }
  return {
    ...addressOf(record, names),
    source: { ...contentOf(record, content), vigil: { ...vigil, ...terms(record) } },
    over: undefined,
  }
}

export function addressOf(record: EvidenceRecord, names: Names): Address {
  return { index: names.month(EVIDENCE[record.kind], record.recorded), id: record.id }
}

/** The record's body as it is, with what every document of an Elastic stack has. */
function contentOf(record: EvidenceRecord, content: 'whole' | 'repeats'): object {
  switch (record.kind) {
    case 'observation': {
      const { subject, probe, target, start, outcome } = record.body
      const body = content === 'whole' ? record.body : { subject, probe, target, start, outcome }
      return { '@timestamp': start, ...body }
    }
    case 'audit':
      return { ecs: { version: ECS_VERSION }, ...record.body }
    case 'decision':
      return { '@timestamp': record.body.since, ...record.body }
    case 'action':
      return { '@timestamp': record.time, ...record.body }
  }
}

/** The body of a document's record. */
export function bodyOf(kind: EvidenceKind, source: Readonly<Record<string, unknown>>): object {
  const added = kind === 'audit' ? ['vigil', 'ecs'] : ['vigil', '@timestamp']
  return Object.fromEntries(Object.entries(source).filter(([name]) => !added.includes(name)))
}

function timeOf(record: EvidenceRecord): number {
  switch (record.kind) {
    case 'observation':
      return instantOf(record.body.start, record)
    case 'audit':
      return instantOf(record.body['@timestamp'], record)
    case 'decision':
    case 'action':
      return instantOf(record.time, record)
  }
}

function terms(record: EvidenceRecord): object {
  if (record.kind !== 'audit') return {}
  const { user, event, pki } = record.body
  const authority = pki?.caId ?? pki?.caName
  return {
    action: termOf(event.action),
    ...(user === undefined ? {} : { user: termOf(user.name) }),
    ...(authority === undefined ? {} : { authority: termOf(authority) }),
  }
}
