import { z } from 'zod'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Format } from '../format.ts'
import { originalOf } from '../text.ts'
import { unparsedEvent } from './unparsed.ts'

const MODULE = 'dagster'
/** Tags and entries of metadata that are kept; what is more stands in the raw record. */
const MAX_DETAILS = 200
/** Last second that a date can hold. */
const LAST = 253_402_300_799

const name = z.string().min(1).max(200)
const text = z.string().nullish()
const seconds = z.number().nonnegative().max(LAST)
/** Milliseconds, as text. */
const milliseconds = z.string().regex(/^\d{1,15}(?:\.\d+)?$/)
const tags = z.array(z.object({ key: z.string(), value: z.string() })).nullish()
const metadata = z.array(z.looseObject({ label: z.string() })).nullish()
const error = z.object({ message: z.string() }).nullish()
const assetKey = z.object({ path: z.array(z.string()) })

const rowSchema = z.discriminatedUnion('history', [
  z.object({
    history: z.literal('run'),
    run: z.object({
      runId: name,
      jobName: text,
      status: name,
      creationTime: seconds,
      updateTime: seconds.nullish(),
      tags,
    }),
  }),
  z.object({
    history: z.literal('event'),
    runId: name,
    jobName: text,
    event: z.object({
      __typename: name,
      eventType: text,
      timestamp: milliseconds,
      message: text,
      stepKey: text,
      partition: text,
      assetKey: assetKey.nullish(),
      metadataEntries: metadata,
      evaluation: z
        .object({
          checkName: z.string(),
          success: z.boolean(),
          severity: text,
          partition: text,
          assetKey: assetKey.nullish(),
        })
        .nullish(),
      error,
    }),
  }),
  z.object({
    history: z.literal('asset'),
    asset: z.array(z.string()),
    event: z.object({
      __typename: name,
      runId: z.string(),
      timestamp: milliseconds,
      partition: text,
      description: text,
      stepKey: text,
      tags,
      metadataEntries: metadata,
    }),
  }),
  z.object({
    history: z.literal('tick'),
    kind: z.enum(['schedule', 'sensor']),
    instigator: z.object({ name: z.string() }),
    tick: z.object({
      tickId: z.string(),
      status: name,
      timestamp: seconds,
      runIds: z.array(z.string()).nullish(),
      skipReason: text,
      error,
    }),
  }),
])

type Row = z.infer<typeof rowSchema>

/** What a row says, before it is put into an event. */
interface Meaning {
  readonly ms: number
  readonly action: string
  readonly outcome: AuditEvent['event']['outcome']
  readonly type: string
  readonly reason?: string | null | undefined
  readonly message?: string | null | undefined
  readonly user?: string | undefined
  readonly details: Readonly<Record<string, string | null | undefined>>
}

