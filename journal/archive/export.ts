import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Position } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { ArtifactReader } from '../artifactReader.ts'
import type { Block } from '../block.ts'
import { readBlocks } from '../blocks.ts'
import { decodeBundle } from '../bundle.ts'
import { parseCheckpoint, type Checkpoint } from '../checkpoint.ts'
import type { Disk } from '../disk.ts'
import { decodeEntry } from '../entry.ts'
import { JournalError } from '../error.ts'
import type { Range } from '../proof/merkle.ts'
import {
  hashesOf,
  proveConsistencyOf,
  proveHandOvers,
  proveRecord,
  publishedCheckpoint,
} from '../proof/prove.ts'
import { TileHashes } from '../proof/tileHashes.ts'
import { isHistoryPath, TIMESTAMP_ENDING } from '../publisher.ts'
import { checkRecord, isErased } from '../record.ts'
import { parseRetention, RetentionClaims } from '../retention/claims.ts'
import { whyGone } from '../retention/reason.ts'
import { readRecords } from '../retention/records.ts'
import { leafHash, TILE_WIDTH } from '../tree.ts'
import {
  ARCHIVE_HEADER,
  formatManifest,
  isChosen,
  isInPeriod,
  PIECE_BYTES,
  type Filters,
  type Manifest,
} from './format.ts'
import { outsideRanges } from './rangeProof.ts'
import { Tally } from './tally.ts'
import { verifyArchive, type ArchiveReport } from './verify.ts'

/**
 * Writes everything that was journaled in a period, or what filters choose of it, to one file that is verified without the journal. A writer may be at
 * work. Returns what the file shows, which was verified; rejects with JournalError: `format` when nothing is published, `altered` when the journal's
 * files do not fit together, `storage`.
 */
export async function exportPeriod(
  disk: Disk,
  directory: string,
  filters: Filters,
  out: string,
): Promise<ArchiveReport> {
  const newest = await publishedCheckpoint(disk, directory)
  if (newest.size === 0) throw new JournalError('format', 'expected a published entry, got none')
  const entries = await findPeriod(disk, directory, newest.size, filters)
  const shown = { start: Math.max(0, entries.start - 1), end: Math.min(newest.size, entries.end + 1) }
  const { checkpoint, timestamp, earlier } = await enclosing(
    disk,
    directory,
    { start: entries.start, end: shown.end },
    newest,
  )
  const tiles = new TileHashes(disk, directory, newest.size)
  const handOvers = await proveHandOvers(disk, directory, newest)
  const tally = new Tally(filters)
  const body = `${out}.body`
  try {
    // The figures come before what they are about, and are known after it.
    await disk.replace(
      body,
      bodyOf(disk, directory, { filters, entries, shown, published: newest.size }, tally),
    )
    const manifest: Manifest = {
      origin: checkpoint.origin,
      filters,
      entries: { first: entries.start, end: entries.end },
      shown: { first: shown.start, end: shown.end },
      ...tally.figures(),
      hashes: (await hashesOf(tiles, [...outsideRanges(shown, checkpoint.size)])).map((hash) =>
        hash.toString('base64'),
      ),
      checkpoint: checkpoint.text,
      timestamp: timestamp === undefined ? null : timestamp.toString('base64'),
      earlier:
        earlier === undefined
          ? null
          : await proveConsistencyOf(tiles, { earlier: earlier.text, checkpoint, handOvers: [] }),
      ...(handOvers.length === 0 ? {} : { handOvers: [...handOvers] }),
    }
    await disk.replace(out, archiveOf(manifest, body))
  } finally {
    await disk.remove(body)
  }
  const report = await verifyArchive(createReadStream(out))
  if (report.fault === undefined) return report
  // An archive that does not hold is worth less than none.
  await disk.remove(out)
  const { location: where, expected, got } = report.fault
  throw new JournalError('altered', { expected, got, where })
}

/** Why the records of an entry are not there, and from when on all are. */
async function notThere(
  disk: Disk,
  directory: string,
  index: number,
  published: number,
): Promise<JournalError> {
  const why = await whyGone(disk, directory, { entry: index, n: 0 })
  const left = await readBlocks(disk, directory, index).next()
  if (why === undefined || left.done === true)
    return new JournalError('altered', { expected: `entry ${index}`, got: 'none', where: 'segments' })
  let end = 0
  const before = { start: left.value.entry - 1, end: left.value.entry }
  for await (const [, octets] of entriesIn(disk, directory, before, published)) end = decodeEntry(octets).last
  return new JournalError('format', {
    expected: `a period from ${toTimestamp(end + 1)} on or later`,
    got: `entry ${index}, whose segment was pruned: ${why}`,
  })
}

/** Entries from the first to the last with a record of the period; where there is none, the place where they would stand. */
async function findPeriod(disk: Disk, directory: string, size: number, filters: Filters): Promise<Range> {
  let start: number | undefined
  let end = 0
  let later: number | undefined
  for await (const [index, octets] of entriesIn(disk, directory, { start: 0, end: size }, size)) {
    const entry = decodeEntry(octets)
    if (isInPeriod(entry, filters)) {
      start ??= index
      end = index + 1
    } else if (entry.first >= fromTimestamp(filters.to)) later ??= index
  }
  return start === undefined ? { start: later ?? size, end: later ?? size } : { start, end }
}

