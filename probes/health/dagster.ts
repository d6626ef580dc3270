import { z } from 'zod'
import { bounded, get, HealthError, jsonOf, line, type Answer, type HealthCheck } from './check.ts'

const MINUTE = 60_000
/** Milliseconds up to which a heartbeat is of now: daemons write one every 30 s, the scheduler at the full minute. */
const FRESH = 2 * MINUTE
/** Dagster has seven kinds of daemon. */
const MAX_DAEMONS = 100

const QUERY =
  '{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime lastHeartbeatErrors { message } } } } }'

const info = z.looseObject({ dagster_version: z.string() })
const daemon = z.looseObject({
  daemonType: z.string(),
  required: z.boolean(),
  healthy: z.boolean().nullable(),
  /** Seconds since the epoch. */
  lastHeartbeatTime: z.number().nonnegative().max(1e11).nullable(),
  lastHeartbeatErrors: z.array(z.looseObject({ message: z.string() })).max(1000),
})
const statuses = z.looseObject({
  data: z.looseObject({
    instance: z.looseObject({
      daemonHealth: z.looseObject({ allDaemonStatuses: z.array(daemon).max(MAX_DAEMONS) }),
    }),
  }),
})

/**
 * Dagster: the web server by `/server_info`, the daemons by their heartbeats over GraphQL. Without daemons nothing that is launched ever runs, and
 * Dagster goes on calling one that has died healthy for minutes: so the time of the heartbeat counts, beside its own judgement.
 */
export const dagster: HealthCheck = {
  questions: [
    get('/server_info'),
    {
      method: 'POST',
      path: '/graphql',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
    },
  ],
  judge: ([server, graphql], now) => {
    const { dagster_version: version } = read(server, info, '/server_info')
    const { data } = read(graphql, statuses, '/graphql')
    const required = data.instance.daemonHealth.allDaemonStatuses
      .filter((one) => one.required)
      .toSorted((a, b) => (a.daemonType < b.daemonType ? -1 : 1))
    const problems = required.flatMap(problemOf)
    const heard = required.flatMap(({ lastHeartbeatTime: time }) => (time === null ? [] : [time * 1000]))
    const ready = problems.length === 0
    return {
      ready,
      status: ready ? 'healthy' : 'unhealthy',
      version: line(version),
      problems: bounded(problems),
      daemons: required.length,
      daemonsUnheard: bounded(
        required.filter((one) => one.lastHeartbeatTime === null).map((one) => one.daemonType),
      ),
      ...(heard.length === 0 ? {} : { heartbeatAge: roundedAge(now - Math.min(...heard)) }),
    }
  },
}

function problemOf({ daemonType, healthy, lastHeartbeatTime, lastHeartbeatErrors }: z.output<typeof daemon>) {
  if (lastHeartbeatTime === null) return [`${daemonType}: no heartbeat yet`]
  const [error] = lastHeartbeatErrors
  if (error !== undefined) return [`${daemonType}: ${error.message}`]
  return healthy === true ? [] : [`${daemonType}: Dagster calls it unhealthy`]
}

/** Whole minutes, and 0 while the heartbeat is of now: while nothing happens the facts stay as they are. */
function roundedAge(ms: number): number {
  return ms < FRESH ? 0 : Math.floor(ms / MINUTE) * MINUTE
}

function read<S extends z.ZodType>(answer: Answer | undefined, schema: S, path: string): z.output<S> {
  const document = jsonOf(answer ?? { status: 0, mediaType: '', text: '' }, `the answer of ${path}`)
  const parsed = schema.safeParse(document)
  if (answer?.status === 200 && parsed.success) return parsed.data
  const message = `expected the answer of ${path}, got HTTP ${answer?.status ?? 0} with something else`
  throw new HealthError(answer?.status === 200 ? 'not_a_health_answer' : 'http_status', message)
}
