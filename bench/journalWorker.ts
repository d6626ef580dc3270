// One part of bench/journal.ts in a process of its own. Prints operations, CPU seconds of the whole process and peak resident octets.
// Usage: journalWorker ingest DIR RECORDS: audit records, durable.
//        journalWorker verify DIR: full verification.
//        journalWorker prove DIR FILE: writes the proof of a record in the middle.
//        journalWorker proof FILE VKEY SECONDS: verifies one proof again and again.
import { hash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { nodeDisk } from '../journal/disk.ts'
import { openJournal } from '../journal/journal.ts'
import { parseVerifierKeys } from '../journal/note.ts'
import { proveRecord } from '../journal/proof/prove.ts'
import { verifyProof } from '../journal/proof/verify.ts'
import { verifyJournal } from '../journal/verify.ts'
import type { NewRecord } from '../model/record.ts'

/** Records handed over at once. */
const BATCH = 500
/** Batches that may wait for the disk, as several sources would have them. */
const WAITING = 16

const [what = '', path = '', ...options] = process.argv.slice(2)
switch (what) {
  case 'ingest':
    report(await ingest(path, Number(options[0])))
    break
  case 'verify':
    report(await verify(path))
    break
  case 'prove':
    await prove(path, options[0] ?? '')
    break
  case 'proof':
    measureProof(readFileSync(path, 'utf8'), readFileSync(options[0] ?? '', 'utf8'), Number(options[1]))
    break
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function report(operations: number): void {
  const rss = process.resourceUsage().maxRSS * 1024
  console.log(JSON.stringify({ operations, cpu: cpu(), rss }))
}

/** An audit record of the size that EJBCA's lines give. */
function auditRecord(i: number): NewRecord {
  const time = new Date(Date.UTC(2026, 10, 22) + i).toISOString()
  const serial = hash('sha256', String(i)).slice(0, 32)
  const user = `CN=ra-${i % 17}`
  const caId = String((i % 5) * 1234567)
  const at = `${time.slice(0, 10)} ${time.slice(11, 19)}+00:00`
  const original = `${at};CERT_CREATION;SUCCESS;CERTIFICATE;EJBCA;${user};${caId};${serial};device-${i};subjectdn=CN=device-${i},O=Example;certprofile=${i % 9}`
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
      user: { name: user },
      pki: { caId, serial, username: `device-${i}` },
      position: { source: 'ejbca-vm', fingerprint: 'a'.repeat(64), offset: i * 231, end: (i + 1) * 231 },
    },
  }
}

async function ingest(directory: string, count: number): Promise<number> {
  const journal = await openJournal({
    directory,
    origin: 'vigil.bench',
    keyFile: `${directory}.key.pem`,
    now: Date.now,
    random: randomBytes,
  })
  const waiting: Promise<unknown>[] = []
  for (let i = 0; i < count; i += BATCH) {
    waiting.push(
      journal.append(Array.from({ length: Math.min(BATCH, count - i) }, (_, n) => auditRecord(i + n))),
    )
    if (waiting.length >= WAITING) await waiting.shift()
  }
  await Promise.all(waiting)
  await journal.close()
  return count
}

async function verify(directory: string): Promise<number> {
  const trust = readFileSync(`${directory}/vkey`, 'utf8')
  const { verdict, fault, records } = await verifyJournal(directory, { trust })
  if (verdict !== 'authenticated') throw new Error(JSON.stringify(fault))
  return Object.values(records).reduce((total, n) => total + n, 0)
}

async function prove(directory: string, file: string): Promise<void> {
  const [, size = ''] = readFileSync(`${directory}/checkpoint`, 'utf8').split('\n')
  writeFileSync(file, await proveRecord(nodeDisk, directory, { entry: Number(size) >> 1, n: 0 }))
}

function measureProof(text: string, vkey: string, seconds: number): void {
  const run = (milliseconds: number): number => {
    const end = performance.now() + milliseconds
    let operations = 0
    for (; performance.now() < end; operations++) {
      // The keys are read for each, as by a program that is given one proof.
      const { verdict } = verifyProof(text, parseVerifierKeys(vkey))
      if (verdict !== 'authenticated') throw new Error(`expected an authenticated proof, got ${verdict}`)
    }
    return operations
  }
  run(500)
  const before = cpu()
  const operations = run(seconds * 1000)
  console.log(JSON.stringify({ operations, cpu: cpu() - before }))
}
