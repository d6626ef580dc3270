import { Agent, request, type Dispatcher } from 'undici'
import { messageOf } from '../model/thrown.ts'

/** What became of a POST. */
type PostResult =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  | { readonly kind: 'timeout'; readonly cause: unknown }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly cause: unknown }

/** How much of an answer is read, in octets: it is only needed to say why something was refused. */
const MAX_ANSWER = 2048

/** Sends JSON to a declared receiver: one attempt, bounded in time, no redirects, and only the start of the answer is read. */
export class OutboundPoster {
  readonly #timeout: number
  readonly #agent: Agent

  /** `timeout` in milliseconds, for the whole exchange. */
  constructor(options: { readonly timeout: number }) {
    this.#timeout = options.timeout
    this.#agent = new Agent({ allowH2: false, connect: { timeout: options.timeout } })
  }

  /** Never rejects for what the receiver does. */
  async post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<PostResult> {
    const signal = AbortSignal.timeout(this.#timeout)
    try {
      const response = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal,
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      return { kind: 'answer', status: response.statusCode, text: (await readStart(response.body)).trim() }
    } catch (cause) {
      if (signal.aborted) return { kind: 'timeout', cause }
      return { kind: 'unreachable', reason: messageOf(cause), cause }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** A receiver's address split into what may be shown, and the credentials that it carried. */
export function splitCredentials(address: string): {
  readonly url: URL
  readonly authorization: Readonly<Record<string, string>>
} {
  const url = new URL(address)
  const { username, password } = url
  url.username = ''
  url.password = ''
  if (username === '' && password === '') return { url, authorization: {} }
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { url, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_ANSWER) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER).toString('utf8')
}
