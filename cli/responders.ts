import type { Logger } from 'pino'
import { AlertmanagerClient } from '../alerts/alertmanager.ts'
import { AlertDispatcher } from '../alerts/dispatcher.ts'
import { Incidents } from '../alerts/incidents.ts'
import { Topology } from '../alerts/topology.ts'
import type { Finding } from '../model/finding.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import { messageOf } from '../model/thrown.ts'
import type { Clock } from '../model/time.ts'
import { WebhookConnector } from '../remediation/connectors/webhook.ts'
import { Remediator, type RemediationStatus } from '../remediation/remediator.ts'
import type { RuleEngine } from '../rules/engine.ts'
import type { Status } from '../server/status.ts'
import type { Store, Stored } from '../store/contract.ts'
import type { LoadedConfig } from './load.ts'
import type { Problems } from './problems.ts'

interface RespondersOptions {
  readonly loaded: LoadedConfig
  readonly now: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly logger: Logger
  readonly problems: Problems
  readonly engine: RuleEngine
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
}

/** Newest steps of each kind of action that is restored after a start. */
export const MAX_RESTORED_ACTIONS = 10_000

/** Milliseconds for which the clock of evaluation may stand still before the watchdog ends: a dozen ticks as they are by default. */
const TICK_LIMIT = 120_000
/** Where ticks are rarer than that, this many may be missed. */
const MISSED_TICKS = 3

/** What follows from findings: incidents, alerts, remediation. */
export class Responders {
  readonly incidents: Incidents
  readonly #dispatcher: AlertDispatcher | undefined
  readonly #remediator: Remediator | undefined

  constructor(options: RespondersOptions) {
    this.incidents = createIncidents(options)
    this.#dispatcher = createDispatcher(options, this.incidents)
    this.#remediator = createRemediator(options)
  }

  /** Takes the state of the store, once, before the first `apply`. `now` in milliseconds. */
  async hydrate(store: Store, findings: readonly Stored<Finding>[], now: number): Promise<void> {
    const limit = MAX_RESTORED_ACTIONS
    const [incidents, alerts, remediation] = await Promise.all([
      store.actions({ kind: 'incident', limit }),
      store.actions({ kind: 'alert', limit }),
      store.actions({ kind: 'remediation', limit }),
    ])
    this.incidents.hydrate({ now, findings, actions: incidents })
    this.#dispatcher?.hydrate({ findings, actions: alerts })
    this.#remediator?.hydrate({ findings, actions: remediation })
  }

  start(): void {
    this.#dispatcher?.start()
  }

  /** Feed it every sealed batch. Incidents come first: alerts say to which one they belong. */
  apply(batch: readonly SealedRecord[]): void {
    this.incidents.apply(batch)
    this.#dispatcher?.apply(batch)
    this.#remediator?.apply(batch)
  }

  status(): Pick<Status, 'alerts' | 'incidents'> {
    const alerts = this.#dispatcher?.status()
    return { incidents: this.incidents.counts(), ...(alerts === undefined ? {} : { alerts }) }
  }

  /** undefined where no control plane is configured. */
  repairs(): RemediationStatus | undefined {
    return this.#remediator?.status()
  }

  /** Resolves when nothing is being recorded or sent. */
  async settled(): Promise<void> {
    await Promise.all([this.incidents.settled(), this.#dispatcher?.settled(), this.#remediator?.settled()])
  }

  async close(): Promise<void> {
    await Promise.all([this.incidents.settled(), this.#dispatcher?.close(), this.#remediator?.close()])
  }
}

function createIncidents({ loaded, engine, record, logger }: RespondersOptions): Incidents {
  return new Incidents({
    topology: new Topology(loaded.config.inventory),
    rules: () => engine.rules,
    record,
    onError: (error) => logger.error({ part: 'incidents' }, messageOf(error)),
  })
}

function createDispatcher(options: RespondersOptions, incidents: Incidents): AlertDispatcher | undefined {
  const { loaded, engine, record, now, random, logger, problems } = options
  const { alertmanager, interval, runbooks } = loaded.config.alerts
  if (alertmanager === undefined) return undefined
  return new AlertDispatcher({
    receivers: alertmanager.map((url) => new AlertmanagerClient({ url })),
    rules: () => engine.rules,
    place: (finding) => incidents.place(finding),
    origin: loaded.config.origin,
    tickLimit: Math.max(TICK_LIMIT, MISSED_TICKS * loaded.config.rules.tick),
    record,
    interval,
    now,
    random,
    ...(runbooks === undefined ? {} : { runbooks }),
    schedule: (ms, work) => {
      const timer = setTimeout(work, ms)
      return () => clearTimeout(timer)
    },
    onAttempt: (receiver, error) => {
      const part = `alerts to ${receiver}`
      if (error === undefined) problems.clear(part)
      else problems.raise(part, `not delivered, tried again: ${error.message}`)
    },
    onError: (error) => logger.error({ part: 'alerts' }, messageOf(error)),
  })
}

function createRemediator(options: RespondersOptions): Remediator | undefined {
  const { loaded, engine, record, now, random, logger } = options
  const { remediation } = loaded.config
  if (remediation.webhook === undefined || loaded.webhookSecret === undefined) return undefined
  return new Remediator({
    policies: remediation.policies,
    guards: remediation,
    connector: new WebhookConnector({ url: remediation.webhook.url, secret: loaded.webhookSecret, now }),
    finding: (rule, subject) => engine.finding(rule, subject),
    record,
    now,
    random,
    onError: (error) => logger.error({ part: 'remediation' }, messageOf(error)),
  })
}
