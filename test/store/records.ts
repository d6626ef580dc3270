import type { Action, AlertStep, RemediationStep } from '../../model/action.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import { formatRecordId } from '../../model/recordId.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'

export const ORIGIN = 'vigil.test/zone-a'
/** 2026-11-22T06:00:00Z */
export const T0 = Date.UTC(2026, 10, 22, 6)

/** Seals records as a journal would: each call is an entry, a second after the one before. */
export class FakeJournal {
  readonly origin: string
  epoch = 0
  entries = 0
  constructor(origin = ORIGIN) {
    this.origin = origin
  }
  seal(...records: NewRecord[]): SealedRecord[] {
    const entry = this.entries++
    return records.map((record, n) => ({
      ...record,
      id: formatRecordId(this.origin, this.epoch, { entry, n }),
      position: { entry, n },
      recorded: toTimestamp(T0 + entry * 1000),
    }))
  }
}

export function observationOf(part: Partial<Observation> = {}): Observation {
  return {
    subject: 'ca_crl[issuing-1]',
    probe: 'crl',
    target: 'http://crl.example/issuing-1.crl',
    vantage: 'default',
    start: toTimestamp(T0),
    duration: 12,
    outcome: 'success',
    facts: {
      authority: { id: 'issuing-1', class: 'online' },
      crl: { number: '41', thisUpdate: '2026-11-22T05:00:00.000Z', nextUpdate: '2026-11-23T05:00:00.000Z' },
    },
    artifacts: [],
    ...part,
  }
}

function failureOf(part: Partial<Observation> = {}): Observation {
  return observationOf({
    outcome: 'failure',
    facts: { authority: { id: 'issuing-1', class: 'online' } },
    error: { phase: 'connect', code: 'refused', message: 'connection refused' },
    ...part,
  })
}

export function observation(part: Partial<Observation> = {}): NewRecord {
  const body = observationOf(part)
  return { kind: 'observation', time: body.start, body }
}

export function failure(part: Partial<Observation> = {}): NewRecord {
  const body = failureOf(part)
  return { kind: 'observation', time: body.start, body }
}

/** Repeats of full observations: each item is the record repeated, when it started and how long it took, in ms. */
export function unchanged(
  time: number,
  ...items: [of: SealedRecord, start: number, duration: number][]
): NewRecord {
  return {
    kind: 'unchanged',
    time: toTimestamp(time),
    body: {
      items: items.map(([of, start, duration]) => [of.position.entry, of.position.n, start - time, duration]),
    },
  }
}

interface AuditPart {
  time?: number
  user?: string
  action?: string
  authority?: string
  name?: string
  offset?: number
  fingerprint?: string
  source?: string
}

export function audit(part: AuditPart = {}): NewRecord {
  const time = toTimestamp(part.time ?? T0)
  const offset = part.offset ?? 0
  const body: AuditEvent = {
    '@timestamp': time,
    event: {
      action: part.action ?? 'CERT_CREATION',
      outcome: 'success',
      category: ['configuration'],
      type: ['creation'],
      module: 'ejbca',
      dataset: 'ejbca.audit',
      original: `line at ${offset}`,
    },
    user: { name: part.user ?? 'superadmin' },
    pki: {
      ...(part.name === undefined ? { caId: part.authority ?? 'issuing-1' } : { caName: part.name }),
      profile: 'ENDUSER',
      key: 'signKey',
    },
    position: {
      source: part.source ?? 'ejbca-vm',
      fingerprint: part.fingerprint ?? 'aa',
      offset,
      end: offset + 100,
    },
  }
  return { kind: 'audit', time, body }
}

export function decision(part: Partial<Finding> = {}): NewRecord {
  const body: Finding = {
    rule: 'crl_freshness_ok',
    pack: 'internal-pki',
    subject: 'ca_crl[issuing-1]',
    state: 'pass',
    severity: 'critical',
    since: toTimestamp(T0),
    summary: 'the CRL is 1 h old',
    facts: { crl: { thisUpdate: '2026-11-22T05:00:00.000Z' } },
    parameters: { max_age: '24h' },
    evidence: [],
    ...part,
  }
  return { kind: 'decision', time: body.since, body }
}

export function action(
  part: Partial<AlertStep> | (Partial<RemediationStep> & Pick<RemediationStep, 'kind' | 'status'>) = {},
): NewRecord {
  const body: Action = {
    kind: 'alert',
    id: 'a-1',
    status: 'sent',
    rule: 'crl_freshness_ok',
    subject: 'ca_crl[issuing-1]',
    receiver: 'http://alertmanager.example:9093',
    detail: 'firing',
    evidence: [],
    ...part,
  }
  return { kind: 'action', time: toTimestamp(T0), body }
}

export const incidentStep = {
  kind: 'action',
  time: toTimestamp(T0),
  body: {
    kind: 'incident',
    id: 'inc-0123456789ab',
    status: 'opened',
    rule: 'crl_freshness_ok',
    subject: 'ca_crl[issuing-1]',
    receiver: 'vigil',
    detail: 'the CRL is old',
    at: toTimestamp(T0),
    by: 'vigil',
    about: 'authority[issuing-1]',
    members: [
      {
        rule: 'crl_freshness_ok',
        subject: 'ca_crl[issuing-1]',
        severity: 'critical',
        role: 'cause',
        reason: 'it fails',
      },
    ],
    evidence: [],
  },
} as const satisfies NewRecord

export const tick: NewRecord = { kind: 'tick', time: toTimestamp(T0), body: { reason: 'interval' } }
