import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** The network between Filebeat and Elasticsearch: octets are passed on, not looked at. It begins unplugged. */
export class Relay implements AsyncDisposable {
  readonly port: number
  readonly #target: number
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  /** Octets sent towards the server since the last plugging in. */
  sent = 0
  /** When more than this was sent, no answer comes back any more. */
  #deafAfter = Infinity

  private constructor(port: number, target: number) {
    this.port = port
    this.#target = target
  }

  static async make(target: number): Promise<Relay> {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const address = probe.address()
    probe.close()
    if (address === null || typeof address === 'string') throw new Error('expected a port')
    return new Relay(address.port, target)
  }

  async plugIn(deafAfter = Infinity): Promise<void> {
    this.sent = 0
    this.#deafAfter = deafAfter
    this.#server = createServer((near) => this.#pass(near)).listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async unplug(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unplug()
  }

  #pass(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
    near.on('data', (chunk) => {
      this.sent += chunk.length
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      if (this.sent <= this.#deafAfter) near.write(chunk)
    })
  }
}
