import type { Checkpoint } from '../../journal/checkpoint.ts'
import type { Action, AlertStep, RemediationStep } from '../../model/action.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import { formatRecordId } from '../../model/recordId.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { buildReport } from '../../reports/model.ts'
import type { ReportRequest } from '../../reports/model.ts'
import type { Report } from '../../reports/schema.ts'

export const ORIGIN = 'vigil.bank.example/zone-a'
export const EPOCH = 1_790_000_000

export function at(text: string): number {
  return fromTimestamp(text.length === 16 ? `${text}:00.000Z` : text)
}

/** A journal in memory: every call of `seal` is one entry. */
export class MemoryJournal {
  readonly entries: SealedRecord[][] = []

  /** Records journaled at `ms`. */
  seal(ms: number, ...records: NewRecord[]): SealedRecord[] {
    const entry = this.entries.length
    const sealed = records.map((record, n) => ({
      ...record,
      id: formatRecordId(ORIGIN, EPOCH, { entry, n }),
      position: { entry, n },
      recorded: toTimestamp(ms),
    }))
    this.entries.push(sealed)
    return sealed
  }

  /** One record, at its own time. */
  add(ms: number, record: NewRecord): SealedRecord {
    const [sealed] = this.seal(ms, record)
    if (sealed === undefined) throw new Error('nothing sealed')
    return sealed
  }

  tick(ms: number, reason: 'interval' | 'start' | 'stop' = 'interval'): SealedRecord {
    return this.add(ms, { kind: 'tick', time: toTimestamp(ms), body: { reason } })
  }

  /** Run that starts at `ms`; it is journaled when it is over. */
  observe(ms: number, fields: Partial<Observation> = {}): SealedRecord {
    const observation = makeObservation(ms, fields)
    const time = toTimestamp(ms)
    return this.add(ms + observation.duration, { kind: 'observation', time, body: observation })
  }

  /** Runs like `full`, at these times. */
  unchanged(full: SealedRecord, times: readonly number[], duration = 40): SealedRecord {
    const first = times[0] ?? 0
    const { entry, n } = full.position
    return this.add((times.at(-1) ?? first) + duration, {
      kind: 'unchanged',
      time: toTimestamp(first),
      body: { items: times.map((t) => [entry, n, t - first, duration] as const) },
    })
  }

  decide(ms: number, fields: Partial<Finding> & { state: Finding['state'] }): SealedRecord {
    return this.add(ms, { kind: 'decision', time: toTimestamp(ms), body: makeFinding(ms, fields) })
  }

  act(ms: number, fields: ActionFields): SealedRecord {
    return this.add(ms, { kind: 'action', time: toTimestamp(ms), body: makeAction(fields) })
  }

  /** An event that claims `ms`, journaled `delay` ms later. */
  audit(ms: number, fields: AuditFields, delay = 500): SealedRecord {
    return this.add(ms + delay, { kind: 'audit', time: toTimestamp(ms), body: makeAudit(ms, fields) })
  }

  async *read(): AsyncGenerator<readonly SealedRecord[]> {
    for (const entry of this.entries) {
      await Promise.resolve()
      yield entry
    }
  }

  checkpoint(size = this.entries.length): Checkpoint {
    const root = size.toString(16).padStart(64, '0')
    const origin = `${ORIGIN}/${EPOCH}`
    const text = `${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n\n— ${origin} AAAA\n`
    return { origin, size, root, text }
  }

  report(from: string, to: string, more: Partial<ReportRequest> = {}): Promise<Report> {
    const period = { from: toTimestamp(at(from)), to: toTimestamp(at(to)) }
    return buildReport(this.read(), { period, checkpoint: this.checkpoint(), version: '0.1.0', ...more })
  }
}

export const CRL: Partial<Observation> = {
  subject: 'ca_crl[issuing-1]',
  probe: 'crl',
  target: 'http://crl.bank.example/issuing-1.crl',
}

export const EXPIRED: Partial<Observation> = {
  ...CRL,
  outcome: 'failure',
  error: {
    phase: 'time',
    code: 'expired',
    message: 'expected nextUpdate after now, got 2026-11-10T06:00:00Z',
  },
}

function makeObservation(ms: number, fields: Partial<Observation> = {}): Observation {
  return {
    subject: 'ca_crl[issuing-1]',
    probe: 'crl',
    target: 'http://crl.bank.example/issuing-1.crl',
    vantage: 'dc-1',
    start: toTimestamp(ms),
    duration: 40,
    outcome: 'success',
    facts: { authority: { id: 'issuing-1', class: 'online' } },
    artifacts: [],
    ...fields,
  }
}

function makeFinding(ms: number, fields: Partial<Finding> & { state: Finding['state'] }): Finding {
  return {
    rule: 'crl_freshness_ok',
    pack: 'internal-pki',
    subject: 'ca_crl[issuing-1]',
    severity: 'critical',
    since: toTimestamp(ms),
    summary: `CRL freshness is ${fields.state}`,
    facts: { crl: { number: '41', thisUpdate: '2026-11-09T06:00:00.000Z' } },
    parameters: { max_age: '24h' },
    evidence: [],
    ...fields,
  }
}

export type ActionFields =
  Partial<RemediationStep> | (Partial<AlertStep> & Pick<AlertStep, 'kind' | 'status'>)

function makeAction(fields: ActionFields): Action {
  return {
    kind: 'remediation',
    id: 'action-1',
    status: 'requested',
    rule: 'crl_freshness_ok',
    subject: 'ca_crl[issuing-1]',
    receiver: 'https://control.bank.example/hooks/vigil',
    detail: 'reissue_crl',
    evidence: [],
    ...fields,
  }
}

interface AuditFields {
  action: string
  outcome?: 'success' | 'failure' | 'unknown'
  user?: string
  message?: string
  category?: string[]
  pki?: AuditEvent['pki']
}

let line = 0
function makeAudit(ms: number, fields: AuditFields): AuditEvent {
  line++
  return {
    '@timestamp': toTimestamp(ms),
    event: {
      action: fields.action,
      outcome: fields.outcome ?? 'success',
      category: fields.category ?? [],
      type: [],
      module: 'ejbca',
      dataset: 'ejbca.audit',
      original: `line ${line}`,
    },
    ...(fields.user === undefined ? {} : { user: { name: fields.user } }),
    ...(fields.message === undefined ? {} : { message: fields.message }),
    ...(fields.pki === undefined ? {} : { pki: fields.pki }),
    position: { source: 'ejbca-1', fingerprint: 'ab'.repeat(32), offset: line * 100, end: line * 100 + 99 },
  }
}
