import { createHash } from 'node:crypto'
import { parseOrigin, type Checkpoint } from '../checkpoint.ts'
import { sha256 } from '../digest.ts'
import { decodeEntry, type Entry } from '../entry.ts'
import { JournalError } from '../error.ts'
import { parseVerifierKeys, type VerifierKey } from '../note.ts'
import { rootOfRange } from './rangeProof.ts'
import { TrustedKeys } from '../proof/trust.ts'
import { verifyProofWith } from '../proof/verify.ts'
import { TIMESTAMP_ENDING } from '../publisher.ts'
import { checkRecord } from '../record.ts'
import { parseRetention, RetentionClaims } from '../retention/claims.ts'
import { leafHash } from '../tree.ts'
import { readAnchors, type Anchor } from '../verify/anchors.ts'
import { asFault, fault, FaultFound, inFile, type Fault } from '../verify/fault.ts'
import { canonicalize } from '../canonical.ts'
import {
  ARCHIVE_HEADER,
  isChosen,
  isInPeriod,
  isWhole,
  parseManifest,
  PIECE_BYTES,
  type Filters,
  type Manifest,
} from './format.ts'
import { LineReader } from './lines.ts'
import { Tally } from './tally.ts'

// Nothing in a manifest is believed: each figure is made again from what the checkpoint's signature covers, and must be the same.

/** What a period archive shows. */
export interface ArchiveReport {
  readonly kind: 'archive'
  /** `self_consistent`: everything in it fits together, but no key from outside says whose journal it is from. */
  readonly verdict: 'authenticated' | 'self_consistent' | 'broken'
  /** Origin line of the log: `<origin>/<epoch>`. '' when it could not be read. */
  readonly origin: string
  /** Entries under the checkpoint, and its root in lower-case hex. */
  readonly size: number
  readonly root: string
  /** Trusted keys that signed the checkpoint: `name+id`. */
  readonly signedBy: readonly string[]
  /** What it is about, and its figures; undefined when it could not be read. When broken they are as claimed. */
  readonly period: Pick<Manifest, 'filters' | 'entries' | 'times' | 'records' | 'artifacts'> | undefined
  /** Entries of the last checkpoint that was kept before the period, with which the log begins. */
  readonly earlier: number | undefined
  /** Who else has seen the checkpoint. */
  readonly anchors: readonly Anchor[]
  /** Present exactly when the verdict is broken. */
  readonly fault?: Fault
  readonly notes: readonly string[]
}

export interface ArchiveOptions {
  /** Verifier keys obtained elsewhere (`name+id+key`, one a line). */
  readonly trust?: string
  /** Authorities whose timestamps are believed: certificates in PEM or DER. */
  readonly timestampAuthorities?: Uint8Array
}

/** What faults call the archive. */
const FILE = 'archive'

/**
 * Verifies a period archive from its octets alone, in bounded memory, and stops at the first fault. Rejects only when they cannot be read, or with
 * JournalError(format) when `trust` holds no verifier key.
 */
export async function verifyArchive(
  chunks: AsyncIterable<Uint8Array>,
  options: ArchiveOptions = {},
): Promise<ArchiveReport> {
  const trusted = options.trust === undefined ? undefined : parseVerifierKeys(options.trust)
  if (trusted?.length === 0) throw new JournalError('format', 'expected a verifier key to trust, got none')
  const check = new ArchiveCheck(chunks, trusted)
  try {
    await check.run(options.timestampAuthorities)
    return check.report(trusted === undefined ? 'self_consistent' : 'authenticated')
  } catch (error) {
    const found = asFault(error, FILE, '')
    if (found instanceof FaultFound) return check.report('broken', found.fault)
    throw error
  }
}

class ArchiveCheck {
  readonly #lines: LineReader
  readonly #notes: string[] = []
  #manifest: Manifest | undefined
  #checkpoint: Checkpoint | undefined
  #signedBy: readonly string[] = []
  readonly #keys: TrustedKeys
  readonly #trusted: readonly VerifierKey[]
  #earlier: number | undefined
  #anchors: readonly Anchor[] = []

