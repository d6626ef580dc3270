// Whole TLS probes: a connection, a handshake, the chain judged, facts and lints. Probes per CPU-second of the client, beside a Go client and bare
// node:tls at the same server, interleaved, the best of the rounds; then 10,000 endpoints, each once.
// Usage: node bench/tlsProbe.ts [ROUNDS, default 3] [SECONDS each, default 3] [ENDPOINTS, default 10000]
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateKey, issueCertificate } from '../lab/issue.ts'
import { compile } from './compile.ts'
import { goPeer, output } from './peer.ts'
import { keepSection, table } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const SECONDS = process.argv[3] ?? '3'
const ENDPOINTS = process.argv[4] ?? '10000'
/** As many at once as vigil runs by default. */
const CONCURRENCY = '20'
const NAME = 'shop.example.org'
const HOUR = 3_600_000
const MIB = 1024 * 1024

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function makeChain(): Promise<Record<'root' | 'issuer' | 'leaf' | 'key', string>> {
  const now = Date.now()
  const certify = async (
    request: Pick<Parameters<typeof issueCertificate>[0], 'subject' | 'profile' | 'issuer' | 'dns'>,
  ) => {
    const key = generateKey('p256')
    const life = { notBefore: now - HOUR, notAfter: now + 24 * HOUR }
    return { key, certificate: await issueCertificate({ ...request, ...life, key }) }
  }
  const root = await certify({ subject: 'Root', profile: 'ca' })
  const issuer = await certify({ subject: 'Issuing', profile: 'ca', issuer: root })
  const leaf = await certify({ subject: 'shop', profile: 'tls_server', issuer, dns: [NAME] })
  return {
    root: file('root', root.certificate),
    issuer: file('issuer', issuer.certificate),
    leaf: file('leaf', leaf.certificate),
    key: file('key', leaf.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  }
}

async function serving(
  worker: string,
  files: readonly string[],
): Promise<{ port: string; child: ChildProcess }> {
  const options = [worker, 'serve', ...files]
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { port, child }
}

function rate(printed: string | undefined): number {
  if (printed === undefined) return NaN
  const { operations, cpu } = JSON.parse(printed) as { operations: number; cpu: number }
  return operations / cpu
}

using go = goPeer('tlsprobe')
try {
  const worker = join(compile(['bench/tlsProbeWorker.ts'], folder), 'bench/tlsProbeWorker.js')
  const { root, issuer, leaf, key } = await makeChain()
  const { port, child } = await serving(worker, [issuer, leaf, key])
  const best = { vigil: NaN, bare: NaN, go: NaN }
  const keep = (name: keyof typeof best, figure: number): void => {
    if (!Number.isNaN(figure)) best[name] = Math.max(figure, best[name] || 0)
  }
  const asked = [root, issuer, port, NAME]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, kind] of [
      ['vigil', 'probe'],
      ['bare', 'bare'],
    ] as const)
      keep(name, rate(output(process.execPath, [worker, kind, ...asked, SECONDS, CONCURRENCY])))
    if (go !== undefined) {
      keep('go', rate(output(go.file, [root, `127.0.0.1:${port}`, NAME, SECONDS, CONCURRENCY])))
    }
  }
  const printed = output(process.execPath, ['--expose-gc', worker, 'many', ...asked, ENDPOINTS, CONCURRENCY])
  const many = JSON.parse(printed ?? '{"cpu":0,"peak":0,"held":0}') as Record<'cpu' | 'peak' | 'held', number>
  child.kill()
  const row = (title: string, figure: number) => [
    title,
    figure.toFixed(0),
    `${((100 * figure) / best.go).toFixed(0)} %`,
  ]
  keepSection(
    'TLS probes',
    `\`node bench/tlsProbe.ts\`: whole probes, a new connection each, ${CONCURRENCY} at once, TLS 1.3 with X25519MLKEM768 and P-256 certificates, at a server in another process; probes per CPU-second of
the client, the best of ${ROUNDS} rounds. Go: crypto/tls, verified against the root, without facts and lints.

${table(
  ['', 'per CPU-second', 'of Go'],
  [row('vigil', best.vigil), row('node:tls, handshake only', best.bare), row('Go', best.go)],
)}

${ENDPOINTS} endpoints, each once, from a cold start, and remembered: ${many.cpu.toFixed(1)} CPU-s, ${(many.peak / MIB).toFixed(0)} MiB resident at most, of which
${(many.held / MIB).toFixed(0)} MiB of heap are held in the end.`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
