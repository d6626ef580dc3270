import { once } from 'node:events'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import type { Shipper } from '../../../model/auditEvent.ts'
import { messageOf } from '../../../model/thrown.ts'
import { parseCertificate } from '../../../pki/certificate.ts'
import { CollectorError } from '../../error.ts'
import type { ShippedRecord } from './event.ts'
import { shippedRecord } from './event.ts'
import { ackFrame, protocolError, readFrames } from './frames.ts'

/** Connections at once; a Filebeat has one. More are refused. */
const MAX_CONNECTIONS = 200
/** Milliseconds for a TLS handshake. */
const HANDSHAKE_MS = 10_000
/** Milliseconds between two octets of a window. Between windows a client may be silent: there may be nothing to say. */
const WINDOW_IDLE_MS = 30_000
/** Milliseconds between two signs of life while records are being sealed; Filebeat waits 30 s for one. */
const KEEPALIVE_MS = 5_000
/** Octets of records that are handed over, and acknowledged, before a window is complete: bounds the memory of a connection. */
const SLICE_OCTETS = 1024 * 1024
/** Different problems that are remembered as reported. */
const MAX_REPORTED = 1000

/** A log that one client may ship. */
export interface ShippedLog {
  readonly id: string
  /** Subject of the client's certificate, or a name in it. */
  readonly client: string
  /** Resolves when all of them are durable. */
  accept(records: readonly ShippedRecord[], shipper: Shipper): Promise<void>
}

export interface BeatsListenerOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  /** CAs (PEM) of the clients' certificates: best one that the watched CAs do not depend on. */
  readonly clientCa: string
  readonly onProblem: (problem: CollectorError) => void
}

/**
 * Where Filebeats connect: a Lumberjack server behind mutual TLS. A client is who its certificate says; it may ship the logs that name it, and is cut off at the first
 * octet that it should not send. What is not acknowledged it sends again.
 */
export class BeatsListener {
  readonly #options: BeatsListenerOptions
  readonly #server: Server
  readonly #sources = new Map<string, ShippedLog>()
  readonly #connections = new Set<TLSSocket>()
  readonly #reported = new Set<string>()
  #problem: CollectorError | undefined

  constructor(options: BeatsListenerOptions) {
    this.#options = options
    this.#server = createServer(
      {
        key: options.key,
        cert: options.certificate,
        ca: options.clientCa,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        handshakeTimeout: HANDSHAKE_MS,
      },
      (socket) => void this.#serve(socket),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.on('tlsClientError', (error: Error) =>
      this.#report(new CollectorError('unknown_client', `refused: ${error.message}`)),
    )
  }

  /** Why nobody can connect. */
  get problem(): CollectorError | undefined {
    return this.#problem
  }

  /** The port that it listens on. Never rejects: while the address is taken, the problem says so. */
  async listen(): Promise<number | undefined> {
    const { host, port } = this.#options
    try {
      this.#server.listen(port, host)
      await once(this.#server, 'listening')
    } catch (error) {
      const reason = messageOf(error)
      this.#problem = new CollectorError('listen_failed', `${host}:${port}: ${reason}`, { cause: error })
      this.#options.onProblem(this.#problem)
      return undefined
    }
    this.#server.on('error', (error: Error) =>
      this.#report(new CollectorError('listen_failed', error.message)),
    )
    const address = this.#server.address()
    return typeof address === 'object' ? address?.port : undefined
  }

  /** From now on records of this log are taken in, until it is disposed of. */
  attach(source: ShippedLog): Disposable {
    this.#sources.set(source.id, source)
    return { [Symbol.dispose]: () => void this.#sources.delete(source.id) }
  }

  /** Ends all connections; what is not acknowledged is sent again to whoever listens next. */
  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  async #serve(socket: TLSSocket): Promise<void> {
    this.#connections.add(socket)
    // What breaks a connection shows where it is read.
    socket.on('error', () => undefined)
    socket.on('timeout', () =>
      socket.destroy(protocolError(`silent for ${WINDOW_IDLE_MS / 1000} s amid a window`)),
    )
    let shipper: Shipper | undefined
    try {
      const client = clientOf(socket)
      shipper = client.shipper
      await this.#windows(socket, client)
    } catch (error) {
      // A connection that breaks is no news; who sends what he should not is.
      if (error instanceof CollectorError) this.#report(named(error, shipper, socket))
    } finally {
      socket.destroy()
      this.#connections.delete(socket)
    }
  }

  async #windows(socket: TLSSocket, client: Client): Promise<void> {
    const octets: AsyncIterable<Uint8Array> = socket
    let [size, seen] = [0, 0]
    let slice: ShippedRecord[] = []
    let held = 0
    for await (const frame of readFrames(octets)) {
      if (frame.kind === 'window') {
        if (seen !== size) throw protocolError(`a new window after ${seen} of ${size} events`)
        ;[size, seen] = [frame.size, 0]
        socket.setTimeout(size === 0 ? 0 : WINDOW_IDLE_MS)
        continue
      }
      if (seen === size) throw protocolError('an event outside of a window')
      if (frame.seq !== ++seen) throw protocolError(`expected event ${seen}, got ${frame.seq}`)
      const record = shippedRecord(frame.json)
      this.#sourceOf(record, client)
      slice.push(record)
      held += frame.json.length
      if (seen < size && held < SLICE_OCTETS) continue
      socket.setTimeout(0)
      await this.#seal(slice, client, socket)
      socket.write(ackFrame(seen))
      if (seen < size) socket.setTimeout(WINDOW_IDLE_MS)
      slice = []
      held = 0
    }
  }

  /** Hands them to their logs, in their order; resolves when all are durable. */
  async #seal(records: readonly ShippedRecord[], client: Client, socket: TLSSocket): Promise<void> {
    const alive = setInterval(() => socket.write(ackFrame(0)), KEEPALIVE_MS)
    try {
      for (const [source, own] of Map.groupBy(records, (record) => this.#sourceOf(record, client)))
        await source.accept(own, client.shipper)
    } finally {
      clearInterval(alive)
    }
  }

  #sourceOf(record: ShippedRecord, client: Client): ShippedLog {
    const source = this.#sources.get(record.source)
    if (source !== undefined && client.names.includes(source.client)) return source
    throw new CollectorError('unknown_client', `may not ship a log "${record.source.slice(0, 100)}"`)
  }

  /** Once each. */
  #report(problem: CollectorError): void {
    const key = `${problem.code} ${problem.message}`
    if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) return
    this.#reported.add(key)
    this.#options.onProblem(problem)
  }
}

interface Client {
  /** By which a log may name it. */
  readonly names: readonly string[]
  readonly shipper: Shipper
}

/** Who the certificate says it is; TLS has verified it. */
function clientOf(socket: TLSSocket): Client {
  const { raw } = socket.getPeerCertificate()
  const { subject, identities, sha256 } = parseCertificate(raw)
  return { names: [subject.text, ...identities], shipper: { subject: subject.text, sha256 } }
}

function named(error: CollectorError, shipper: Shipper | undefined, socket: TLSSocket): CollectorError {
  const who = `${shipper?.subject ?? 'a client'} at ${socket.remoteAddress ?? 'an unknown address'}`
  return new CollectorError(error.code, `${who}: ${error.message}`, { cause: error })
}
