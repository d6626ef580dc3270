import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProbeResult } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import type { ProbeContext, Target, TlsTarget } from '../../probes/probe.ts'
import { startScheduler, type Scheduler, type SchedulerOptions } from '../../probes/scheduler.ts'
import { FakeTime, settle } from './fakeTime.ts'
import { NOW } from './pki.ts'
import { context, tlsTarget } from './support.ts'

const MINUTE = 60_000

interface Run {
  readonly address: string
  readonly at: number
  readonly signal: AbortSignal
  /** Ends the run. */
  end(): void
  fail(error: Error): void
}

interface Bench {
  readonly time: FakeTime
  readonly scheduler: Scheduler
  readonly runs: Run[]
  readonly results: ProbeResult[]
  readonly errors: unknown[]
  /** Starts so far of each target, in order of their addresses. */
  readonly starts: () => number[]
}

interface BenchOptions extends Partial<SchedulerOptions> {
  /** Runs end at once; otherwise the test ends them. */
  readonly auto?: boolean
}

function bench(targets: readonly Target[], { auto = true, ...overrides }: BenchOptions = {}): Bench {
  const time = new FakeTime()
  const runs: Run[] = []
  const results: ProbeResult[] = []
  const errors: unknown[] = []
  const run = async (target: Target, { signal }: ProbeContext): Promise<ProbeResult> => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const at = time.now() - NOW
    runs.push({ address: target.address, at, signal, end: () => resolve(undefined), fail: reject })
    signal.addEventListener('abort', () => reject(new Error('aborted')))
    if (!auto) await promise
    return resultOf(target, time.now())
  }
  const scheduler = startScheduler({
    targets,
    context: context({ now: time.now }),
    concurrency: 100,
    concurrencyPerHost: 1,
    lastRun: () => undefined,
    run,
    after: time.after,
    uniform: () => 0.5,
    onResult: (result) => {
      results.push(result)
      return Promise.resolve()
    },
    onError: (error) => errors.push(error),
    ...overrides,
  })
  const starts = (): number[] => targets.map((t) => runs.filter((r) => r.address === t.address).length)
  return { time, scheduler, runs, results, errors, starts }
}

function resultOf(target: Target, now: number): ProbeResult {
  const { subject, probe, address } = target
  return {
    observation: {
      subject,
      probe,
      target: address,
      vantage: 'test',
      start: toTimestamp(now),
      duration: 0,
      outcome: 'success',
      facts: {},
      artifacts: [],
    },
    artifacts: [],
  }
}

function target(n: number, overrides: Partial<TlsTarget> = {}): TlsTarget {
  return tlsTarget(443, {
    host: `host-${n}`,
    address: `host-${n}:443`,
    subject: `service_tls_health[s${n},prod]`,
    interval: MINUTE,
    timeout: 10_000,
    ...overrides,
  })
}

test('every target runs within five seconds, then once an interval', async () => {
  const { time, starts } = bench([target(1), target(2, { interval: 2_000 })])
  await time.advance(5_000)
  assert.deepEqual(starts(), [1, 3])
  await time.advance(10 * MINUTE)
  assert.deepEqual(starts(), [11, 303])
})

test('first runs and intervals vary: up to five seconds, and twenty percent', async () => {
  const draws = [0, 0.99, 0, 0.999]
  const { time, runs } = bench([target(1), target(2)], { uniform: () => draws.shift() ?? 0.5 })
  await time.advance(90_000)
  assert.deepEqual(
    runs.map(({ address, at }) => [address, Math.round(at)]),
    [
      ['host-1:443', 0],
      ['host-2:443', 4_950],
      ['host-1:443', 48_000],
      ['host-2:443', 76_926],
    ],
  )
})

test('a target never runs twice at once, and a missed slot is not made up for', async () => {
  const { time, runs, starts } = bench([target(1, { timeout: 10 * MINUTE })], { auto: false })
  await time.advance(5 * MINUTE)
  assert.deepEqual(starts(), [1])
  runs[0]?.end()
  await settle()
  assert.deepEqual(starts(), [1])
  await time.advance(MINUTE)
  assert.deepEqual(starts(), [2])
})

test('a target runs again only after its result was recorded', async () => {
  const record = Promise.withResolvers<undefined>()
  const { time, starts } = bench([target(1)], { onResult: () => record.promise })
  await time.advance(10 * MINUTE)
  assert.deepEqual(starts(), [1])
  record.resolve(undefined)
  await settle()
  await time.advance(MINUTE)
  assert.deepEqual(starts(), [2])
})

test('a result that can’t be recorded is reported, and the target goes on', async () => {
  const { time, starts, errors } = bench([target(1)], {
    onResult: () => Promise.reject(new Error('disk full')),
  })
  await time.advance(3 * MINUTE)
  assert.deepEqual(starts(), [3])
  assert.equal(errors.length, 3)
  assert.match(String(errors[0]), /disk full/)
})

