import type { FactsOf } from '../../model/facts.ts'

/** One request of a health check; answered in order, each on its own connection. */
export interface Question {
  readonly method: 'GET' | 'POST'
  /** Below the system's URL: `/ready`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface Answer {
  readonly status: number
  /** Content-Type in lower case, without parameters; '' when there was none. */
  readonly mediaType: string
  readonly text: string
}

/** What a system says of itself. */
export type Health = Omit<FactsOf<'health'>, 'system' | 'ready' | 'problems'> & {
  readonly ready: boolean
  /** One line each; empty when it is ready. */
  readonly problems: readonly string[]
}

/** How a kind of system is asked for its health. */
export interface HealthCheck {
  readonly questions: readonly Question[]
  /** One answer for each question. `now` in milliseconds. Throws HealthError for what is no answer to them. */
  readonly judge: (answers: readonly Answer[], now: number) => Health
}

/** An answer that says nothing about the system's health. */
export class HealthError extends Error {
  override readonly name = 'HealthError'
  readonly code: 'http_status' | 'not_a_health_answer'

  constructor(code: HealthError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Problems that are named; real systems have one or two. */
const MAX_PROBLEMS = 20
/** Characters of a text that a system wrote. */
const MAX_TEXT = 200

export function get(path: string): Question {
  return { method: 'GET', path, headers: { accept: 'application/json, text/plain;q=0.9' }, body: undefined }
}

/** One line of a text that a system wrote, bounded; whoever shows it escapes it. */
export function line(text: string): string {
  const one = text.replace(/\s+/g, ' ').trim()
  return one.length <= MAX_TEXT ? one : `${one.slice(0, MAX_TEXT - 1)}…`
}

export function bounded(problems: readonly string[]): string[] {
  return problems.slice(0, MAX_PROBLEMS).map(line)
}

/** The answer as JSON. Throws HealthError: proxies and single-page applications answer any path with 200 and HTML. */
export function jsonOf({ status, mediaType, text }: Answer, what: string): unknown {
  const isJson = mediaType === 'application/json' || /^[\w.-]+\/[\w.-]+\+json$/.test(mediaType)
  if (isJson) {
    try {
      return JSON.parse(text)
    } catch {
      // Said below.
    }
  }
  const got = `HTTP ${status}, ${mediaType === '' ? 'no media type' : mediaType}: ${quoted(text)}`
  if (status !== 200) throw new HealthError('http_status', `expected ${what}, got ${got}`)
  throw new HealthError('not_a_health_answer', `expected ${what} in JSON, got ${got}`)
}

/** The beginning of a text, for messages. */
export function quoted(text: string): string {
  const [first = ''] = plainLines(text)
  return first === '' ? 'nothing' : JSON.stringify(first)
}

/** The lines of a text, or of an HTML page's body without its tags. */
export function plainLines(text: string): string[] {
  const body = /<body[^<>]*>/i.exec(text)
  const visible = body === null ? text : text.slice(body.index + body[0].length)
  return visible
    .replace(/<[^<>]*>/g, '\n')
    .split('\n')
    .map(line)
    .filter((one) => one !== '')
}
