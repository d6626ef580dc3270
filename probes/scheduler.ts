import type { ProbeResult } from '../model/observation.ts'
import { MAX_DELAY } from './fetch/deadline.ts'
import { internalErrorResult } from './observe.ts'
import type { ProbeContext, Target } from './probe.ts'
import { runProbe } from './table.ts'
import { answersFor, hostOf } from './targets.ts'

/** Milliseconds within which every target has its first run ever. */
const FIRST_RUN = 5_000
/** Milliseconds: targets with an interval from here on go on after a restart where they were, so that it does not ask everything anew. */
const LONG_INTERVAL = 600_000
/** Part of a long interval over which runs that were missed are spread. */
const CATCH_UP = 0.1
/** Part of the interval by which a run comes earlier or later, so that targets don't drift into step. */
const JITTER = 0.2
/** Milliseconds that a timer may be late; more means that the machine slept, and everything is due at once. */
const MAX_LATENESS = 5_000
/** Milliseconds that a run may take beyond its target's timeout before it counts as hung. */
const GRACE = 5_000

/** A run that took this part of its timeout is slow, and so the target's next one is expected to be. */
const SLOW = 0.5
/** Part of the runs at once that slow targets may have, so that a network that swallows packets does not keep the others waiting. */
const SLOW_SHARE = 0.75

/**
 * Results that may wait to be recorded before no more runs start. Unchanged ones wait for a second, to be recorded together; all of them while the
 * disk refuses, and each may hold a CRL.
 */
const MAX_UNRECORDED = 200

/** Calls back once after so many milliseconds; the function returned cancels that. */
export type After = (ms: number, callback: () => void) => () => void

export interface SchedulerOptions {
  readonly targets: readonly Target[]
  readonly context: Omit<ProbeContext, 'signal'>
  /** Runs at once. Results that wait to be recorded are not counted. */
  readonly concurrency: number
  /** Of these, against one host:port. */
  readonly concurrencyPerHost: number
  /**
   * When the newest run began that is known from before the start, in milliseconds since the epoch. undefined: none is known, or it failed: who has
   * repaired something and restarted wants to see it.
   */
  readonly lastRun: (target: Target) => number | undefined
  /** Takes each result; the target is scheduled again only when this is settled. */
  readonly onResult: (result: ProbeResult) => Promise<void>
  /** A result that `onResult` refused is lost; this says so. */
  readonly onError: (error: unknown, target: Target) => void
  /** Default: `runProbe`. */
  readonly run?: (target: Target, context: ProbeContext) => Promise<ProbeResult>
  readonly after?: After
  /** Uniform in [0, 1). */
  readonly uniform?: () => number
}

export interface Scheduler {
  /**
   * Runs every target of this address or subject at once (a run that is going on is not counted: what it saw may be from before).
   * Resolves with how many runs were recorded; 0 when there is no such target, or the scheduler stops.
   */
  runNow(addressOrSubject: string): Promise<number>
  /** Aborts what runs, drops what was cut short, records what was finished; resolves when nothing is left. */
  stop(): Promise<void>
}

interface Entry {
  readonly target: Target
  readonly host: string
  state: 'waiting' | 'queued' | 'running' | 'stopped'
  cancelTimer: () => void
  /** Whether the last run was. */
  isSlow: boolean
  /** Callers of runNow, told whether the next run to start was recorded. */
  waiters: ((isRecorded: boolean) => void)[]
}

const realAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

