import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, type PackCases } from './harness.ts'

// Rules of the pack `operations` about what control planes do.

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const ago = (ms: number): string => toTimestamp(NOW - ms)

const deployed = (changes: FactsOf<'deployment'> = {}): Facts => ({
  deployment: {
    reported: true,
    log: 'dagster',
    asset: 'deployed_service_cert[prod|shop]',
    at: ago(HOUR),
    record: 'vigil.test/0/1/0',
    serial: '2a',
    servedSerial: '2a',
    servedSha256: 'b2',
    servedRecord: 'vigil.test/0/2/0',
    served: true,
    ...changes,
  },
})

const BY_DIGEST: Facts = {
  deployment: {
    ...{
      reported: true,
      log: 'dagster',
      asset: 'shop',
      at: ago(HOUR),
      record: 'vigil.test/0/1/0',
      sha256: 'a1',
    },
    ...{ served: false, servedSerial: '2a', servedSha256: 'b2', servedRecord: 'vigil.test/0/2/0' },
  },
}

const SCHEDULE = '0 7 * * * UTC'

const job = (changes: FactsOf<'job'> = {}): Facts => ({
  job: {
    schedule: SCHEDULE,
    state: 'succeeded',
    due: ago(HOUR),
    runs: 1,
    repeated: 0,
    started: ago(HOUR),
    late: 0,
    grace: 15 * MINUTE,
    duration: 5 * MINUTE,
    maxDuration: 30 * MINUTE,
    succeeded: true,
    records: ['vigil.test/0/1/0'],
    ...changes,
  },
})

const WAITING: Facts = { job: { state: 'waiting', runs: 0, grace: 15 * MINUTE } }
const MISSED: Facts = {
  job: { schedule: SCHEDULE, state: 'missed', runs: 0, due: ago(HOUR), grace: 15 * MINUTE },
}
const SILENT: Facts = { job: { state: 'silent', runs: 0, due: ago(HOUR), grace: 15 * MINUTE } }

const common = [
  passes('all is well', job()),
  isUnknown('the log says nothing', SILENT),
  isUnknown('nobody has looked', {}),
  isNotApplicable('nothing was due', WAITING),
]

export const CONTROL_PLANES: PackCases = {
  deployed_certificate_served: [
    passes('it is served', deployed()),
    fails('of another SHA-256', BY_DIGEST),
    passes('there is time', deployed({ served: false, at: ago(10 * MINUTE) })),
    fails('there was time', deployed({ served: false, at: ago(10 * MINUTE + 1000) })),
    isUnknown('the report names no certificate', { deployment: { reported: true, at: ago(HOUR) } }),
    isUnknown('nobody has looked', {}),
    isNotApplicable('nothing was reported', { deployment: { reported: false } }),
  ],
  job_ran: [...common, fails('it did not', MISSED), passes('it does', job({ state: 'running' }))],
  job_succeeded: [
    ...common,
    fails('it failed', job({ state: 'failed', succeeded: false })),
    fails('it failed, and the next goes on', job({ state: 'running', succeeded: false })),
    fails('it failed, and the next was missed', { job: { ...MISSED.job, succeeded: false } }),
    isNotApplicable('the first goes on', { job: { state: 'running', runs: 1 } }),
  ],
  job_ran_once: [
    ...common,
    fails('twice', job({ runs: 2, repeated: 1 })),
    passes('for two partitions', job({ runs: 2 })),
    isNotApplicable('never', MISSED),
  ],
  job_on_time: [
    ...common,
    passes('at the last moment', job({ late: 15 * MINUTE })),
    fails('after it', job({ late: 15 * MINUTE + 1 })),
  ],
  job_not_too_long: [
    ...common,
    fails('it took too long', job({ duration: 30 * MINUTE + 1 })),
    passes('it goes on', job({ state: 'running', runningSince: ago(30 * MINUTE) })),
    fails('it goes on for too long', job({ state: 'running', runningSince: ago(30 * MINUTE + 1) })),
    fails('an old one goes on for too long, and nothing new began', {
      job: { ...MISSED.job, runningSince: ago(HOUR), maxDuration: 30 * MINUTE },
    }),
    isNotApplicable('no limit is declared', { job: { state: 'succeeded', runs: 1 } }),
  ],
}
