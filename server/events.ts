import type { Request, Response } from 'express'
import { ServerError } from './error.ts'

/** Open pages; each holds a connection. */
const MAX_CLIENTS = 100
/** At most one event in this time, in milliseconds: a page fetches itself again for each. */
const MIN_INTERVAL = 1000
/** Below the idle time-outs of common proxies, in milliseconds. */
const HEARTBEAT = 20_000
/** How long a browser waits before it connects again, in milliseconds. */
const RETRY = 3000

/** Server-Sent Events that say "something changed" to every open page; the page then fetches what it shows. */
export class ChangeEvents {
  readonly #clients = new Set<Response>()
  readonly #heartbeat: NodeJS.Timeout
  #pause: NodeJS.Timeout | undefined
  #missed = false

  constructor() {
    this.#heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT)
    this.#heartbeat.unref()
  }

  /** Answers `GET /events`. Throws ServerError(unavailable) when there are too many. */
  connect(request: Request, response: Response): void {
    if (this.#clients.size >= MAX_CLIENTS)
      throw new ServerError('unavailable', `expected at most ${MAX_CLIENTS} open pages`)
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    response.write(`retry: ${RETRY}\n\n`)
    this.#clients.add(response)
    response.on('close', () => this.#clients.delete(response))
  }

  /** Tells the pages, at once or when the pause after the event before is over. */
  changed(): void {
    if (this.#pause !== undefined) {
      this.#missed = true
      return
    }
    this.#send('event: change\ndata:\n\n')
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (!this.#missed) return
      this.#missed = false
      this.changed()
    }, MIN_INTERVAL)
    this.#pause.unref()
  }

  close(): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#pause)
    for (const client of this.#clients) client.end()
  }

  #send(text: string): void {
    for (const client of this.#clients) {
      // A page that does not read is cut off, so that nothing piles up here; it connects again by itself.
      if (client.writableNeedDrain) client.destroy()
      else client.write(text)
    }
  }
}
