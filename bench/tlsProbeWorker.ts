// One side of bench/tlsProbe.ts in a process of its own. Files DER; CHAIN is the root, the issuer and the served certificate, the key PEM.
// Usage: tlsProbeWorker serve ISSUER LEAF KEY: a TLS server. Prints its port.
//        tlsProbeWorker bare ROOT ISSUER PORT NAME SECONDS CONCURRENCY: handshakes of node:tls and nothing else.
//        tlsProbeWorker probe ROOT ISSUER PORT NAME SECONDS CONCURRENCY: whole probes. Both print operations and CPU seconds.
//        tlsProbeWorker many ROOT ISSUER PORT NAME ENDPOINTS CONCURRENCY: each endpoint once, remembered. Prints CPU seconds, and octets at the peak and held at the end.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createSecureContext, createServer } from 'node:tls'
import { toPem } from '../lab/issue.ts'
import { parseCertificate } from '../pki/certificate.ts'
import { Delegations } from '../pki/ocspSigner.ts'
import { followPolicy } from '../probes/fetch/follow.ts'
import { systemNames } from '../probes/fetch/resolve.ts'
import { RecordedMemory } from '../probes/memory.ts'
import { NO_LEDGER } from '../probes/reconciliation/ledger.ts'
import type { ProbeContext, TlsTarget } from '../probes/probe.ts'
import { probeTls } from '../probes/tls.ts'
import { printRate } from './rate.ts'

const [what = '', ...options] = process.argv.slice(2)
switch (what) {
  case 'serve':
    serve(...options)
    break
  case 'bare':
  case 'probe':
    await rate(what, ...options)
    break
  case 'many':
    await many(...options)
    break
}

function serve(issuer = '', leaf = '', key = ''): void {
  const cert = [leaf, issuer].map((file) => toPem(readFileSync(file), 'CERTIFICATE')).join('')
  const server = createServer({ cert, key: readFileSync(key) }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.resume()
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1', 1024, () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') console.log(address.port)
  })
}

function targetOf(root: string, issuer: string, port: string, servername: string, id = 'bench'): TlsTarget {
  const [anchor, certificate] = [root, issuer].map((file) => parseCertificate(readFileSync(file)))
  if (anchor === undefined || certificate === undefined) throw new Error('expected a root and an issuer')
  return {
    probe: 'tls',
    subject: `service_tls_health[${id},bench]`,
    address: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port: Number(port),
    servername,
    startTls: undefined,
    interval: 60_000,
    timeout: 10_000,
    service: { id, environment: 'bench', owner: '' },
    issuer: { id: 'bench', class: 'online', certificate, ancestors: [anchor] },
    ocspUrl: undefined,
    locations: { crl: [], ocsp: [], caIssuers: [] },
    certificateFile: undefined,
    client: undefined,
  }
}

function contextOf(targets: readonly TlsTarget[]): ProbeContext & { readonly memory: RecordedMemory } {
  return {
    now: Date.now,
    vantage: 'bench',
    maxSize: 1024 * 1024,
    random: randomBytes,
    delegations: new Delegations(),
    memory: new RecordedMemory(targets),
    ledger: NO_LEDGER,
    artifact: () => Promise.resolve(undefined),
    names: systemNames(),
    follow: followPolicy({ networks: [], declared: [] }),
    signal: new AbortController().signal,
  }
}

async function rate(
  kind: 'bare' | 'probe',
  root = '',
  issuer = '',
  port = '',
  name = '',
  seconds = '1',
  concurrency = '1',
): Promise<void> {
  const target = targetOf(root, issuer, port, name)
  const context = contextOf([target])
  const secureContext = createSecureContext({ ca: toPem(readFileSync(root), 'CERTIFICATE') })
  const bare = async (): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), servername: name, secureContext })
    await once(socket, 'secureConnect')
    socket.destroy()
  }
  const look = async (): Promise<void> => {
    const { observation } = await probeTls(target, context)
    if (observation.outcome !== 'success') throw new Error(observation.error?.message)
  }
  await printRate(Number(seconds), Number(concurrency), kind === 'bare' ? bare : look)
}

async function many(
  root = '',
  issuer = '',
  port = '',
  name = '',
  endpoints = '1',
  concurrency = '1',
): Promise<void> {
  const one = targetOf(root, issuer, port, name)
  const targets = Array.from({ length: Number(endpoints) }, (_, i) => {
    const id = `service-${i}`
    return {
      ...one,
      subject: `service_tls_health[${id},bench]`,
      service: { ...one.service, id, environment: 'bench', owner: '' },
    }
  })
  const context = contextOf(targets)
  const before = process.cpuUsage()
  const queue = targets.values()
  const worker = async (): Promise<void> => {
    for (const target of queue) {
      const { observation } = await probeTls(target, context)
      if (observation.outcome !== 'success') throw new Error(observation.error?.message)
      context.memory.remember(observation)
    }
  }
  await Promise.all(Array.from({ length: Number(concurrency) }, worker))
  const { user, system } = process.cpuUsage(before)
  // What garbage collection leaves; the peak is what it had not come to yet. maxRSS is in KiB.
  globalThis.gc?.()
  console.log(
    JSON.stringify({
      cpu: (user + system) / 1e6,
      peak: process.resourceUsage().maxRSS * 1024,
      held: process.memoryUsage().heapUsed,
    }),
  )
}
