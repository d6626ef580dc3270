import { mutate, poolOf } from './mutate.ts'
import { randomOf } from './random.ts'
import type { Target } from './targets.ts'
import { TARGETS } from './targets.ts'

/** Longest CPU time in milliseconds that one input of at most 256 KiB may take; the slowest take 20. */
const MAX_INPUT_TIME = 2000

export interface Failure {
  readonly target: string
  readonly index: number
  readonly changes: readonly string[]
  readonly bytes: Uint8Array
  readonly error: unknown
}

export interface Report {
  readonly inputs: number
  /** How far the inputs came, by target: a mutator whose inputs are all refused at once tests little. */
  readonly outcomes: Readonly<Record<string, Record<string, number>>>
  readonly slowest: { readonly ms: number; readonly target: string; readonly index: number }
  readonly failures: readonly Failure[]
}

/** Failures after which it makes no sense to go on. */
const MAX_FAILURES = 10

/** The input of `seed` and `index`, always the same. */
function inputOf(
  seed: number,
  index: number,
  pool: ReturnType<typeof poolOf>,
): { target: Target; bytes: Uint8Array; changes: readonly string[] } {
  const random = randomOf(seed, index)
  const target = random.pick(TARGETS)
  return { target, ...mutate(random.pick(target.seeds), random, pool) }
}

/**
 * Checks the inputs from `from` on, every `step`th, while `goOn` says so. Nothing may crash, hang, or verify when a signed octet changed.
 * `now`: CPU time of this thread in milliseconds, which a busy machine does not add to.
 */
export function fuzz(
  options: {
    readonly seed: number
    readonly from: number
    readonly step: number
    readonly now: () => number
  },
  goOn: (done: number) => boolean,
): Report {
  const pool = poolOf(TARGETS.flatMap(({ seeds }) => seeds))
  const outcomes: Record<string, Record<string, number>> = {}
  const failures: Failure[] = []
  let slowest = { ms: 0, target: '', index: 0 }
  let inputs = 0
  for (let index = options.from; goOn(inputs) && failures.length < MAX_FAILURES; index += options.step) {
    const { target, bytes, changes } = inputOf(options.seed, index, pool)
    const start = options.now()
    let outcome = 'failed'
    const failed = (error: unknown): void => {
      failures.push({ target: target.name, index, changes, bytes, error })
    }
    try {
      outcome = target.check(bytes)
    } catch (error) {
      failed(error)
    }
    const ms = options.now() - start
    if (ms > slowest.ms) slowest = { ms, target: target.name, index }
    if (ms > MAX_INPUT_TIME) failed(new Error(`expected at most ${MAX_INPUT_TIME} ms, took ${ms}`))
    const counts = (outcomes[target.name] ??= {})
    counts[outcome] = (counts[outcome] ?? 0) + 1
    inputs++
  }
  return { inputs, outcomes, slowest, failures }
}

/** CPU time that this thread has used, in milliseconds. */
export function threadTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
