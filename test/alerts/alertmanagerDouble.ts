import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/** An Alertmanager to test against: the real one, or a double that judges alerts as the real one does. */
export interface TestAlertmanager extends AsyncDisposable {
  readonly url: string
}

/** What an Alertmanager 0.25 answers, as recorded from the real one; the suite runs against both. */
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const texts = z.record(z.string(), z.string())
const postable = z.array(
  z.object({
    labels: texts.default({}),
    annotations: texts.default({}),
    startsAt: z.iso.datetime().optional(),
    endsAt: z.iso.datetime().optional(),
  }),
)

interface HeldAlert {
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
  readonly startsAt: string
  readonly endsAt: string
}

/** Milliseconds after which an alert without an end resolves (global.resolve_timeout). */
const RESOLVE_TIMEOUT = 5 * 60_000

/** On any port, or on one where vigil has been trying to reach it. */
export async function startDouble(at = 0): Promise<TestAlertmanager> {
  const held = new Map<string, HeldAlert>()
  const server = createServer((request, response) => {
    void answer(request, held).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(
  request: IncomingMessage,
  held: Map<string, HeldAlert>,
): Promise<{ status: number; body: unknown }> {
  if (request.url !== '/api/v2/alerts') return { status: 404, body: 'path not found' }
  const now = Date.now()
  if (request.method === 'GET')
    return { status: 200, body: [...held.values()].filter((alert) => Date.parse(alert.endsAt) > now) }
  if (request.headers['content-type'] !== 'application/json')
    return { status: 415, body: { code: 415, message: 'unsupported media type' } }
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const parsed = postable.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  if (!parsed.success) return { status: 400, body: { code: 400, message: 'parsing alerts body failed' } }
  let refusal: string | undefined
  for (const alert of parsed.data) {
    const labels = withoutEmpty(alert.labels)
    const startsAt = alert.startsAt ?? alert.endsAt ?? new Date(now).toISOString()
    const endsAt = alert.endsAt ?? new Date(now + RESOLVE_TIMEOUT).toISOString()
    const problem = refuse(labels, alert.annotations, startsAt, endsAt)
    if (problem !== undefined) {
      refusal = problem
      continue
    }
    const key = JSON.stringify(Object.entries(labels).toSorted())
    const before = held.get(key)
    const earliest = before !== undefined && before.startsAt < startsAt ? before.startsAt : startsAt
    held.set(key, { labels, annotations: alert.annotations, startsAt: earliest, endsAt })
  }
  // Valid alerts of the same request were taken all the same.
  return refusal === undefined ? { status: 200, body: undefined } : { status: 400, body: refusal }
}

function refuse(
  labels: Record<string, string>,
  annotations: Record<string, string>,
  startsAt: string,
  endsAt: string,
): string | undefined {
  if (Date.parse(startsAt) > Date.parse(endsAt)) return 'start time must be before end time'
  if (Object.keys(labels).length === 0) return 'at least one label pair required'
  const label = Object.keys(labels).find((name) => !NAME.test(name))
  if (label !== undefined) return `invalid label set: invalid name "${label}"`
  const annotation = Object.keys(annotations).find((name) => !NAME.test(name))
  return annotation === undefined ? undefined : `invalid annotations: invalid name "${annotation}"`
}

function withoutEmpty(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}
