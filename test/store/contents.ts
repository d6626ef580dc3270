import type { SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import type { RollUp, Store } from '../../store/contract.ts'
import { FakeJournal, T0, action, audit, decision, failure, observation, tick, unchanged } from './records.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const at = (ms: number) => toTimestamp(T0 + ms)

/** Records of all kinds over several hours, some in entries of many. The same for the same length. */
export function history(entries: number): SealedRecord[] {
  const journal = new FakeJournal()
  const records: SealedRecord[] = []
  let last: SealedRecord | undefined
  for (let i = 0; i < entries; i++) {
    const time = T0 + i * 7 * MINUTE
    const target = `http://crl.example/${i % 3}.crl`
    const subject = `ca_crl[issuing-${i % 3}]`
    const part = { subject, target, start: toTimestamp(time), duration: i * 3 }
    const sealed = journal.seal(
      i % 5 === 4 ? failure(part) : observation({ ...part, facts: { crl: { number: String(i >> 3) } } }),
      audit({ time, user: `user-${i % 4}`, offset: i * 100, fingerprint: `f${i % 2}` }),
      decision({ subject, state: i % 2 === 0 ? 'pass' : 'fail', since: toTimestamp(time) }),
      ...(last === undefined ? [] : [unchanged(time, [last, time - 1, i / 7], [last, time, 2 ** (i / 4)])]),
      ...(i % 6 === 0 ? [action({ id: `a-${i}` })] : []),
      tick,
    )
    last = sealed[0]
    records.push(...sealed)
  }
  return records
}

/** All that can be asked of a store. */
export async function contentOf(store: Store): Promise<unknown> {
  const latest = await store.latestObservations()
  const subjects = [...new Set(latest.map((l) => l.observation.subject))]
  return {
    position: await store.position(),
    latest,
    observations: await Promise.all(
      subjects.map((subject) => store.observations({ subject, from: at(-HOUR), limit: 10_000 })),
    ),
    findings: await store.findings(),
    decisions: await store.decisions({ limit: 10_000 }),
    actions: await store.actions({ limit: 10_000 }),
    audit: await store.auditEvents({ limit: 10_000 }),
    rollUps: await rollUpsOf(store),
    sources: await store.sourcePositions(),
  }
}

export function rollUpsOf(store: Store): Promise<readonly RollUp[]> {
  return store.rollUps({ from: at(-HOUR), to: at(1000 * HOUR) })
}
