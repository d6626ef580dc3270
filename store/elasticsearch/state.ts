import { z } from 'zod'
import { compareInJournal } from '../../model/recordId.ts'
import type { StorePosition } from '../contract.ts'
import { StoreError } from '../error.ts'
import type { Operation, Outcome, Version } from './bulk.ts'
import type { Server } from './client.ts'

// State is what later records change: the newest run of a target, the counts of an hour, the current finding, how far a file was read, and
// the position itself. Each piece is one document that names the last record which changed it (`vigil.epoch`, `entry`, `n`). So a record that
// comes again changes nothing, wherever a write was interrupted, and no count is ever added twice.

export interface Address {
  readonly index: string
  readonly id: string
}

/** Documents kept in memory between batches: some kilobytes each. More are read again when they are needed. */
const MAX_KEPT = 20_000
/** Documents asked for in one request. */
const MAX_ASKED = 500

const headerSchema = z.object({
  vigil: z.object({ origin: z.string(), epoch: z.number(), entry: z.number(), n: z.number() }),
})

/** One piece of state: as the server has it, and as the batch that is being applied leaves it. */
export class Slot {
  readonly address: Address
  /** The record that the stored document was last changed by. */
  stored: StorePosition | undefined
  #value: object | undefined
  #version: Version | undefined
  #next: { at: StorePosition; value: object } | undefined

  constructor(address: Address, found?: { at: StorePosition; value: object; version: Version }) {
    this.address = address
    this.stored = found?.at
    this.#value = found?.value
    this.#version = found?.version
  }

  /** False when the stored document knows of that record already. `value` holds only what an update of the same place returned. */
  update(at: StorePosition, change: (value: object | undefined) => object): boolean {
    if (this.stored !== undefined && compareInJournal(at, this.stored) <= 0) return false
    this.#next = { at, value: change(this.#next?.value ?? this.#value) }
    return true
  }

  /** What must be written; undefined when nothing changed. */
  operation(): Operation | undefined {
    if (this.#next === undefined) return undefined
    const { at, value } = this.#next
    return {
      ...this.address,
      source: { ...value, vigil: { ...at, key: this.address.id } },
      over: this.#version,
    }
  }

  /** After it was written. */
  settle(version: Version): void {
    this.stored = this.#next?.at
    this.#value = this.#next?.value
    this.#version = version
    this.#next = undefined
  }
}

/** The pieces of state that were read, by address. */
export class State {
  readonly #server: Server
  #slots = new Map<string, Slot>()

  constructor(server: Server) {
    this.#server = server
  }

  /** Reads what is not in memory. These reads see every write at once, refreshed or not. */
  async load(addresses: Iterable<Address>): Promise<void> {
    const missing = new Map<string, Address>()
    for (const address of addresses)
      if (!this.#slots.has(keyOf(address))) missing.set(keyOf(address), address)
    const wanted = [...missing.values()]
    for (let i = 0; i < wanted.length; i += MAX_ASKED) {
      const asked = wanted.slice(i, i + MAX_ASKED)
      const found = await getAll(this.#server, asked)
      for (const [k, address] of asked.entries()) {
        const document = found[k]
        this.#slots.set(keyOf(address), document === undefined ? new Slot(address) : read(address, document))
      }
    }
  }

  /** One that was loaded. */
  slot(address: Address): Slot {
    const slot = this.#slots.get(keyOf(address))
    if (slot === undefined) throw new RangeError(`expected ${keyOf(address)} to be loaded`)
    return slot
  }

  /** Takes over what was written. Throws StoreError(busy) when somebody else wrote meanwhile: then everything has to be read again. */
  settle(slots: readonly Slot[], outcomes: readonly Outcome[]): void {
    for (const [i, slot] of slots.entries()) {
      const version = outcomes[i]
      if (version === undefined)
        throw new StoreError(
          'busy',
          `${this.#server.url}: ${keyOf(slot.address)} was changed by another process: is this prefix used twice?`,
        )
      slot.settle(version)
    }
    for (const key of this.#slots.keys()) {
      if (this.#slots.size <= MAX_KEPT) break
      this.#slots.delete(key)
    }
  }

  /** After a failure: what was written is not known any more. */
  forget(): void {
    this.#slots.clear()
  }
}

interface Found {
  readonly source: unknown
  readonly version: Version
}

/** Documents by address, in that order; undefined where there is none, or no such index. */
export async function getAll(server: Server, addresses: readonly Address[]): Promise<(Found | undefined)[]> {
  if (addresses.length === 0) return []
  const { docs } = await server.ask((client, options) =>
    client.mget({ docs: addresses.map(({ index, id }) => ({ _index: index, _id: id })) }, options),
  )
  return docs.map((answer) => {
    if ('error' in answer) {
      if (answer.error.type === 'index_not_found_exception') return undefined
      throw new StoreError('io', `${server.url}: ${answer.error.type}: ${answer.error.reason ?? ''}`)
    }
    if (!answer.found) return undefined
    return {
      source: answer._source,
      version: { seqNo: answer._seq_no ?? 0, primaryTerm: answer._primary_term ?? 0 },
    }
  })
}

function read(address: Address, { source, version }: Found): Slot {
  const { vigil, ...value } = headerSchema.loose().parse(source)
  const { origin, epoch, entry, n } = vigil
  return new Slot(address, { at: { origin, epoch, entry, n }, value, version })
}

function keyOf({ index, id }: Address): string {
  return `${index}/${id}`
}
