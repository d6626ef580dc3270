import { z } from 'zod'
import { bounded, get, HealthError, jsonOf, line, type Answer, type HealthCheck } from './check.ts'

const body = z.looseObject({ status: z.string(), db: z.string().optional() })

/** certctl: `/health` is about the process, `/ready` about its database too. Either answers in JSON also when it is not well. */
export const certctl: HealthCheck = {
  questions: [get('/health'), get('/ready')],
  judge: ([health, readiness]) => {
    const alive = read(health, '/health')
    const ready = read(readiness, '/ready')
    const problems = [
      ...(health?.status === 200 && alive.status === 'healthy'
        ? []
        : [said('/health', health, alive.status)]),
      ...(readiness?.status === 200 && ready.status === 'ready'
        ? []
        : [said('/ready', readiness, ready.status)]),
      ...(ready.db === undefined || ready.db === 'reachable' ? [] : [`its database is ${ready.db}`]),
    ]
    return { ready: problems.length === 0, status: line(ready.status), problems: bounded(problems) }
  },
}

function read(answer: Answer | undefined, path: string): z.output<typeof body> {
  const document = jsonOf(answer ?? { status: 0, mediaType: '', text: '' }, `the answer of ${path}`)
  const parsed = body.safeParse(document)
  if (parsed.success) return parsed.data
  const message = `expected a status from ${path}, got HTTP ${answer?.status ?? 0} without one`
  throw new HealthError(answer?.status === 200 ? 'not_a_health_answer' : 'http_status', message)
}

function said(path: string, answer: Answer | undefined, status: string): string {
  return `${path} says ${status} (HTTP ${answer?.status ?? 0})`
}
