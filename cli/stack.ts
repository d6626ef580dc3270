import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import type { Logger } from 'pino'
import { JournalError } from '../journal/error.ts'
import { toldAgain } from '../journal/retention/standing.ts'
import { openJournal, type Journal } from '../journal/journal.ts'
import { ObservationRecorder } from '../journal/recorder.ts'
import type { Finding } from '../model/finding.ts'
import type { ProbeResult } from '../model/observation.ts'
import type { Problem } from '../model/problem.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import { errorOf, messageOf } from '../model/thrown.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { Delegations } from '../pki/ocspSigner.ts'
import { RecordedMemory } from '../probes/memory.ts'
import type { Network } from '../probes/fetch/connect.ts'
import { JournaledLedger } from '../probes/reconciliation/ledger.ts'
import { followPolicy } from '../probes/fetch/follow.ts'
import { systemNames } from '../probes/fetch/resolve.ts'
import { startScheduler } from '../probes/scheduler.ts'
import { declaredHosts, loggedIssuance } from '../probes/targets.ts'
import { RuleEngine } from '../rules/engine.ts'
import { MetricsProjection } from '../server/metrics.ts'
import { controlSocket, listenForCommands } from '../server/control.ts'
import { createServer } from '../server/server.ts'
import { storeLag, type Status } from '../server/status.ts'
import { isTransientStoreError } from '../store/error.ts'
import { openElasticsearchStore } from '../store/elasticsearch/store.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { Collecting } from './collecting.ts'
import type { Parsed } from './config.ts'
import { ElasticsearchProjection } from './elasticsearch.ts'
import { JournalFollower } from './follower.ts'
import { fillLedger } from './ledger.ts'
import { journalOptions } from './journalOptions.ts'
import type { LoadedConfig } from './load.ts'
import { createReportSchedule } from './monthlyReports.ts'
import { Problems } from './problems.ts'
import { recallLogs, recallRepairs } from './recalled.ts'
import { Reloader } from './reload.ts'
import { Responders } from './responders.ts'
import { RetentionRun } from './retention.ts'
import { rulesOf } from './rulesOf.ts'
import { SelfWatcher } from './selfWatcher.ts'
import { catchUp, recordConfiguration, startCounting, tick } from './startup.ts'
import { timestamper } from './timestamps.ts'
import { productVersion } from './version.ts'
import { createWatchers } from './watchers.ts'

export interface StackOptions {
  readonly loaded: LoadedConfig
  readonly now: Clock
  readonly logger: Logger
  /** Who started it, for the record of the configuration. */
  readonly by: string
  /** See JournalOptions; the demo seals more often than the default. */
  readonly sealInterval?: number
  /** Longest that `stop` waits for a disk or a store that refuses, in ms. Default 5000. */
  readonly stopLimit?: number
}

/** A running vigil: what its configuration declares, wired together. */
export interface Stack {
  readonly journal: Journal
  /** Address of the page. */
  readonly url: string
  /** Current finding of every rule and subject. */
  findings(): readonly Finding[]
  /**
   * Takes over other rule packs, parameters and waivers: all or nothing. Resolves with what kept it from doing so; none when they are in force.
   */
  reload(load: () => Parsed<LoadedConfig>): Promise<readonly Problem[]>
  /** The projection into Elasticsearch, where one is configured. */
  readonly elasticsearch: ElasticsearchProjection | undefined
  /** Resolves when a projection cannot go on: what follows would be watched by nobody, so the process must end. */
  readonly failed: Promise<Error>
  /**
   * Stops in this order: no new probe runs or log lines, what was observed is journaled and projected, checkpoint published,
   * files closed. Nothing acknowledged is lost; a probe run under way is given up.
   */
  stop(): Promise<void>
}

/** Half of the ten seconds that container engines give a process to end. */
const DEFAULT_STOP_LIMIT_MS = 5000

/** Pause between two tries at something that the disk or the store refused. */
const RETRY_MS = 1000

