// A small control plane: takes signed remediation webhooks and really carries them out, asynchronously, as runs.
import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { parseSubject } from '../model/subject.ts'
import { messageOf } from '../model/thrown.ts'
import { toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import { LabError } from './error.ts'
import { parseJson, readBody, sendJson, serveHttp } from './http.ts'
import { verifyWebhook } from './webhookSignature.ts'

/** Octets of a webhook body. */
const MAX_BODY = 64 * 1024
/** Runs kept, and with them the webhook ids that are recognised as repeated. */
const MAX_RUNS = 1000

const REMEDIATIONS = ['reissue_crl', 'rotate_certificate'] as const
export type Remediation = (typeof REMEDIATIONS)[number]

/** Unknown keys are let through: a sender may add some. */
const webhookSchema = z.object({
  type: z.literal('remediation.requested'),
  timestamp: z.string(),
  data: z.object({
    action: z.enum(REMEDIATIONS),
    subject: z.string(),
    rule: z.string(),
    authority: z.string().optional(),
    service: z.string().optional(),
    environment: z.string().optional(),
    idempotency_key: z.string().min(1),
  }),
})

export interface Run {
  readonly id: string
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed'
  readonly action: Remediation
  /** Authority or service. */
  readonly target: string
  readonly subject: string
  readonly rule: string
  readonly requested: Timestamp
  readonly finished?: Timestamp
  /** What was done, or why it failed. */
  readonly detail?: string
}

interface ControlPlane {
  /** Where webhooks go. */
  readonly url: string
  runs(): readonly Run[]
  /** Runs that were accepted are finished first. */
  close(): Promise<void>
}

interface ControlPlaneOptions {
  /** `whsec_<base64>` */
  readonly secret: string
  readonly now: Clock
  /** LabError `unknown_target` when there is nothing of that name. Checked before a run is accepted. */
  readonly check: (action: Remediation, target: string) => void
  /** Carries it out and says what was done. */
  readonly execute: (action: Remediation, target: string) => Promise<string>
  /** Called whenever a run changes. */
  readonly onRun?: (run: Run) => void
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const runs = new Map<string, Run>()
  /** Webhook id and idempotency key to what was asked with it. */
  const known = new Map<string, { runId: string; digest: string }>()
  const pending = new Set<Promise<void>>()

  const update = (run: Run) => {
    runs.set(run.id, run)
    for (const oldest of runs.keys()) if (runs.size > MAX_RUNS) runs.delete(oldest)
    for (const oldest of known.keys()) if (known.size > 2 * MAX_RUNS) known.delete(oldest)
    options.onRun?.(run)
  }

  const carryOut = async (run: Run) => {
    update({ ...run, status: 'running' })
    const outcome = await options.execute(run.action, run.target).then(
      (detail) => ({ status: 'succeeded' as const, detail }),
      (error: unknown) => ({
        status: 'failed' as const,
        detail: messageOf(error),
      }),
    )
    update({ ...run, ...outcome, finished: toTimestamp(options.now()) })
  }

  const accept = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request, MAX_BODY)
    const webhookId = verifyWebhook(options.secret, request.headers, body, options.now())
    const order = parseOrder(body)
    // The digest leaves out nothing but the time: the same request, sent again, is the same run.
    const digest = createHash('sha256')
      .update(JSON.stringify([order.action, order.subject, order.rule, order.key]))
      .digest('hex')
    const names = [`webhook:${webhookId}`, `key:${order.key}`]
    const before = names.map((name) => known.get(name)).find((entry) => entry !== undefined)
    if (before !== undefined) {
      if (before.digest !== digest) {
        throw new LabError('conflict', `${webhookId} was used before, for another request`)
      }
      sendJson(response, 202, { run: before.runId })
      return
    }
    options.check(order.action, order.target)
    const run: Run = {
      id: randomUUID(),
      status: 'queued',
      action: order.action,
      target: order.target,
      subject: order.subject,
      rule: order.rule,
      requested: toTimestamp(options.now()),
    }
    for (const name of names) known.set(name, { runId: run.id, digest })
    update(run)
    sendJson(response, 202, { run: run.id })
    const work = carryOut(run).finally(() => pending.delete(work))
    pending.add(work)
  }

  const server = await serveHttp(async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (path === '/webhooks/vigil' && request.method === 'POST') {
      await accept(request, response)
      return
    }
    if (path === '/runs' && request.method === 'GET') {
      sendJson(response, 200, { runs: [...runs.values()] })
      return
    }
    const run = request.method === 'GET' ? runs.get(path.replace(/^\/runs\//, '')) : undefined
    if (run === undefined) throw new LabError('not_found', 'expected POST /webhooks/vigil or GET /runs/<id>')
    sendJson(response, 200, run)
  })
  return {
    url: `${server.url}/webhooks/vigil`,
    runs: () => [...runs.values()],
    async close() {
      await server.close()
      await Promise.all(pending)
    },
  }
}

interface Order {
  readonly action: Remediation
  readonly subject: string
  readonly target: string
  readonly rule: string
  readonly key: string
}

/** Which subjects an action is for; the first key of the subject is the authority or the service. */
const SUBJECTS: Readonly<Record<Remediation, readonly string[]>> = {
  reissue_crl: ['ca_crl'],
  rotate_certificate: ['deployed_service_cert', 'service_tls_health', 'service_cert'],
}

/** LabError `bad_request` when the body is not an order that this control plane understands. */
function parseOrder(body: Uint8Array): Order {
  const parsed = webhookSchema.safeParse(parseJson(body))
  if (!parsed.success) throw new LabError('bad_request', z.prettifyError(parsed.error))
  const { action, subject, rule, authority, service, idempotency_key } = parsed.data.data
  const { kind, keys } = parseSubject(subject) ?? { kind: undefined, keys: [] }
  const target = keys[0]
  if (kind === undefined || target === undefined || !SUBJECTS[action].includes(kind)) {
    throw new LabError(
      'bad_request',
      `expected ${action} for ${SUBJECTS[action].join(' or ')}, got ${subject}`,
    )
  }
  const named = action === 'reissue_crl' ? authority : service
  if (named !== undefined && named !== target) {
    throw new LabError('bad_request', `expected ${target} as in ${subject}, got ${named}`)
  }
  return { action, subject, target, rule, key: idempotency_key }
}
