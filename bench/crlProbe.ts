// Probing CRLs of 1,000 to 5,000,000 entries over HTTP, from a server on the loopback: what vigil needs to fetch and verify every entry, or to hear
// that nothing changed, and blackbox_exporter to fetch the octets (it reads nothing in them). CPU seconds of resident processes.
// Usage: node bench/crlProbe.ts [ENTRIES,..., default 1000,100000,1000000,5000000]
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { freePorts } from '../test/support/ports.ts'
import { compile } from './compile.ts'
import { benchAuthority, writeCrl } from './crlFile.ts'
import { output } from './peer.ts'
import { keepSection, table } from './results.ts'

const SIZES = (process.argv[2] ?? '1000,100000,1000000,5000000').split(',').map(Number)
/** About so many entries are read in all rounds of a size together, and at most so many rounds. */
const ENTRIES_IN_ALL = 5_000_000
const MAX_ROUNDS = 50
/** From the kernel's clock tick; 100 on every Linux that runs Node. */
const TICKS_PER_SECOND = 100

const figures = z.object({ cpu: z.number(), rss: z.number(), turn: z.number(), late: z.number() })

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Builds it when it is not there. undefined: it cannot be built, which is then said. */
function blackboxExporter(): string | undefined {
  return output(script('peers/blackbox_exporter.sh'), [])?.trim()
}

async function startBlackbox(program: string): Promise<{ child: ChildProcess; url: string }> {
  const [port = 0] = await freePorts(1)
  const configuration = join(folder, 'blackbox.yml')
  writeFileSync(configuration, 'modules: { crl: { prober: http, timeout: 120s } }\n')
  const listen = `127.0.0.1:${port}`
  const options = [`--config.file=${configuration}`, `--web.listen-address=${listen}`, '--log.level=error']
  const child = spawn(program, options, { stdio: 'ignore' })
  const url = `http://${listen}`
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await delay(50)
  return { child, url }
}

/** CPU seconds so far and peak resident octets of another process. */
function usage(pid = 0): { cpu: number; rss: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
  return { cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rss: peak * 1024 }
}

async function probeWithBlackbox(program: string, crl: string, rounds: number): Promise<string> {
  const { child, url } = await startBlackbox(program)
  try {
    const probe = async (): Promise<void> => {
      const answer = await fetch(`${url}/probe?module=crl&target=${encodeURIComponent(crl)}`)
      if (!/^probe_success 1$/m.test(await answer.text())) throw new Error(`blackbox_exporter: ${crl} failed`)
    }
    await probe()
    const before = usage(child.pid)
    for (let i = 0; i < rounds; i++) await probe()
    const { cpu, rss } = usage(child.pid)
    return cell((cpu - before.cpu) / rounds, rss)
  } finally {
    child.kill()
  }
}

function cell(cpu: number, rss: number): string {
  return `${(cpu * 1000).toFixed(1)} ms, ${(rss / 1e6).toFixed(0)} MB`
}

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
const server = spawn(process.execPath, [script('crlServer.ts'), folder], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
  const at = `http://127.0.0.1:${port}`
  const authority = await benchAuthority()
  const issuer = join(folder, 'issuer.der')
  writeFileSync(issuer, authority.certificate)
  const blackbox = blackboxExporter()
  const compiled = compile(['bench/crlProbeWorker.ts', 'probes/crl/worker.ts'], folder)
  const rows: string[][] = []
  for (const size of SIZES) {
    writeCrl(join(folder, `${size}.crl`), authority, size)
    const url = `${at}/${size}.crl`
    const rounds = Math.max(2, Math.min(MAX_ROUNDS, Math.floor(ENTRIES_IN_ALL / size)))
    const vigil = (what: string): z.infer<typeof figures> => {
      const options = [join(compiled, 'bench/crlProbeWorker.js'), what, url, issuer, String(rounds)]
      const { status, stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      return figures.parse(JSON.parse(stdout))
    }
    const full = vigil('full')
    const conditional = vigil('conditional')
    rows.push([
      size.toLocaleString('en'),
      cell(full.cpu, full.rss),
      cell(conditional.cpu, conditional.rss),
      blackbox === undefined ? 'not built' : await probeWithBlackbox(blackbox, url, rounds),
      `${full.turn.toFixed(0)} ms`,
      `${full.late.toFixed(0)} ms`,
    ])
    rmSync(join(folder, `${size}.crl`))
  }
  const header = [
    'entries',
    'vigil, in full',
    'vigil, nothing changed',
    'blackbox_exporter 0.28.0',
    'longest turn',
    'a timer was late by',
  ]
  keepSection(
    'CRL probe',
    `\`node bench/crlProbe.ts\`: a probe over HTTP (42 octets an entry), CPU time of each and peak memory of a resident process. In full: fetched as a
stream, every entry read, linted, indexed and verified (RSA-2048). blackbox_exporter fetches the octets and reads nothing in them; it has no conditional
requests. The longest turn of vigil's event loop is CPU time while a CRL is fetched and judged in full; how late a timer was is what a busy machine adds.

${table(header, rows)}`,
  )
} finally {
  server.kill()
  rmSync(folder, { recursive: true })
}
