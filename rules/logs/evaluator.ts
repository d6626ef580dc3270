import { UNPARSED } from '../../collectors/formats/unparsed.ts'
import type { LogConfig, ServiceConfig } from '../../model/config.ts'
import type { Facts } from '../../model/facts.ts'
import type { ProbeKind, ProbeResult } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import type { MaintenanceConfig } from '../../model/slos.ts'
import { formatSubject } from '../../model/subject.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import type { TargetState } from '../../store/contract.ts'
import { Maintenance, type MaintenancePlan } from '../maintenance.ts'
import type { WatchedTarget } from '../subjects.ts'
import { deploymentReader, type DeploymentReader } from './deploymentReports.ts'
import { deployedSubject, DeployedServices } from './deployedServices.ts'
import { HeardLog } from './heardLog.ts'
import { ScheduledJob } from './scheduledJob.ts'
import { ServedCertificates } from './servedCertificates.ts'

/** Of the observation of a log: there is one. */
const LOG_TARGET = 'records'
/** What control planes reported of a service, all of them together. */
const DEPLOYMENT_TARGET = 'reports'
/** Of a job there is one observation, too. */
const JOB_TARGET = 'runs'

/** Milliseconds between two judgements of the logs; less where probes run more often. */
const INTERVAL = 60_000

/** What logs tell of. */
export interface Told {
  readonly logs: readonly LogConfig[]
  /** Those that control planes deploy certificates to. */
  readonly services: readonly ServiceConfig[]
}

/** What rules judge logs by, and what these tell of. `probes.interval` in milliseconds. */
export function logTargets(
  { logs, services }: Told,
  probes: { readonly interval: number },
): readonly WatchedTarget[] {
  const interval = Math.min(INTERVAL, probes.interval)
  const isDeployed = logs.some((log) => deploymentReader(log) !== undefined)
  return [
    ...logs.map(({ id }) => ({ probe: 'log', subject: subjectOf(id), address: LOG_TARGET }) as const),
    ...logs.flatMap(({ id, jobs = [] }) =>
      jobs.map((job) => ({ probe: 'job', subject: jobSubject(id, job.id), address: JOB_TARGET }) as const),
    ),
    ...(isDeployed ? services : []).map((service) => {
      return { probe: 'deployment', subject: deployedSubject(service), address: DEPLOYMENT_TARGET } as const
    }),
  ].map((target) => ({ ...target, interval }))
}

interface LogEvaluatorOptions extends Told {
  /** Those that name a log are the times in which changes are planned. */
  readonly maintenance: readonly MaintenanceConfig[]
  readonly vantage: string
  /** Milliseconds. */
  readonly started: number
}

/** What is followed of one log. */
interface Followed {
  readonly heard: HeardLog
  /** By subject. */
  readonly jobs: ReadonlyMap<string, ScheduledJob>
  readonly deployments: DeploymentReader | undefined
}

/**
 * Judges every log by its records as the journal has them, and what control planes report in it beside what services serve. A projection: feed it every sealed batch
 * after the position at which it was restored. What it returns are observations, to be journaled.
 */
export class LogEvaluator {
  readonly #vantage: string
  readonly #logs: ReadonlyMap<string, Followed>
  readonly #services: readonly ServiceConfig[]
  readonly #deployed: DeployedServices
  readonly #served = new ServedCertificates()

  constructor({ logs, services, maintenance, vantage, started }: LogEvaluatorOptions) {
    this.#vantage = vantage
    const windows = new Maintenance(maintenance)
    this.#logs = new Map(
      logs.map((log) => [
        log.id,
        {
          heard: new HeardLog(log, planOf(windows, log.id), started),
          jobs: new Map(
            (log.jobs ?? []).map((job) => [jobSubject(log.id, job.id), new ScheduledJob(job, started)]),
          ),
          deployments: deploymentReader(log),
        },
      ]),
    )
    const isDeployed = [...this.#logs.values()].some(({ deployments }) => deployments !== undefined)
    this.#services = isDeployed ? services : []
    this.#deployed = new DeployedServices(this.#services)
  }

