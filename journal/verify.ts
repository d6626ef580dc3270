import { access } from 'node:fs/promises'
import { type RecordKind } from '../model/record.ts'
import { formatRecordId, type Position } from '../model/recordId.ts'
import { fromTimestamp } from '../model/time.ts'
import { parseOrigin } from './checkpoint.ts'
import { sha256 } from './digest.ts'
import { encodeEntry, entryOf } from './entry.ts'
import { JournalError } from './error.ts'
import { parseVerifierKeys } from './note.ts'
import { checkRecord, isErased, type Envelope } from './record.ts'
import { segmentPath } from './segments.ts'
import { readAnchors, type Anchor } from './verify/anchors.ts'
import { checkArtifacts } from './verify/artifacts.ts'
import {
  openSigned,
  readHistory,
  readIdentity,
  readPublished,
  type Identity,
  type SignedSize,
} from './verify/checkpoints.ts'
import { fault, FaultFound, inFile, type Fault } from './verify/fault.ts'
import { takeInventory, type Inventory } from './verify/inventory.ts'
import { KeyPeriods } from './verify/keys.ts'
import { NamedArtifacts } from './verify/namedArtifacts.ts'
import { keptArtifacts } from './verify/references.ts'
import { findBeginning, RetentionCheck, type RetentionNote } from './verify/retention.ts'
import { readSegments, type SegmentBlock } from './verify/segments.ts'
import { directorySource, mayHaveMissed, type FileSource } from './verify/source.ts'
import { TileCheck } from './verify/tiles.ts'

// The verifier reads the files and nothing else: it shares with the writer how things are encoded and hashed, not what the
// writer believes to have written.

/** How often a journal is verified again because something was taken out of it meanwhile. */
const ATTEMPTS = 3

export interface VerifyReport {
  /** `self_consistent`: everything fits together, but no key from outside says whose journal it is. */
  readonly verdict: 'authenticated' | 'self_consistent' | 'broken'
  /** Origin line: `<origin>/<epoch>`. '' when it could not be read. */
  readonly origin: string
  /** Entries found (when broken: up to the fault), and how many the signed checkpoint covers. */
  readonly size: number
  readonly published: number
  /** Root of the signed checkpoint, lower-case hex. '' when it could not be read. */
  readonly root: string
  /** Records by kind. */
  readonly records: Readonly<Partial<Record<RecordKind, number>>>
  readonly artifacts: number
  /** Entries covered by a trusted timestamp or cosignature, or by a checkpoint that was kept elsewhere; and those after them. */
  readonly anchored: number
  readonly unanchored: number
  /** What vouches for them: of each kind the newest. */
  readonly anchors: readonly Anchor[]
  /** What was taken out, each by a record that says so: entries whose segments are gone, single records; and what the records say. */
  readonly retention: RetentionReport
  /** Present exactly when the verdict is broken. */
  readonly fault?: Fault
  /** What is worth knowing and is no fault, such as the unsealed end of a crash. */
  readonly notes: readonly string[]
}

interface RetentionReport {
  readonly pruned: number
  readonly erased: number
  readonly records: readonly RetentionNote[]
}

export interface VerifyOptions {
  /** Verifier keys obtained elsewhere (`name+id+key`, one a line). */
  readonly trust?: string
  /** Authorities whose timestamps are believed: certificates in PEM or DER. */
  readonly timestampAuthorities?: Uint8Array
  /** Checkpoints seen earlier, elsewhere, under the names that faults call them by: the journal must begin with what each covers. */
  readonly known?: readonly { readonly name: string; readonly text: string }[]
  /** Octets read so far, and of all files. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/**
 * Re-derives everything in a journal directory from its files, and stops at the first fault. A writer may be at work meanwhile.
 * Rejects only when the files cannot be read, or with JournalError(format) when `trust` holds no verifier key.
 */
export async function verifyJournal(directory: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  await access(directory)
  return await verifyFiles(directorySource(directory), options)
}

export async function verifyFiles(source: FileSource, options: VerifyOptions = {}): Promise<VerifyReport> {
  for (let attempt = 1; ; attempt++) {
    const before = await source.list()
    const report = await verifyOnce(source, options)
    const isFinal = report.fault === undefined || attempt === ATTEMPTS
    if (isFinal || !mayHaveMissed(before, await source.list())) return report
  }
}

async function verifyOnce(source: FileSource, options: VerifyOptions): Promise<VerifyReport> {
  const trusted = options.trust === undefined ? undefined : parseVerifierKeys(options.trust)
  if (trusted?.length === 0) throw new JournalError('format', 'expected a verifier key to trust, got none')
  const found = new Findings()
  try {
    const identity = await readIdentity(source)
    found.origin = identity.log
    // While a writer is at work, what is read later covers what was read earlier: tiles of this checkpoint are in the list, and
    // records of the next one in the segments.
    const first = await readPublished(source, identity)
    const inventory = await takeInventory(source)
    const counted = countReads(source, inventory.total, options.onProgress)
    const history = await readHistory(counted, inventory.history, identity)
    const last = await readPublished(counted, identity)
    found.published = last
    checkOrder([first, ...history.slice(-1)], last)
    const known = (options.known ?? []).map(({ name, text }) => openSigned(name, text, identity))
    const signed = [first, ...history, ...known, last]
    const periods = await checkLog(counted, inventory, identity, { first, signed }, found)
    periods.checkAnnounced(found.notes)
    periods.check(signed, history)
    if (trusted !== undefined)
      for (const newest of [last, ...known]) periods.checkTrust(newest, history, trusted)
    found.anchors = await readAnchors(counted, inventory, {
      log: identity.log,
      signed: [...history, last],
      known,
      trusted: trusted ?? [],
      authorities: options.timestampAuthorities,
    })
    const origin = parseOrigin(identity.log)?.origin ?? ''
    const idOf = (position: Position) => formatRecordId(origin, identity.epoch, position)
    found.artifacts = await checkArtifacts(counted, inventory, found.named, { notes: found.notes, idOf })
    checkForeign(inventory, found.notes)
    options.onProgress?.({ done: inventory.total, total: inventory.total })
    return found.report(trusted === undefined ? 'self_consistent' : 'authenticated')
  } catch (error) {
    if (error instanceof FaultFound) return found.report('broken', error.fault)
    throw error
  }
}

/** No checkpoint that was read before the last may say more. */
function checkOrder(earlier: readonly SignedSize[], last: SignedSize): void {
  for (const { file, size } of earlier)
    if (size > last.size)
      throw fault(last.file, 'size', `at least the ${size} entries of ${file}`, `${last.size}`)
}

/** What a verification learns on its way. */
class Findings {
  origin = ''
  published: SignedSize | undefined
  size = 0
  artifacts = 0
  readonly records: Partial<Record<RecordKind, number>> = {}
  readonly named = new NamedArtifacts()
  readonly notes: string[] = []
  anchors: readonly Anchor[] = []
  retention: RetentionReport = { pruned: 0, erased: 0, records: [] }