async function* entriesIn(
  disk: Disk,
  directory: string,
  { start, end }: Range,
  published: number,
): AsyncGenerator<readonly [index: number, octets: Buffer]> {
  for (let bundle = Math.floor(start / TILE_WIDTH); bundle * TILE_WIDTH < end; bundle++) {
    // A reader of its own for each: it keeps what it has read.
    const octets = await new TileHashes(disk, directory, published).read('entries', bundle)
    for (const [i, entry] of decodeBundle(octets).entries()) {
      const index = bundle * TILE_WIDTH + i
      if (index >= start && index < end) yield [index, entry]
    }
  }
}

interface Enclosing {
  /** The first that was kept after what is shown, or the newest. */
  readonly checkpoint: Checkpoint
  readonly timestamp: Buffer | undefined
  /** The last that was kept before. */
  readonly earlier: Checkpoint | undefined
}

async function enclosing(
  disk: Disk,
  directory: string,
  { start, end }: Range,
  newest: Checkpoint,
): Promise<Enclosing> {
  let earlier: Checkpoint | undefined
  for (const year of await disk.list(join(directory, 'checkpoints')))
    for (const name of await disk.list(join(directory, 'checkpoints', year))) {
      const path = `checkpoints/${year}/${name}`
      const text = isHistoryPath(path) ? await disk.read(join(directory, path)) : undefined
      if (text === undefined) continue
      const { checkpoint } = parseCheckpoint(text.toString())
      if (checkpoint.size >= end) {
        const timestamp = await disk.read(join(directory, path + TIMESTAMP_ENDING))
        return { checkpoint, timestamp, earlier }
      }
      if (checkpoint.size > 0 && checkpoint.size <= start) earlier = checkpoint
    }
  return { checkpoint: newest, timestamp: undefined, earlier }
}

interface Plan {
  readonly filters: Filters
  readonly entries: Range
  readonly shown: Range
  /** Entries under the newest checkpoint. */
  readonly published: number
}

/** The lines after the manifest, without the last one. */
async function* bodyOf(
  disk: Disk,
  directory: string,
  { filters, entries, shown, published }: Plan,
  tally: Tally,
): AsyncGenerator<Buffer> {
  const erasures = new Erasures(disk, directory)
  const blocks = readBlocks(disk, directory, entries.start, entries.end)
  for await (const [index, octets] of entriesIn(disk, directory, shown, published)) {
    yield line(`entry ${index} ${leafHash(octets).toString('hex')} ${octets.toString('base64')}`)
    const entry = decodeEntry(octets)
    tally.addEntry(index, entry)
    if (index < entries.start || index >= entries.end) continue
    const block = await blocks.next()
    if (block.done === true || block.value.entry !== index)
      throw await notThere(disk, directory, index, published)
    if (isInPeriod(entry, filters)) yield* recordLines(block.value, filters, erasures, tally)
  }
  const artifacts = new ArtifactReader(disk, directory)
  for (const [digest, size] of tally.artifacts) {
    const content = await artifacts.get(digest)
    if (content === undefined)
      throw new JournalError('altered', { expected: `artifact ${digest}`, got: 'none', where: 'artifacts' })
    yield line(`artifact ${digest} ${size}`)
    for (let at = 0; at < content.length; at += PIECE_BYTES)
      yield line(`piece ${Buffer.from(content.subarray(at, at + PIECE_BYTES)).toString('base64')}`)
  }
}

async function* recordLines(
  { entry, records }: Block,
  filters: Filters,
  erasures: Erasures,
  tally: Tally,
): AsyncGenerator<Buffer> {
  for (const [n, record] of records.entries()) {
    if (isErased(record)) {
      tally.addErased()
      yield line(`erased ${n} ${Buffer.from(await erasures.proofOf(entry, n)).toString('base64')}`)
      continue
    }
    const envelope = checkRecord(record)
    if (!isChosen(envelope, filters)) continue
    tally.addRecord(envelope)
    yield Buffer.concat([Buffer.from(`record ${n} `), record, Buffer.from('\n')])
  }
}

interface Erasure extends Position {
  readonly claims: RetentionClaims
  proof: string | undefined
}

/** Proofs of the retention records that say why records are not there. */
class Erasures {
  readonly #disk: Disk
  readonly #directory: string
  #records: readonly Erasure[] | undefined

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Throws JournalError(altered). */
  async proofOf(entry: number, n: number): Promise<string> {
    this.#records ??= await this.#read()
    const record = this.#records.find(({ claims }) => claims.isErased(entry, n))
    if (record === undefined)
      throw new JournalError('altered', {
        expected: 'a retention record that says it was erased',
        got: 'none',
        where: `entry ${entry}, record ${n}`,
      })
    return (record.proof ??= await proveRecord(this.#disk, this.#directory, record))
  }

  async #read(): Promise<Erasure[]> {
    const found: Erasure[] = []
    for await (const { entry, n, envelope } of readRecords(this.#disk, this.#directory)) {
      if (envelope.kind !== 'retention') continue
      const claims = new RetentionClaims()
      claims.add(parseRetention(envelope.body))
      found.push({ entry, n, claims, proof: undefined })
    }
    return found
  }
}

async function* archiveOf(manifest: Manifest, body: string): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256')
  const head = line(`${ARCHIVE_HEADER}\n${formatManifest(manifest)}`)
  digest.update(head)
  yield head
  for await (const chunk of createReadStream(body) as AsyncIterable<Buffer>) {
    digest.update(chunk)
    yield chunk
  }
  yield line(`end ${digest.digest('hex')}`)
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`)
}
