// A small receiver that speaks Alertmanager's API v2, so that alerts have somewhere to go where no Alertmanager runs.
// What it accepts, refuses and answers was compared with Alertmanager 0.25; routing, silences and notifications are not there.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import { InvalidAlerts, labelsInvalid, parseAlerts, type PostedAlert } from './alertBody.ts'
import { readBody, send, sendJson, serveHttp } from './http.ts'

/** Octets of a POST; some thousand alerts. */
const MAX_BODY = 4 * 1024 * 1024
/** Label sets that are remembered; the longest unheard of goes first. */
const MAX_ALERTS = 10_000
/** Alertmanager's default resolve_timeout, for alerts without endsAt. */
const RESOLVE_TIMEOUT_MS = 5 * 60_000

export interface ReceivedAlert {
  readonly fingerprint: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: Timestamp
  readonly endsAt: Timestamp
  readonly updatedAt: Timestamp
  readonly generatorURL?: string
}

export interface AlertReceiver {
  /** Base URL, as `alerts.alertmanager` in vigil.yaml has it. */
  readonly url: string
  /** What fires now, as GET /api/v2/alerts shows it. */
  active(): readonly ReceivedAlert[]
  /** Everything ever received, resolved and expired ones too, in its last form. */
  all(): readonly ReceivedAlert[]
  close(): Promise<void>
}

interface AlertReceiverOptions {
  readonly now: Clock
  readonly onAlert?: (change: 'firing' | 'repeated' | 'resolved', alert: ReceivedAlert) => void
}

export async function startAlertReceiver(options: AlertReceiverOptions): Promise<AlertReceiver> {
  const { now } = options
  const alerts = new Map<string, ReceivedAlert>()
  const fires = (alert: ReceivedAlert | undefined, at: number) =>
    alert !== undefined && Date.parse(alert.endsAt) > at

  const put = (posted: PostedAlert, at: number) => {
    const fingerprint = fingerprintOf(posted.labels)
    const before = alerts.get(fingerprint)
    const startsAt = startOf(posted, at)
    const alert: ReceivedAlert = {
      ...posted,
      fingerprint,
      // One alert sent again keeps its beginning.
      startsAt:
        before !== undefined && fires(before, startsAt)
          ? toTimestamp(Math.min(startsAt, Date.parse(before.startsAt)))
          : toTimestamp(startsAt),
      endsAt: toTimestamp(posted.endsAt ?? at + RESOLVE_TIMEOUT_MS),
      updatedAt: toTimestamp(at),
    }
    alerts.delete(fingerprint)
    alerts.set(fingerprint, alert)
    for (const oldest of alerts.keys()) if (alerts.size > MAX_ALERTS) alerts.delete(oldest)
    const change = !fires(alert, at) ? 'resolved' : fires(before, at) ? 'repeated' : 'firing'
    options.onAlert?.(change, alert)
  }

  const post = async (request: IncomingMessage, response: ServerResponse) => {
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim()
    if (type !== 'application/json') {
      throw new InvalidAlerts(
        415,
        415,
        `unsupported media type "${type ?? ''}", only [application/json] are allowed`,
      )
    }
    const posted = parseAlerts(await readBody(request, MAX_BODY))
    const at = now()
    // Like the original: the valid ones are taken even when others are refused.
    const refused: string[] = []
    for (const alert of posted) {
      const invalid = alertInvalid(alert, at)
      if (invalid === undefined) put(alert, at)
      else refused.push(invalid)
    }
    if (refused.length > 0) sendJson(response, 400, refused.join('; '))
    else send(response, 200, {})
  }

  const active = () => [...alerts.values()].filter((alert) => fires(alert, now()))

  const server = await serveHttp(async (request, response) => {
    const [path = '/', query] = (request.url ?? '/').split('?')
    try {
      if (path === '/-/ready' || path === '/-/healthy') send(response, 200, {}, Buffer.from('OK'))
      else if (path !== '/api/v2/alerts') throw new InvalidAlerts(404, 404, `path ${path} was not found`)
      else if (query !== undefined) throw new InvalidAlerts(400, 400, 'the lab has no filters')
      else if (request.method === 'POST') await post(request, response)
      else if (request.method === 'GET') sendJson(response, 200, active().map(gettable).sort(byFingerprint))
      else {
        throw new InvalidAlerts(405, 405, `method ${request.method ?? ''} is not allowed, but [GET,POST] are`)
      }
    } catch (error) {
      if (!(error instanceof InvalidAlerts)) throw error
      sendJson(response, error.status, { code: error.code, message: error.message })
    }
  })
  return { url: server.url, active, all: () => [...alerts.values()], close: () => server.close() }
}

/** Without a beginning an alert begins now, or when it ends, if that is over. */
function startOf(posted: PostedAlert, at: number): number {
  return posted.startsAt ?? Math.min(at, posted.endsAt ?? at)
}

/** Alertmanager's own words for the first thing that is wrong with an alert. */
function alertInvalid(alert: PostedAlert, at: number): string | undefined {
  if (alert.endsAt !== undefined && alert.endsAt < startOf(alert, at)) {
    return 'start time must be before end time'
  }
  if (Object.keys(alert.labels).length === 0) return 'at least one label pair required'
  return labelsInvalid('label set', alert.labels) ?? labelsInvalid('annotations', alert.annotations)
}

function gettable(alert: ReceivedAlert) {
  return {
    ...alert,
    receivers: [{ name: 'lab' }],
    status: { inhibitedBy: [], silencedBy: [], state: 'active' },
  }
}

function byFingerprint(a: { fingerprint: string }, b: { fingerprint: string }): number {
  return a.fingerprint < b.fingerprint ? -1 : 1
}

/** Prometheus's LabelSet.Fingerprint: 64-bit FNV-1a over the sorted names and values, 0xff after each. */
function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  let hash = 0xcbf29ce484222325n
  const add = (octet: number) => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(octet)) * 0x100000001b3n)
  }
  for (const name of Object.keys(labels).sort()) {
    for (const part of [name, labels[name] ?? '']) {
      Buffer.from(part, 'utf8').forEach(add)
      add(0xff)
    }
  }
  return hash.toString(16).padStart(16, '0')
}
