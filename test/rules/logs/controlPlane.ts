import { dagster } from '../../../collectors/formats/dagster.ts'
import type { Format } from '../../../collectors/format.ts'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import { inventorySchema, type LogConfig, type ServiceConfig } from '../../../model/config.ts'
import { READ_AT } from '../../collectors/parsing.ts'

// Rows as Dagster's source hands them over, read as it reads them.

let rows = 0

/** One event of a row, as the format has it. */
export function read(format: Format, row: object): AuditEvent {
  const bytes = Buffer.from(JSON.stringify(row))
  const position = { source: 'control', fingerprint: 'f', offset: rows++, end: rows }
  return format.parse({ kind: 'record', bytes, position }, { received: READ_AT, authorities: [] })
}

interface RunOf {
  readonly job?: string
  readonly tags?: Readonly<Record<string, string>>
}

/** What a run is now, at a time in milliseconds. */
export function run(
  runId: string,
  status: string,
  at: number,
  { job = 'renew', tags = {} }: RunOf = {},
): AuditEvent {
  const list = Object.entries(tags).map(([key, value]) => ({ key, value }))
  const times = { creationTime: at / 1000, updateTime: at / 1000 }
  return read(dagster, { history: 'run', run: { runId, jobName: job, status, ...times, tags: list } })
}

/** What its log says. */
export function runEvent(runId: string, eventType: string, at: number, job = 'renew'): AuditEvent {
  const event = { __typename: 'E', eventType, timestamp: String(at) }
  return read(dagster, { history: 'event', runId, jobName: job, event })
}

interface Materialized {
  readonly partition?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
}

export function materialized(asset: string, at: number, said: Materialized = {}): AuditEvent {
  const { partition, metadata = {}, tags = {} } = said
  const event = {
    __typename: 'MaterializationEvent',
    runId: '',
    timestamp: String(at),
    partition: partition ?? null,
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    metadataEntries: Object.entries(metadata).map(([label, text]) => ({ label, text })),
  }
  return read(dagster, { history: 'asset', asset: asset.split('/'), event })
}

/** That it goes on, and nothing else. */
export function tick(at: number): AuditEvent {
  const told = { tickId: String(at), status: 'SKIPPED', timestamp: at / 1000 }
  return read(dagster, { history: 'tick', kind: 'sensor', instigator: { name: 'other' }, tick: told })
}

export function declaredLog(more: object = {}, format: 'dagster' | 'certctl' = 'dagster'): LogConfig {
  const log = { id: 'control', format, path: 'control.log', ...more }
  const [declared] = inventorySchema.parse({ logs: [log] }).logs
  if (declared === undefined) throw new Error('expected a log')
  return declared
}

export function declaredServices(
  ...services: readonly (readonly [id: string, environment: string])[]
): ServiceConfig[] {
  return inventorySchema.parse({
    services: services.map(([id, environment]) => ({
      ...{ id, environment, issuer: 'issuing-1', owner: 'team' },
      ...{ endpoint: `${id}.${environment}.test:443`, servername: `${id}.test` },
    })),
  }).services
}
