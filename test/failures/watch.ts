import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadedConfig } from '../../cli/load.ts'
import { EventReplay } from '../../cli/replay/eventReplay.ts'
import { FactReplay } from '../../cli/replay/factReplay.ts'
import { rulesOf } from '../../cli/rulesOf.ts'
import { Collector } from '../../collectors/collector.ts'
import { startLab, type Lab, type LabOptions } from '../../lab/lab.ts'
import { writeVigilYaml, type VigilYamlOptions } from '../../lab/vigilYaml.ts'
import type { LogConfig } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import type { Artifact, ArtifactRef, ProbeKind } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { parseSubject } from '../../model/subject.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { JournaledLedger } from '../../probes/reconciliation/ledger.ts'
import type { ProbeContext, Target } from '../../probes/probe.ts'
import { runProbe } from '../../probes/table.ts'
import { declaredHosts, loggedIssuance } from '../../probes/targets.ts'
import { WebhookConnector } from '../../remediation/connectors/webhook.ts'
import { Remediator } from '../../remediation/remediator.ts'
import { RepairEvaluator } from '../../remediation/repairs.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { LogEvaluator, logTargets } from '../../rules/logs/evaluator.ts'
import { JournalDouble, MINUTE } from '../rules/journalDouble.ts'
import { loadedFrom } from '../support/stack.ts'

/** As Linux has them: two nodes behind every name. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2'] as const

/** Some kinds compare what others saw: they look when these have. */
const TURNS: readonly (readonly ProbeKind[])[] = [
  ['crl', 'ocsp', 'ca', 'health'],
  ['tls', 'mtls', 'crl_set'],
  ['ocsp_matrix', 'reconciliation', 'issuance', 'issued', 'ocsp_revocations'],
]

export interface WatchOptions {
  /** Packs in force beside those that are by default. */
  readonly packs?: readonly string[]
  /** Of vigil.yaml. */
  readonly settings?: Omit<VigilYamlOptions, 'directory'>
  /** Of the lab's authorities. */
  readonly logs?: LabOptions['logs']
  /** Of the lab's servers. */
  readonly addresses?: readonly string[]
}

/**
 * A lab under watch: every probe, its audit log, the rules that are in force, and nothing between them but what the journal would keep. Nothing runs by
 * itself, and the clock stands still until a test looks.
 */
export class Watch implements AsyncDisposable {
  readonly lab: Lab
  readonly loaded: LoadedConfig
  readonly engine: RuleEngine
  readonly memory: RecordedMemory
  readonly #clock: { now: number }
  readonly #journal = new JournalDouble()
  readonly #artifacts = new Map<string, Uint8Array>()
  readonly #context: ProbeContext
  readonly #directory: string
  readonly #collectors: readonly Collector[]
  readonly #logs: LogEvaluator
  readonly #ledger: JournaledLedger
  /** What is recorded is made again at once. */
  readonly #facts: FactReplay
  readonly #events = new EventReplay()
  readonly #remediator: Remediator
  readonly #repairs: RepairEvaluator
  /** Rule and subject. */
  readonly #overlooked = new Set<string>()

  static async start(options: WatchOptions = {}): Promise<Watch> {
    const directory = mkdtempSync(join(tmpdir(), 'vigil-failures-'))
    // The wall clock's time: node:tls looks at that one. In the past by a little, so that nothing is from its future.
    const clock = { now: Date.now() - MINUTE }
    const lab = await startLab({
      directory: join(directory, 'lab'),
      now: () => clock.now,
      every: () => () => undefined,
      addresses: options.addresses ?? ADDRESSES,
      ...(options.logs === undefined ? {} : { logs: options.logs }),
    })
    const packs = ['internal-pki', 'operations', ...(options.packs ?? [])]
    const file = await writeVigilYaml(lab, {
      ...options.settings,
      directory,
      rules: { ...options.settings?.rules, packs },
    })
    return new Watch({ lab, loaded: loadedFrom(file), clock, directory })
  }

