import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { z } from 'zod'

const notification = z.object({
  status: z.enum(['firing', 'resolved']),
  groupLabels: z.record(z.string(), z.string()),
  alerts: z.array(z.object({ status: z.string(), labels: z.record(z.string(), z.string()) })),
})
export type Notification = z.infer<typeof notification>

/** Where the receivers of Alertmanager end: what each was told, by its name. */
export interface Pager extends Disposable {
  readonly origin: string
  at(receiver: string): readonly Notification[]
  /** Everything, in order, with the name of the receiver. */
  all(): readonly (Notification & { readonly receiver: string; readonly time: number })[]
}

export async function startPager(): Promise<Pager> {
  const received: (Notification & { readonly path: string; readonly time: number })[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      received.push({ ...notification.parse(JSON.parse(body)), path: request.url ?? '', time: Date.now() })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    all: () => received.map((n) => ({ ...n, receiver: n.path.slice(1) })),
    at: (receiver) => received.filter((n) => n.path === `/${receiver}`),
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const route = z.looseObject({ group_wait: z.string().optional() })
const sample = z.looseObject({
  global: z.unknown(),
  route: route.extend({ routes: z.array(route) }),
  receivers: z.array(z.object({ name: z.string() })),
})

/**
 * The sample that is shipped, with routes, grouping and inhibition as they are; every receiver is a webhook of the pager, and
 * with `hurried` times what takes half a minute or more takes a second.
 */
export function alertmanagerSample(pager: string, times: 'hurried' | 'as shipped' = 'hurried'): string {
  const config = sample.parse(parse(readFileSync('dashboards/prometheus/alertmanager.yml', 'utf8')))
  const receivers = config.receivers.map(({ name }) =>
    name === 'nobody'
      ? { name }
      : { name, webhook_configs: [{ url: `${pager}/${name}`, send_resolved: !name.startsWith('dead') }] },
  )
  // Without the placeholders of mail in `global`.
  const ours = { ...config, global: {}, receivers }
  if (times === 'as shipped') return stringify(ours)
  const fast = { group_wait: '1s', group_interval: '1s' }
  const routes = config.route.routes.map((r) =>
    'repeat_interval' in r ? { ...r, ...fast, repeat_interval: '1s' } : r,
  )
  return stringify({ ...ours, route: { ...config.route, ...fast, routes } })
}

/** Milliseconds between two questions. */
const POLL = 200

/** Asks until there is an answer, for as long as the signal lets it; the last failure is the cause. */
export async function until<T>(
  what: string,
  signal: AbortSignal,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  let last: unknown
  while (!signal.aborted) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    await delay(POLL)
  }
  throw new Error(`${what}: not in time`, { cause: last })
}
