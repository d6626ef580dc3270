// Journal: durable ingest and full verification, against the SHA-256 of the same octets in the same run (the floor: no verifier can
// do less). Arguments: records (default 200000). CPU seconds are user and system time of this process.
import { hash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from '../journal/journal.ts'
import { openReader } from '../journal/reader.ts'
import { verifyJournal } from '../journal/verify.ts'
import type { NewRecord } from '../model/record.ts'

const RECORDS = Number(process.argv[2] ?? 200_000)
const BATCH = 500

/** An audit record of the size that EJBCA lines give. */
function auditRecord(i: number): NewRecord {
  const time = new Date(Date.UTC(2026, 10, 22) + i).toISOString()
  const serial = hash('sha256', String(i)).slice(0, 32)
  const original = `${time.slice(0, 19).replace('T', ' ')}+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;EJBCA;CN=ra-${i % 17};${(i % 5) * 1234567};${serial};device-${i};subjectdn=CN=device-${i},O=Example;certprofile=${i % 9}`
  return {
    kind: 'audit',
    time,
    body: {
      '@timestamp': time,
      event: {
        action: 'CERT_CREATION',
        outcome: 'success',
        category: ['iam'],
        type: ['creation'],
        module: 'ejbca',
        dataset: 'ejbca.audit',
        original,
      },
      user: { name: `CN=ra-${i % 17}` },
      pki: { caId: String((i % 5) * 1234567), serial, username: `device-${i}` },
      position: { source: 'ejbca-vm', fingerprint: 'a'.repeat(64), offset: i * 231, end: (i + 1) * 231 },
    },
  }
}

interface Cost {
  readonly wall: number
  readonly cpu: number
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const start = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }
}

function line(name: string, cost: Cost, amount: string, floor?: Cost): void {
  const ratio = floor === undefined ? '' : `, ${(cost.cpu / floor.cpu).toFixed(1)} x the floor`
  console.log(`${name}: ${amount}; ${cost.wall.toFixed(2)} s, ${cost.cpu.toFixed(2)} CPU-s${ratio}`)
}

const root = await mkdtemp(join(tmpdir(), 'vigil-bench-'))
try {
  const directory = join(root, 'journal')
  const records = Array.from({ length: RECORDS }, (_, i) => auditRecord(i))
  const journal = await openJournal({
    directory,
    origin: 'vigil.bench',
    keyFile: join(root, 'key.pem'),
    now: Date.now,
    random: randomBytes,
  })
  const ingest = await measure(async () => {
    const waiting: Promise<unknown>[] = []
    for (let i = 0; i < RECORDS; i += BATCH) {
      waiting.push(journal.append(records.slice(i, i + BATCH)))
      if (waiting.length >= 16) await waiting.shift()
    }
    await Promise.all(waiting)
    await journal.close()
  })
  line(
    'durable ingest',
    ingest,
    `${Math.round(RECORDS / ingest.cpu)} records/CPU-s, ${Math.round(RECORDS / ingest.wall)}/s`,
  )

  const texts: Buffer[] = []
  for await (const batch of (await openReader(directory)).read())
    for (const record of batch) texts.push(Buffer.from(JSON.stringify(record)))
  const octets = texts.reduce((total, text) => total + text.length, 0)
  const floor = await measure(() => {
    for (const text of texts) hash('sha256', text, 'buffer')
    return Promise.resolve()
  })
  line('floor: SHA-256 of each record', floor, `${Math.round(octets / 1e6)} MB`)

  const verify = await measure(async () => {
    const report = await verifyJournal(directory)
    if (report.verdict !== 'self_consistent') throw new Error(JSON.stringify(report.fault))
  })
  line('full verification', verify, `${Math.round(RECORDS / verify.cpu)} records/CPU-s`, floor)

  const read = await measure(async () => {
    let count = 0
    for await (const batch of (await openReader(directory)).read()) count += batch.length
    if (count !== RECORDS + 1) throw new Error(`expected ${RECORDS + 1} records, got ${count}`)
  })
  line('reading it all', read, `${Math.round(RECORDS / read.cpu)} records/CPU-s`, floor)

  let size = 0
  for (const item of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (item.isFile()) size += (await stat(join(item.parentPath, item.name))).size
  const bundles = await readFile(join(directory, 'checkpoint'), 'utf8')
  console.log(
    `on disk: ${(size / RECORDS).toFixed(1)} octets a record, ${bundles.split('\n')[1] ?? ''} entries`,
  )
  console.log(
    `memory: ${Math.round(process.memoryUsage.rss() / 1e6)} MB, of which the records here are the most`,
  )
} finally {
  await rm(root, { recursive: true, force: true })
}
