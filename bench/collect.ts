// Audit lines per CPU-second from a file to parsed events, beside the floor (reading the same bytes and SHA-256 over them), in
// one run, the best of three. Nothing is made durable here: that is the journal's part. Usage: node bench/collect.ts [LINES]
import { createHash } from 'node:crypto'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Collector } from '../collectors/collector.ts'
import { ejbca } from '../collectors/formats/ejbca.ts'
import { RecordFramer } from '../collectors/sources/records.ts'

const RECORDING = new URL('../test/fixtures/ejbca-real/audit.log', import.meta.url)
const CHUNK_OCTETS = 256 * 1024
const ROUNDS = 3

/** The recording again and again, with a first line of its own so that the file has an identity. */
function writeLog(path: string, lines: number): number {
  const recording = readFileSync(RECORDING)
  const file = openSync(path, 'w')
  let written = 0
  try {
    while (written < lines) {
      writeSync(file, recording)
      written += recording.toString('latin1').split('\n').length - 1
    }
  } finally {
    closeSync(file)
  }
  return written
}

function* chunks(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_OCTETS)
      const octets = readSync(file, chunk)
      if (octets === 0) return
      yield chunk.subarray(0, octets)
    }
  } finally {
    closeSync(file)
  }
}

function hash(path: string): void {
  const digest = createHash('sha256')
  for (const chunk of chunks(path)) digest.update(chunk)
  digest.digest()
}

function frame(path: string): void {
  const framer = new RecordFramer({ startsRecord: (line) => ejbca.startsRecord(line) })
  for (const chunk of chunks(path)) framer.push(chunk)
  framer.finish()
}

async function collect(path: string): Promise<void> {
  const collector = new Collector({
    log: { id: 'bench', format: 'ejbca', path, authorities: [] },
    authorities: [{ id: 'issuing-1', subject: 'CN=Issuing CA 1,O=Example PKI,C=SE' }],
    positions: [],
    record: (records) => Promise.resolve(records),
    now: () => 0,
    onProblem: (problem) => console.error(problem.message),
  })
  await collector.poll()
  await collector.close()
}

/** CPU-seconds, the least of some runs. */
async function cpu(work: () => void | Promise<void>): Promise<number> {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1e6)
  }
  return best
}

const directory = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  const path = join(directory, 'audit.log')
  const lines = writeLog(path, Number(process.argv[2] ?? 300_000))
  const octets = statSync(path).size
  console.log(`${lines} lines, ${Math.round(octets / 1e6)} MB, ${Math.round(octets / lines)} octets a line`)
  const floor = await cpu(() => hash(path))
  const framing = await cpu(() => frame(path))
  const collecting = await cpu(() => collect(path))
  const row = (what: string, seconds: number) =>
    console.log(
      `${what.padEnd(28)} ${Math.round(lines / seconds / 1000)}k lines per CPU-second, ${(seconds / floor).toFixed(1)} x the floor`,
    )
  row('read + SHA-256 (the floor)', floor)
  row('read + frame', framing)
  row('file to parsed events', collecting)
  console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
} finally {
  rmSync(directory, { recursive: true })
}
