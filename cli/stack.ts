import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import type { Logger } from 'pino'
import { Collector, isSequential } from '../collectors/collector.ts'
import { BeatsListener } from '../collectors/sources/beats/listener.ts'
import { epochDirectories } from '../journal/epochs.ts'
import { JournalError } from '../journal/error.ts'
import { openJournal, type Journal } from '../journal/journal.ts'
import { openReader } from '../journal/reader.ts'
import { ObservationRecorder } from '../journal/recorder.ts'
import type { Finding } from '../model/finding.ts'
import type { Problem } from '../model/problem.ts'
import type { NewRecord, SealedRecord, Tick } from '../model/record.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { Delegations } from '../pki/ocspSigner.ts'
import { RecordedMemory } from '../probes/memory.ts'
import type { Network } from '../probes/fetch/connect.ts'
import { JournaledLedger } from '../probes/reconciliation/ledger.ts'
import { followPolicy } from '../probes/fetch/follow.ts'
import { systemNames } from '../probes/fetch/resolve.ts'
import { startScheduler } from '../probes/scheduler.ts'
import { declaredHosts, loggedAuthorities } from '../probes/targets.ts'
import { RuleEngine } from '../rules/engine.ts'
import { SloEvaluator } from '../rules/slo/evaluator.ts'
import { MetricsProjection } from '../server/metrics.ts'
import { controlSocket, listenForCommands } from '../server/control.ts'
import { createServer } from '../server/server.ts'
import type { Status } from '../server/status.ts'
import type { Store, TargetState } from '../store/contract.ts'
import { isTransientStoreError } from '../store/error.ts'
import { openElasticsearchStore } from '../store/elasticsearch/store.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { AttestationWatcher } from './attestations.ts'
import type { Parsed } from './config.ts'
import { earlierEvents } from './earlierEvents.ts'
import { ElasticsearchProjection } from './elasticsearch.ts'
import { JournalFollower, resumeAfter } from './follower.ts'
import { FollowWatcher, loadCosigners } from './followers.ts'
import { fillLedger } from './ledger.ts'
import type { LoadedConfig } from './load.ts'
import { LogWatcher, recallLogs } from './logWatcher.ts'
import { restoreRecentHours, SloWatcher } from './objectives.ts'
import { Problems } from './problems.ts'
import { applyAll } from './projection.ts'
import { Reloader } from './reload.ts'
import { Responders } from './responders.ts'
import { writeReportInProcess } from './reportProcess.ts'
import { ReportSchedule } from './reportSchedule.ts'
import { rulesOf } from './rulesOf.ts'
import { selfTarget } from './selfTarget.ts'
import { SelfWatcher } from './selfWatcher.ts'
import { timestamper } from './timestamps.ts'
import { productVersion } from './version.ts'

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
    directory: loaded.journalDirectory,
    origin: config.origin,
    keyFile: loaded.keyFile,
    signCommand: loaded.signCommand,
    stamp:
      loaded.timestamps === undefined ? undefined : timestamper(loaded.timestamps, network, giveUp.signal),
    onStampError: (error) => problems.raise('timestamps', describe(error)),
    now,
    random: randomBytes,
    ...(options.sealInterval === undefined ? {} : { sealInterval: options.sealInterval }),
    onError: (error) => problems.raise('journal', error.message),
  })
  undo.defer(() => journal.close())
  const store = await openSqliteStore({ file: loaded.storeFile })
  undo.defer(() => store.close())
  if (store.opened === 'recreated')
    logger.warn('the store was of another version and is rebuilt from the journal')

  /** Waits for as long as it takes; what waits for it waits too, which is how back-pressure reaches the sources. */
  const persist = <T>(part: string, work: () => Promise<T>): Promise<T | undefined> =>
    problems.until(
      part,
      work,
      async () => {
        await delay(RETRY_MS, undefined, { signal: giveUp.signal }).catch(() => undefined)
      },
      { signal: giveUp.signal, isTransient },
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
  const slos = await startCounting(options, store, latest)
  const logs = await recallLogs(loaded, journal, { position, latest, started: now() })
  const objectiveTargets = loaded.watched.filter(({ probe }) => probe === 'slo')
  const metrics = new MetricsProjection(new Registry())
  metrics.declare({
    targets: [...targets, selfTarget(config), ...loaded.followed.map(({ watched }) => watched)],
    sources: config.inventory.logs.map((log) => log.id),
    objectives: objectiveTargets,
  })
  metrics.hydrate({ latest, findings })
  const reloader = new Reloader({
    loaded,
    now,
    problems,
    apply: async (next) => {
      await persist('journal', () => recordConfiguration(journal, { ...options, loaded: next }))
      engine.reconfigure(rulesOf(next))
      slos?.evaluator.reconfigure(next.config.maintenance, now())
      logs?.reconfigure(next.config.maintenance)
      // Judged at once, and by a time that stands in the journal.
      await record([tick('interval', now)])
    },
  })

  const responders = new Responders({ loaded, now, random: Math.random, logger, problems, engine, record })
  await responders.hydrate(store, findings, now())

  const collectors: Collector[] = []
  let applied = position
  let checkpoint = { size: journal.checkpoint.size, time: started }
  let lastSeal: string | undefined
  const status = (): Status => {
    return {
      version: productVersion(),
      vantage: config.vantage,
      started,
      journal: { origin: journal.origin, epoch: journal.epoch, size: journal.size, lastSeal, checkpoint },
      store: { position: applied },
      configuration: reloader.status,
      ...responders.status(),
      ready: journal.state === 'open',
      problems: [
        ...problems.list(),
        ...collectors.flatMap((c) => c.problems.map((p) => `${c.id}: ${p.message}`)),
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
    onError: (error) => logger.error({ part: 'server' }, describe(error)),
  })
  const url = await server.listen()
  undo.defer(() => server.close())

  const control = await listenForCommands({
    path: controlSocket(loaded.journalDirectory),
    incidents: responders.incidents,
    onError: (error) => logger.error({ part: 'commands' }, describe(error)),
  }).catch((error: unknown) => {
    // Everything else works without it.
    problems.raise('commands', describe(error))
    return undefined
  })
  undo.defer(() => control?.close())
  responders.start()
  undo.defer(() => responders.close())

  const ledger = new JournaledLedger(loggedAuthorities(config.inventory).map(({ id }) => id))
  const failure = Promise.withResolvers<Error>()
  const onFailure = (error: unknown): void => {
    problems.raise('projection', describe(error))
    failure.resolve(error instanceof Error ? error : new Error(String(error)))
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
    slos?.evaluator.apply(batch)
    logs?.apply(batch)
    responders.apply(batch)
    ledger.apply(batch)
    const decisions = engine.apply(batch)
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

  const elasticsearch = createElasticsearch(options, journal, problems)
  undo.defer(() => elasticsearch?.stop())

  let isTicking = false
  const ticks = setInterval(() => {
    // While the disk refuses one tick, more of them would only pile up.
    if (isTicking || journal.state !== 'open') return
    isTicking = true
    record([tick('interval', now)])
      .catch((error: unknown) => problems.raise('journal', describe(error)))
      .finally(() => (isTicking = false))
  }, config.rules.tick)
  undo.defer(async () => {
    clearInterval(ticks)
    await journal
      .append([tick('stop', now)])
      .catch((error: unknown) => problems.raise('journal', describe(error)))
  })

  const recorder = new ObservationRecorder({ journal, now })
  undo.defer(() => recorder.close())

  const listener =
    loaded.beats &&
    new BeatsListener({
      ...loaded.beats,
      onProblem: (problem) => logger.warn({ part: 'beats' }, problem.message),
    })
  const collecting = new AbortController()
  const positions = await store.sourcePositions()
  for (const log of config.inventory.logs) {
    const access = loaded.logAccess.get(log.id)
    collectors.push(
      new Collector({
        log: { ...log, path: loaded.logPaths.get(log.id) ?? log.path },
        ...(listener === undefined ? {} : { listener }),
        ...(access === undefined ? {} : { access }),
        authorities: [...loaded.issuers.values()].map((i) => ({
          id: i.id,
          subject: i.certificate.subject.text,
        })),
        positions,
        record,
        keep: (artifact) => journal.putArtifact(artifact),
        signers: loaded.logSigners.get(log.id) ?? [],
        earlier: isSequential(log) ? await earlierEvents(store, log.id) : [],
        now,
        onProblem: (problem) => logger.warn({ part: log.id }, problem.message),
      }),
    )
  }
  const collected = collectors.map((collector) => collector.run(collecting.signal))
  await listener?.listen()
  undo.defer(async () => {
    await listener?.close()
    collecting.abort()
    await Promise.all(collected)
    await Promise.all(collectors.map((collector) => collector.close()))
  })

  if (slos !== undefined) {
    const watcher = new SloWatcher({
      ...slos,
      objectives: loaded.objectives,
      store,
      now,
      record: async (result) => {
        await persist('journal', () => recorder.record(result))
      },
      onError: (error) => problems.raise('objectives', describe(error)),
    })
    watcher.start()
    undo.defer(() => watcher.stop())
  }

  if (logs !== undefined) {
    const watcher = new LogWatcher({
      evaluator: logs,
      loaded,
      now,
      record: async (result) => {
        await persist('journal', () => recorder.record(result))
      },
      onError: (error) => problems.raise('logs', describe(error)),
    })
    watcher.start()
    undo.defer(() => watcher.stop())
  }

  if (loaded.attestations !== undefined) {
    const attestations = new AttestationWatcher({
      source: loaded.attestations,
      now,
      vantage: config.vantage,
      record: async (result) => {
        await persist('journal', () => recorder.record(result))
      },
      onError: (error) => problems.raise('attestations', describe(error)),
    })
    attestations.start()
    undo.defer(() => attestations.stop())
  }

  const cosigners = loaded.followed.length === 0 ? [] : await loadCosigners(loaded.keyFile, config.origin)
  for (const followed of loaded.followed) {
    const part = `following ${followed.log}`
    const watcher = new FollowWatcher({
      journal: followed,
      cosigners,
      now,
      vantage: config.vantage,
      network,
      record: async (result) => {
        await persist('journal', () => recorder.record(result))
      },
      onError: (error) => problems.raise(part, describe(error)),
      onSuccess: () => problems.clear(part),
    })
    watcher.start()
    undo.defer(() => watcher.stop())
  }

  const self = new SelfWatcher({
    loaded,
    now,
    problems,
    status,
    repairs: () => responders.repairs(),
    sourcesFailing: () => collectors.filter((c) => c.problems.length > 0).map((c) => c.id),
    elasticsearch: () => elasticsearch?.applied,
    record: async (result) => {
      await persist('journal', () => recorder.record(result))
    },
  })
  self.start()
  undo.defer(() => self.stop())

  // With millions of events it takes a while, and nothing waits for it.
  const filled = fillLedger(ledger, store, collecting.signal).catch((error: unknown) =>
    problems.raise('logs of authorities', describe(error)),
  )
  undo.defer(async () => {
    collecting.abort()
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
      await persist('journal', () => recorder.record(result))
      memory.remember(result.observation)
      self.ran(result)
    },
    onError: (error, target) => problems.raise(`probe ${target.address}`, describe(error)),
  })
  undo.defer(() => scheduler.stop())

  const reports = createReportSchedule(options, journal, problems)
  reports?.start()
  undo.defer(() => reports?.close())
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

/** Brings a store that is behind, new or of an earlier epoch to the end of the journal; a new one gets what was watched before a restore, too. */
async function catchUp(journal: Journal, store: Store, directory: string): Promise<void> {
  const position = await store.position()
  const earlier = position === undefined ? (await epochDirectories(directory)).slice(0, -1) : []
  for (const epoch of earlier) await applyAll((await openReader(epoch)).read(), store)
  await applyAll(journal.read(resumeAfter(journal, position)), store)
}

/** From the position of the store on; undefined where there are no objectives. */
async function startCounting({ loaded, now }: StackOptions, store: Store, latest: readonly TargetState[]) {
  const { config, objectives, targets } = loaded
  if (config.slos === undefined || objectives.length === 0) return undefined
  const { maintenance, vantage, slos } = config
  const started = now()
  const evaluator = new SloEvaluator({ objectives, maintenance, targets, vantage, started })
  evaluator.hydrate(latest)
  await restoreRecentHours(evaluator, store, started)
  return { evaluator, started, interval: slos.interval }
}

async function recordConfiguration(journal: Journal, { loaded, by, now }: StackOptions): Promise<void> {
  const parts = [
    { name: 'vigil.yaml', mediaType: 'application/json', text: JSON.stringify(loaded.recorded) },
    ...loaded.packs.map((pack) => ({
      name: `rules/${pack.id}`,
      mediaType: 'application/yaml',
      text: pack.text,
    })),
  ]
  const artifacts = await Promise.all(
    parts.map(async ({ name, mediaType, text }) => ({
      ...(await journal.putArtifact({ mediaType, bytes: Buffer.from(text) })),
      name,
    })),
  )
  const body = { by, product: `pki-vigil ${productVersion()}`, artifacts }
  await journal.append([{ kind: 'configuration', time: toTimestamp(now()), body }])
}

function createElasticsearch(
  { loaded }: StackOptions,
  journal: Journal,
  problems: Problems,
): ElasticsearchProjection | undefined {
  const { elasticsearch } = loaded
  if (elasticsearch === undefined) return undefined
  return new ElasticsearchProjection({
    journal,
    problems,
    open: (signal) => openElasticsearchStore({ ...elasticsearch, signal }),
  })
}

function createReportSchedule(
  { loaded, now, logger }: StackOptions,
  journal: Journal,
  problems: Problems,
): ReportSchedule | undefined {
  if (loaded.reports === undefined) return undefined
  const { directory, cron } = loaded.reports
  return new ReportSchedule({
    cron,
    now,
    began: journal.epoch * 1000,
    isWritten: (month) => existsSync(join(directory, month, 'report.json')),
    write: async (month, signal) => {
      await journal.publish()
      const output = join(directory, month)
      const missing = await writeReportInProcess({ journal: loaded.journalDirectory, month, output }, signal)
      problems.clear('reports')
      logger.info({ part: 'reports', output }, `the report of ${month} is written`)
      if (missing !== '') logger.warn({ part: 'reports' }, missing)
    },
    onError: (_month, error) => problems.raise('reports', describe(error)),
    after: (ms, work) => {
      const timer = setTimeout(work, ms)
      return () => clearTimeout(timer)
    },
  })
}

/** Refused for now, and worth another try: the disk is full, the database is locked, too much is waiting. */
function isTransient(error: unknown): boolean {
  if (error instanceof JournalError) return error.code === 'storage' || error.code === 'overloaded'
  return isTransientStoreError(error)
}

function tick(reason: Tick['reason'], now: Clock): NewRecord {
  return { kind: 'tick', time: toTimestamp(now()), body: { reason } }
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

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
