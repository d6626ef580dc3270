import { parseEndorsement } from '../journal/rotation.ts'
import type { Anchor } from '../journal/verify/anchors.ts'
import type { Retention, SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp, type Timestamp } from '../model/time.ts'
import { BoundedList, clip } from './listing.ts'
import { instant, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report } from './schema.ts'

const MAX_LISTED = 200
const MAX_ANCHORS = 50
const MAX_TEXT = 300

type Custody = Report['custody']
type Backup = NonNullable<Custody['backup']>
type Drill = NonNullable<Custody['drill']>

/** How the journal itself was kept: who vouches for it, its keys, what was taken out of it, and whether it could be had back. */
export class CustodyLog {
  readonly #period: Period
  readonly #keys = new BoundedList<Custody['keys']['items'][number]>(MAX_LISTED)
  readonly #retention = new BoundedList<Custody['retention']['items'][number]>(MAX_LISTED)
  #gone: Custody['gone'] = { entries: 0, records: 0 }
  /** Of the epoch that is read: what its ids begin with, its last entry before the period, and its first after it. */
  #epoch = '/'
  #before = -1
  #after = Infinity
  readonly #from: Timestamp
  readonly #to: Timestamp
  readonly #holds = new Map<RecordId, Custody['holds']['items'][number]>()
  readonly #backups = new Set<string>()
  readonly #drills = new Set<string>()
  #backup: Backup | null = null
  #drill: Drill | null = null
  /** When entries from this size on were journaled: the first of them. */
  readonly #anchored: number
  #tailSince: string | null = null

  constructor(period: Period, anchors: readonly Anchor[]) {
    this.#period = period
    this.#from = toTimestamp(period.from)
    this.#to = toTimestamp(period.to)
    this.#anchored = Math.max(0, ...anchors.map(({ size }) => size))
  }

  /** Every record, in order. */
  addRecord({ position, recorded, id }: SealedRecord, log: string): void {
    if (!id.startsWith(this.#epoch)) {
      this.#epoch = id.slice(0, -`${position.entry}/${position.n}`.length)
      this.#before = -1
      this.#after = Infinity
    }
    if (recorded < this.#from) this.#before = position.entry
    else if (recorded >= this.#to && this.#after === Infinity) this.#after = position.entry
    if (this.#tailSince === null && position.entry >= this.#anchored && id.startsWith(log))
      this.#tailSince = recorded
  }

  addKey(record: SealedRecord & { readonly kind: 'key' }): void {
    if (!within(this.#period, instant(record.recorded, 0))) return
    const { by, endorsement } = record.body
    this.#keys.add(() => ({
      time: record.recorded,
      record: record.id,
      by: clip(by, MAX_TEXT),
      ...successor(endorsement),
    }))
  }

  addRetention(record: SealedRecord & { readonly kind: 'retention' }): void {
    const { body } = record
    const at = instant(record.recorded, 0)
    const gone = this.#goneWith(body)
    this.#gone = {
      entries: Math.max(this.#gone.entries, gone.entries),
      records: this.#gone.records + gone.records,
    }
    // Months are reported again, from what is left then.
    if (within(this.#period, at) || gone.entries + gone.records > 0)
      this.#retention.add(() => ({ ...basis(record), action: body.action, ...extent(body) }))
    if (at >= this.#period.to) return
    if (body.action === 'hold')
      this.#holds.set(record.id, {
        ...basis(record),
        from: body.from,
        to: body.to,
      })
    if (body.action === 'release') this.#holds.delete(body.hold)
  }

  /** What of the period may be among what is taken out. Pruned is what is older than the oldest record that is there. */
  #goneWith(body: Retention): Custody['gone'] {
    const entries = body.action === 'prune' && this.#before === -1 ? body.entries : 0
    const records = body.action === 'erase' ? body.records : []
    return {
      entries,
      records: records.filter(([entry]) => entry > this.#before && entry < this.#after).length,
    }
  }

  addObservation(record: SealedRecord & { readonly kind: 'observation' }): void {
    const { probe, facts, start } = record.body
    const { backup, drill } = facts
    if (probe !== 'backup' || instant(start, 0) >= this.#period.to) return
    const moment = { time: start, record: record.id }
    if (backup !== undefined) {
      if (backup.made !== undefined && within(this.#period, instant(backup.made, 0)))
        this.#backups.add(backup.made)
      this.#backup = {
        place: clip(backup.place ?? '', MAX_TEXT),
        made: backup.made ?? null,
        inPeriod: this.#backups.size,
        entries: backup.entries ?? null,
        problem: backup.failing === true ? clip(backup.problem ?? '', MAX_TEXT) : null,
        ...moment,
      }
    }
    if (drill?.enabled !== true) return
    if (drill.made !== undefined && within(this.#period, instant(drill.made, 0))) this.#drills.add(drill.made)
    this.#drill = {
      made: drill.made ?? null,
      due: drill.due ?? null,
      inPeriod: this.#drills.size,
      epochs: drill.epochs ?? null,
      entries: drill.entries ?? null,
      records: drill.records ?? null,
      artifacts: drill.artifacts ?? null,
      documents: drill.documents ?? null,
      duration: drill.duration ?? null,
      problem: drill.failing === true ? clip(drill.problem ?? '', MAX_TEXT) : null,
      ...moment,
    }
  }

  report(anchors: readonly Anchor[], size: number): Custody {
    const listed = new BoundedList<Custody['anchors']['items'][number]>(MAX_ANCHORS)
    for (const { kind, by, size: covered, time } of [...anchors].sort((a, b) => b.size - a.size))
      listed.add(() => ({ kind, by: clip(by, MAX_TEXT), size: covered, time: time ?? null }))
    const holds = new BoundedList<Custody['holds']['items'][number]>(MAX_LISTED)
    for (const hold of this.#holds.values()) holds.add(() => hold)
    const entries = Math.max(0, size - this.#anchored)
    return {
      anchors: listed.list(),
      anchored: Math.min(size, this.#anchored),
      tail: { entries, since: entries === 0 ? null : this.#tailSince },
      keys: this.#keys.list(),
      retention: this.#retention.list(),
      gone: this.#gone,
      holds: holds.list(),
      backup: this.#backup,
      drill: this.#drill,
    }
  }
}

function basis(record: SealedRecord & { readonly kind: 'retention' }) {
  const { by, reason } = record.body
  return { time: record.recorded, record: record.id, by: clip(by, MAX_TEXT), reason: clip(reason, MAX_TEXT) }
}

/** How much is gone: whole entries, single records, artifacts. */
function extent(body: Retention): { entries: number; records: number; artifacts: number } {
  if (body.action === 'prune') return { entries: body.entries, records: 0, artifacts: body.artifacts.length }
  if (body.action === 'erase')
    return { entries: 0, records: body.records.length, artifacts: body.artifacts.length }
  return { entries: 0, records: 0, artifacts: 0 }
}

function successor(endorsement: string): { from: string; to: string; type: string } {
  try {
    const { next, by } = parseEndorsement(endorsement)
    return { from: by, to: next.id, type: next.type }
  } catch {
    // The verifier refuses such a journal; the report says that there is something.
    return { from: '?', to: '?', type: '?' }
  }
}
