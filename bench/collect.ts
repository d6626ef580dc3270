// Collecting: lines of an audit log of EJBCA per CPU-second, from the file to the durable journal, beside an ordinary Go program (bench/peers/collect), Filebeat
// writing the same records to a file, and the floor, the SHA-256 of the file in Node. Fresh processes, interleaved, the best of the rounds. Memory with a
// long backlog. The product runs as it is installed, compiled.
// Usage: node bench/collect.ts [ROUNDS, default 3] [LINES, default 300000] [GIGABYTES of backlog, default 0: none]
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeAuditLog } from './auditLog.ts'
import { compile } from './compile.ts'
import { contest, contestTable, load, readFigures, type Contestant } from './contest.ts'
import { filebeatToFile } from './filebeat.ts'
import { goPeer, output } from './peer.ts'
import { keepSection } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const LINES = Number(process.argv[3] ?? 300_000)
const BACKLOG_OCTETS = Number(process.argv[4] ?? 0) * 1e9

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  using go = goPeer('collect')
  const worker = join(compile(['bench/collectWorker.ts'], folder), 'bench/collectWorker.js')
  const log = join(folder, 'audit.log')
  const lines = writeAuditLog(log, LINES)
  const octets = statSync(log).size
  const inLines = (figures: ReturnType<typeof readFigures>) => figures && { ...figures, operations: lines }
  const vigil =
    (...options: readonly string[]): Contestant =>
    () =>
      inLines(readFigures(output(process.execPath, [worker, ...options])))
  const records = readFigures(output(process.execPath, [worker, 'frame', log]))?.operations ?? NaN

  const journal = join(folder, 'journal')
  const shipped = join(folder, 'filebeat')
  const fresh =
    (path: string, contestant: Contestant): Contestant =>
    async () => {
      rmSync(path, { recursive: true, force: true })
      return await contestant()
    }
  const best = await contest(ROUNDS, {
    'vigil: file to durable journal': fresh(journal, vigil('journal', log, journal)),
    'vigil: file to events': vigil('parse', log),
    'Go: fields, JSON appended, fsync': () =>
      go === undefined ? undefined : inLines(readFigures(output(go.file, [log, join(folder, 'events')]))),
    'Filebeat: raw records in JSON to a file': fresh(shipped, async () =>
      inLines(await filebeatToFile(log, shipped, records)),
    ),
    'Node: records cut': vigil('frame', log),
    'floor: SHA-256 of the file': vigil('floor', log),
  })
  rmSync(shipped, { recursive: true, force: true })
  keepSection(
    'Collecting',
    `\`node bench/collect.ts\`: ${lines.toLocaleString('en')} lines (${records.toLocaleString('en')} records, ${Math.round(octets / lines)} octets a line), the recording of a real EJBCA with other certificates each time.
Whole processes, the best of ${ROUNDS} rounds. ${load()}. Filebeat takes no fields out of the records and calls no fsync; the Go program keeps no certificates
as artifacts, and no tree.

${contestTable('lines', best)}`,
  )
  if (BACKLOG_OCTETS > 0) backlog(log, BACKLOG_OCTETS / (octets / lines))

  function backlog(path: string, length: number): void {
    const written = writeAuditLog(path, length)
    const { size } = statSync(path)
    rmSync(journal, { recursive: true, force: true })
    const start = performance.now()
    const figures = readFigures(output(process.execPath, [worker, 'journal', path, journal]))
    if (figures === undefined) return
    keepSection(
      'Collecting: a backlog',
      `\`node bench/collect.ts 1 1000 ${size / 1e9}\`: ${(size / 1e9).toFixed(1)} GB of audit log, ${written.toLocaleString('en')} lines, read from the beginning into a new journal: ${figures.operations.toLocaleString('en')} records in
${((performance.now() - start) / 1000).toFixed(0)} s (${figures.cpu.toFixed(0)} CPU-s, ${load().toLowerCase()}), at most ${((figures.rss ?? NaN) / 1e6).toFixed(0)} MB resident.`,
    )
  }
} finally {
  rmSync(folder, { recursive: true })
}
