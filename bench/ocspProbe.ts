// Whole OCSP probes over HTTP: a connection, a question, the answer verified, facts and lints. Probes per CPU-second of the client, beside a
// Go client at the same responder, interleaved, the best of the rounds.
// Usage: node bench/ocspProbe.ts [ROUNDS, default 3] [SECONDS each, default 3]
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { answerOcsp, generateKey, issueCertificate } from '../lab/issue.ts'
import { goPeer, output } from './peer.ts'
import { keepSection, table } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const SECONDS = process.argv[3] ?? '3'
/** As many at once as vigil runs by default. */
const CONCURRENCY = '20'
const WORKER = fileURLToPath(new URL('ocspProbeWorker.ts', import.meta.url))
const HOUR = 3_600_000
const KINDS = { 'P-256, delegate': 'p256', 'RSA-2048, delegate': 'rsa2048' } as const
type Column = keyof typeof KINDS

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function filesOf(column: Column): Promise<Record<'leaf' | 'issuer' | 'answer', string>> {
  const now = Date.now()
  const life = { notBefore: now - HOUR, notAfter: now + 24 * HOUR }
  const certify = async (
    request: Pick<Parameters<typeof issueCertificate>[0], 'subject' | 'profile' | 'issuer' | 'serial'>,
  ) => {
    const key = generateKey(KINDS[column])
    return { key, certificate: await issueCertificate({ ...request, ...life, key }) }
  }
  const issuer = await certify({ subject: 'Bench CA', profile: 'ca' })
  const serial = '4a1b2c3d4e5f60718293a4b5c6d7e8f9'
  const leaf = await certify({ subject: 'leaf', profile: 'tls_server', issuer, serial })
  const signer = await certify({ subject: 'Responder', profile: 'ocsp_signer', issuer })
  const answers = [{ status: 'good', serial, thisUpdate: now - HOUR, nextUpdate: now + HOUR }] as const
  return {
    leaf: file(`${column} leaf`, leaf.certificate),
    issuer: file(`${column} issuer`, issuer.certificate),
    answer: file(`${column} answer`, await answerOcsp({ issuer, signer, answers, producedAt: now - HOUR })),
  }
}

async function serving(answer: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [WORKER, 'serve', answer], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { url, child }
}

function rate(printed: string | undefined): number | undefined {
  if (printed === undefined) return undefined
  const { operations, cpu } = JSON.parse(printed) as { operations: number; cpu: number }
  return operations / cpu
}

using go = goPeer('ocspprobe')
const best = new Map<string, number>()
const keep = (name: string, figure: number | undefined): void => {
  if (figure !== undefined) best.set(name, Math.max(figure, best.get(name) ?? 0))
}
const columns = ['P-256, delegate', 'RSA-2048, delegate'] as const
try {
  for (const column of columns) {
    const { leaf, issuer, answer } = await filesOf(column)
    const { url, child } = await serving(answer)
    const options = [leaf, issuer, url, SECONDS, CONCURRENCY]
    for (let round = 0; round < ROUNDS; round++) {
      keep(`vigil ${column}`, rate(output(process.execPath, [WORKER, 'probe', ...options])))
      if (go !== undefined) keep(`go ${column}`, rate(output(go.file, options)))
    }
    child.kill()
  }
  const row = (title: string, name: string) => [
    title,
    ...columns.map((column) => best.get(`${name} ${column}`)?.toFixed(0) ?? ''),
  ]
  const ratio = columns.map((column) => {
    const share = (best.get(`vigil ${column}`) ?? NaN) / (best.get(`go ${column}`) ?? NaN)
    return Number.isNaN(share) ? '' : `${(100 * share).toFixed(0)} %`
  })
  keepSection(
    'OCSP probes',
    `\`node bench/ocspProbe.ts\`: whole probes over HTTP, a new connection each, ${CONCURRENCY} at once, at a responder in another process; probes per CPU-second of the client, the best
of ${ROUNDS} rounds. Go: net/http and x/crypto/ocsp, without nonce, lints and facts.

${table(['', ...columns], [row('vigil', 'vigil'), row('Go', 'go'), ['vigil / Go', ...ratio]])}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
