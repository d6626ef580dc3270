// What a year takes on disk: 1,000 services each minute and 100,000 audit entries a day. A real `vigil run` watches a real lab for some minutes; what it wrote
// once everything had been seen is scaled to a year. The lab has four certificates for all services, which compress too well: names and digests are replaced so
// that each service has its own before the records are compressed as segments are.
// Usage: node bench/year.ts [MINUTES, default 20] [DIRECTORY of an earlier run, which is then only looked at]
import { hash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { constants, zstdCompressSync } from 'node:zlib'
import { openReader, type JournalReader } from '../journal/reader.ts'
import type { RecordKind, SealedRecord } from '../model/record.ts'
import { fromTimestamp } from '../model/time.ts'
import { writeAuditLog } from './auditLog.ts'
import { readFigures } from './contest.ts'
import { labOfManyServices } from './manyServices.ts'
import { output } from './peer.ts'
import { keepSection, table } from './results.ts'

const MINUTES = Number(process.argv[2] ?? 20)
const SERVICES = 1000
const AUDIT_A_DAY = 100_000
/** Minutes until each target was seen in full, and first verdicts are written. */
const WARM_UP = 5
const MINUTE_MS = 60_000
const DAYS = 365
const MINUTES_A_YEAR = DAYS * 24 * 60
/** As segments are cut and compressed (journal/segments.ts, journal/sealedFile.ts). */
const SEGMENT_OCTETS = 4 * 1024 * 1024
const LEVEL = 3
/** The digest of a record, in its entry. */
const DIGEST_OCTETS = 32
/** The rest of an entry in its bundle, its leaf in a tile, and 1/255 of that for the tiles above. */
const ENTRY_OCTETS = 2 + 31 + 32 * (1 + 1 / 255)
/** Of an artifact: its header in the pack and its row in the index. */
const ITEM_OCTETS = 40 + 44
const TIMELY: readonly RecordKind[] = ['observation', 'unchanged', 'tick']
const OCSP_RESPONSE = 'application/ocsp-response'

const given = process.argv[3]
const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  const directory = given ?? (await watch(folder))
  report(await growthOf(directory), auditDay(folder))
} finally {
  rmSync(folder, { recursive: true })
}

/** Runs vigil; returns its journal. */
async function watch(directory: string): Promise<string> {
  const { lab, file } = await labOfManyServices(directory, SERVICES)
  const program = fileURLToPath(new URL('../bin/vigil.js', import.meta.url))
  const vigil = spawn(process.execPath, [program, 'run', '-c', file], { stdio: 'ignore' })
  const exited = new Promise((resolve) => vigil.once('exit', resolve))
  await delay((WARM_UP + MINUTES) * MINUTE_MS)
  vigil.kill('SIGTERM')
  await exited
  await lab.close()
  return join(directory, 'journal')
}

interface Growth {
  /** Records by kind and probe, as text. */
  readonly shares: ReadonlyMap<string, readonly string[]>
  readonly entries: number
  readonly minutes: number
  /** Questions to OCSP responders, of which one answer an hour is kept, and octets of one in a pack. */
  readonly questions: number
  readonly answer: number
}

/** What came after the warm-up. */
async function growthOf(directory: string): Promise<Growth> {
  const reader = await openReader(directory)
  const shares = new Map<string, string[]>()
  const questions = new Map<string, string | undefined>()
  let [start, end, entries] = [NaN, NaN, 0]
  for await (const batch of reader.read()) {
    const recorded = fromTimestamp(batch[0]?.recorded ?? '')
    if (Number.isNaN(start)) start = recorded + WARM_UP * MINUTE_MS
    for (const record of batch) noteQuestion(record, questions)
    if (recorded < start) continue
    end = recorded
    entries++
    for (const record of batch) add(record, shares)
  }
  const answers = [...questions.values()].filter((digest) => digest !== undefined)
  return {
    shares,
    entries,
    minutes: (end - start) / MINUTE_MS,
    questions: questions.size,
    answer: await packedOctets(reader, answers),
  }
}

/** Records that come with time. Decisions, actions and audit events come with what happens. */
function add(record: SealedRecord, shares: Map<string, string[]>): void {
  if (!TIMELY.includes(record.kind)) return
  const name = record.kind === 'observation' ? `observation: ${record.body.probe}` : record.kind
  const texts = shares.get(name) ?? []
  texts.push(ownCertificate(record))
  shares.set(name, texts)
}

/** The record as stored, if the service had a certificate and a key of its own. */
function ownCertificate({ id, kind, time, recorded, body }: SealedRecord): string {
  const nonce = hash('sha256', id).slice(0, 32)
  const line = (text: string) => `${text.slice(0, -1)},"nonce":"${nonce}","v":1}\n`
  const stored = JSON.stringify({ body, kind, recorded, time })
  if (kind !== 'observation') return line(stored)
  const { subject, artifacts } = body
  const answers = new Set(artifacts.filter(({ kept }) => !kept).map(({ digest }) => digest))
  const text = stored
    .replace(/"sharedWith":\[[^\]]*\]/, '"sharedWith":[]')
    .replace(/\b[0-9a-f]{32,64}\b/g, (name) =>
      answers.has(name) ? name : hash('sha256', subject + name).slice(0, name.length),
    )
  return line(text)
}

