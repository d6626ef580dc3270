import { z } from 'zod'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { JobConfig } from '../../model/logSource.ts'
import type { RecordId } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'

/** Characters of a name that the log gives. */
const MAX_NAME = 200

/** One run of a job, as its log tells it so far. Times in milliseconds. */
export interface JobRun {
  readonly id: string
  /** When it was put into the queue; it may wait there for long. */
  readonly asked?: number | undefined
  readonly started?: number | undefined
  readonly ended?: number | undefined
  readonly outcome?: 'success' | 'failure' | 'unknown' | undefined
  /** `unsaid`: its log does not tell yet whether it repeats one that failed. */
  readonly kind: 'own' | 'retry' | 'unsaid'
  /** What it was run for; two runs for different partitions are not the same done twice. */
  readonly partition: string
  /** Which schedule of Dagster began it, as far as it is known. */
  readonly schedule: string
  /** Of the newest event about it. */
  readonly record: RecordId
}

/** What one event says of a run. */
type Step = Partial<JobRun> & Pick<JobRun, 'id' | 'record'>

/** An event as it was journaled; `at` in milliseconds, when it happened. */
export interface JobEvent {
  readonly event: AuditEvent
  readonly at: number
  readonly record: RecordId
}

/** undefined: the event is not about the job. */
export function stepOf(job: JobConfig, told: JobEvent): Step | undefined {
  return job.job === undefined ? plainStep(job, told) : dagsterStep(job.job, told)
}

/** The run as it is known after one more event. The end of a run whose beginning was not heard of is its beginning, too. */
export function continued(run: JobRun | undefined, step: Step): JobRun {
  const before: JobRun = run ?? { kind: 'unsaid', partition: '', schedule: '', ...step }
  const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
  const ended = earlier(before.ended, step.ended)
  return {
    id: before.id,
    asked: earlier(before.asked, step.asked),
    started: earlier(before.started, step.started),
    ended,
    outcome: before.outcome ?? step.outcome,
    kind: step.kind ?? before.kind,
    partition: step.partition ?? before.partition,
    schedule: step.schedule ?? before.schedule,
    record: step.record,
  }
}

const DAGSTER_STEPS: Readonly<Record<string, (at: number) => Partial<JobRun>>> = {
  RUN_ENQUEUED: (at) => ({ asked: at }),
  RUN_QUEUED: (at) => ({ asked: at }),
  RUN_START: (at) => ({ started: at }),
  RUN_STARTED: (at) => ({ started: at }),
  RUN_SUCCESS: (at) => ({ ended: at, outcome: 'success' }),
  RUN_FAILURE: (at) => ({ ended: at, outcome: 'failure' }),
  RUN_CANCELED: (at) => ({ ended: at, outcome: 'failure' }),
}

/** Of the log of a run, and of the row that says what the run is: only that one has its tags. */
function dagsterStep(job: string, { event, at, record }: JobEvent): Step | undefined {
  const { dataset, action } = event.event
  const details = event.pki?.details ?? {}
  const id = details['runId']
  if (event.event.module !== 'dagster' || details['job'] !== job || id === undefined) return undefined
  const isRow = dataset === 'dagster.run'
  if (!isRow && dataset !== 'dagster.event') return undefined
  const own = Object.hasOwn(DAGSTER_STEPS, action) ? DAGSTER_STEPS[action]?.(at) : undefined
  if (own === undefined && !isRow) return undefined
  const tags: Partial<JobRun> = {
    kind: details['tag.dagster/parent_run_id'] === undefined ? 'own' : 'retry',
    partition: nameOf(details['tag.dagster/partition']),
    schedule: nameOf(details['tag.dagster/schedule_name']),
  }
  return { id: nameOf(id), record, ...own, ...(isRow ? tags : {}) }
}

function plainStep({ action, details: wanted, run }: JobConfig, told: JobEvent): Step | undefined {
  const { event, at, record } = told
  const details = event.pki?.details ?? {}
  if (event.event.action !== action) return undefined
  if (Object.entries(wanted).some(([name, value]) => details[name] !== value)) return undefined
  const { outcome } = event.event
  const id = run === undefined ? record : details[run]
  if (id === undefined || id === '') return undefined
  const common = { id: nameOf(id), record, kind: 'own', partition: '' } as const
  if (run === undefined) return { ...common, started: at, ended: at, outcome }
  return outcome === 'unknown' ? { ...common, started: at } : { ...common, ended: at, outcome }
}

function nameOf(text = ''): string {
  return text.slice(0, MAX_NAME).toWellFormed()
}

/** When it began; undefined: it has not, as far as is known. */
export function startOf({ started, ended }: JobRun): number | undefined {
  return started ?? ended
}

/** Which of the times that are due it belongs to is told by this. Not before it has begun: until then the job has not run. */
export function dueBy(run: JobRun): number | undefined {
  const start = startOf(run)
  return start === undefined ? undefined : Math.min(run.asked ?? start, start)
}

const NONE = '-'
const OUTCOME = z.enum(['success', 'failure', 'unknown'])
const KIND = z.enum(['own', 'retry', 'unsaid'])

/** For people, and for `readLine`: nine words. */
export function lineOf(run: JobRun): string {
  const { asked, started, ended, outcome = NONE, kind, partition, schedule, id, record } = run
  const times = [asked, started, ended].map((ms) => (ms === undefined ? NONE : toTimestamp(ms)))
  const names = [partition, schedule, id].map((text) =>
    text === '' ? NONE : encodeURIComponent(text).replace(/^-/, '%2D'),
  )
  return [...times, outcome, kind, ...names, record].join(' ')
}

/** undefined: `lineOf` did not write it. */
export function readLine(line: string): JobRun | undefined {
  const [asked, started, ended, outcome, kind, partition = '', schedule = '', id = '', record = ''] =
    line.split(' ')
  const known = KIND.safeParse(kind)
  if (!known.success || id === '') return undefined
  const time = (text = NONE): number | undefined => (text === NONE ? undefined : fromTimestamp(text))
  const name = (text: string): string => (text === NONE ? '' : decodeURIComponent(text))
  try {
    return {
      asked: time(asked),
      started: time(started),
      ended: time(ended),
      outcome: OUTCOME.safeParse(outcome).data,
      kind: known.data,
      partition: name(partition),
      schedule: name(schedule),
      id: name(id),
      record,
    }
  } catch {
    return undefined
  }
}