/** A row of one of Dagster's histories, as the source of that name hands it over. */
export const dagster: Format = {
  name: 'dagster',
  startsRecord: () => true,
  parse(record, context) {
    const origin = { module: MODULE, dataset: 'dagster.audit' }
    if (record.damage !== undefined) return unparsedEvent(record, context, origin, '')
    const { text: json, original, encoding } = originalOf(record.bytes)
    const parsed = rowSchema.safeParse(parseJson(json))
    if (!parsed.success) return unparsedEvent(record, context, origin, 'not a row of a history of Dagster')
    const { ms, action, outcome, type, reason, message, user, details } = meaningOf(parsed.data)
    return {
      '@timestamp': toTimestamp(Math.floor(ms)),
      event: {
        action,
        outcome,
        category: ['process'],
        type: [type],
        module: MODULE,
        dataset: `dagster.${parsed.data.history}`,
        original,
        ...(encoding === undefined ? {} : { encoding }),
        ...(isSaid(reason) ? { reason } : {}),
      },
      ...(user === undefined ? {} : { user: { name: user } }),
      ...(isSaid(message) ? { message } : {}),
      pki: { details: saidOf(details) },
      position: record.position,
    }
  },
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function meaningOf(row: Row): Meaning {
  switch (row.history) {
    case 'run':
      return runOf(row.run)
    case 'event':
      return eventOf(row)
    case 'asset':
      return assetOf(row)
    case 'tick':
      return tickOf(row)
  }
}

const RUN_OUTCOMES: Readonly<Record<string, Meaning['outcome']>> = {
  SUCCESS: 'success',
  FAILURE: 'failure',
  CANCELED: 'failure',
}

function runOf({
  runId,
  jobName,
  status,
  creationTime,
  updateTime,
  tags: said,
}: Extract<Row, { history: 'run' }>['run']): Meaning {
  const own = Object.hasOwn(RUN_OUTCOMES, status) ? RUN_OUTCOMES[status] : undefined
  const details = tagsOf(said)
  return {
    ms: (updateTime ?? creationTime) * 1000,
    action: `RUN_${status}`,
    outcome: own ?? 'unknown',
    type: own === undefined ? 'change' : 'end',
    // Nobody checks it: whoever launched the run has written it.
    user: details['tag.pki/requested_by'],
    details: { runId, job: jobName, ...details },
  }
}

function eventOf({ runId, jobName, event }: Extract<Row, { history: 'event' }>): Meaning {
  const action = isSaid(event.eventType) ? event.eventType : event.__typename
  const { evaluation } = event
  const isFailure = action.endsWith('_FAILURE') || evaluation?.success === false
  const isSuccess =
    action.endsWith('_SUCCESS') || evaluation?.success === true || action === 'ASSET_MATERIALIZATION'
  return {
    ms: Number(event.timestamp),
    action: action.slice(0, 200),
    outcome: isFailure ? 'failure' : isSuccess ? 'success' : 'unknown',
    type: isFailure ? 'error' : action.endsWith('_START') ? 'start' : isSuccess ? 'end' : 'info',
    reason: event.error?.message,
    message: event.message,
    details: {
      ...{ runId, job: jobName, step: event.stepKey },
      asset: (event.assetKey ?? evaluation?.assetKey)?.path.join('/'),
      partition: event.partition ?? evaluation?.partition,
      ...{ check: evaluation?.checkName, severity: evaluation?.severity },
      ...metadataOf(event.metadataEntries),
    },
  }
}

function assetOf({ asset, event }: Extract<Row, { history: 'asset' }>): Meaning {
  const isFailure = event.__typename === 'FailedToMaterializeEvent'
  return {
    ms: Number(event.timestamp),
    action: event.__typename,
    outcome: isFailure ? 'failure' : event.__typename === 'MaterializationEvent' ? 'success' : 'unknown',
    type: isFailure ? 'error' : 'change',
    message: event.description,
    details: {
      asset: asset.join('/'),
      ...{ partition: event.partition, step: event.stepKey, runId: event.runId },
      ...tagsOf(event.tags),
      ...metadataOf(event.metadataEntries),
    },
  }
}

function tickOf({ kind, instigator, tick }: Extract<Row, { history: 'tick' }>): Meaning {
  return {
    ms: tick.timestamp * 1000,
    action: `TICK_${tick.status}`,
    outcome: tick.status === 'SUCCESS' ? 'success' : tick.status === 'FAILURE' ? 'failure' : 'unknown',
    type: tick.status === 'FAILURE' ? 'error' : 'info',
    reason: tick.error?.message ?? tick.skipReason,
    details: { [kind]: instigator.name, tickId: tick.tickId, runIds: tick.runIds?.join(' ') },
  }
}

function tagsOf(said: z.infer<typeof tags>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries((said ?? []).slice(0, MAX_DETAILS).map(({ key, value }) => [`tag.${key}`, value]))
}

/** Each kind of entry has its value under a name of its own. */
function metadataOf(entries: z.infer<typeof metadata>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (entries ?? []).slice(0, MAX_DETAILS).map((entry) => {
      const [, value] = Object.entries(entry).find(([key]) => !ENTRY_NAMES.has(key)) ?? []
      return [`metadata.${entry.label}`, typeof value === 'string' ? value : JSON.stringify(value ?? null)]
    }),
  )
}

const ENTRY_NAMES: ReadonlySet<string> = new Set(['__typename', 'label', 'description'])

function isSaid(value: string | null | undefined): value is string {
  return value !== undefined && value !== null && value !== ''
}

function saidOf(details: Meaning['details']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(details).flatMap(([key, value]) => (isSaid(value) ? [[key, value]] : [])),
  )
}
