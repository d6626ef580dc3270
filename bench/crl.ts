// CRLs of 1,000 to 5,000,000 entries: read in pieces, every entry parsed, verified (RSA-2048), reasons counted, 1,000 look-ups. CPU seconds
// and peak memory of fresh processes, beside the floor (SHA-256 of the file in Node), `openssl crl` (which only parses and verifies) and Go's
// crypto/x509; interleaved, the median of the rounds, ratios of each round. The product runs as it is installed, compiled.
// Usage: node bench/crl.ts [ROUNDS, default 5] [ENTRIES,..., default 1000,100000,1000000,5000000]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { toPem } from '../lab/issue.ts'
import { compile } from './compile.ts'
import { benchAuthority, writeCrl } from './crlFile.ts'
import { goPeer, output } from './peer.ts'
import { keepSection, median, table } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const SIZES = (process.argv[3] ?? '1000,100000,1000000,5000000').split(',').map(Number)
const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))

interface Files {
  readonly crl: string
  readonly issuer: string
  readonly issuerPem: string
  readonly serials: string
}

const figures = z.object({
  cpu: z.number(),
  rss: z.number(),
  sha256: z.number().optional(),
  unindexed: z.number().optional(),
})
type Figures = z.infer<typeof figures>

/** undefined: not here. */
type Contestant = (files: Files) => Figures | undefined

function read(printed: string | undefined): Figures | undefined {
  return printed === undefined ? undefined : figures.parse(JSON.parse(printed))
}

try {
  using go = goPeer('crl')
  const worker = join(compile(['bench/crlWorker.ts'], folder), 'bench/crlWorker.js')
  const product =
    (what: string): Contestant =>
    ({ crl, issuer, serials }) =>
      read(output(process.execPath, [worker, what, crl, issuer, serials]))
  const FLOOR = 'floor: SHA-256 of the file'
  const INDEXED = 'vigil, 1,000 look-ups'
  const PLAIN = 'vigil without index'
  const OPENSSL = 'openssl crl'
  const GO = 'Go crypto/x509'
  const contestants: Readonly<Record<string, Contestant>> = {
    [FLOOR]: product('floor'),
    [INDEXED]: product('index'),
    [PLAIN]: product('stream'),
    // Measured by the Go program, since Node does not say what a child needed.
    [OPENSSL]: ({ crl, issuerPem }) =>
      go === undefined
        ? undefined
        : read(
            output(go.file, [
              ...['-run', 'openssl', 'crl', '-in', crl, '-inform', 'DER', '-CAfile', issuerPem, '-noout'],
            ]),
          ),
    [GO]: ({ crl, issuer, serials }) =>
      go === undefined ? undefined : read(output(go.file, [crl, issuer, serials])),
  }

  const authority = await benchAuthority()
  const issuer = join(folder, 'issuer.der')
  writeFileSync(issuer, authority.certificate)
  const issuerPem = join(folder, 'issuer.pem')
  writeFileSync(issuerPem, toPem(authority.certificate, 'CERTIFICATE'))

  const rows: string[][] = []
  const ratios: string[][] = []
  const resident: string[][] = []
  for (const size of SIZES) {
    const files = {
      crl: join(folder, `${size}.crl`),
      issuer,
      issuerPem,
      serials: join(folder, `${size}.txt`),
    }
    writeFileSync(files.serials, writeCrl(files.crl, authority, size).join('\n'))
    const results = new Map<string, Figures[]>()
    const keep = (name: string, figure: Figures | undefined) => {
      if (figure !== undefined) results.set(name, [...(results.get(name) ?? []), figure])
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, contestant] of Object.entries(contestants)) keep(name, contestant(files))
      keep('resident', product('resident')(files))
    }
    const cell = (name: string): string => {
      const all = results.get(name)
      if (all === undefined) return 'not installed'
      return `${median(all.map(({ cpu }) => cpu)).toFixed(3)} s, ${(median(all.map(({ rss }) => rss)) / 1e6).toFixed(0)} MB`
    }
    const ratio = (name: string, by: string): string => {
      const [of, to] = [results.get(name), results.get(by)]
      if (of === undefined || to === undefined) return ''
      return median(of.map(({ cpu }, round) => cpu / (to[round]?.cpu ?? NaN))).toFixed(1)
    }
    rows.push([size.toLocaleString('en'), ...Object.keys(contestants).map(cell)])
    ratios.push([
      size.toLocaleString('en'),
      ratio(GO, INDEXED),
      ratio(OPENSSL, INDEXED),
      ratio(GO, PLAIN),
      ratio(OPENSSL, PLAIN),
    ])
    const warm = results.get('resident') ?? []
    const ms = (of: (figure: Figures) => number | undefined) =>
      (1000 * median(warm.map((figure) => of(figure) ?? NaN))).toFixed(2)
    const times = (of: (figure: Figures) => number | undefined) =>
      median(warm.map((figure) => (of(figure) ?? NaN) / (figure.sha256 ?? NaN))).toFixed(2)
    resident.push([
      size.toLocaleString('en'),
      ms(({ sha256 }) => sha256),
      ms(({ cpu }) => cpu),
      times(({ cpu }) => cpu),
      ms(({ unindexed }) => unindexed),
      times(({ unindexed }) => unindexed),
    ])
    rmSync(files.crl)
  }
  keepSection(
    'CRL',
    `\`node bench/crl.ts\`: read, parse every entry, verify (RSA-2048), count reasons, 1,000 look-ups (42 octets an entry). Fresh processes, CPU time
and peak memory, median of ${ROUNDS} rounds; ratios are the median of the ratios of each round. \`openssl crl\` only parses and verifies.

${table(['entries', ...Object.keys(contestants)], rows)}

How many times less CPU:

${table(['entries', 'than Go', 'than openssl', 'without index: than Go', 'than openssl'], ratios)}

In a process that is warm, milliseconds of CPU, and how many times the SHA-256 of the same octets:

${table(['entries', 'SHA-256', INDEXED, 'ratio', PLAIN, 'ratio'], resident)}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
