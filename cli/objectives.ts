import type { Config } from '../model/config.ts'
import type { Problem } from '../model/problem.ts'
import type { ProbeResult } from '../model/observation.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { logTargets } from '../rules/logs/evaluator.ts'
import { checkMaintenance } from '../rules/maintenance.ts'
import type { Pack } from '../rules/pack.ts'
import type { SloEvaluator } from '../rules/slo/evaluator.ts'
import { checkOverrides, objectivesOf, objectiveTargets, type Objective } from '../rules/slo/objective.ts'
import { attestationTargets, readsObjective, watchedSubjects, type WatchedTarget } from '../rules/subjects.ts'
import type { Store } from '../store/contract.ts'
import { Looks } from './looks.ts'

export interface Objectives {
  readonly objectives: readonly Objective[]
  /** What rules judge by: what is probed, the objectives, and the logs. */
  readonly watched: readonly WatchedTarget[]
}

/** The objectives of a configuration, and every mistake about them and about maintenance. `now` in milliseconds. */
export function loadObjectives(
  config: Pick<Config, 'slos' | 'maintenance' | 'inventory' | 'probes'>,
  { probed, packs, now }: { probed: readonly WatchedTarget[]; packs: readonly Pack[]; now: number },
): { readonly value: Objectives; readonly problems: readonly Problem[] } {
  const { slos, maintenance, inventory } = config
  const objectives = slos === undefined ? [] : objectivesOf(slos, inventory, probed)
  const watched = [
    ...probed,
    ...(slos === undefined ? [] : objectiveTargets(objectives, slos.interval)),
    ...logTargets(inventory, config.probes),
  ]
  const rules = packs.flatMap((pack) => pack.rules)
  const signed = attestationTargets(rules, inventory, probed)
  const subjects = watchedSubjects(inventory, [...watched, ...signed])
  return {
    value: { objectives, watched },
    problems: [
      ...(slos === undefined ? withoutObjectives(packs) : checkOverrides(slos, probed)),
      ...checkMaintenance(maintenance, subjects, now),
    ],
  }
}

/** Rules about objectives of which there are none would never say anything. */
function withoutObjectives(packs: readonly Pack[]): readonly Problem[] {
  return packs.flatMap((pack, i) => {
    const rule = pack.rules.find(readsObjective)
    if (rule === undefined) return []
    const message = `${rule.id} of ${pack.id} is about objectives, and there are none: add "slos: {}"`
    return [{ file: '', line: undefined, path: ['rules', 'packs', i], message }]
  })
}

interface SloWatcherOptions {
  readonly evaluator: SloEvaluator
  readonly objectives: readonly Objective[]
  readonly store: Pick<Store, 'rollUps'>
  /** Milliseconds. */
  readonly interval: number
  /** When the evaluator began to count, in milliseconds. */
  readonly started: number
  readonly now: Clock
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
}

const HOUR = 3_600_000

/** Hours as the store counted them that must be there before the first record is applied: those that are not over. */
export async function restoreRecentHours(
  evaluator: SloEvaluator,
  store: Pick<Store, 'rollUps'>,
  started: number,
): Promise<void> {
  const from = toTimestamp(Math.floor(started / HOUR) * HOUR)
  // A clock that runs ahead has written of hours to come.
  evaluator.restore(await store.rollUps({ from, to: toTimestamp(started + 24 * HOUR) }))
}

/**
 * Computes objectives every interval, once the hours of their windows were read from the store: with thousands of subjects that takes a while, and
 * nothing waits for it. Until `stop`, which waits for what is under way.
 */
export class SloWatcher {
  readonly #options: SloWatcherOptions
  readonly #looks: Looks
  /** Subjects whose hours were not read yet. */
  readonly #unread: Set<string>
  #stopped = false

  constructor(options: SloWatcherOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#once(), options.onError)
    this.#unread = new Set(options.objectives.map(({ subject }) => subject))
  }

  start(): void {
    this.#looks.start(this.#options.interval)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looks.stop()
  }

  async #once(): Promise<void> {
    const { evaluator, now, record } = this.#options
    await this.#restore()
    if (this.#stopped) return
    await Promise.all(evaluator.evaluate(now()).map(record))
  }

  /** One subject after the other, so that only a month of one is in memory. */
  async #restore(): Promise<void> {
    const { evaluator, objectives, store, started } = this.#options
    const longest = Math.max(0, ...objectives.map(({ window }) => window))
    const to = Math.floor(started / HOUR) * HOUR
    // Whole days may begin a day before the window does.
    const range = { from: toTimestamp(to - longest - 26 * HOUR), to: toTimestamp(to) }
    for (const subject of this.#unread) {
      if (this.#stopped) return
      evaluator.restore(await store.rollUps({ ...range, subject }))
      this.#unread.delete(subject)
    }
  }
}
