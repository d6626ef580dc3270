import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Facts } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord, Unchanged } from '../../model/record.ts'
import { compareInJournal } from '../../model/recordId.ts'
import type { StorePosition } from '../contract.ts'
import { canonicalize } from '../../journal/canonical.ts'
import { StoreError } from '../error.ts'
import { digestOf, instantOf, locate, sha256 } from '../sealed.ts'
import { RollUps } from './rollUps.ts'
import { blob, integer, json, text } from './row.ts'

/** Applies records to the database. One transaction a batch: documents, roll-ups and position move together or not at all. */
export class Writer {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #rollUps: RollUps

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#rollUps = new RollUps((sql) => this.#prepare(sql))
  }

  apply(batch: readonly SealedRecord[]): void {
    if (batch.length === 0) return
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      this.#applyInTransaction(batch)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollUps.forget()
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  position(): StorePosition | undefined {
    const row = this.#prepare('SELECT origin, epoch, entry, n FROM journal').get()
    if (row === undefined) return undefined
    return {
      origin: text(row, 'origin'),
      epoch: integer(row, 'epoch'),
      entry: integer(row, 'entry'),
      n: integer(row, 'n'),
    }
  }

  #applyInTransaction(batch: readonly SealedRecord[]): void {
    const applied = this.position()
    let last = applied
    for (const { record, at } of locate(batch, applied)) {
      if (applied !== undefined && compareInJournal(at, applied) <= 0) this.#compareWithStored(record, at)
      else {
        this.#applyOne(record, at)
        last = at
      }
    }
    if (last === undefined || last === applied) return
    this.#rollUps.write()
    this.#prepare(
      'INSERT INTO journal (one, origin, epoch, entry, n) VALUES (1, ?, ?, ?, ?) ' +
        'ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, entry = excluded.entry, n = excluded.n',
    ).run(last.origin, last.epoch, last.entry, last.n)
  }

  #applyOne(record: SealedRecord, at: StorePosition): void {
    switch (record.kind) {
      case 'observation':
        this.#observation(record, record.body, at)
        return
      case 'unchanged':
        this.#unchanged(record, record.body, at)
        return
      case 'audit':
        this.#audit(record, record.body, at)
        return
      case 'decision':
        this.#decision(record.body, this.#document(record, at))
        return
      case 'action':
        this.#document(record, at)
        return
      case 'epoch':
      case 'configuration':
      case 'key':
      case 'retention':
      case 'tick':
        return
    }
  }

  /** Writes the document; its id. `body` is kept only where it is worth a document. */
  #document(record: SealedRecord, at: StorePosition, kept: 'body' | 'digest' = 'body'): number {
    const body = canonicalize(record.body)
    const { lastInsertRowid } = this.#prepare(
      'INSERT INTO document (epoch, entry, n, kind, recorded, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(
      at.epoch,
      at.entry,
      at.n,
      record.kind,
      record.recorded,
      digestOf(record, body),
      kept === 'body' ? body : null,
    )
    return Number(lastInsertRowid)
  }

  /** A record that was applied before: what has a document must be the same now. */
  #compareWithStored(record: SealedRecord, at: StorePosition): void {
    const row = this.#prepare('SELECT digest FROM document WHERE epoch = ? AND entry = ? AND n = ?').get(
      at.epoch,
      at.entry,
      at.n,
    )
    const kept = ['observation', 'audit', 'decision', 'action'].includes(record.kind)
    const same =
      row === undefined
        ? !kept
        : kept && Buffer.compare(blob(row, 'digest'), digestOf(record, canonicalize(record.body))) === 0
    if (!same)
      throw new StoreError(
        'conflict',
        `${record.id} was applied before with other content: journal and store disagree; remove the store's file, it is rebuilt`,
      )
  }

  #observation(record: SealedRecord, observation: Observation, at: StorePosition): void {
    const { outcome, error, facts, subject, probe, target, duration } = observation
    const state = sha256(canonicalize({ outcome, error, facts }))
    const before = this.#prepare(
      'SELECT id, state, known FROM target WHERE subject = ? AND probe = ? AND target = ?',
    ).get(subject, probe, target)
    const repeats =
      before !== undefined && outcome === 'success' && Buffer.compare(blob(before, 'state'), state) === 0
    const document = this.#document(record, at, repeats ? 'digest' : 'body')
    const start = instantOf(observation.start, record)
    const known: Facts = { ...(before === undefined ? {} : (json(before, 'known') as Facts)), ...facts }
    const row = this.#prepare(
      'INSERT INTO target (subject, probe, target, document, body, state, known, last_start, last_duration) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, probe, target) DO UPDATE SET ' +
        'document = excluded.document, body = excluded.body, state = excluded.state, ' +
        'known = excluded.known, last_start = excluded.last_start, last_duration = excluded.last_duration RETURNING id',
    ).get(
      subject,
      probe,
      target,
      document,
      canonicalize(observation),
      state,
      canonicalize(known),
      start,
      duration,
    )
    const id = integer(row, 'id')
    this.#prepare('INSERT INTO observation (document, target, start, failed) VALUES (?, ?, ?, ?)').run(
      document,
      id,
      start,
      outcome === 'failure' ? 1 : 0,
    )
    this.#rollUps.add({ target: id, start, duration, failed: outcome === 'failure' })
  }

  #unchanged(record: SealedRecord, { items }: Unchanged, at: StorePosition): void {
    const time = instantOf(record.time, record)
    for (const [entry, n, offset, duration] of items) {
      const row = this.#prepare(
        'SELECT d.id, o.target, o.failed FROM document d JOIN observation o ON o.document = d.id ' +
          'WHERE d.epoch = ? AND d.entry = ? AND d.n = ?',
      ).get(at.epoch, entry, n)
      // Pruned or erased: of which target it was is not known any more.
      if (row === undefined) continue
      const target = integer(row, 'target')
      const start = time + offset
      this.#rollUps.add({ target, start, duration, failed: integer(row, 'failed') === 1 })
      // An item may come later than the change that followed it; then the newest run is the change.
      this.#prepare(
        'UPDATE target SET last_start = ?1, last_duration = ?2 WHERE id = ?3 AND document = ?4 AND last_start <= ?1',
      ).run(start, duration, target, integer(row, 'id'))
    }
  }

  #audit(record: SealedRecord, event: AuditEvent, at: StorePosition): void {
    this.#prepare('INSERT INTO audit (document, time, user, action, authority) VALUES (?, ?, ?, ?, ?)').run(
      this.#document(record, at),
      instantOf(event['@timestamp'], record),
      event.user?.name ?? null,
      event.event.action,
      event.pki?.caId ?? event.pki?.caName ?? null,
    )
    const { source, fingerprint, end } = event.position
    this.#prepare(
      'INSERT INTO source_position (source, fingerprint, "end") VALUES (?, ?, ?) ' +
        'ON CONFLICT (source, fingerprint) DO UPDATE SET "end" = max("end", excluded."end")',
    ).run(source, fingerprint, end)
  }

  #decision(finding: Finding, document: number): void {
    this.#prepare('INSERT INTO decision (document, subject) VALUES (?, ?)').run(document, finding.subject)
    this.#prepare(
      'INSERT INTO finding (subject, rule, document) VALUES (?, ?, ?) ' +
        'ON CONFLICT (subject, rule) DO UPDATE SET document = excluded.document',
    ).run(finding.subject, finding.rule, document)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return statement
  }
}
