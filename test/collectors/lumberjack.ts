// A client of our Lumberjack server that sends what it is told, in order or not.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { deflateSync } from 'node:zlib'
import type { Authority, Credentials } from '../filebeat/secured.ts'

export const FILE = createHash('sha256').update('a file').digest('hex')

/** An event as Filebeat ships it. */
export function shipped(message: string, offset: number, more: object = {}): object {
  return {
    message,
    position: { source: 'ca1-audit' },
    log: { offset, file: { path: '/x', fingerprint: FILE } },
    ...more,
  }
}

/** Lines of a file, one record each, with their places. */
export function shippedLines(lines: readonly string[], from = 0): object[] {
  let offset = 0
  const all = lines.map((line) => {
    const event = shipped(line, offset)
    offset += Buffer.byteLength(line) + 1
    return event
  })
  return all.slice(from)
}

function frame(type: string, ...parts: readonly (number | Uint8Array)[]): Buffer {
  const octets = parts.map((part) => {
    if (typeof part !== 'number') return part
    const number = Buffer.alloc(4)
    number.writeUInt32BE(part)
    return number
  })
  return Buffer.concat([Buffer.from(`2${type}`), ...octets])
}

export const windowFrame = (size: number): Buffer => frame('W', size)
export const eventFrame = (seq: number, event: object): Buffer => {
  const json = Buffer.from(JSON.stringify(event))
  return frame('J', seq, json.length, json)
}
export const compressedFrame = (content: Uint8Array): Buffer => {
  const packed = deflateSync(content)
  return frame('C', packed.length, packed)
}

export function windowOf(events: readonly object[]): Buffer {
  return Buffer.concat([windowFrame(events.length), ...events.map((event, i) => eventFrame(i + 1, event))])
}

export class LumberjackClient implements Disposable {
  readonly #socket: TLSSocket
  #received = Buffer.alloc(0)
  #gone = false

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('data', (octets: Buffer) => (this.#received = Buffer.concat([this.#received, octets])))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.#gone = true))
  }

  static async connect(
    port: number,
    authority: Authority,
    credentials?: Credentials,
  ): Promise<LumberjackClient> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca: authority.ca,
      ...(credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.key }),
    })
    const client = new LumberjackClient(socket)
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined)
    return client
  }

  send(octets: Uint8Array): void {
    this.#socket.write(octets)
  }

  /** Sequence numbers that were acknowledged; waits until `seq` is among them. undefined: the connection ended before. */
  async acknowledged(seq: number): Promise<number[] | undefined> {
    for (;;) {
      const numbers = Array.from({ length: Math.floor(this.#received.length / 6) }, (_, i) =>
        this.#received.readUInt32BE(i * 6 + 2),
      )
      if (numbers.includes(seq)) {
        this.#received = this.#received.subarray(numbers.length * 6)
        return numbers
      }
      if (this.#gone) return undefined
      await Promise.race([once(this.#socket, 'data'), once(this.#socket, 'close')]).catch(() => undefined)
    }
  }

  async ended(): Promise<void> {
    while (!this.#gone) await once(this.#socket, 'close').catch(() => undefined)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
