import type { Retention } from '../../model/record.ts'
import type { Timestamp } from '../../model/time.ts'
import { decodeBundle } from '../bundle.ts'
import { decodeEntry, encodeEntry, type Entry } from '../entry.ts'
import { RetentionClaims, parseRetention } from '../retention/claims.ts'
import type { Envelope } from '../record.ts'
import { decodeTrailer } from '../sealedFile.ts'
import { segmentPath } from '../segments.ts'
import { tilePath } from '../tile.ts'
import { TILE_WIDTH } from '../tree.ts'
import type { Identity } from './checkpoints.ts'
import { fault, inFile } from './fault.ts'
import type { Inventory } from './inventory.ts'
import type { SegmentBlock } from './segments.ts'
import type { FileSource } from './source.ts'

/** What a retention record says, for the verdict. */
export interface RetentionNote {
  readonly action: Retention['action']
  readonly by: string
  readonly reason: string
  readonly recorded: Timestamp
  /** Records and artifacts that went, and segments, all below a number. */
  readonly records: number
  readonly artifacts: number
  readonly segments: number
}

/** Where the records begin: what is before was pruned, or is missing. */
export interface Beginning {
  readonly segment: number
  readonly entry: number
}

/** Only the trailer of the first segment says it; that it is right shows when the entries are read. Throws FaultFound. */
export async function findBeginning(source: FileSource, inventory: Inventory): Promise<Beginning> {
  const [lowest = 0] = inventory.sealed
  if (lowest === 0) return { segment: 0, entry: 0 }
  const file = segmentPath(lowest, 'zst')
  const bytes = await source.read(file)
  if (bytes === undefined) throw fault(file, '', 'a segment', 'no file')
  return { segment: lowest, entry: inFile(file, 'trailer', () => decodeTrailer('segment', bytes)).first }
}

/** Collects what is gone, and what the log says of it. */
export class RetentionCheck {
  readonly #source: FileSource
  readonly #inventory: Inventory
  readonly #identity: Identity
  readonly #claims = new RetentionClaims()
  readonly notes: RetentionNote[] = []
  /** Empty lines, and the files that they are in. */
  readonly #erased: { readonly entry: number; readonly n: number; readonly file: string }[] = []
  #bundle: { readonly index: number; readonly entries: readonly Buffer[] } | undefined

  constructor(source: FileSource, inventory: Inventory, identity: Identity) {
    this.#source = source
    this.#inventory = inventory
    this.#identity = identity
  }

  get erased(): number {
    return this.#erased.length
  }

  /** Takes a record of kind `retention`. Throws FaultFound. */
  add({ body, recorded }: Envelope, file: string, location: string): void {
    const retention = inFile(file, location, () => parseRetention(body))
    this.#claims.add(retention)
    const { action, by, reason } = retention
    this.notes.push({
      action,
      by,
      reason,
      recorded,
      records: action === 'erase' ? retention.records.length : 0,
      artifacts: action === 'erase' || action === 'prune' ? retention.artifacts.length : 0,
      segments: action === 'prune' ? retention.segments : 0,
    })
  }

  /** The entry of a segment that is not there, from its bundle. Throws FaultFound. */
  async prunedEntry(index: number, beginning: Beginning): Promise<Buffer> {
    const { octets, file } = await this.#published(index)
    const { segment } = this.#decoded(index, octets, file)
    const isLast = index === beginning.entry - 1
    if (isLast ? segment !== beginning.segment - 1 : segment >= beginning.segment)
      throw fault(
        file,
        `entry ${index}`,
        `an entry of a segment before ${beginning.segment}`,
        `one of ${segment}`,
      )
    return octets
  }

  /** The entry of a block in which records are erased, from its bundle; what is left must be in it. Throws FaultFound. */
  async erasedEntry(
    block: SegmentBlock,
    records: readonly ({ readonly recorded: number; readonly digest: Uint8Array } | undefined)[],
  ): Promise<Buffer> {
    const { octets, file } = await this.#published(block.entry)
    const entry = this.#decoded(block.entry, octets, file)
    const found = `segment ${entry.segment}, ${entry.digests.length} records`
    const wanted = `segment ${block.segment}, ${records.length} records`
    if (found !== wanted) throw fault(block.file, `entry ${block.entry}`, found, wanted)
    for (const [n, record] of records.entries()) {
      const digest = Buffer.from(entry.digests[n] ?? [])
      const location = `entry ${block.entry}, record ${n}`
      if (record === undefined) this.#erased.push({ entry: block.entry, n, file: block.file })
      else if (!digest.equals(record.digest))
        throw fault(
          block.file,
          location,
          `digest ${digest.toString('hex')}`,
          Buffer.from(record.digest).toString('hex'),
        )
      else if (record.recorded < entry.first || record.recorded > entry.last)
        throw fault(block.file, location, 'a time within those of the entry', 'another')
    }
    return octets
  }

  /** Keys that were handed over to in what was pruned. */
  keysBefore({ entry }: Beginning): readonly { readonly entry: number; readonly endorsement: string }[] {
    return this.#claims.keys.filter((key) => key.entry < entry)
  }

  /** Everything that is gone must be named by a record under a signed checkpoint. Throws FaultFound. */
  finish(beginning: Beginning, notes: string[]): void {
    const { segments, entries } = this.#claims
    if (beginning.segment > segments)
      throw fault(
        segmentPath(segments, 'zst'),
        '',
        'a segment, or a retention record that says it was pruned',
        'no file',
      )
    if (beginning.segment === segments && beginning.entry !== entries)
      throw fault(segmentPath(segments, 'zst'), 'trailer', `entries from ${entries}`, `${beginning.entry}`)
    for (const { entry, n, file } of this.#erased)
      if (!this.#claims.isErased(entry, n))
        throw fault(
          file,
          `entry ${entry}, record ${n}`,
          'a record, or a retention record that says it was erased',
          'an empty line',
        )
    if (segments > beginning.segment)
      notes.push(`segments: ${segments - beginning.segment} recorded as pruned are still there`)
    const left = this.#claims.erased(beginning.entry) - this.#erased.length
    if (left > 0) notes.push(`segments: ${left} records that are recorded as erased are still there`)
  }

  #decoded(index: number, octets: Buffer, file: string): Entry {
    const entry = inFile(file, `entry ${index}`, () => decodeEntry(octets))
    if (entry.epoch !== this.#identity.epoch || !encodeEntry(entry).equals(octets))
      throw fault(file, `entry ${index}`, `an entry of ${this.#identity.log}`, 'another')
    return entry
  }

  async #published(index: number): Promise<{ readonly octets: Buffer; readonly file: string }> {
    const place = Math.floor(index / TILE_WIDTH)
    const full = tilePath({ kind: 'entries', index: place, width: TILE_WIDTH })
    if (this.#bundle?.index !== place)
      this.#bundle = { index: place, entries: await this.#readBundle(place, full) }
    const octets = this.#bundle.entries[index % TILE_WIDTH]
    if (octets === undefined)
      throw fault(full, `entry ${index}`, 'the published entry of records that are gone', 'none')
    return { octets, file: full }
  }

  async #readBundle(index: number, full: string): Promise<readonly Buffer[]> {
    // The widest partial one holds what the others do, and is compared with them.
    const widths = (this.#inventory.partials.get(full) ?? []).toSorted((a, b) => b - a)
    for (const width of [TILE_WIDTH, ...widths]) {
      const file = tilePath({ kind: 'entries', index, width })
      const bytes = await this.#source.read(file)
      if (bytes !== undefined) return inFile(file, '', () => decodeBundle(bytes))
    }
    return []
  }
}
