import { isDeepStrictEqual } from 'node:util'
import { formatProblem, type Problem } from '../model/problem.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import type { Status } from '../server/status.ts'
import type { Parsed } from './config.ts'
import type { LoadedConfig } from './load.ts'
import type { Problems } from './problems.ts'

interface ReloaderOptions {
  readonly loaded: LoadedConfig
  readonly now: Clock
  readonly problems: Problems
  /** Journals the configuration and puts its rules in force. When it rejects, nothing has changed. */
  readonly apply: (next: LoadedConfig) => Promise<void>
}

/** Keys of `rules` that are taken over while vigil runs, and so is `maintenance`; everything else needs a restart. */
const RELOADED = ['packs', 'parameters', 'waivers'] as const

/** Keys that are not as a whole what takes a restart. */
const APART: readonly (keyof LoadedConfig['config'])[] = ['rules', 'maintenance']

/** Part of the problems on the page. */
const PART = 'configuration'

/**
 * Replaces rule packs, parameters, waivers and maintenance of a running vigil: all or nothing. When the files hold a mistake, or a change that needs a restart, what is
 * in force stays in force, and the status says so until a reload succeeds.
 */
export class Reloader {
  readonly #options: ReloaderOptions
  #current: LoadedConfig
  #status: Status['configuration']
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#current = options.loaded
    this.#status = { successful: true, time: toTimestamp(options.now()) }
    this.#warn(options.loaded)
  }

  get status(): Status['configuration'] {
    return this.#status
  }

  /** What is in force. */
  get current(): LoadedConfig {
    return this.#current
  }

  /** The problems that kept it from being taken over; none when it is in force now. One reload at a time. */
  reload(load: () => Parsed<LoadedConfig>): Promise<readonly Problem[]> {
    const turn = this.#last.then(() => this.#reload(load))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #reload(load: () => Parsed<LoadedConfig>): Promise<readonly Problem[]> {
    const { problems, now, apply } = this.#options
    const next = load()
    const refused = next.ok ? needsRestart(this.#current, next.value) : next.problems
    if (!next.ok || refused.length > 0) {
      this.#status = { ...this.#status, successful: false }
      const lines = refused.map(formatProblem).join('; ')
      problems.raise(PART, `not reloaded, the rules before stay in force: ${lines}`)
      return refused
    }
    await apply(next.value)
    this.#current = next.value
    this.#status = { successful: true, time: toTimestamp(now()) }
    problems.clear(PART)
    this.#warn(next.value)
    return []
  }

  #warn({ warnings }: LoadedConfig): void {
    if (warnings.length > 0) this.#options.problems.raise(PART, warnings.map(formatProblem).join('; '))
  }
}

/** What is different beside the rules. */
function needsRestart(current: LoadedConfig, next: LoadedConfig): readonly Problem[] {
  const message =
    'has changed, which takes a restart of vigil: restart it, or put it back to reload the rules'
  const problem = (path: Problem['path']): Problem => ({ file: next.file, line: undefined, path, message })
  const keys = Object.keys(next.config) as (keyof LoadedConfig['config'])[]
  const changed = keys
    .filter((key) => !APART.includes(key) && !isDeepStrictEqual(current.config[key], next.config[key]))
    .map((key) => problem([key]))
  const withoutReloaded = ({ config }: LoadedConfig): unknown => ({
    ...config.rules,
    ...Object.fromEntries(RELOADED.map((key) => [key, undefined])),
  })
  const rules = isDeepStrictEqual(withoutReloaded(current), withoutReloaded(next)) ? [] : [problem(['rules'])]
  return [...changed, ...rules]
}