test('no more runs at once than allowed, in the order in which they became due', async () => {
  const targets = [1, 2, 3, 4, 5].map((n) => target(n))
  const { time, runs } = bench(targets, { auto: false, concurrency: 2 })
  await time.advance(5_000)
  assert.equal(runs.length, 2)
  runs[1]?.end()
  await settle()
  runs[0]?.end()
  await settle()
  assert.deepEqual(
    runs.map((r) => r.address),
    [1, 2, 3, 4].map((n) => `host-${n}:443`),
  )
})

test('targets that answer do not wait for many that never do', async () => {
  const holes = Array.from({ length: 40 }, (_, n) => target(n))
  const good = target(99, { interval: 10_000 })
  const { time, results }: Bench = bench([...holes, good], {
    concurrency: 4,
    run: async (probed) => {
      const { observation } = resultOf(probed, time.now())
      const duration = probed === good ? 1 : probed.timeout
      await new Promise<void>((resolve) => void time.after(duration, resolve))
      return { observation: { ...observation, duration }, artifacts: [] }
    },
  })
  const runs = () => results.filter(({ observation }) => observation.target === good.address).length
  // Nothing is known of them yet: the first round takes 40 targets / 4 at once * 10 s.
  await time.advance(2 * MINUTE)
  const before = runs()
  await time.advance(10 * MINUTE)
  assert.equal(runs() - before, 60)
})

test('no more runs at once for each host and port than allowed; others pass them', async () => {
  const shared = { host: 'shared', port: 443 }
  const targets = [target(1, shared), target(2, shared), target(3)]
  const { time, runs } = bench(targets, { auto: false })
  await time.advance(5_000)
  assert.deepEqual(
    runs.map((r) => r.address),
    ['host-1:443', 'host-3:443'],
  )
  runs[0]?.end()
  await settle()
  assert.equal(runs[2]?.address, 'host-2:443')
})

test('several runs at once against one host, where that is allowed', async () => {
  const targets = [1, 2, 3, 4].map((n) => target(n, { host: 'shared', port: 443 }))
  const { time, runs, starts } = bench(targets, { auto: false, concurrencyPerHost: 2 })
  await time.advance(5_000)
  assert.deepEqual(starts(), [1, 1, 0, 0])
  runs[0]?.end()
  await settle()
  assert.deepEqual(starts(), [1, 1, 1, 0])
  runs[1]?.end()
  runs[2]?.end()
  await settle()
  assert.deepEqual(starts(), [1, 1, 1, 1])
})

test('what waits to be recorded keeps neither its host nor others waiting', async () => {
  const targets = [1, 2, 3, 4].map((n) => target(n, { host: 'shared', port: 443 }))
  const { time, starts } = bench(targets, {
    concurrency: 1,
    onResult: () => new Promise((resolve) => void time.after(MINUTE, () => resolve())),
  })
  await time.advance(5_000)
  assert.deepEqual(starts(), [1, 1, 1, 1])
})

test('while nothing is recorded no more results gather than may wait', async () => {
  const targets = Array.from({ length: 500 }, (_, n) => target(n))
  const record = Promise.withResolvers<undefined>()
  const { time, starts } = bench(targets, { onResult: () => record.promise })
  const started = (): number => starts().reduce((sum, n) => sum + n)
  await time.advance(10 * MINUTE)
  assert.equal(started(), 200)
  record.resolve(undefined)
  await time.advance(MINUTE)
  assert.ok(started() >= 500)
})

test('after a restart targets with long intervals go on where they were; the others run at once', async () => {
  const HOUR = 60 * MINUTE
  const hourly = (n: number): TlsTarget => target(n, { interval: HOUR })
  const last = new Map([
    ['host-1:443', NOW - 40 * MINUTE],
    // Its slot was missed.
    ['host-2:443', NOW - 30 * HOUR],
    // The clock was wrong when it was recorded.
    ['host-3:443', NOW + 30 * HOUR],
    ['host-5:443', NOW - 1_000],
  ])
  const targets = [hourly(1), hourly(2), hourly(3), hourly(4), target(5)]
  const { time, runs } = bench(targets, { lastRun: ({ address }) => last.get(address) })
  await time.advance(25 * MINUTE)
  const first = new Map(runs.toReversed().map(({ address, at }) => [address, at]))
  assert.deepEqual(
    targets.map(({ address }) => first.get(address)),
    [20 * MINUTE, 3 * MINUTE, 2_500, 2_500, 2_500],
  )
})

test('what was missed of long intervals while the machine slept or was off is spread over a tenth of them', async () => {
  const HOUR = 60 * MINUTE
  const targets = Array.from({ length: 60 }, (_, n) => target(n, { interval: HOUR }))
  for (const start of ['restart', 'sleep'] as const) {
    let n = 0
    const { time, runs } = bench(targets, {
      uniform: () => (n++ % 60) / 60,
      lastRun: () => (start === 'restart' ? NOW - 24 * HOUR : undefined),
    })
    if (start === 'sleep') {
      await time.advance(10_000)
      await time.sleep(24 * HOUR)
    }
    const before = runs.length
    await time.advance(MINUTE)
    const first = runs.length - before
    assert.ok(first > 0 && first <= 12, `${start}: ${first} runs in the first minute`)
    await time.advance(5 * MINUTE)
    assert.equal(runs.length - before, 60, start)
  }
})

