import { MAX_BLOCK_BYTES } from './block.ts'
import { MAX_RECORDS_PER_ENTRY } from './entry.ts'
import { JournalError } from './error.ts'
import type { EncodedRecord } from './record.ts'
import type { SealedRecord } from '../model/record.ts'

/** Records that are sealed in one entry, or not at all. */
export interface Piece {
  readonly records: readonly EncodedRecord[]
  readonly bytes: number
  readonly resolve: (sealed: readonly SealedRecord[]) => void
  readonly reject: (error: JournalError) => void
}

/** Most octets of records that wait for their seal; above, the disk can't keep up and callers must wait. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** Records that wait for their seal, first come first sealed. */
export class SealQueue {
  #pieces: Piece[] = []
  #records = 0
  #bytes = 0

  /** Pieces that wait. */
  get length(): number {
    return this.#pieces.length
  }

  /** Whether what waits fills an entry. */
  get isFull(): boolean {
    return this.#records >= MAX_RECORDS_PER_ENTRY || this.#bytes >= MAX_BLOCK_BYTES
  }

  /** Resolves when all are sealed. Records that fit one entry are sealed in one. Rejects with JournalError(overloaded). */
  async add(records: readonly EncodedRecord[]): Promise<readonly SealedRecord[]> {
    const bytes = sum(records)
    if (this.#bytes + bytes > MAX_WAITING_BYTES && this.length > 0)
      throw new JournalError(
        'overloaded',
        `more than ${MAX_WAITING_BYTES} octets of records wait for the disk`,
      )
    const pieces = split(records).map(
      (piece) =>
        new Promise<readonly SealedRecord[]>((resolve, reject) => {
          this.#pieces.push({ records: piece, bytes: sum(piece), resolve, reject })
        }),
    )
    this.#records += records.length
    this.#bytes += bytes
    return (await Promise.all(pieces)).flat()
  }

  /** The pieces of the next entry. */
  take(): readonly Piece[] {
    let records = 0
    let bytes = 0
    let count = 0
    for (const piece of this.#pieces) {
      records += piece.records.length
      bytes += piece.bytes
      if (count > 0 && (records > MAX_RECORDS_PER_ENTRY || bytes > MAX_BLOCK_BYTES)) break
      count++
    }
    const taken = this.#pieces.splice(0, count)
    for (const piece of taken) {
      this.#records -= piece.records.length
      this.#bytes -= piece.bytes
    }
    return taken
  }
}

/** Cuts records into rows that fit an entry each. */
function split(records: readonly EncodedRecord[]): readonly (readonly EncodedRecord[])[] {
  const rows: EncodedRecord[][] = []
  let row: EncodedRecord[] = []
  let bytes = 0
  for (const record of records) {
    bytes += record.bytes.length
    if (row.length === MAX_RECORDS_PER_ENTRY || (row.length > 0 && bytes > MAX_BLOCK_BYTES)) {
      rows.push(row)
      row = []
      bytes = record.bytes.length
    }
    row.push(record)
  }
  return row.length === 0 ? rows : [...rows, row]
}

function sum(records: readonly EncodedRecord[]): number {
  return records.reduce((total, record) => total + record.bytes.length, 0)
}
