import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { SystemKind } from '../../model/config.ts'
import type { Observation, Phase, ProbeResult } from '../../model/observation.ts'
import type { ProbeErrorCode } from '../../probes/observe.ts'
import type {
  CrlTarget,
  HealthTarget,
  Issuer,
  MtlsTarget,
  OcspTarget,
  Probe,
  ProbeContext,
  Target,
  TlsTarget,
} from '../../probes/probe.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { NO_LEDGER } from '../../probes/reconciliation/ledger.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { NOW } from './pki.ts'

/** Milliseconds: generous, since the machine may be busy; no test waits for it. */
const TIMEOUT = 5_000
/** Milliseconds of a target whose timeout a test is about. */
const SHORT = 200

export function context(overrides: Partial<ProbeContext> = {}): ProbeContext {
  return {
    now: () => NOW,
    vantage: 'test',
    maxSize: 4 * 1024 * 1024,
    random: (octets) => randomBytes(octets),
    delegations: new Delegations(),
    memory: new RecordedMemory([]),
    ledger: NO_LEDGER,
    artifact: () => Promise.resolve(undefined),
    names: systemNames(),
    follow: followPolicy({ networks: ['127.0.0.0/8'], declared: [] }),
    signal: new AbortController().signal,
    ...overrides,
  }
}

const base = { interval: 60_000, timeout: TIMEOUT }

export function crlTarget(url: string, issuer: Issuer | undefined): CrlTarget {
  return {
    ...base,
    probe: 'crl',
    subject: 'ca_crl[ca]',
    address: url,
    url,
    fullEvery: 3_600_000,
    issuer,
    distribution: undefined,
    issued: [],
  }
}

export function ocspTarget(url: string, issuer: Issuer, serial: string): OcspTarget {
  return {
    ...base,
    probe: 'ocsp',
    subject: 'ocsp_responder_status[ca]',
    address: url,
    url,
    issuer,
    serial,
  }
}

export function tlsTarget(port: number, overrides: Partial<TlsTarget> = {}): TlsTarget {
  return {
    ...base,
    probe: 'tls',
    subject: 'service_tls_health[shop,prod]',
    address: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    servername: 'shop.example',
    startTls: undefined,
    service: { id: 'shop', environment: 'prod', owner: 'team' },
    issuer: undefined,
    ocspUrl: undefined,
    locations: undefined,
    certificateFile: undefined,
    client: undefined,
    ...overrides,
  }
}

export function mtlsTarget(port: number, overrides: Partial<MtlsTarget> = {}): MtlsTarget {
  const { host, servername, startTls, service, subject, address } = tlsTarget(port)
  return {
    ...base,
    ...{ probe: 'mtls', subject, address, host, port, servername, startTls, service },
    path: '/',
    credentials: {},
    ...overrides,
  }
}

export function healthTarget(system: SystemKind, url: string): HealthTarget {
  return {
    ...base,
    probe: 'health',
    subject: 'ca_server[ca]',
    address: url,
    system,
    url,
    anchor: undefined,
    client: undefined,
  }
}

/** A TCP server that does with each connection what the test says; gone after the test. */
export async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  return bind(t, server)
}

/** Listens on a free port of the loopback, or where it is told to; closes everything after the test. */
export async function bind(
  t: TestContext,
  server: Server,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  })
  const address = server.address() as AddressInfo
  return address.port
}

/** An HTTP server that sends these octets to whoever has sent a request head, then half-closes. */
export async function serveRaw(
  t: TestContext,
  head: string,
  body: Uint8Array | string = '',
): Promise<string> {
  const port = await listen(t, (socket) => {
    socket.once('data', () => {
      socket.write(head.replaceAll('\n', '\r\n'))
      socket.end(body)
    })
  })
  return `http://127.0.0.1:${port}/`
}

/** An HTTP server that answers 200 with this body. */
export function serve(
  t: TestContext,
  body: Uint8Array | string,
  type = 'application/pkix-crl',
): Promise<string> {
  const length = Buffer.byteLength(body)
  return serveRaw(t, `HTTP/1.1 200 OK\nContent-Type: ${type}\nContent-Length: ${length}\n\n`, body)
}

/** Asserts where and why a run failed, and returns its observation. */
export function failedIn(result: ProbeResult, phase: Phase, code: ProbeErrorCode): Observation {
  const { observation } = result
  const { error } = observation
  assert.equal(observation.outcome, 'failure')
  assert.equal(`${error?.phase} ${error?.code}`, `${phase} ${code}`, error?.message)
  assert.ok((error?.message.length ?? 0) <= 500)
  assert.doesNotMatch(error?.message ?? '', /[\u0000-\u001f\u007f-\u009f]/)
  return observation
}

export function succeeded(result: ProbeResult): Observation {
  assert.equal(result.observation.outcome, 'success', JSON.stringify(result.observation.error))
  assert.equal(result.observation.error, undefined)
  return result.observation
}

export function impatient<T extends Target>(target: T): T {
  return { ...target, timeout: SHORT }
}

/** Runs, and asserts that it took at most the target's timeout and a little. */
export async function bounded<T extends Target>(
  probe: Probe<T>,
  target: T,
  overrides: Partial<ProbeContext> = {},
): Promise<ProbeResult> {
  const began = performance.now()
  const result = await probe(target, context(overrides))
  const took = performance.now() - began
  assert.ok(took < target.timeout + 1_500, `expected an end after ${target.timeout} ms, got ${took} ms`)
  return result
}

/** A port that was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