export async function startStack(options: StackOptions): Promise<Stack> {
  const { loaded, now, logger } = options
  const { config, targets } = loaded
  const problems = new Problems(logger, now)
  const started = toTimestamp(now())
  const giveUp = new AbortController()
  let stopTimer: NodeJS.Timeout | undefined
  /** As the end begins: a disk that refuses must not hold it up for ever. */
  const limitStop = (): void => {
    stopTimer ??= setTimeout(() => giveUp.abort(), options.stopLimit ?? DEFAULT_STOP_LIMIT_MS)
  }
  await using undo = new AsyncDisposableStack()
  const network: Network = {
    names: systemNames(config.probes.hosts),
    follow: followPolicy({ networks: config.probes.follow, declared: targets.flatMap(declaredHosts) }),
  }

  const journal = await openJournal({
    ...journalOptions(loaded, now),
    stamp:
      loaded.timestamps === undefined ? undefined : timestamper(loaded.timestamps, network, giveUp.signal),
    onStampError: (error) => problems.raise('timestamps', messageOf(error)),
    ...(options.sealInterval === undefined ? {} : { sealInterval: options.sealInterval }),
    onError: (error) => problems.raise('journal', error.message),
  })
  undo.defer(() => journal.close())
  const store = await openSqliteStore({ file: loaded.storeFile })
  undo.defer(() => store.close())
  if (store.opened === 'recreated')
    logger.warn('the store was of another version and is rebuilt from the journal')

  /** Waits for as long as it takes; what waits for it waits too, which is how back-pressure reaches the sources. */
  const persist = <T>(
    part: string,
    work: () => Promise<T>,
    signal: AbortSignal = giveUp.signal,
  ): Promise<T | undefined> =>
    problems.until(
      part,
      work,
      async () => {
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
      },
      { signal, isTransient },
    )
  const record = async (records: readonly NewRecord[]): Promise<readonly SealedRecord[]> =>
    (await persist('journal', () => journal.append(records))) ?? []

  await recordConfiguration(journal, options)
  await journal.append([tick('start', now)])
  await catchUp(journal, store, loaded.journalDirectory)

  const position = await store.position()
  const latest = await store.latestObservations()
  const findings = await store.findings()

  const engine = new RuleEngine(rulesOf(loaded))
  engine.hydrate({ now: now(), latest, findings })
  const countedFrom = now()
  const slos = await startCounting(loaded, store, { latest, started: countedFrom })
  const logs = await recallLogs(loaded, journal, { position, latest, started: countedFrom })
  const repairs = await recallRepairs(loaded, store, findings)
  const objectiveTargets = loaded.watched.filter(({ probe }) => probe === 'slo')
  const metrics = new MetricsProjection(new Registry())
  metrics.declare({
    targets: loaded.watched.filter(({ probe }) => probe !== 'slo'),
    sources: config.inventory.logs.map((log) => log.id),
    objectives: objectiveTargets,
  })
  metrics.hydrate({ latest, findings })
  /** A configuration is in force from its record on, so that whoever reads the journal judges as was judged here. */
  let takeOver: (() => void) | undefined
  let declared = loaded
  let changing: Promise<unknown> = Promise.resolve()
  /** One at a time. Without another, what is declared is recorded and in force once more: whoever reads the journal cannot tell that from a reload. */
  const declare = (another?: LoadedConfig): Promise<void> => {
    const turn = changing.then(async () => {
      const next = another ?? declared
      const inForce = Promise.withResolvers<undefined>()
      takeOver = () => {
        engine.reconfigure(rulesOf(next))
        declared = next
        slos?.reconfigure(next.config.maintenance, now())
        logs?.reconfigure(next.config.maintenance)
        inForce.resolve(undefined)
      }
      try {
        await persist('journal', () => recordConfiguration(journal, { ...options, loaded: next }))
        await Promise.race([inForce.promise, aborted(giveUp.signal)])
      } finally {
        takeOver = undefined
      }
      // Judged at once, and by a time that stands in the journal.
      await record([tick('interval', now)])
    })
    changing = turn.catch(() => undefined)
    return turn
  }
  const reloader = new Reloader({ loaded, now, problems, apply: declare })
  const judge = (batch: readonly SealedRecord[]): readonly Finding[] => {
    const from = batch.findIndex(({ kind }) => kind === 'configuration')
    if (takeOver === undefined || from === -1) return engine.apply(batch)
    const before = engine.apply(batch.slice(0, from))
    takeOver()
    return [...before, ...engine.apply(batch.slice(from))]
  }

  const responders = new Responders({ loaded, now, random: Math.random, logger, problems, engine, record })
  await responders.hydrate(store, findings, now())

  const collecting = new Collecting({ loaded, store, journal, record, now, logger })
  let applied = position
  let retention: RetentionRun | undefined
  let checkpoint = { size: journal.checkpoint.size, time: started }
  let lastSeal: string | undefined
  const status = (): Status => {
    return {
      version: productVersion(),
      vantage: config.vantage,
      started,
      journal: { origin: journal.origin, epoch: journal.epoch, size: journal.size, lastSeal, checkpoint },
      store: { position: applied },
      ...(retention === undefined ? {} : { retention: retention.status }),
      configuration: reloader.status,
      ...responders.status(),
      ready: journal.state === 'open',
      problems: [
        ...problems.list(),
        ...collecting.problems().map(({ source, message }) => `${source}: ${message}`),
      ],
    }
  }

  const server = createServer({
    listen: config.server.listen,
    allowedHosts: config.server.allowed_hosts,
    metrics,
    store,
    status,
    incidents: () => responders.incidents.list(),
    now,
    inventory: config.inventory,
    targets: [...targets, ...objectiveTargets],
    journalDirectory: loaded.journalDirectory,
    artifact: (digest) => journal.getArtifact(digest),
    onError: (error) => logger.error({ part: 'server' }, messageOf(error)),
  })
  const url = await server.listen()
  undo.defer(() => server.close())

  const control = await listenForCommands({
    path: controlSocket(loaded.journalDirectory),
    incidents: responders.incidents,
    onError: (error) => logger.error({ part: 'commands' }, messageOf(error)),
  }).catch((error: unknown) => {
    // Everything else works without it.
    problems.raise('commands', messageOf(error))
    return undefined
  })
  undo.defer(() => control?.close())
  responders.start()
  undo.defer(() => responders.close())

  const ledger = new JournaledLedger(loggedIssuance(config.inventory, loaded.issuers), config.inventory.logs)
  const failure = Promise.withResolvers<Error>()
  const onFailure = (error: unknown): void => {
    problems.raise('projection', messageOf(error))
    failure.resolve(errorOf(error))
  }
  const toStore = new JournalFollower(journal, position, onFailure, async (batch) => {
    await persist('store', () => store.apply(batch))
    applied = { origin: journal.origin, epoch: journal.epoch, ...last(batch).position }
    server.changed()
  })
  const toRules = new JournalFollower(journal, position, onFailure, async (batch) => {
    lastSeal = last(batch).recorded
    // A checkpoint has no time of its own; there is a seal at every tick, so this one is at most a tick late.
    if (journal.checkpoint.size !== checkpoint.size)
      checkpoint = { size: journal.checkpoint.size, time: lastSeal }
    metrics.apply(batch)
    slos?.apply(batch)
    logs?.apply(batch)
    repairs?.apply(batch)
    responders.apply(batch)
    ledger.apply(batch)
    const decisions = judge(batch)
    if (decisions.length > 0)
      await record(decisions.map((body) => ({ kind: 'decision', time: body.since, body })))
  })
  undo.defer(async () => {
    // What was journaled until now is judged, answers to what was sent are journaled, and both are stored.
    const drain = async (): Promise<void> => {
      await toRules.caughtUp()
      await responders.settled()
      await toStore.caughtUp()
    }
    limitStop()
    await Promise.race([drain(), aborted(giveUp.signal)])
    clearTimeout(stopTimer)
    giveUp.abort()
    await Promise.all([toRules.stop(), toStore.stop()])
  })

  const elasticsearch = createElasticsearch(loaded, journal, problems)
  undo.defer(() => elasticsearch?.stop())

  let isTicking = false
  const ticks = setInterval(() => {
    // While the disk refuses one tick, more of them would only pile up.
    if (isTicking || journal.state !== 'open') return
    isTicking = true
    record([tick('interval', now)])
      .catch((error: unknown) => problems.raise('journal', messageOf(error)))
      .finally(() => (isTicking = false))
  }, config.rules.tick)
  undo.defer(async () => {
    clearInterval(ticks)
    await journal
      .append([tick('stop', now)])
      .catch((error: unknown) => problems.raise('journal', messageOf(error)))
  })

  const recorder = new ObservationRecorder({ journal, now })
  undo.defer(() => recorder.close())
  const observe = async (result: ProbeResult): Promise<void> => {
    await persist('journal', () => recorder.record(result))
  }

  undo.defer(() => collecting.stop())
  await collecting.start()

  const watchers = await createWatchers({
    ...{ loaded, now, started: countedFrom, network, store, slos, logs, repairs, problems },
    record: observe,
    publish: () => journal.publish(),
  })
  for (const watcher of watchers) {
    watcher.start()
    undo.defer(() => watcher.stop())
  }

  const self = new SelfWatcher({
    loaded,
    now,
    problems,
    status,
    repairs: () => responders.repairs(),
    sourcesFailing: () => [...new Set(collecting.problems().map(({ source }) => source))],
    elasticsearch: () => elasticsearch?.applied,
    record: observe,
  })
  self.start()
  undo.defer(() => self.stop())

  // With millions of events it takes a while, and nothing waits for it.
  const filling = new AbortController()
  const filled = fillLedger(ledger, store, {
    signal: filling.signal,
    persist: (work) => persist('logs of authorities', work, filling.signal),
  }).catch((error: unknown) => problems.raise('logs of authorities', messageOf(error)))
  undo.defer(async () => {
    filling.abort()
    await filled
  })

  const memory = new RecordedMemory(targets)
  memory.hydrate(latest)
  const scheduler = startScheduler({
    targets,
    context: {
      now,
      vantage: config.vantage,
      maxSize: config.probes.max_size,
      random: randomBytes,
      delegations: new Delegations(),
      ...network,
      memory,
      ledger,
      artifact: (digest) => journal.getArtifact(digest),
    },
    concurrency: config.probes.concurrency,
    concurrencyPerHost: config.probes.concurrency_per_host,
    lastRun: (target) => memory.lastSuccess(target),
    onResult: async (result) => {
      await observe(result)
      memory.remember(result.observation)
      self.ran(result)
    },
    onError: (error, target) => problems.raise(`probe ${target.address}`, messageOf(error)),
  })
  undo.defer(() => scheduler.stop())

  const reports = createReportSchedule({ loaded, now, logger, journal, problems })
  reports?.start()
  undo.defer(() => reports?.close())
  if (loaded.retention !== undefined) {
    retention = new RetentionRun({
      ...{ policy: loaded.retention, journal, directory: loaded.journalDirectory, now, logger, problems },
      projected: () => {
        const stored = storeLag(status())
        const here = { by: 'the store', entries: journal.size - stored }
        if (elasticsearch === undefined || elasticsearch.applied >= here.entries) return here
        return { by: 'Elasticsearch', entries: elasticsearch.applied }
      },
      recordConfiguration: () => declare(),
      tellAgain: async (decisions) => {
        const again = decisions.filter((decision) => engine.tellAgain(decision))
        if (again.length > 0) await journal.append(toldAgain(again))
      },
    })
    retention.start()
    undo.defer(() => retention?.close())
  }
  undo.defer(limitStop)

  const running = undo.move()
  logger.info(
    { url, origin: journal.origin, epoch: journal.epoch, targets: targets.length },
    'vigil is watching',
  )
  return {
    journal,
    url,
    findings: () => engine.findings(),
    reload: (load) => reloader.reload(load),
    elasticsearch,
    failed: failure.promise,
    stop: () => running.disposeAsync(),
  }
}

function createElasticsearch(
  { elasticsearch, journalDirectory }: LoadedConfig,
  journal: Journal,
  problems: Problems,
): ElasticsearchProjection | undefined {
  if (elasticsearch === undefined) return undefined
  return new ElasticsearchProjection({
    journal,
    directory: journalDirectory,
    problems,
    open: (signal) => openElasticsearchStore({ ...elasticsearch, signal }),
  })
}

/** Refused for now, and worth another try: the disk is full, the database is locked, too much is waiting. */
function isTransient(error: unknown): boolean {
  if (error instanceof JournalError) return error.code === 'storage' || error.code === 'overloaded'
  return isTransientStoreError(error)
}

function last(batch: readonly SealedRecord[]): SealedRecord {
  const record = batch.at(-1)
  if (record === undefined) throw new RangeError('expected records in a batch, got none')
  return record
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
