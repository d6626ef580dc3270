// What a Dagster that deploys the lab's certificates would say of itself: rows of its histories, as vigil's source of Dagster hands them over.
import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Clock } from '../model/time.ts'

/** The job that runs on a schedule. Times in milliseconds. */
export const LAB_JOB = {
  id: 'renewals',
  job: 'renew_certificates',
  schedule: 'every_five_minutes',
  cron: '*/5 * * * *',
  period: 300_000,
  grace: 60_000,
  maxDuration: 120_000,
} as const

/** After its time comes, in milliseconds. */
const START_AFTER = 2_000
const TAKES = 10_000
const JUST_AFTER = 60

/** One run as it will be; times in milliseconds. */
export interface PlannedRun {
  readonly start: number
  readonly duration: number
  readonly status: 'SUCCESS' | 'FAILURE'
}

/** What a fault makes of the run that is due. */
type PlanChange = (run: PlannedRun) => readonly PlannedRun[]

interface DeployedCertificate {
  readonly serial: string
  readonly der?: Uint8Array
}

export class DagsterLog {
  readonly file: string
  readonly #now: Clock
  readonly #changes = new Set<PlanChange>()
  /** What will have happened at a time, in its order. */
  #pending: { readonly at: number; readonly row: object }[] = []
  #descriptor: number | undefined
  #runs = 0
  /** Up to when runs are planned. */
  #planned: number

  constructor({ file, now }: { readonly file: string; readonly now: Clock }) {
    this.file = file
    this.#now = now
    this.#descriptor = openSync(file, 'a', 0o640)
    this.#planned = now()
  }

  /** The asset of the service is materialised. */
  deployed(
    service: { readonly id: string; readonly environment: string },
    { serial, der }: DeployedCertificate,
  ): void {
    const metadata = {
      serial,
      ...(der === undefined ? {} : { sha256: createHash('sha256').update(der).digest('hex') }),
    }
    this.#write({
      history: 'asset',
      asset: ['deployed_service_cert'],
      event: {
        __typename: 'MaterializationEvent',
        runId: '',
        timestamp: String(this.#now()),
        partition: `${service.environment}|${service.id}`,
        metadataEntries: Object.entries(metadata).map(([label, text]) => ({ label, text })),
      },
    })
  }

  /** Writes what has happened until now. */
  catchUp(): void {
    const now = this.#now()
    const { period } = LAB_JOB
    for (let due = Math.ceil((this.#planned + 1) / period) * period; due <= now; due += period) {
      this.#planned = due
      this.#plan(due)
    }
    this.#pending.sort((a, b) => a.at - b.at)
    const past = this.#pending.filter(({ at }) => at <= now)
    this.#pending = this.#pending.slice(past.length)
    for (const { row } of past) this.#write(row)
  }

  /** The runs that are due from now on are otherwise, until what it gives is called. */
  changeRuns(change: PlanChange): () => void {
    this.catchUp()
    this.#changes.add(change)
    return () => {
      this.catchUp()
      this.#changes.delete(change)
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #plan(due: number): void {
    let runs: readonly PlannedRun[] = [{ start: due + START_AFTER, duration: TAKES, status: 'SUCCESS' }]
    for (const change of this.#changes) runs = runs.flatMap(change)
    for (const run of runs) this.#pending.push(...this.#rowsOf(run))
    // A sensor looks every minute, whatever the schedule does, and a little after it: what was not begun by then, was not begun.
    for (let at = due + JUST_AFTER; at < due + LAB_JOB.period; at += 60_000)
      this.#pending.push({ at, row: tickRow(at) })
  }

  #rowsOf({ start, duration, status }: PlannedRun) {
    const runId = `run-${++this.#runs}`
    const end = start + duration
    const { job: jobName, schedule } = LAB_JOB
    const event = (eventType: string, at: number) => ({
      at,
      row: {
        history: 'event',
        runId,
        jobName,
        event: { __typename: 'RunEvent', eventType, timestamp: String(at) },
      },
    })
    const tags = [{ key: 'dagster/schedule_name', value: schedule }]
    const state = (now: string, at: number) => {
      const times = { creationTime: start / 1000, updateTime: at / 1000 }
      return { at, row: { history: 'run', run: { runId, jobName, status: now, ...times, tags } } }
    }
    return [
      ...[event('RUN_START', start), state('STARTED', start)],
      ...[event(`RUN_${status}`, end), state(status, end)],
    ]
  }

  #write(row: object): void {
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${JSON.stringify(row)}\n`)
  }
}

function tickRow(at: number): object {
  const tick = { tickId: String(at), status: 'SUCCESS', timestamp: at / 1000, runIds: [] }
  return { history: 'tick', kind: 'sensor', instigator: { name: 'expiring_certificates' }, tick }
}
