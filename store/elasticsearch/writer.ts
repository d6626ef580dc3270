import { z } from 'zod'
import type { SealedRecord } from '../../model/record.ts'
import { compareInJournal, type RecordId } from '../../model/recordId.ts'
import type { StorePosition } from '../contract.ts'
import { StoreError } from '../error.ts'
import { digestOf, locate } from '../sealed.ts'
import type { Located } from '../sealed.ts'
import { writeAll } from './bulk.ts'
import type { Operation } from './bulk.ts'
import type { Server } from './client.ts'
import { addressOf, evidenceOf } from './documents.ts'
import type { EvidenceRecord, TargetDocument } from './documents.ts'
import { createIndex, EVIDENCE, SCHEMA_VERSION } from './indices.ts'
import type { EvidenceKind, Names } from './indices.ts'
import { getAll, State } from './state.ts'
import type { Address, Slot } from './state.ts'
import { referencesOf, stateOf, stepsOf } from './steps.ts'
import type { Observed } from './steps.ts'

/** Observations that later records may refer to, kept in memory; older ones are searched for. About 200 octets each. */
const MAX_OBSERVED = 50_000
/** Documents asked for in one request. */
const MAX_ASKED = 500

const digestSchema = z.object({ vigil: z.object({ digest: z.string() }) })
const observedSchema = z.object({
  vigil: z.object({ id: z.string() }),
  subject: z.string(),
  probe: z.string(),
  target: z.string(),
  outcome: z.enum(['success', 'failure']),
})

/**
 * Applies batches, one at a time. The server has no transactions, so the order of writing carries the guarantees:
 *
 * 1. Everything that could be refused is checked before anything is written.
 * 2. Evidence is created under the record's id. One that is there already must have the same digest.
 * 3. State is written over the version that was read, and names the record it knows of.
 * 4. The position.
 *
 * Each step begins when the one before it is complete. Interrupted anywhere, documents may be ahead of the position until the same records
 * come again, which then changes nothing that was written; they are never behind it.
 */
export class Writer {
  readonly #server: Server
  readonly #names: Names
  readonly #state: State
  readonly #observed = new Map<RecordId, Observed>()
  readonly #months = new Set<string>()

  constructor(server: Server, names: Names) {
    this.#server = server
    this.#names = names
    this.#state = new State(server)
  }

  async apply(batch: readonly SealedRecord[]): Promise<void> {
    if (batch.length === 0) return
    try {
      await this.#apply(batch)
    } catch (error) {
      this.#state.forget()
      this.#observed.clear()
      this.#months.clear()
      throw error
    }
  }