  /** What the newest observations say. The records before them may be applied again, some minutes of them must be: they count once. */
  hydrate(latest: readonly TargetState[]): void {
    for (const state of latest) {
      const { probe, subject, facts, id: record } = state.observation
      if (probe === 'tls') this.#served.hydrate(state)
      if (probe === 'deployment') this.#deployed.restore(subject, facts)
      for (const [id, { heard, jobs }] of this.#logs) {
        if (probe === 'job') jobs.get(subject)?.restore(facts)
        if (probe !== 'log' || subject !== subjectOf(id)) continue
        heard.restore(facts, record)
        this.#deployed.restoreLog(id, facts)
      }
    }
  }

  /** Changes are planned at these times from now on. */
  reconfigure(maintenance: readonly MaintenanceConfig[]): void {
    const windows = new Maintenance(maintenance)
    for (const [id, { heard }] of this.#logs) heard.reconfigure(planOf(windows, id))
  }

  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch) {
      this.#served.apply(record)
      if (record.kind === 'audit') this.#hear(record)
    }
  }

  /** An observation of each log, of each job, and of what was deployed on each service, as of `now` in milliseconds. */
  evaluate(now: number): readonly ProbeResult[] {
    const logs = [...this.#logs]
    const result = this.#resultAt(now)
    return [
      ...logs.map(([id, { heard, deployments }]) => {
        const told = deployments === undefined ? { told: false } : this.#deployed.logFacts(id, now)
        return result('log', subjectOf(id), LOG_TARGET, { ...heard.facts(now), deployments: told })
      }),
      ...logs.flatMap(([, { jobs }]) =>
        [...jobs].map(([subject, job]) => result('job', subject, JOB_TARGET, { job: job.facts(now) })),
      ),
      ...this.#services.map((service) => {
        const subject = deployedSubject(service)
        const deployment = this.#deployed.facts(subject, this.#served.of(healthSubject(service)))
        return result('deployment', subject, DEPLOYMENT_TARGET, { deployment })
      }),
    ]
  }

  #hear(record: SealedRecord & { readonly kind: 'audit' }): void {
    const event = record.body
    const followed = this.#logs.get(event.position.source)
    if (followed === undefined) return
    followed.heard.hear(record)
    // What we say ourselves, and what was not understood, is not what the source told.
    if (event.event.module === 'vigil' || event.event.action === UNPARSED) return
    // A log that is ahead of us is believed up to now.
    const at = Math.min(fromTimestamp(event['@timestamp']), fromTimestamp(record.recorded))
    const told = { event, at, record: record.id }
    for (const job of followed.jobs.values()) job.hear(told)
    const report = followed.deployments?.read(told)
    if (report !== undefined) this.#deployed.report(event.position.source, report)
  }

  #resultAt(now: number) {
    return (probe: ProbeKind, subject: string, target: string, facts: Facts): ProbeResult => ({
      observation: {
        ...{ subject, probe, target, vantage: this.#vantage, start: toTimestamp(now), duration: 0 },
        ...{ outcome: 'success', facts, artifacts: [] },
      },
      artifacts: [],
    })
  }
}

/** Windows are for subjects by name: tags are of authorities, and their maintenance plans no change. */
function planOf(windows: Maintenance, id: string): MaintenancePlan | undefined {
  return windows.of({ subject: subjectOf(id), tags: new Set() })
}

function subjectOf(id: string): string {
  return formatSubject({ kind: 'audit_log', keys: [id] })
}

function jobSubject(log: string, job: string): string {
  return formatSubject({ kind: 'scheduled_job', keys: [log, job] })
}

function healthSubject({ id, environment }: ServiceConfig): string {
  return formatSubject({ kind: 'service_tls_health', keys: [id, environment] })
}