function noteQuestion({ kind, body }: SealedRecord, questions: Map<string, string | undefined>): void {
  if (kind !== 'observation') return
  for (const { mediaType, digest, kept } of body.artifacts) {
    if (mediaType !== OCSP_RESPONSE) continue
    const question = `${body.subject} ${body.probe} ${body.target}`
    if (kept || !questions.has(question)) questions.set(question, kept ? digest : undefined)
  }
}

/** Mean octets of artifacts in a pack and its index. */
async function packedOctets(reader: JournalReader, digests: readonly string[]): Promise<number> {
  let octets = 0
  for (const digest of digests)
    octets += zstdCompressSync((await reader.getArtifact(digest)) ?? Buffer.alloc(0)).length + ITEM_OCTETS
  return octets / digests.length
}

/** Octets of a journal of one day's audit entries, and how many there are. */
function auditDay(directory: string): { readonly records: number; readonly octets: number } {
  const log = join(directory, 'audit.log')
  const journal = join(directory, 'audit')
  // The recording has records of several lines.
  writeAuditLog(log, AUDIT_A_DAY * 1.3)
  const worker = fileURLToPath(new URL('collectWorker.ts', import.meta.url))
  const { operations } = readFigures(output(process.execPath, [worker, 'journal', log, journal])) ?? {
    operations: NaN,
  }
  const octets = readdirSync(journal, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .reduce((total, item) => total + statSync(join(item.parentPath, item.name)).size, 0)
  return { records: operations, octets }
}

function report(growth: Growth, audit: ReturnType<typeof auditDay>): void {
  const { shares, entries, minutes, questions, answer } = growth
  // On a busy machine probes come later than they should. A handshake with its OCSP answer differs from the one before each time.
  const handshakes = shares.get('observation: tls')?.length ?? NaN
  const minutesSeen = handshakes / SERVICES
  const rows = [...shares]
    .map(([name, texts]) => {
      const records = texts.length
      const text = texts.join('')
      const octets = compressed(text) + records * DIGEST_OCTETS
      const raw = Buffer.byteLength(text) / records
      return { name, records, raw, octets, year: (octets / minutesSeen) * MINUTES_A_YEAR }
    })
    .toSorted((a, b) => b.year - a.year)
  const treeYear = (entries / minutes) * ENTRY_OCTETS * MINUTES_A_YEAR
  const answersYear = questions * answer * 24 * DAYS
  const auditYear = (audit.octets / audit.records) * AUDIT_A_DAY * DAYS
  const total = rows.reduce((sum, { year }) => sum + year, treeYear + answersYear + auditYear)
  const gb = (octets: number) => (octets < 5e7 ? '< 0.1 GB' : `${(octets / 1e9).toFixed(1)} GB`)
  const line = (name: string, year: number) => [name, '', '', '', gb(year)]
  keepSection(
    'A year of a journal',
    `\`node bench/year.ts ${MINUTES}\`: ${SERVICES.toLocaleString('en')} services each minute (handshake with an OCSP question of its own, and what the logs say of the certificate), measured in ${minutes.toFixed(0)} minutes of
\`vigil run\` in the lab after a warm-up; ${AUDIT_A_DAY.toLocaleString('en')} audit entries a day, measured in a journal of so many. Extrapolated to a year. Records with their digest in the tree,
as if each service had a certificate of its own. The lab's responders sign each answer anew. Decisions are left out: they come with changes (71 octets each when many come at once).

${table(
  ['', 'a minute', 'octets of JSON', 'octets on disk', 'a year'],
  [
    ...rows.map(({ name, records, raw, octets, year }) => [
      name,
      (records / minutesSeen).toFixed(1),
      raw.toFixed(0),
      (octets / records).toFixed(0),
      gb(year),
    ]),
    line(
      `one OCSP answer an hour for each of ${questions} questions, ${answer.toFixed(0)} octets`,
      answersYear,
    ),
    line('tree: entries and tiles', treeYear),
    line(
      `audit: ${(audit.octets / audit.records).toFixed(0)} octets an entry, with its certificates`,
      auditYear,
    ),
    line('together', total),
  ],
)}`,
  )
}

/** Octets of text in segments. */
function compressed(text: string): number {
  const bytes = Buffer.from(text)
  let octets = 0
  for (let at = 0; at < bytes.length; at += SEGMENT_OCTETS)
    octets += zstdCompressSync(bytes.subarray(at, at + SEGMENT_OCTETS), {
      params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    }).length
  return octets
}
