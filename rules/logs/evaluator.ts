import type { LogConfig } from '../../model/config.ts'
import type { ProbeResult } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import type { MaintenanceConfig } from '../../model/slos.ts'
import { formatSubject } from '../../model/subject.ts'
import { toTimestamp } from '../../model/time.ts'
import type { TargetState } from '../../store/contract.ts'
import { Maintenance, type MaintenancePlan } from '../maintenance.ts'
import type { WatchedTarget } from '../subjects.ts'
import { HeardLog } from './heardLog.ts'

/** Of the observation of a log: there is one. */
const LOG_TARGET = 'records'

/** Milliseconds between two judgements of the logs; less where probes run more often. */
const INTERVAL = 60_000

/** What rules judge logs by. `probes.interval` in milliseconds. */
export function logTargets(
  logs: readonly LogConfig[],
  probes: { readonly interval: number },
): readonly WatchedTarget[] {
  const interval = Math.min(INTERVAL, probes.interval)
  return logs.map(({ id }) => ({ probe: 'log', subject: subjectOf(id), address: LOG_TARGET, interval }))
}

interface LogEvaluatorOptions {
  readonly logs: readonly LogConfig[]
  /** Those that name a log are the times in which changes are planned. */
  readonly maintenance: readonly MaintenanceConfig[]
  readonly vantage: string
  /** Milliseconds. */
  readonly started: number
}

/**
 * Judges every log by its records as the journal has them. A projection: feed it every sealed batch after the position at which it was restored. What it
 * returns are observations, to be journaled.
 */
export class LogEvaluator {
  readonly #vantage: string
  readonly #logs: ReadonlyMap<string, HeardLog>

  constructor({ logs, maintenance, vantage, started }: LogEvaluatorOptions) {
    this.#vantage = vantage
    const windows = new Maintenance(maintenance)
    this.#logs = new Map(logs.map((log) => [log.id, new HeardLog(log, planOf(windows, log.id), started)]))
  }

  /** What the newest observations say. The records before them may be applied again, some minutes of them must be: they count once. */
  hydrate(latest: readonly TargetState[]): void {
    for (const { observation } of latest) {
      if (observation.probe !== 'log') continue
      const found = [...this.#logs].find(([id]) => subjectOf(id) === observation.subject)
      found?.[1].restore(observation.facts)
    }
  }

  /** Changes are planned at these times from now on. */
  reconfigure(maintenance: readonly MaintenanceConfig[]): void {
    const windows = new Maintenance(maintenance)
    for (const [id, heard] of this.#logs) heard.reconfigure(planOf(windows, id))
  }

  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch)
      if (record.kind === 'audit') this.#logs.get(record.body.position.source)?.hear(record)
  }

  /** An observation of each log, as of `now` in milliseconds. */
  evaluate(now: number): readonly ProbeResult[] {
    return [...this.#logs].map(([id, heard]) => ({
      observation: {
        subject: subjectOf(id),
        probe: 'log',
        target: LOG_TARGET,
        vantage: this.#vantage,
        start: toTimestamp(now),
        duration: 0,
        outcome: 'success',
        facts: heard.facts(now),
        artifacts: [],
      },
      artifacts: [],
    }))
  }
}

/** Windows are for subjects by name: tags are of authorities, and their maintenance plans no change. */
function planOf(windows: Maintenance, id: string): MaintenancePlan | undefined {
  return windows.of({ subject: subjectOf(id), tags: new Set() })
}

function subjectOf(id: string): string {
  return formatSubject({ kind: 'audit_log', keys: [id] })
}
