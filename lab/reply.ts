// What an HTTP server of the lab is about to answer, and what faults make of it.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Changes, type Change } from './changes.ts'
import { send } from './http.ts'

export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The address that was connected to. */
  readonly address: string
}

/** The change has answered by itself, or never will. */
export const TAKEN = Symbol('taken')

export type ReplyChange = Change<Reply, typeof TAKEN, Exchange>

export class ReplyChanges extends Changes<Reply, typeof TAKEN, Exchange> {
  /** Answers with what the changes leave of the reply. */
  async send(reply: Reply, exchange: Exchange): Promise<void> {
    const changed = await this.apply(reply, exchange)
    if (changed === TAKEN) return
    const { request, response } = exchange
    const { status, body } = changed
    // What says when it was last modified is made to be kept, and asked for again.
    const kept = 'last-modified' in changed.headers
    const headers = kept ? { etag: etagOf(body), ...changed.headers } : changed.headers
    if (isUnchanged(request, status, headers)) response.writeHead(304, headers).end()
    else if (request.method === 'HEAD')
      response.writeHead(status, { ...headers, 'content-length': String(body.length) }).end()
    else send(response, status, headers, body)
  }
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
}

/** RFC 9110 section 13.2.2: If-None-Match decides when it is there. */
function isUnchanged(
  { method, headers: asked }: IncomingMessage,
  status: number,
  headers: Readonly<Record<string, string>>,
): boolean {
  if (status !== 200 || (method !== 'GET' && method !== 'HEAD')) return false
  const tags = asked['if-none-match']
  if (tags !== undefined) return tags === '*' || tags.split(/\s*,\s*/).includes(headers['etag'] ?? '')
  const [since, modified] = [asked['if-modified-since'], headers['last-modified']]
  return since !== undefined && modified !== undefined && Date.parse(modified) <= Date.parse(since)
}
