// The journal: durable ingest, full verification, proofs. Records and proofs per CPU-second of fresh processes, beside ordinary Go programs that do
// the same, or less (bench/peers/journal); interleaved, the best of the rounds. The product runs as it is installed, compiled.
// Usage: node bench/journal.ts [ROUNDS, default 5] [RECORDS, default 500000]
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from './compile.ts'
import { contest, contestTable, load, readFigures, type Contestant } from './contest.ts'
import { goPeer, output } from './peer.ts'
import { keepSection } from './results.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const RECORDS = process.argv[3] ?? '500000'
const PROOF_SECONDS = '1'

function octetsOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .reduce((total, item) => total + statSync(join(item.parentPath, item.name)).size, 0)
}

const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  using go = goPeer('journal')
  const worker = join(compile(['bench/journalWorker.ts'], folder), 'bench/journalWorker.js')
  const vigil =
    (...options: readonly string[]): Contestant =>
    () =>
      readFigures(output(process.execPath, [worker, ...options]))
  const peer =
    (...options: readonly string[]): Contestant =>
    () =>
      go === undefined ? undefined : readFigures(output(go.file, options))

  const directory = join(folder, 'journal')
  const ingest = await contest(ROUNDS, {
    'vigil: records, segments, tree, checkpoint': () => {
      rmSync(directory, { recursive: true, force: true })
      return vigil('ingest', directory, RECORDS)()
    },
    'Go: JSON and SHA-256 appended': peer('ingest', join(folder, 'records'), RECORDS),
  })
  const verification = await contest(ROUNDS, {
    vigil: vigil('verify', directory),
    'Go: digests, tree and signature': peer('verify', directory),
    'Go: these and canonical JSON': peer('verify-json', directory),
  })
  const [proof, vkey] = [join(folder, 'proof'), join(directory, 'vkey')]
  output(process.execPath, [worker, 'prove', directory, proof])
  const proofs = await contest(ROUNDS, {
    vigil: vigil('proof', proof, vkey, PROOF_SECONDS),
    'Go: tlog and note': peer('proof', proof, vkey, PROOF_SECONDS),
  })
  keepSection(
    'Journal',
    `\`node bench/journal.ts\`: ${Number(RECORDS).toLocaleString('en')} audit records of about 800 octets. Whole processes, the best of ${ROUNDS} rounds. ${load()}.

Durable ingest: what is acknowledged is fsynced, at each 500 to 1,000 records. Both make the same events; the Go program neither compresses nor keeps a tree.
vigil's journal takes ${Math.round(octetsOf(directory) / Number(RECORDS))} octets a record.

${contestTable('records', ingest)}

Full verification of that journal. The first Go program (\`golang.org/x/mod/sumdb\`) hashes records and reads nothing in them; the second compares each with its
canonical form, as vigil does. vigil also checks members, kinds, times, keys, references and that no file is missing or left over.

${contestTable('records', verification)}

One proof of a record, read from its text and verified with a key given as text:

${contestTable('proofs', proofs)}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