  report(verdict: VerifyReport['verdict'], broken?: Fault): VerifyReport {
    const published = this.published?.size ?? 0
    // What was found broken is anchored nowhere.
    const anchors = broken === undefined ? this.anchors : []
    const anchored = Math.max(0, ...anchors.map(({ size }) => size))
    if (broken === undefined && this.size > published)
      this.notes.push(`${this.size - published} entries after the signed checkpoint`)
    return {
      verdict,
      origin: this.origin,
      size: this.size,
      published,
      root: this.published?.root ?? '',
      records: this.records,
      artifacts: this.artifacts,
      anchored,
      unanchored: this.size - anchored,
      anchors,
      retention: this.retention,
      ...(broken === undefined ? {} : { fault: broken }),
      notes: this.notes,
    }
  }
}

/** Every record, every entry, the tree, and every signed root. */
async function checkLog(
  source: FileSource,
  inventory: Inventory,
  identity: Identity,
  { first, signed }: { readonly first: SignedSize; readonly signed: readonly SignedSize[] },
  found: Findings,
): Promise<KeyPeriods> {
  const tiles = new TileCheck(
    source,
    inventory,
    signed.toSorted((a, b) => a.size - b.size),
  )
  const retention = new RetentionCheck(source, inventory, identity)
  const beginning = await findBeginning(source, inventory)
  for (let index = 0; index < beginning.entry; index++)
    await tiles.add(await retention.prunedEntry(index, beginning), segmentPath(beginning.segment - 1, 'zst'))
  const keys: {
    readonly entry: number
    readonly body: object
    readonly file: string
    readonly location: string
  }[] = []
  for await (const block of readSegments(source, inventory, found.notes, beginning)) {
    const records = block.records.map((bytes, n) => {
      if (isErased(bytes)) return undefined
      const location = `entry ${block.entry}, record ${n}`
      const envelope = checkEnvelope(bytes, block, n)
      if (envelope.kind === 'key')
        keys.push({ entry: block.entry, body: envelope.body, file: block.file, location })
      // What nobody signed takes nothing away.
      if (envelope.kind === 'retention' && block.entry < first.size)
        retention.add(envelope, block.file, location)
      found.records[envelope.kind] = (found.records[envelope.kind] ?? 0) + 1
      for (const artifact of keptArtifacts(envelope))
        if (!found.named.add({ ...artifact, position: { entry: block.entry, n } }))
          throw fault(
            block.file,
            location,
            'a digest of an artifact',
            JSON.stringify(artifact.digest).slice(0, 100),
          )
      return { recorded: fromTimestamp(envelope.recorded), digest: sha256(bytes) }
    })
    const left = records.filter((record) => record !== undefined)
    const entry =
      left.length === records.length
        ? encodeEntry(entryOf(identity.epoch, block.segment, left))
        : await retention.erasedEntry(block, records)
    await tiles.add(entry, block.file)
    found.size = tiles.size
  }
  await tiles.finish(first)
  retention.finish(beginning, found.notes)
  found.retention = { pruned: beginning.entry, erased: retention.erased, records: retention.notes }
  const periods = new KeyPeriods(identity)
  for (const { entry, endorsement } of retention.keysBefore(beginning))
    periods.handOver(entry, { endorsement }, segmentPath(beginning.segment - 1, 'zst'), `entry ${entry}`)
  for (const { entry, body, file, location } of keys) periods.handOver(entry, body, file, location)
  return periods
}

function checkEnvelope(bytes: Buffer, block: SegmentBlock, n: number): Envelope {
  const location = `entry ${block.entry}, record ${n}`
  const envelope = inFile(block.file, location, () => checkRecord(bytes))
  const begins = block.entry === 0 && n === 0
  if ((envelope.kind === 'epoch') !== begins)
    throw fault(block.file, location, begins ? 'the epoch record' : 'no second epoch record', envelope.kind)
  return envelope
}

function checkForeign(inventory: Inventory, notes: string[]): void {
  const [foreign] = inventory.foreign
  if (foreign !== undefined) throw fault(foreign, '', 'only files of a journal', 'another file')
  for (const path of inventory.temporary) notes.push(`${path}: left by a crash while it was being written`)
}

function countReads(source: FileSource, total: number, onProgress: VerifyOptions['onProgress']): FileSource {
  let done = 0
  return {
    list: () => source.list(),
    async read(path) {
      const bytes = await source.read(path)
      done += bytes?.length ?? 0
      onProgress?.({ done: Math.min(done, total), total })
      return bytes
    },
  }
}