  constructor(chunks: AsyncIterable<Uint8Array>, trusted: readonly VerifierKey[] | undefined) {
    this.#lines = new LineReader(chunks)
    this.#keys = new TrustedKeys(trusted)
    this.#trusted = trusted ?? []
  }

  async run(authorities: Uint8Array | undefined): Promise<void> {
    await this.#expect(ARCHIVE_HEADER)
    const manifest = parseManifest((await this.#take('a manifest')).toString())
    this.#manifest = manifest
    inFile(FILE, 'line 2, handOvers', () => this.#keys.learn(manifest.handOvers ?? []))
    const { checkpoint, signedBy } = inFile(FILE, 'line 2, checkpoint', () =>
      this.#keys.open(manifest.checkpoint),
    )
    this.#checkpoint = checkpoint
    this.#signedBy = signedBy
    if (checkpoint.origin !== manifest.origin)
      throw fault(FILE, 'line 2, origin', checkpoint.origin, manifest.origin)
    checkRanges(manifest, checkpoint.size)

    const tally = new Tally(manifest.filters)
    await this.#checkEntries(manifest, checkpoint, tally)
    for (const [digest, size] of tally.artifacts) await this.#checkArtifact(digest, size)
    this.#checkFigures(manifest, tally)
    await this.#expect(`end ${this.#lines.digest()}`)
    if ((await this.#lines.peek()) !== undefined)
      throw fault(FILE, this.#here(), 'the end of the archive', 'another line')

    if (tally.setBack !== undefined)
      this.#notes.push(
        `the clock was put back before entry ${tally.setBack}: records of the period may stand elsewhere in the log`,
      )
    if (manifest.shown.end === checkpoint.size && manifest.entries.end === checkpoint.size)
      this.#notes.push(
        'the checkpoint ends with the last entry of the period: nothing shows that no later one belongs to it',
      )
    this.#earlier = earlierSize(manifest, checkpoint, this.#keys)
    this.#anchors = await anchorsOf(manifest, checkpoint, this.#trusted, authorities)
  }

  report(verdict: ArchiveReport['verdict'], broken?: Fault): ArchiveReport {
    const manifest = this.#manifest
    const { filters, entries, times, records, artifacts } = manifest ?? {}
    const period =
      filters && entries && times !== undefined && records && artifacts
        ? { filters, entries, times, records, artifacts }
        : undefined
    return {
      kind: 'archive',
      verdict,
      origin: this.#checkpoint?.origin ?? '',
      size: this.#checkpoint?.size ?? 0,
      root: this.#checkpoint?.root ?? '',
      signedBy: this.#signedBy,
      period,
      earlier: this.#earlier,
      anchors: broken === undefined ? this.#anchors : [],
      ...(broken === undefined ? {} : { fault: broken }),
      notes: this.#notes,
    }
  }

  /** Every entry that is shown, each with its records; together they must give the signed root. */
  async #checkEntries(manifest: Manifest, checkpoint: Checkpoint, tally: Tally): Promise<void> {
    const { shown, hashes } = manifest
    const range = { start: shown.first, end: shown.end }
    const outside = hashes.map((hash) => octetsOf(hash, 'line 2, hashes'))
    const root = await rootOfRange(range, checkpoint.size, outside, (index) =>
      this.#checkEntry(index, manifest, tally),
    )
    const got = Buffer.from(root).toString('hex')
    if (got !== checkpoint.root)
      throw fault(
        FILE,
        `entries ${shown.first} to ${shown.end - 1}`,
        `the signed root ${checkpoint.root}`,
        got,
      )
  }

  async #checkEntry(index: number, { entries, filters, origin }: Manifest, tally: Tally): Promise<Buffer> {
    const wanted = `entry ${index}`
    const text = (await this.#take(wanted)).toString()
    const [, number, hash, base64 = ''] = /^entry (\d{1,16}) ([0-9a-f]{64}) ([^ ]*)$/.exec(text) ?? []
    if (number !== String(index)) throw fault(FILE, this.#here(), wanted, text.slice(0, 'entry '.length + 16))
    const octets = octetsOf(base64, this.#here(wanted))
    const leaf = leafHash(octets)
    if (leaf.toString('hex') !== hash)
      throw fault(FILE, this.#here(wanted), `an entry with the hash ${hash ?? ''}`, leaf.toString('hex'))
    const entry = inFile(FILE, this.#here(wanted), () => decodeEntry(octets))
    if (entry.epoch !== parseOrigin(origin)?.epoch)
      throw fault(FILE, this.#here(wanted), `an entry of ${origin}`, `one of epoch ${entry.epoch}`)
    tally.addEntry(index, entry)

    const isInside = index >= entries.first && index < entries.end
    const belongs = isInPeriod(entry, filters)
    const isEdge = index === entries.first || index === entries.end - 1
    if (isInside ? isEdge && !belongs : belongs)
      throw fault(
        FILE,
        this.#here(wanted),
        isInside ? 'an entry of the period' : 'an entry outside of the period',
        'another',
      )
    await this.#checkRecords(index, entry, isInside && belongs ? filters : undefined, tally)
    return leaf
  }

  /** The records of an entry that are here. `filters`: undefined where none may be. */
  async #checkRecords(
    index: number,
    { digests }: Entry,
    filters: Filters | undefined,
    tally: Tally,
  ): Promise<void> {
    let next = 0
    for (let line = await this.#lines.peek(); line !== undefined; line = await this.#lines.peek()) {
      const [, what, number] = /^(record|erased) (0|[1-9]\d{0,3}) /.exec(line.toString('latin1', 0, 16)) ?? []
      if (number === undefined) break
      this.#lines.take()
      const n = Number(number)
      const where = this.#here(`entry ${index}, record ${n}`)
      const digest = digests[n]
      const isNext = filters !== undefined && (isWhole(filters) ? n === next : n >= next)
      if (digest === undefined || !isNext)
        throw fault(
          FILE,
          where,
          filters === undefined ? 'no record' : `record ${next}`,
          `record ${n} of ${digests.length}`,
        )
      next = n + 1
      const octets = line.subarray(`record ${n} `.length)
      if (what === 'erased') {
        this.#checkErased(index, n, octetsOf(octets.toString(), where).toString(), where)
        tally.addErased()
        continue
      }
      const got = sha256(octets)
      if (!got.equals(digest))
        throw fault(FILE, where, `digest ${Buffer.from(digest).toString('hex')}`, got.toString('hex'))
      const envelope = inFile(FILE, where, () => checkRecord(octets))
      if (!isChosen(envelope, filters))
        throw fault(FILE, where, 'a record that the filters choose', envelope.kind)
      tally.addRecord(envelope)
    }
    if (filters !== undefined && isWhole(filters) && next < digests.length)
      throw fault(FILE, this.#here(`entry ${index}`), `record ${next} of ${digests.length}`, 'none')
  }

  /** That a retention record of this log says so. */
  #checkErased(entry: number, n: number, proof: string, where: string): void {
    const {
      origin,
      record,
      fault: broken,
    } = inFile(FILE, where, () => verifyProofWith(proof, this.#keys, 'self_consistent'))
    if (broken !== undefined) throw fault(FILE, where, broken.expected, broken.got)
    const claims = new RetentionClaims()
    if (record?.kind === 'retention')
      inFile(FILE, where, () => claims.add(parseRetention(bodyOf(record.text))))
    if (origin !== this.#checkpoint?.origin || !claims.isErased(entry, n))
      throw fault(FILE, where, 'proof of a retention record that says it was erased', 'another proof')
  }

  async #checkArtifact(digest: string, size: number): Promise<void> {
    const wanted = `artifact ${digest} ${size}`
    const head = (await this.#take(wanted)).toString('latin1', 0, wanted.length + 1)
    if (head !== wanted) throw fault(FILE, this.#here(), wanted, head)
    const hash = createHash('sha256')
    for (let at = 0; at < size; at += PIECE_BYTES) {
      const line = (await this.#take(`octet ${at} of ${wanted}`)).toString('latin1')
      const where = this.#here(`artifact ${digest}, octet ${at}`)
      if (!line.startsWith('piece ')) throw fault(FILE, where, 'a piece of it', line.slice(0, 40))
      const piece = octetsOf(line.slice('piece '.length), where)
      const length = Math.min(PIECE_BYTES, size - at)
      if (piece.length !== length) throw fault(FILE, where, `${length} octets`, `${piece.length}`)
      hash.update(piece)
    }
    const got = hash.digest('hex')
    if (got !== digest) throw fault(FILE, this.#here(`artifact ${digest}`), 'octets with that digest', got)
  }

  #checkFigures(manifest: Manifest, tally: Tally): void {
    const figures = tally.figures()
    for (const name of ['times', 'records', 'artifacts'] as const) {
      const [derived, claimed] = [canonicalize(figures[name]), canonicalize(manifest[name])]
      if (derived !== claimed) throw fault(FILE, `line 2, ${name}`, derived, claimed)
    }
  }

  async #expect(wanted: string): Promise<void> {
    const got = (await this.#take(wanted)).toString('utf8', 0, wanted.length + 1)
    if (got !== wanted) throw fault(FILE, this.#here(), wanted, got)
  }

  async #take(wanted: string): Promise<Buffer> {
    const line = await this.#lines.peek()
    if (line === undefined) throw fault(FILE, this.#here(), wanted, 'the end of the archive')
    this.#lines.take()
    return line
  }

  #here(place?: string): string {
    return `line ${this.#lines.number}${place === undefined ? '' : `, ${place}`}`
  }
}

/** What is shown is the period with an entry on either side, where the log has one. */
function checkRanges({ entries, shown }: Manifest, size: number): void {
  const wanted = { first: Math.max(0, entries.first - 1), end: Math.min(size, entries.end + 1) }
  const fits = entries.first <= entries.end && entries.end <= size
  if (!fits || shown.first !== wanted.first || shown.end !== wanted.end || shown.first >= shown.end)
    throw fault(
      FILE,
      'line 2, shown',
      `entries from ${wanted.first} to before ${wanted.end}, of ${size}`,
      `${shown.first} to before ${shown.end}`,
    )
}

function earlierSize(manifest: Manifest, checkpoint: Checkpoint, keys: TrustedKeys): number | undefined {
  if (manifest.earlier === null) return undefined
  const text = manifest.earlier
  const {
    earlier,
    fault: broken,
    size,
    root,
  } = inFile(FILE, 'line 2, earlier', () => verifyProofWith(text, keys, 'self_consistent'))
  if (broken !== undefined) throw fault(FILE, 'line 2, earlier', broken.expected, broken.got)
  if (earlier === undefined || size !== checkpoint.size || root !== checkpoint.root)
    throw fault(FILE, 'line 2, earlier', 'a proof of consistency with the checkpoint', 'another')
  if (earlier.size > manifest.entries.first)
    throw fault(
      FILE,
      'line 2, earlier',
      'a checkpoint from before the period',
      `one of ${earlier.size} entries`,
    )
  return earlier.size
}

/** Timestamps and cosignatures of the checkpoint. */
async function anchorsOf(
  { timestamp }: Manifest,
  checkpoint: Checkpoint,
  trusted: readonly VerifierKey[],
  authorities: Uint8Array | undefined,
): Promise<readonly Anchor[]> {
  const file = `${FILE}, line 2, checkpoint`
  const reply = timestamp === null ? undefined : octetsOf(timestamp, 'line 2, timestamp')
  return await readAnchors(
    { read: (path) => Promise.resolve(path === file + TIMESTAMP_ENDING ? reply : undefined) },
    { stamped: reply === undefined ? [] : [file] },
    { log: checkpoint.origin, signed: [{ ...checkpoint, file }], known: [], trusted, authorities },
  )
}

function bodyOf(record: string): object {
  return checkRecord(Buffer.from(record)).body
}

function octetsOf(text: string, location: string): Buffer {
  const octets = Buffer.from(text, 'base64')
  if (octets.toString('base64') !== text)
    throw fault(FILE, location, 'base64', JSON.stringify(text.slice(0, 40)))
  return octets
}
