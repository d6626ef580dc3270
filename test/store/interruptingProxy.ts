import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { IncomingMessage } from 'node:http'

/** Stands between a store and its server, and can lose a request or its answer. */
interface InterruptingProxy extends AsyncDisposable {
  readonly url: string
  /** Size of the largest request so far, in octets. */
  readonly largest: number
  /** Cuts the connection at one request from now on (from 0), before the server gets it or after it has carried it out. */
  interrupt(request: number, when: 'before' | 'after'): void
  /** Lets everything through again. */
  stop(): void
}

export async function startProxy(target: string): Promise<InterruptingProxy> {
  let left: number | undefined
  let when: 'before' | 'after' = 'before'
  let largest = 0
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await bodyOf(incoming)
      largest = Math.max(largest, body.length)
      const cut = left === 0
      if (left !== undefined) left--
      if (cut && when === 'before') {
        incoming.socket.destroy()
        return
      }
      const { method, headers } = incoming
      const forwarded = send(new URL(incoming.url ?? '/', target), { method, headers, agent: false })
      forwarded.end(body)
      const [answer] = (await once(forwarded, 'response')) as [IncomingMessage]
      const content = await bodyOf(answer)
      if (cut) incoming.socket.destroy()
      else outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(content)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    get largest() {
      return largest
    },
    interrupt(request, at) {
      left = request
      when = at
    },
    stop() {
      left = undefined
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