/** Starts to probe every target at its interval, until `stop()`. */
export function startScheduler(options: SchedulerOptions): Scheduler {
  const { context, concurrency, concurrencyPerHost, onResult, onError } = options
  const run = options.run ?? runProbe
  const after = options.after ?? realAfter
  const uniform = options.uniform ?? Math.random
  const queue: Entry[] = []
  const running = new Set<Promise<void>>()
  const aborts = new Set<AbortController>()
  /** Runs under way, by host:port. */
  const busyHosts = new Map<string, number>()
  const maxSlow = Math.max(1, Math.floor(concurrency * SLOW_SHARE))
  let runningSlow = 0
  /** Of those in `running`, the ones that are over and wait to be recorded. */
  let unrecorded = 0
  let isStopping = false

  const entries = options.targets.map((target): Entry => ({
    target,
    host: hostOf(target),
    state: 'waiting',
    cancelTimer: () => undefined,
    isSlow: false,
    waiters: [],
  }))

  const wait = (entry: Entry, ms: number): void => {
    entry.state = 'waiting'
    const due = context.now() + ms
    entry.cancelTimer = after(Math.min(ms, MAX_DELAY), () => {
      const isLate = context.now() - due > MAX_LATENESS
      // No storm after sleep: the slot is missed, and the next runs are spread.
      if (isLate) wait(entry, soon(entry.target))
      else enqueue(entry)
    })
  }
  const periodOf = ({ interval }: Target): number => interval * (1 - JITTER + 2 * JITTER * uniform())

  const firstDelay = (target: Target): number => {
    const last = target.interval < LONG_INTERVAL ? undefined : options.lastRun(target)
    // None, or from a time that has not come: the clock was wrong then, or is now.
    if (last === undefined || last > context.now()) return uniform() * Math.min(target.interval, FIRST_RUN)
    const left = last + periodOf(target) - context.now()
    return left > 0 ? left : soon(target)
  }
  /** Of a run that was missed. */
  const soon = ({ interval }: Target): number =>
    uniform() * (interval < LONG_INTERVAL ? Math.min(interval, FIRST_RUN) : interval * CATCH_UP)

  const enqueue = (entry: Entry): void => {
    entry.cancelTimer()
    entry.state = 'queued'
    queue.push(entry)
    startQueued()
  }

  const startQueued = (): void => {
    for (let i = 0; i < queue.length && mayStartAny();) {
      const entry = queue[i]
      if (entry === undefined || !mayStart(entry)) {
        i++
        continue
      }
      queue.splice(i, 1)
      start(entry)
    }
  }

  const mayStartAny = (): boolean => running.size - unrecorded < concurrency && unrecorded < MAX_UNRECORDED

  const mayStart = ({ host, isSlow }: Entry): boolean =>
    (busyHosts.get(host) ?? 0) < concurrencyPerHost && !(isSlow && runningSlow >= maxSlow)

  const start = (entry: Entry): void => {
    const slot = entry.isSlow ? 1 : 0
    entry.state = 'running'
    busyHosts.set(entry.host, (busyHosts.get(entry.host) ?? 0) + 1)
    runningSlow += slot
    // The host has its answer out, so others may ask it.
    const onRan = (): void => {
      runningSlow -= slot
      unrecorded++
      leave(entry.host)
      if (!isStopping) startQueued()
    }
    const ended = runAndRecord(entry, onRan).finally(() => {
      unrecorded--
      running.delete(ended)
      if (!isStopping) startQueued()
    })
    running.add(ended)
  }

  const leave = (host: string): void => {
    const others = (busyHosts.get(host) ?? 1) - 1
    if (others === 0) busyHosts.delete(host)
    else busyHosts.set(host, others)
  }

  const runAndRecord = async (entry: Entry, onRan: () => void): Promise<void> => {
    const { target, waiters } = entry
    entry.waiters = []
    const period = periodOf(target)
    const began = context.now()
    const result = await runOnce(target)
    entry.isSlow = result !== undefined && result.observation.duration > target.timeout * SLOW
    onRan()
    const isRecorded = result !== undefined && (await record(result, target))
    if (isStopping) entry.state = 'stopped'
    else if (entry.waiters.length > 0) enqueue(entry)
    else {
      const left = began + period - context.now()
      // A slot that was missed is not made up for; nor does a clock that was set back silence a target.
      wait(entry, left < 0 ? uniform() * target.interval : Math.min(left, period))
    }
    for (const tell of waiters) tell(isRecorded)
  }

  /** undefined: cut short by `stop()`. */
  const runOnce = async (target: Target): Promise<ProbeResult | undefined> => {
    const start = context.now()
    const abort = new AbortController()
    aborts.add(abort)
    const hung = Promise.withResolvers<never>()
    const cancelWatch = after(Math.min(target.timeout + GRACE, MAX_DELAY), () => {
      hung.reject(new Error(`expected a result within ${target.timeout + GRACE} ms, got none`))
      abort.abort(new Error('hung'))
    })
    try {
      return await Promise.race([run(target, { ...context, signal: abort.signal }), hung.promise])
    } catch (error) {
      if (isStopping) return undefined
      const duration = Math.max(0, context.now() - start)
      return internalErrorResult(target, context.vantage, { start, duration }, error)
    } finally {
      cancelWatch()
      aborts.delete(abort)
    }
  }

  const record = async (result: ProbeResult, target: Target): Promise<boolean> => {
    try {
      await onResult(result)
      return true
    } catch (error) {
      onError(error, target)
      return false
    }
  }

  const runNow = async (name: string): Promise<number> => {
    if (isStopping) return 0
    const recorded = await Promise.all(
      entries
        .filter(({ target }) => answersFor(target, name))
        .map((entry) => {
          const { promise, resolve } = Promise.withResolvers<boolean>()
          entry.waiters.push(resolve)
          if (entry.state === 'waiting') enqueue(entry)
          return promise
        }),
    )
    return recorded.filter(Boolean).length
  }

  const stop = async (): Promise<void> => {
    isStopping = true
    queue.length = 0
    for (const abort of aborts) abort.abort(new Error('the scheduler stops'))
    for (const entry of entries) entry.cancelTimer()
    await Promise.all(running)
    for (const entry of entries) {
      entry.state = 'stopped'
      for (const tell of entry.waiters.splice(0)) tell(false)
    }
  }

  for (const entry of entries) wait(entry, firstDelay(entry.target))
  return { runNow, stop }
}
