import { messageOf } from '../model/thrown.ts'

// The body of POST /api/v2/alerts, judged as Alertmanager judges it: same status, code and (but for JSON's own errors) words.

/** Refused before any alert of the body was looked at. */
export class InvalidAlerts extends Error {
  /** HTTP. */
  readonly status: number
  /** go-openapi's own numbers: 601 wrong type, 602 missing. */
  readonly code: number

  constructor(status: number, code: number, message: string) {
    super(message)
    this.name = 'InvalidAlerts'
    this.status = status
    this.code = code
  }
}

export interface PostedAlert {
  /** Without those whose value is empty. */
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly startsAt: number | undefined
  readonly endsAt: number | undefined
  readonly generatorURL?: string
}

/** InvalidAlerts when the body does not have the schema. Unknown keys are let through. */
export function parseAlerts(body: Uint8Array): PostedAlert[] {
  if (body.length === 0) throw missing('alerts')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch (error) {
    throw unreadable(messageOf(error))
  }
  if (!Array.isArray(value)) throw unreadable('expected an array')
  return value.map((item: unknown, index) => parseAlert(item, index))
}

function parseAlert(item: unknown, index: number): PostedAlert {
  if (!isObject(item)) throw unreadable('expected an object as alert')
  if (item['labels'] === undefined) throw missing(`${index}.labels`)
  const generator = item['generatorURL']
  if (generator !== undefined && typeof generator !== 'string') throw unreadable('expected a string')
  if (generator !== undefined && generator !== '' && !URL.canParse(generator)) {
    throw new InvalidAlerts(
      422,
      601,
      `${index}.generatorURL in body must be of type uri: ${JSON.stringify(generator)}`,
    )
  }
  const labels = parseLabels(item['labels'])
  return {
    labels: Object.fromEntries(Object.entries(labels).filter(([, text]) => text !== '')),
    annotations: parseLabels(item['annotations'] ?? {}),
    startsAt: parseTime(item['startsAt']),
    endsAt: parseTime(item['endsAt']),
    ...(generator === undefined ? {} : { generatorURL: generator }),
  }
}

/** `invalid label set: invalid name "1bad"`, or undefined when all names are Prometheus label names. */
export function labelsInvalid(what: string, labels: Readonly<Record<string, string>>): string | undefined {
  const bad = Object.keys(labels).find((name) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
  return bad === undefined ? undefined : `invalid ${what}: invalid name ${JSON.stringify(bad)}`
}

function parseLabels(value: unknown): Record<string, string> {
  if (!isObject(value)) throw unreadable('expected an object of strings')
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string') throw unreadable(`expected a string as ${name}`)
      return [name, text]
    }),
  )
}

/** RFC 3339; Go's zero time counts as absent. */
function parseTime(value: unknown): number | undefined {
  if (value === undefined || value === '' || value === '0001-01-01T00:00:00Z') return undefined
  const isTime =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)
  const ms = isTime ? Date.parse(value) : NaN
  if (Number.isNaN(ms)) throw unreadable(`parsing time ${JSON.stringify(value)}`)
  return ms
}

function unreadable(why: string): InvalidAlerts {
  return new InvalidAlerts(400, 400, `parsing alerts body from "" failed, because ${why}`)
}

function missing(what: string): InvalidAlerts {
  return new InvalidAlerts(422, 602, `${what} in body is required`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