  private constructor(parts: { lab: Lab; loaded: LoadedConfig; clock: { now: number }; directory: string }) {
    const { lab, loaded, clock, directory } = parts
    const { config, targets, webhookSecret: secret } = loaded
    const { inventory, maintenance, vantage } = config
    assert.ok(secret !== undefined)
    this.lab = lab
    this.loaded = loaded
    this.#clock = clock
    this.#directory = directory
    this.memory = new RecordedMemory(targets)
    const logs = logTargets(inventory, config.probes)
    const repairs = loaded.watched.filter(({ probe }) => probe === 'repair')
    this.engine = new RuleEngine({ ...rulesOf(loaded), targets: [...targets, ...logs, ...repairs] })
    this.#repairs = new RepairEvaluator({ targets: repairs, vantage })
    this.#remediator = new Remediator({
      policies: config.remediation.policies,
      guards: config.remediation,
      connector: new WebhookConnector({ url: lab.webhook.url, secret, now: () => clock.now }),
      finding: (rule, subject) => this.engine.finding(rule, subject),
      record: (records) => {
        const sealed = this.#journal.seal(...records)
        this.#apply(sealed)
        return Promise.resolve(sealed)
      },
      now: () => clock.now,
      random: () => 0,
      onError: (error) => assert.fail(String(error)),
    })
    this.#logs = new LogEvaluator({ ...inventory, maintenance, vantage, started: clock.now })
    this.#ledger = new JournaledLedger(loggedIssuance(inventory, loaded.issuers), inventory.logs)
    this.#ledger.complete()
    this.#facts = new FactReplay({ getArtifact: (digest) => Promise.resolve(this.#artifacts.get(digest)) })
    this.#facts.configure({ ...loaded, attestationKeys: undefined })
    this.#events.configure({ ...loaded, attestationKeys: undefined })
    this.#collectors = inventory.logs.map((log) => this.#collectorOf(log))
    this.#context = {
      now: () => clock.now,
      vantage,
      maxSize: config.probes.max_size,
      random: randomBytes,
      delegations: new Delegations(),
      names: systemNames(config.probes.hosts),
      follow: followPolicy({ networks: config.probes.follow, declared: targets.flatMap(declaredHosts) }),
      memory: this.memory,
      ledger: this.#ledger,
      artifact: (digest) => {
        const kept = this.#artifacts.get(digest)
        return Promise.resolve(kept && Uint8Array.from(kept))
      },
      signal: new AbortController().signal,
    }
  }

  /** Lets time go by, in milliseconds, in which nobody looks. */
  pass(ms: number): void {
    this.#clock.now += ms
    this.#journal.now = this.#clock.now
  }

  /**
   * One run of every probe, a while (in milliseconds) after the last, and a judgement. `authority`: only of the probes of it, and of the
   * services that have their certificates from it.
   */
  async look(later = MINUTE, authority?: string): Promise<void> {
    this.pass(later)
    // Else their logs would be silent.
    this.lab.enrolDevices()
    this.lab.runJobs()
    for (const collector of this.#collectors) await collector.poll()
    const { targets } = this.loaded
    const wanted =
      authority === undefined ? targets : targets.filter((target) => this.#isOf(target, authority))
    for (const kinds of TURNS) await this.#run(wanted.filter(({ probe }) => kinds.includes(probe)))
    for (const { observation } of this.#logs.evaluate(this.#clock.now))
      this.#apply(this.#journal.observe(observation))
    this.#apply(this.#journal.tick())
    await this.#remediator.settled()
    for (const { observation } of this.#repairs.evaluate(this.#clock.now))
      this.#apply(this.#journal.observe(observation))
  }

  /** What the CAs publish on schedule, this long after the last look, and one more look. */
  async nextCrls(later = MINUTE): Promise<void> {
    this.pass(later)
    await this.lab.refreshCrls()
    await this.look(0)
  }

  /** The id of an authority, or of a service, whose issuer it then is. */
  authorityOf(id: string): string {
    return this.loaded.config.inventory.services.find((service) => service.id === id)?.issuer ?? id
  }

  /** Longest that one of these rules lets a failure last before it says so. */
  patience(rules: readonly string[]): number {
    return Math.max(0, ...rules.map((id) => this.#ruleOf(id).for))
  }

  /** What is neither well nor beside the point. */
  troubles(): readonly Finding[] {
    return this.engine
      .findings()
      .filter(({ state }) => state !== 'pass' && state !== 'not_applicable')
      .filter(({ rule, subject }) => !this.#overlooked.has(`${rule} ${subject}`))
  }

  /** What is found now does not count from here on. */
  overlookTroubles(): void {
    for (const { rule, subject } of this.troubles()) this.#overlooked.add(`${rule} ${subject}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const collector of this.#collectors) await collector.close()
    await this.#remediator.close()
    await this.lab.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #ruleOf(id: string): { readonly for: number } {
    const rule = this.engine.rules.get(id)
    assert.ok(rule, `expected a rule in force, got ${id}`)
    return rule
  }

  #isOf({ subject }: Target, authority: string): boolean {
    const [first = ''] = parseSubject(subject)?.keys ?? []
    return this.authorityOf(first) === authority
  }

  /** What it reads counts at once, the last line too. */
  #collectorOf(log: LogConfig): Collector {
    const { issuers, logPaths, logSigners } = this.loaded
    return new Collector({
      log: { ...log, path: logPaths.get(log.id) ?? log.path },
      authorities: [...issuers.values()].map(({ id, certificate }) => ({
        id,
        subject: certificate.subject.text,
      })),
      positions: [],
      record: (records) => {
        const sealed = this.#journal.seal(...records)
        for (const one of sealed) if (one.kind === 'audit') this.#events.add(one)
        assert.deepEqual(this.#events.end().differences, [], 'expected events that follow from raw records')
        this.#logs.apply(sealed)
        this.#ledger.apply(sealed)
        return Promise.resolve(sealed)
      },
      signers: logSigners.get(log.id) ?? [],
      now: () => this.#clock.now,
      onProblem: (problem) => assert.fail(problem),
      file: { quiet: 0 },
    })
  }

  async #run(targets: LoadedConfig['targets']): Promise<void> {
    const results = await Promise.all(targets.map((target) => runProbe(target, this.#context)))
    for (const { observation, artifacts, kept = [] } of results) {
      const recorded = { ...observation, artifacts: [...artifacts.map((one) => this.#keep(one)), ...kept] }
      this.memory.remember(recorded)
      const sealed = this.#journal.observe(recorded)
      for (const record of sealed) if (record.kind === 'observation') await this.#facts.add(record)
      this.#apply(sealed)
    }
    assert.deepEqual(this.#facts.end().differences, [], 'expected facts that follow from what was kept')
  }

  /** What the engine decides comes back to it, as it would by the journal. */
  #apply(batch: readonly SealedRecord[]): void {
    this.#logs.apply(batch)
    this.#repairs.apply(batch)
    this.#remediator.apply(batch)
    const decisions = this.engine.apply(batch)
    if (decisions.length > 0) this.#apply(this.#journal.decide(...decisions))
  }

  #keep({ mediaType, bytes }: Artifact): ArtifactRef {
    const digest = createHash('sha256').update(bytes).digest('hex')
    this.#artifacts.set(digest, bytes)
    return { digest, mediaType, size: bytes.length, kept: true }
  }
}

/** For a message: what is wrong with what, and why. */
export function troubleOf({ rule, subject, state, summary }: Finding): string {
  return `${rule} ${subject} ${state}: ${summary}`
}
