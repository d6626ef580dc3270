// Certificates: parse, and parse and verify the signature (P-256); operations per CPU-second, beside node's X509Certificate (OpenSSL), pkijs and
// Go's crypto/x509; the best of the rounds. Usage: node bench/certificate.ts [ROUNDS, default 5] [SECONDS for each, default 1]
import { X509Certificate, createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBER } from 'asn1js'
import { Certificate as PkijsCertificate } from 'pkijs'
import { z } from 'zod'
import { generateKey, issueCertificate } from '../lab/issue.ts'
import { parseCertificate } from '../pki/certificate.ts'
import { verifySignature } from '../pki/signature.ts'
import { goPeer, output } from './peer.ts'
import { keepSection, table } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const SECONDS = Number(process.argv[3] ?? 1)
const DAY = 86_400_000

const key = generateKey('p256')
const validity = { notBefore: Date.now() - DAY, notAfter: Date.now() + 90 * DAY }
const ca = await issueCertificate({ subject: 'Bench CA', key, profile: 'ca', ...validity })
const der = await issueCertificate({
  subject: 'shop.example',
  key: generateKey('p256'),
  issuer: { certificate: ca, key },
  profile: 'tls_server',
  dns: ['shop.example', 'www.shop.example'],
  ocspUrl: 'http://ocsp.example/',
  crlUrl: 'http://crl.example/ca.crl',
  ...validity,
})
const issuer = parseCertificate(ca)
const issuerKey = createPublicKey(new X509Certificate(ca).publicKey.export({ format: 'pem', type: 'spki' }))
const pkijsIssuer = pkijsOf(ca)

function pkijsOf(octets: Uint8Array): PkijsCertificate {
  return new PkijsCertificate({ schema: fromBER(Uint8Array.from(octets).buffer).result })
}

function expectTrue(valid: boolean): void {
  if (!valid) throw new Error('the signature does not verify')
}

type Work = () => unknown
const OURS: Readonly<Record<string, { readonly parse: Work; readonly verify: Work }>> = {
  vigil: {
    parse: () => parseCertificate(der),
    verify: () => {
      verifySignature(parseCertificate(der), issuer, 'certificate')
    },
  },
  'node X509Certificate': {
    parse: () => new X509Certificate(der),
    verify: () => {
      expectTrue(new X509Certificate(der).verify(issuerKey))
    },
  },
  pkijs: {
    parse: () => pkijsOf(der),
    verify: async () => {
      expectTrue(await pkijsOf(der).verify(pkijsIssuer))
    },
  },
}

async function rate(work: Work): Promise<number> {
  for (let i = 0; i < 200; i++) await work()
  const start = process.cpuUsage()
  const end = performance.now() + SECONDS * 1000
  let operations = 0
  while (performance.now() < end) {
    for (let i = 0; i < 20; i++) await work()
    operations += 20
  }
  const { user, system } = process.cpuUsage(start)
  return operations / ((user + system) / 1e6)
}

const figures = z.object({ operations: z.number(), cpu: z.number() })

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  const files = { certificate: join(folder, 'certificate.der'), issuer: join(folder, 'issuer.der') }
  writeFileSync(files.certificate, der)
  writeFileSync(files.issuer, ca)
  using go = goPeer('certificate')
  const goRate = (what: string): number => {
    const printed =
      go === undefined ? undefined : output(go.file, [files.certificate, files.issuer, String(SECONDS), what])
    if (printed === undefined) return NaN
    const { operations, cpu } = figures.parse(JSON.parse(printed))
    return operations / cpu
  }
  const best = new Map<string, { parse: number; verify: number }>()
  const keep = (name: string, parse: number, verify: number): void => {
    const before = best.get(name) ?? { parse, verify }
    best.set(name, { parse: Math.max(before.parse, parse), verify: Math.max(before.verify, verify) })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { parse, verify }] of Object.entries(OURS))
      keep(name, await rate(parse), await rate(verify))
    keep('Go crypto/x509', goRate('parse'), goRate('verify'))
  }
  const ours = best.get('vigil')
  const rows = [...best].map(([name, { parse, verify }]) => [
    name,
    number(parse),
    percent(ours?.parse, parse),
    number(verify),
    percent(ours?.verify, verify),
  ])
  keepSection(
    'Certificates',
    `\`node bench/certificate.ts\`: a TLS server's certificate of ${der.length} octets, P-256; operations per CPU-second, the best of ${ROUNDS} rounds.
Node's X509Certificate decodes fields when they are asked for; vigil has checked every octet.\n\n` +
      table(['', 'parse', 'vigil / this', 'parse and verify', 'vigil / this'], rows),
  )
} finally {
  rmSync(folder, { recursive: true })
}

function number(value: number): string {
  return Number.isNaN(value) ? 'not installed' : value.toFixed(0)
}

function percent(ours: number | undefined, other: number): string {
  return ours === undefined || Number.isNaN(other) ? '' : `${((ours / other) * 100).toFixed(0)} %`
}
