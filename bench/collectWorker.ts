// One part of bench/collect.ts in a process of its own. Prints operations, CPU seconds of the whole process and peak resident octets.
// Usage: collectWorker floor LOG: SHA-256 of the file.
//        collectWorker frame LOG: cuts it into records.
//        collectWorker parse LOG: makes events of it.
//        collectWorker journal LOG DIRECTORY: makes them durable in a new journal.
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { Collector } from '../collectors/collector.ts'
import { ejbca } from '../collectors/formats/ejbca.ts'
import { RecordFramer } from '../collectors/sources/records.ts'
import { openJournal } from '../journal/journal.ts'
import type { NewRecord } from '../model/record.ts'

const CHUNK_OCTETS = 256 * 1024

const [what = '', log = '', directory = ''] = process.argv.slice(2)
switch (what) {
  case 'floor':
    report(hash())
    break
  case 'frame':
    report(frame())
    break
  case 'parse':
    report(await collect((records) => Promise.resolve(records)))
    break
  case 'journal':
    report(await journal())
    break
}

function report(operations: number): void {
  const { user, system } = process.cpuUsage()
  const rss = process.resourceUsage().maxRSS * 1024
  console.log(JSON.stringify({ operations, cpu: (user + system) / 1e6, rss }))
}

function* chunks(): Generator<Uint8Array> {
  const file = openSync(log, 'r')
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

/** Returns octets: there are no records here. */
function hash(): number {
  const digest = createHash('sha256')
  let octets = 0
  for (const chunk of chunks()) {
    digest.update(chunk)
    octets += chunk.length
  }
  digest.digest()
  return octets
}

function frame(): number {
  const framer = new RecordFramer({ startsRecord: (line) => ejbca.startsRecord(line) })
  let records = 0
  for (const chunk of chunks()) records += framer.push(chunk).length
  return records + framer.finish().length
}

async function collect(
  record: (records: readonly NewRecord[]) => Promise<readonly unknown[]>,
  keep?: ConstructorParameters<typeof Collector>[0]['keep'],
): Promise<number> {
  const collector = new Collector({
    log: { id: 'bench', format: 'ejbca', path: log, authorities: [] },
    authorities: [{ id: 'issuing-1', subject: 'CN=Issuing CA 1,O=Example PKI,C=SE' }],
    positions: [],
    record,
    ...(keep === undefined ? {} : { keep }),
    // The last record is complete at once: nobody writes any more.
    file: { quiet: 0 },
    now: Date.now,
    onProblem: (problem) => console.error(problem.message),
  })
  await collector.poll()
  await collector.close()
  return collector.counts.records
}

async function journal(): Promise<number> {
  const opened = await openJournal({
    directory,
    origin: 'vigil.bench',
    keyFile: `${directory}.key.pem`,
    now: Date.now,
    random: randomBytes,
  })
  const records = await collect(
    (batch) => opened.append(batch),
    (artifact) => opened.putArtifact(artifact),
  )
  await opened.close()
  return records
}
