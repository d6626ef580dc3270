import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Store } from '../../store/contract.ts'
import { storeAnswers } from './answers.ts'
import { contentOf, history, rollUpsOf } from './contents.ts'
import { FakeJournal, T0, action, audit, decision, observation, tick, unchanged } from './records.ts'

/** One place that a store keeps its data in, for one test. */
interface StorePlace {
  /** Opens the store on what is there; called again after `close` it must find the same data. */
  open(): Promise<Store>
  /** Removes everything. */
  remove(): Promise<void>
}

const MINUTE = 60_000
const at = (ms: number) => toTimestamp(T0 + ms)

/** What every store must do. `place` gives an empty place; a place is removed when its test is over. */
export function storeContract(name: string, place: () => Promise<StorePlace>): void {
  void describe(`${name}: store contract`, () => {
    const cleanUp: (() => Promise<void>)[] = []
    after(async () => {
      for (const undo of cleanUp.reverse()) await undo()
    })
    async function newPlace(): Promise<StorePlace> {
      const p = await place()
      cleanUp.push(() => p.remove())
      return p
    }
    async function newStore(): Promise<Store> {
      const store = await (await newPlace()).open()
      cleanUp.push(() => store.close())
      return store
    }
    async function refuses(store: Store, batch: readonly SealedRecord[], code: string): Promise<void> {
      const before = await contentOf(store)
      await assert.rejects(store.apply(batch), { name: 'StoreError', code })
      assert.deepEqual(await contentOf(store), before, 'a refused batch leaves nothing behind')
    }

    it('is empty before anything is applied', async () => {
      const store = await newStore()
      assert.equal(await store.position(), undefined)
      assert.deepEqual(await contentOf(store), {
        position: undefined,
        latest: [],
        observations: [],
        findings: [],
        decisions: [],
        actions: [],
        audit: [],
        rollUps: [],
        sources: [],
      })
      await store.apply([])
      assert.equal(await store.position(), undefined)
    })

    it('remembers the position of the last record, whatever its kind', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      await store.apply(journal.seal(tick))
      await store.apply(journal.seal(observation(), tick))
      assert.deepEqual(await store.position(), { origin: journal.origin, epoch: 0, entry: 1, n: 1 })
    })

    it('gives documents back as they were recorded', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const records = journal.seal(observation(), audit(), decision(), action())
      await store.apply(records)
      const stored = (i: number) => {
        const { body, id, recorded } = records[i]!
        return { ...body, id, recorded }
      }
      assert.deepEqual(await store.observations({ subject: 'ca_crl[issuing-1]', from: at(0), limit: 9 }), [
        stored(0),
      ])
      assert.deepEqual(await store.auditEvents({ limit: 9 }), [stored(1)])
      assert.deepEqual(await store.findings(), [stored(2)])
      assert.deepEqual(await store.decisions({ limit: 9 }), [stored(2)])
      const { id: record, recorded, body } = records[3]!
      assert.deepEqual(await store.actions({ limit: 9 }), [{ ...body, record, recorded }])
    })

    it('applies a batch once, however often it comes', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const first = journal.seal(observation(), audit(), decision(), action())
      const second = journal.seal(unchanged(T0 + MINUTE, [first[0]!, T0 + MINUTE, 9]), tick)
      await store.apply(first)
      await store.apply(second)
      const before = await contentOf(store)
      await store.apply(first)
      await store.apply(second)
      await store.apply([...first, ...second])
      assert.deepEqual(await contentOf(store), before)
    })

    it('applies only what is new of a batch that overlaps', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const first = journal.seal(observation(), audit())
      const second = journal.seal(unchanged(T0 + MINUTE, [first[0]!, T0 + MINUTE, 9]), audit({ offset: 100 }))
      await store.apply(first)
      await store.apply([...first, ...second])
      assert.equal((await rollUpsOf(store))[0]?.runs, 2)
      assert.equal((await store.auditEvents({ limit: 9 })).length, 2)
    })

    it('is the same whatever the key order of a record that comes again', async () => {
      const store = await newStore()
      const [record] = new FakeJournal().seal(action())
      await store.apply([record!])
      const reversed = { ...record!, body: Object.fromEntries(Object.entries(record!.body).reverse()) }
      await store.apply([reversed as typeof record & object])
    })

    for (const [kind, record, other] of [
      ['observation', observation(), observation({ duration: 13 })],
      ['audit event', audit(), audit({ user: 'mallory' })],
      ['decision', decision(), decision({ state: 'fail' })],
      ['action', action(), action({ detail: 'other' })],
      ['kind', decision(), tick],
    ] as const)
      it(`refuses a record id that comes again with another ${kind}`, async () => {
        const store = await newStore()
        await store.apply(new FakeJournal().seal(record))
        await refuses(store, new FakeJournal().seal(other), 'conflict')
      })

    it('refuses the records of another journal', async () => {
      const store = await newStore()
      await store.apply(new FakeJournal().seal(tick))
      const other = new FakeJournal('other.test')
      other.entries = 1
      await refuses(store, other.seal(observation()), 'other_journal')
    })

    it('takes the next epoch of its journal after everything before it', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const first = journal.seal(audit(), tick)
      await store.apply(first)
      journal.epoch = 1
      journal.entries = 0
      const second = journal.seal(audit({ offset: 100 }))
      await store.apply(second)
      await store.apply(first)
      assert.deepEqual(await store.position(), { origin: journal.origin, epoch: 1, entry: 0, n: 0 })
      assert.deepEqual(
        (await store.auditEvents({ limit: 9 })).map((e) => e.id),
        [second[0]!.id, first[0]!.id],
      )
    })

    it('refuses a batch that is out of order, and applies nothing of it', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const first = journal.seal(audit())
      const second = journal.seal(audit({ offset: 100 }))
      await refuses(store, [...second, ...first], 'order')
      await refuses(store, [...first, ...first], 'order')
    })

    it('refuses a record whose id does not name its position', async () => {
      const store = await newStore()
      const [record] = new FakeJournal().seal(audit())
      await refuses(store, [{ ...record!, position: { entry: 7, n: 0 } }], 'bad_record')
      await refuses(store, [{ ...record!, id: 'nonsense' }], 'bad_record')
    })

    it('passes over an unchanged item whose observation was pruned from the journal', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const [first] = journal.seal(audit())
      const [seen, repeated] = journal.seal(observation(), unchanged(T0, [first!, T0, 5]))
      await store.apply([seen!, repeated!])
      const position = await store.position()
      assert.deepEqual([position?.entry, position?.n], [repeated!.position.entry, repeated!.position.n])
    })

    it('goes on after a refused batch', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const [seen] = journal.seal(observation())
      await store.apply([seen!])
      await assert.rejects(store.apply([{ ...seen!, id: 'nonsense' }]))
      await store.apply(journal.seal(unchanged(T0 + MINUTE, [seen!, T0 + MINUTE, 5])))
      assert.equal((await rollUpsOf(store))[0]?.runs, 2, 'nothing of the refused batch is counted')
    })

    it('applies batches in the order in which they were handed over', async () => {
      const store = await newStore()
      const journal = new FakeJournal()
      const batches = Array.from({ length: 20 }, (_, i) => journal.seal(audit({ offset: i * 100 })))
      await Promise.all(batches.map((batch) => store.apply(batch)))
      assert.equal((await store.position())?.entry, 19)
      assert.equal((await store.auditEvents({ limit: 99 })).length, 20)
    })

    storeAnswers(newStore)

    it('holds the same after it was closed and opened, and after a rebuild in batches of any size', async () => {
      const records = history(40)
      const [one, many] = [await newPlace(), await newPlace()]
      const whole = await one.open()
      await whole.apply(records)
      const content = await contentOf(whole)
      await whole.close()
      const again = await one.open()
      assert.deepEqual(await contentOf(again), content)
      await again.close()

      let size = 1
      for (let i = 0; i < records.length; i += size) {
        size = (size * 7) % 61
        const store = await many.open()
        await store.apply(records.slice(Math.max(0, i - 2), i + size))
        await store.close()
      }
      const rebuilt = await many.open()
      assert.deepEqual(await contentOf(rebuilt), content)
      await rebuilt.close()
    })

    it('refuses every call after it was closed', async () => {
      const store = await (await newPlace()).open()
      await store.close()
      await assert.rejects(store.position(), { name: 'StoreError', code: 'closed' })
      await assert.rejects(store.apply(history(1)), { name: 'StoreError', code: 'closed' })
      await store.close()
    })
  })
}
