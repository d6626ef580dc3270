import { canonicalize } from '../journal/canonical.ts'
import type { SealedRecord } from '../model/record.ts'
import { compareInJournal, formatRecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import type { Store } from './contract.ts'
import { locate, sha256 } from './sealed.ts'

/** What is compared: the documents of each kind of record, and what the store has derived from them. */
const COMPARED = [
  'position',
  'observation',
  'audit',
  'decision',
  'action',
  'latest',
  'finding',
  'rollUp',
  'source',
] as const

interface Difference {
  readonly kind: (typeof COMPARED)[number]
  /** Record id; for what is derived, what it is about. */
  readonly id: string
  readonly how: 'missing' | 'unexpected' | 'different'
}

interface Comparison {
  /** Documents and pieces of state that were compared. */
  readonly compared: number
  /** Records of the journal that the store has not applied yet; they are not compared. */
  readonly behind: number
  readonly differences: readonly Difference[]
}

const ALL = Number.MAX_SAFE_INTEGER
/** Later than any hour that a roll-up is about. */
const LAST = Date.UTC(9999, 11, 31)
/** Audit events read at once. */
const PAGE = 1000
/** Records applied to the reference at once: each is a transaction. */
const MAX_RECORDS = 5000

/**
 * Compares a store with the journal that it was made from: the journal is applied to `reference`, an empty store, as far as `store` got, and
 * then everything that can be asked of the two must be equal. Nothing may be applied to `store` meanwhile.
 */
export async function compareWithJournal(
  journal: AsyncIterable<readonly SealedRecord[]>,
  store: Store,
  reference: Store,
): Promise<Comparison> {
  const position = await store.position()
  let behind = 0
  let waiting: SealedRecord[] = []
  for await (const batch of journal) {
    const applied = locate(batch, undefined).filter(
      ({ at }) => position !== undefined && compareInJournal(at, position) <= 0,
    )
    behind += batch.length - applied.length
    waiting.push(...applied.map(({ record }) => record))
    if (waiting.length < MAX_RECORDS) continue
    await reference.apply(waiting)
    waiting = []
  }
  await reference.apply(waiting)
  return { ...(await compareStores(reference, store)), behind }
}

/** Everything that can be asked of two stores. */
export async function compareStores(
  expected: Store,
  found: Store,
): Promise<Pick<Comparison, 'compared' | 'differences'>> {
  const [left, right] = [await digestsOf(expected), await digestsOf(found)]
  const differences: Difference[] = []
  let compared = 0
  for (const kind of COMPARED) {
    const [of, other] = [left[kind], right[kind]]
    compared += of.size
    for (const [id, digest] of of) {
      const there = other.get(id)
      if (there !== digest) differences.push({ kind, id, how: there === undefined ? 'missing' : 'different' })
    }
    for (const id of other.keys()) if (!of.has(id)) differences.push({ kind, id, how: 'unexpected' })
  }
  return { compared, differences }
}

/** Id to digest: a store may hold far more than fits into memory. */
type Digests = ReadonlyMap<string, string>

async function digestsOf(store: Store): Promise<Readonly<Record<Difference['kind'], Digests>>> {
  const position = await store.position()
  const latest = await store.latestObservations()
  const rollUps = await store.rollUps({ from: toTimestamp(0), to: toTimestamp(LAST) })
  const observations: (readonly [string, unknown])[] = []
  for (const subject of new Set(rollUps.map((r) => r.subject)))
    for (const o of await store.observations({ subject, from: toTimestamp(0), limit: ALL }))
      observations.push([o.id, o])
  return {
    position: digests(
      position === undefined ? [] : [[formatRecordId(position.origin, position.epoch, position), 0]],
    ),
    observation: digests(observations),
    audit: await auditDigests(store),
    decision: digests((await store.decisions({ limit: ALL })).map((d) => [d.id, d])),
    action: digests((await store.actions({ limit: ALL })).map((a) => [a.record, a])),
    latest: digests(
      latest.map((l) => [join(l.observation.subject, l.observation.probe, l.observation.target), l]),
    ),
    finding: digests((await store.findings()).map((f) => [join(f.subject, f.rule), f])),
    rollUp: digests(rollUps.map((r) => [join(r.hour, r.subject, r.probe, r.target), r])),
    source: digests((await store.sourcePositions()).map((p) => [join(p.source, p.fingerprint), p])),
  }
}

async function auditDigests(store: Store): Promise<Digests> {
  const found = new Map<string, string>()
  let after: string | undefined
  do {
    const page = await store.auditEvents({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    for (const event of page) found.set(event.id, digest(event))
    after = page.at(-1)?.id
  } while (after !== undefined)
  return found
}

function digests(values: readonly (readonly [string, unknown])[]): Digests {
  return new Map(values.map(([id, value]) => [id, digest(value)]))
}

function digest(value: unknown): string {
  return sha256(canonicalize(value)).toString('base64')
}

function join(...parts: readonly string[]): string {
  return parts.join(' ')
}