test('after sleep the runs are spread, and only the next slot is run', async () => {
  const targets = Array.from({ length: 50 }, (_, n) => target(n))
  let n = 0
  const { time, runs } = bench(targets, { uniform: () => (n++ % 50) / 50 })
  await time.advance(10_000)
  assert.equal(runs.length, 50)
  await time.sleep(60 * MINUTE)
  assert.equal(runs.length, 50, 'nothing at once')
  await time.advance(1_000)
  const first = runs.slice(50).length
  assert.ok(first > 0 && first < 25, `${first} runs in the first second`)
  await time.advance(4_000)
  assert.equal(runs.length, 100)
})

test('a clock that was set back or forward does not silence a target', async () => {
  for (const delta of [-24 * 60 * MINUTE, 24 * 60 * MINUTE]) {
    const { time, runs, starts } = bench([target(1)], { auto: false })
    await time.advance(5_000)
    time.set(delta)
    runs[0]?.end()
    await settle()
    await time.advance(2 * MINUTE)
    assert.ok((starts()[0] ?? 0) >= 2)
  }
})

test('an interval beyond what setTimeout can is no storm', async () => {
  const month = 31 * 24 * 60 * MINUTE
  const { time, starts } = bench([target(1, { interval: month })])
  await time.advance(5_000)
  assert.ok((time.next ?? 0) <= 2 ** 31 - 1)
  await time.advance(60 * MINUTE)
  assert.deepEqual(starts(), [1])
})

test('a run that throws becomes an observation with an error', async () => {
  const { time, runs, results, starts } = bench([target(1)], { auto: false })
  await time.advance(5_000)
  runs[0]?.fail(new TypeError('x is not\na function'))
  await settle()
  const { observation } = results[0]!
  assert.deepEqual([observation.outcome, observation.error?.code], ['failure', 'internal_error'])
  assert.match(observation.error?.message ?? '', /TypeError: x is not\\u\{a\}a function/)
  assert.equal(observation.subject, 'service_tls_health[s1,prod]')
  await time.advance(MINUTE)
  assert.deepEqual(starts(), [2])
})

test('a run that hangs beyond its timeout is aborted, becomes an observation, and the target goes on', async () => {
  const { time, runs, results, starts } = bench([target(1)], { auto: false })
  await time.advance(2_500)
  await time.advance(15_000)
  assert.equal(runs[0]?.signal.aborted, true)
  const { observation } = results[0]!
  assert.equal(observation.error?.code, 'internal_error')
  assert.equal(observation.duration, 15_000)
  runs[0].end()
  await settle()
  assert.equal(results.length, 1)
  await time.advance(MINUTE)
  assert.deepEqual(starts(), [2])
})

test('runNow runs at once, by address or subject, and resolves when recorded', async () => {
  const { time, scheduler, starts, results } = bench([target(1), target(2)])
  await time.advance(10_000)
  assert.equal(await scheduler.runNow('host-2:443'), 1)
  assert.deepEqual(starts(), [1, 2])
  assert.equal(await scheduler.runNow('service_tls_health[s1,prod]'), 1)
  assert.equal(results.length, 4)
  assert.equal(await scheduler.runNow('host-9:443'), 0)
  assert.equal(time.timers, 2, 'the interval starts anew')
})

test('runNow during a run waits for another one; several callers share it', async () => {
  const { time, scheduler, runs, starts } = bench([target(1)], { auto: false })
  await time.advance(5_000)
  const both = Promise.all([scheduler.runNow('host-1:443'), scheduler.runNow('host-1:443')])
  await settle()
  assert.deepEqual(starts(), [1])
  runs[0]?.end()
  await settle()
  assert.deepEqual(starts(), [2])
  runs[1]?.end()
  assert.deepEqual(await both, [1, 1])
  assert.deepEqual(starts(), [2])
})

test('stop aborts what runs, drops it, records what was finished, and leaves no timer', async () => {
  const record = Promise.withResolvers<undefined>()
  const recorded: string[] = []
  const queued = target(3, { host: 'host-2', port: 443 })
  const { time, scheduler, runs, starts } = bench([target(1), target(2), queued], {
    auto: false,
    concurrency: 2,
    onResult: async ({ observation }) => {
      await record.promise
      recorded.push(observation.target)
    },
  })
  await time.advance(5_000)
  runs[0]?.end()
  await settle()
  const waiting = scheduler.runNow('host-3:443')
  let isStopped = false
  const stopped = scheduler.stop().then(() => (isStopped = true))
  await settle()
  assert.equal(runs[1]?.signal.aborted, true)
  assert.equal(isStopped, false, 'waits for the record')
  record.resolve(undefined)
  await stopped
  assert.deepEqual(recorded, ['host-1:443'])
  assert.equal(await waiting, 0)
  assert.equal(await scheduler.runNow('host-1:443'), 0)
  await time.advance(10 * MINUTE)
  assert.deepEqual([time.timers, ...starts()], [0, 1, 1, 0])
})
