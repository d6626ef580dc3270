// One OCSP check: build the request, parse the answer, verify it. Operations per CPU-second beside the floor (`openssl speed`: the
// signature alone), Go, pkijs and the package ocsp; every figure from a process of its own, interleaved, the best of the rounds.
// Usage: node bench/ocsp.ts [ROUNDS, default 5] [SECONDS each, default 1]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answerOcsp, generateKey, issueCertificate } from '../lab/issue.ts'
import { goPeer, output } from './peer.ts'
import { keepSection, table } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const SECONDS = process.argv[3] ?? '1'
const WORKER = fileURLToPath(new URL('ocspWorker.ts', import.meta.url))
const HOUR = 3_600_000

const COLUMNS = ['P-256, CA', 'P-256, delegate', 'RSA-2048, CA', 'RSA-2048, delegate'] as const
type Column = (typeof COLUMNS)[number]

/** Files of one column: certificate asked about, issuer, answer, and the same answer with all certificates, which pkijs needs. */
interface Files {
  readonly leaf: string
  readonly issuer: string
  readonly answer: string
  readonly complete: string
}

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function filesOf(column: Column): Promise<Files> {
  const now = Date.now()
  const kind = column.startsWith('RSA') ? 'rsa2048' : 'p256'
  const life = { notBefore: now - HOUR, notAfter: now + 24 * HOUR }
  const certify = async (
    request: Pick<Parameters<typeof issueCertificate>[0], 'subject' | 'profile' | 'issuer'>,
  ) => {
    const key = generateKey(kind)
    return { key, certificate: await issueCertificate({ ...request, ...life, key }) }
  }
  const issuer = await certify({ subject: 'Bench CA', profile: 'ca' })
  const serial = '4a1b2c3d4e5f60718293a4b5c6d7e8f9'
  const leafKey = generateKey(kind)
  const leaf = await issueCertificate({
    subject: 'leaf',
    profile: 'tls_server',
    issuer,
    serial,
    key: leafKey,
    ...life,
  })
  const delegate = await certify({ subject: 'Responder', profile: 'ocsp_signer', issuer })
  const signer = column.endsWith('delegate') ? { signer: delegate } : {}
  const answers = [{ status: 'good', serial, thisUpdate: now - HOUR, nextUpdate: now + HOUR }] as const
  const request = { issuer, answers, producedAt: now - HOUR, ...signer }
  const certificates = [delegate.certificate, issuer.certificate]
  return {
    leaf: file(`${column} leaf`, leaf),
    issuer: file(`${column} issuer`, issuer.certificate),
    answer: file(`${column} answer`, await answerOcsp(request)),
    complete: file(`${column} complete`, await answerOcsp({ ...request, certificates })),
  }
}

/** Operations per CPU-second; undefined: this one cannot, or is not here. */
type Contestant = (column: Column, files: Files) => number | undefined

function rate(printed: string | undefined): number | undefined {
  if (printed === undefined) return undefined
  const { operations, cpu } = JSON.parse(printed) as { operations: number; cpu: number }
  return operations / cpu
}

const worker =
  (what: string): Contestant =>
  (_, { leaf, issuer, answer, complete }) =>
    rate(
      output(process.execPath, [WORKER, what, leaf, issuer, what === 'pkijs' ? complete : answer, SECONDS]),
    )

/** The last column of its last line: verifications in a second of user time. */
function opensslSpeed(column: Column): number | undefined {
  const algorithm = column.startsWith('RSA') ? 'rsa2048' : 'ecdsap256'
  const figure = output('openssl', ['speed', '-seconds', String(Math.ceil(Number(SECONDS))), algorithm])
  return figure === undefined ? undefined : Number(figure.trim().split(/\s+/).at(-1))
}

using go = goPeer('ocsp')
const PRODUCT = 'vigil'
const REMEMBERED = 'vigil, delegation remembered'
const NONCE = 'vigil, with a nonce of 32 octets'
const FLOOR = 'openssl speed, one verification'
const GO = 'Go x/crypto/ocsp'
const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  [PRODUCT]: worker('vigil'),
  [REMEMBERED]: (column, files) =>
    column.endsWith('delegate') ? worker('remembered')(column, files) : undefined,
  [NONCE]: worker('nonce'),
  'node:crypto, one verification': worker('floor'),
  [FLOOR]: opensslSpeed,
  [GO]: (_, { leaf, issuer, answer }) =>
    go === undefined ? undefined : rate(output(go.file, [leaf, issuer, answer, SECONDS])),
  pkijs: worker('pkijs'),
  ocsp: (column, files) => (column.startsWith('RSA') ? worker('ocsp')(column, files) : undefined),
}

try {
  const rates = new Map<string, number[]>()
  const key = (name: string, column: Column) => `${name}/${column}`
  const files = new Map<Column, Files>()
  for (const column of COLUMNS) files.set(column, await filesOf(column))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [column, paths] of files) {
      for (const [name, contestant] of Object.entries(CONTESTANTS)) {
        const figure = contestant(column, paths)
        if (figure === undefined) continue
        rates.set(key(name, column), [...(rates.get(key(name, column)) ?? []), figure])
      }
    }
  }
  // The best: other work on the machine only ever makes a round slower.
  const figure = (name: string, column: Column) => Math.max(...(rates.get(key(name, column)) ?? [NaN]))
  const ratio = (a: string, b: string) =>
    COLUMNS.map((column) => {
      const value = figure(a, column) / figure(b, column)
      return Number.isNaN(value) ? '' : `${(100 * value).toFixed(0)} %`
    })
  const rows = Object.keys(CONTESTANTS).map((name) => [
    name,
    ...COLUMNS.map((column) => (rates.has(key(name, column)) ? figure(name, column).toFixed(0) : '')),
  ])
  const ratios = [
    [`${PRODUCT} / ${FLOOR}`, ...ratio(PRODUCT, FLOOR)],
    [`${PRODUCT} / ${GO}`, ...ratio(PRODUCT, GO)],
    [`${REMEMBERED} / ${GO}`, ...ratio(REMEMBERED, GO)],
  ]
  keepSection(
    'OCSP',
    `\`node bench/ocsp.ts\`: build a request, parse and verify the answer; operations per CPU-second, the best of ${ROUNDS} rounds.

${table(['', ...COLUMNS], [...rows, ...ratios])}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