  async #apply(batch: readonly SealedRecord[]): Promise<void> {
    const place = positionAddress(this.#names)
    await this.#state.load([place])
    const position = this.#state.slot(place)
    const applied = position.stored
    const located = locate(batch, applied)
    const isNew = ({ at }: Located): boolean => applied === undefined || compareInJournal(at, applied) > 0
    await this.#compareWithStored(located.filter((l) => !isNew(l)))
    const fresh = located.filter(isNew)
    const last = fresh.at(-1)
    if (last === undefined) return

    const { evidence, expected, changed } = await this.#plan(fresh)
    await this.#makeMonths([...evidence, ...changed.map((slot) => slot.address)])
    const created = await writeAll(this.#server, evidence)
    await this.#mustEqual([...expected, ...evidence.filter((_, i) => created[i] === undefined).map(digestIn)])
    await this.#write(changed)
    position.update(last.at, () => ({ schema: SCHEMA_VERSION }))
    await this.#write([position])
  }

  /** What is to be written, and what must be there already. Nothing is written yet. */
  async #plan(
    fresh: readonly Located[],
  ): Promise<{ evidence: Operation[]; expected: Expected[]; changed: Slot[] }> {
    await this.#findObserved(fresh)
    const planned = fresh.map((located) => {
      const { record } = located
      const steps = stepsOf(located, this.#names, (id) => this.#observed.get(id))
      if (record.kind === 'observation') this.#remember(record.id, record.body)
      return { located, steps }
    })
    await this.#state.load(planned.flatMap(({ steps }) => steps.map((step) => step.address)))

    const evidence: Operation[] = []
    const expected: Expected[] = []
    const changed = new Set<Slot>()
    for (const { located, steps } of planned) {
      const { record, at } = located
      let before: object | undefined
      let known = false
      for (const [i, { address, change }] of steps.entries()) {
        const slot = this.#state.slot(address)
        const isNews = slot.update(at, (value) => {
          if (i === 0) before = value
          return change(value)
        })
        if (isNews) changed.add(slot)
        else if (i === 0) known = true
      }
      if (!isEvidence(record)) continue
      // Its target's document knows of it: an interrupted write got that far, and the document was complete before.
      if (record.kind === 'observation' && known) expected.push(expectedOf(record, this.#names))
      else
        evidence.push(evidenceOf(record, located, this.#names, repeats(record, before) ? 'repeats' : 'whole'))
    }
    return { evidence, expected, changed: [...changed] }
  }

  /** Learns of the earlier observations that the records refer to. */
  async #findObserved(fresh: readonly Located[]): Promise<void> {
    const here = new Set(fresh.map(({ record }) => record.id))
    const missing = new Set(
      fresh.flatMap(referencesOf).filter((id) => !this.#observed.has(id) && !here.has(id)),
    )
    if (missing.size === 0) return
    const index = this.#names.all('observations')
    await this.#server.ask((client, options) => client.indices.refresh({ index }, options))
    const ids = [...missing]
    for (let i = 0; i < ids.length; i += MAX_ASKED) {
      const values = ids.slice(i, i + MAX_ASKED)
      const { hits } = await this.#server.ask((client, options) =>
        client.search(
          {
            index,
            size: values.length,
            query: { ids: { values } },
            _source: ['vigil.id', 'subject', 'probe', 'target', 'outcome'],
          },
          options,
        ),
      )
      for (const { _source } of hits.hits) {
        const found = observedSchema.parse(_source)
        this.#remember(found.vigil.id, found)
      }
    }
  }

  #remember(id: RecordId, { subject, probe, target, outcome }: Observed): void {
    this.#observed.set(id, { subject, probe, target, outcome })
  }

  async #write(slots: readonly Slot[]): Promise<void> {
    const operations = slots.flatMap((slot) => slot.operation() ?? [])
    this.#state.settle(slots, await writeAll(this.#server, operations))
    for (const id of this.#observed.keys()) {
      if (this.#observed.size <= MAX_OBSERVED) break
      this.#observed.delete(id)
    }
  }

  async #makeMonths(addresses: readonly Address[]): Promise<void> {
    const missing = new Set(addresses.map(({ index }) => index).filter((index) => !this.#months.has(index)))
    await Promise.all([...missing].map((index) => createIndex(this.#server, index)))
    for (const index of missing) this.#months.add(index)
  }

  /** Records that were applied before: what has a document must be the same now, and what has none must still have none. */
  async #compareWithStored(known: readonly Located[]): Promise<void> {
    const kinds = Object.keys(EVIDENCE) as EvidenceKind[]
    await this.#mustEqual(
      known.flatMap(({ record }) =>
        kinds.map((kind) => ({
          index: this.#names.month(EVIDENCE[kind], record.recorded),
          id: record.id,
          digest: kind === record.kind ? digestOf(record).toString('hex') : undefined,
        })),
      ),
    )
  }

  async #mustEqual(expected: readonly Expected[]): Promise<void> {
    for (let i = 0; i < expected.length; i += MAX_ASKED) {
      const part = expected.slice(i, i + MAX_ASKED)
      const found = await getAll(this.#server, part)
      for (const [k, { id, digest }] of part.entries()) {
        const document = found[k]
        const stored = document === undefined ? undefined : digestSchema.parse(document.source).vigil.digest
        if (stored !== digest)
          throw new StoreError(
            'conflict',
            `${id} was applied before with other content: journal and store disagree`,
          )
      }
    }
  }
}

/** A document, and the digest that it must have; undefined: it must not be there. */
interface Expected extends Address {
  readonly digest: string | undefined
}

function positionAddress(names: Names): Address {
  return { index: names.single('meta'), id: 'position' }
}

const positionSchema = z.object({
  schema: z.number(),
  vigil: z.object({ origin: z.string(), epoch: z.number(), entry: z.number(), n: z.number() }),
})

/** How far the journal was applied, as the server has it now. Throws StoreError(foreign_file) when another version wrote it. */
export async function readPosition(server: Server, names: Names): Promise<StorePosition | undefined> {
  const place = positionAddress(names)
  const [found] = await getAll(server, [place])
  if (found === undefined) return undefined
  const { schema, vigil } = positionSchema.parse(found.source)
  if (schema !== SCHEMA_VERSION)
    throw new StoreError(
      'foreign_file',
      `${server.url}: expected ${place.index} of schema ${SCHEMA_VERSION}, found ${schema}: name another prefix, or delete the indices and templates of this one`,
    )
  const { origin, epoch, entry, n } = vigil
  return { origin, epoch, entry, n }
}

function isEvidence(record: SealedRecord): record is EvidenceRecord {
  return record.kind in EVIDENCE
}

function expectedOf(record: EvidenceRecord, names: Names): Expected {
  return { ...addressOf(record, names), digest: digestOf(record).toString('hex') }
}

function digestIn({ index, id, source }: Operation): Expected {
  return { index, id, digest: digestSchema.parse(source).vigil.digest }
}

/** A successful run that found what the run before it found. `before`: the target's document. */
function repeats(record: EvidenceRecord, before: object | undefined): boolean {
  if (record.kind !== 'observation' || record.body.outcome !== 'success') return false
  return (before as TargetDocument | undefined)?.state === stateOf(record.body)
}
