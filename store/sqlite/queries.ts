import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Action } from '../../model/action.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Facts } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import { formatRecordId, parseRecordId } from '../../model/recordId.ts'
import type { RecordId } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'
import type { AuditQuery, RollUp, Stored, StoredAction, TargetState } from '../contract.ts'
import { StoreError } from '../error.ts'
import { parseBuckets } from './rollUps.ts'
import { integer, json, text } from './row.ts'
import type { Row } from './row.ts'

/** What a Stored<T> is made of; the origin is the same for every document. */
const DOCUMENT = 'd.id, d.epoch, d.entry, d.n, d.recorded, d.body, (SELECT origin FROM journal) AS origin'

export function latestObservations(database: DatabaseSync): TargetState[] {
  return database
    .prepare(
      `SELECT d.epoch, d.entry, d.n, d.recorded, t.body, (SELECT origin FROM journal) AS origin,
         t.known, t.last_start, t.last_duration
       FROM target t JOIN document d ON d.id = t.document ORDER BY t.subject, t.probe, t.target`,
    )
    .all()
    .map((row) => ({
      observation: stored<Observation>(row),
      lastStart: toTimestamp(integer(row, 'last_start')),
      lastDuration: integer(row, 'last_duration'),
      known: json(row, 'known') as Facts,
    }))
}

export function observations(
  database: DatabaseSync,
  query: { subject: string; from: Timestamp; limit: number },
): Stored<Observation>[] {
  return database
    .prepare(
      `SELECT ${DOCUMENT} FROM target t JOIN observation o ON o.target = t.id JOIN document d ON d.id = o.document
       WHERE t.subject = ? AND o.start >= ? AND d.body IS NOT NULL ORDER BY o.start DESC, d.id DESC LIMIT ?`,
    )
    .all(query.subject, fromTimestamp(query.from), query.limit)
    .map((row) => stored<Observation>(row))
}

export function findings(database: DatabaseSync): Stored<Finding>[] {
  return database
    .prepare(
      `SELECT ${DOCUMENT} FROM finding f JOIN document d ON d.id = f.document ORDER BY f.subject, f.rule`,
    )
    .all()
    .map((row) => stored<Finding>(row))
}

export function decisions(
  database: DatabaseSync,
  query: { subject?: string; limit: number },
): Stored<Finding>[] {
  const rows =
    query.subject === undefined
      ? database
          .prepare(
            `SELECT ${DOCUMENT} FROM decision x JOIN document d ON d.id = x.document ORDER BY x.document DESC LIMIT ?`,
          )
          .all(query.limit)
      : database
          .prepare(
            `SELECT ${DOCUMENT} FROM decision x JOIN document d ON d.id = x.document
             WHERE x.subject = ? ORDER BY x.document DESC LIMIT ?`,
          )
          .all(query.subject, query.limit)
  return rows.map((row) => stored<Finding>(row))
}

export function actions(
  database: DatabaseSync,
  query: { kind?: Action['kind']; limit: number },
): StoredAction[] {
  const rows =
    query.kind === undefined
      ? database
          .prepare(`SELECT ${DOCUMENT} FROM document d WHERE d.kind = 'action' ORDER BY d.id DESC LIMIT ?`)
          .all(query.limit)
      : database
          .prepare(
            `SELECT ${DOCUMENT} FROM document d
             WHERE d.kind = 'action' AND json_extract(d.body, '$.kind') = ? ORDER BY d.id DESC LIMIT ?`,
          )
          .all(query.kind, query.limit)
  return rows.map((row) => ({
    ...(json(row, 'body') as Action),
    record: recordId(row),
    recorded: text(row, 'recorded'),
  }))
}

export function auditEvents(database: DatabaseSync, query: AuditQuery): Stored<AuditEvent>[] {
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  const where = (condition: string, ...bound: SQLInputValue[]) => {
    conditions.push(condition)
    values.push(...bound)
  }
  if (query.from !== undefined) where('a.time >= ?', fromTimestamp(query.from))
  if (query.to !== undefined) where('a.time < ?', fromTimestamp(query.to))
  if (query.authority !== undefined) where('a.authority = ?', query.authority)
  if (query.user !== undefined) where('a.user = ?', query.user)
  if (query.action !== undefined) where('a.action = ?', query.action)
  if (query.after !== undefined) {
    const { document, time } = auditPlace(database, query.after)
    where('(a.time, a.document) < (?, ?)', time, document)
  }
  return database
    .prepare(
      `SELECT ${DOCUMENT} FROM audit a JOIN document d ON d.id = a.document
       ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
       ORDER BY a.time DESC, a.document DESC LIMIT ?`,
    )
    .all(...values, query.limit)
    .map((row) => stored<AuditEvent>(row))
}

export function rollUps(
  database: DatabaseSync,
  query: { from: Timestamp; to: Timestamp; subject?: string },
): RollUp[] {
  return database
    .prepare(
      `SELECT r.hour, t.subject, t.probe, t.target, r.runs, r.failures, r.buckets
       FROM roll_up r JOIN target t ON t.id = r.target
       WHERE r.hour >= ?1 AND r.hour < ?2 AND (?3 IS NULL OR t.subject = ?3)
       ORDER BY r.hour, t.subject, t.probe, t.target`,
    )
    .all(fromTimestamp(query.from), fromTimestamp(query.to), query.subject ?? null)
    .map((row) => ({
      hour: toTimestamp(integer(row, 'hour')),
      subject: text(row, 'subject'),
      probe: text(row, 'probe'),
      target: text(row, 'target'),
      runs: integer(row, 'runs'),
      failures: integer(row, 'failures'),
      buckets: parseBuckets(text(row, 'buckets')),
    }))
}

export function sourcePositions(
  database: DatabaseSync,
): { source: string; fingerprint: string; end: number }[] {
  return database
    .prepare('SELECT source, fingerprint, "end" FROM source_position ORDER BY source, fingerprint')
    .all()
    .map((row) => ({
      source: text(row, 'source'),
      fingerprint: text(row, 'fingerprint'),
      end: integer(row, 'end'),
    }))
}

function auditPlace(database: DatabaseSync, id: RecordId): { document: number; time: number } {
  const at = parseRecordId(id)
  const row =
    at === undefined
      ? undefined
      : database
          .prepare(
            `SELECT a.document, a.time FROM audit a JOIN document d ON d.id = a.document
             WHERE d.epoch = ? AND d.entry = ? AND d.n = ? AND ? = (SELECT origin FROM journal)`,
          )
          .get(at.epoch, at.entry, at.n, at.origin)
  if (row === undefined)
    throw new StoreError(
      'unknown_record',
      `expected the id of an audit event in the store, got ${JSON.stringify(id)}`,
    )
  return { document: integer(row, 'document'), time: integer(row, 'time') }
}

function stored<T extends object>(row: Row): Stored<T> {
  return { ...(json(row, 'body') as T), id: recordId(row), recorded: text(row, 'recorded') }
}

function recordId(row: Row): RecordId {
  const at = { entry: integer(row, 'entry'), n: integer(row, 'n') }
  return formatRecordId(text(row, 'origin'), integer(row, 'epoch'), at)
}
