import { PRUNABLE_KINDS, type PrunableKind, type RecordKind, type Retention } from '../../model/record.ts'
import { formatRecordId, type Position } from '../../model/recordId.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { Disk } from '../disk.ts'
import { JournalError } from '../error.ts'
import { toldBy } from '../handOvers.ts'
import { readIdentity } from '../identity.ts'
import type { HandOver } from '../rotation.ts'
import { listSegments, readTrailer } from '../segments.ts'
import { keptArtifacts } from '../verify/references.ts'
import { parseRetention } from './claims.ts'
import { readRecords, type ReadRecord } from './records.ts'

/** Digests, and positions, in a record: 1 MiB holds more of either. */
const MAX_ARTIFACTS = 8000
const MAX_RECORDS = 20_000

export interface Basis {
  readonly by: string
  readonly reason: string
}

/** What is to be taken out: the oldest whole segments, or records of some kinds wherever they stand, journaled before a time (ms since the Unix epoch). */
export interface PruneRequest extends Basis {
  readonly before: number
  /** None: all. */
  readonly kinds: readonly PrunableKind[]
}

/** What a policy wants taken out: both of these at once. Times in ms since the Unix epoch. */
export interface RetentionRequest extends Basis {
  /** Whole segments, all of whose records were journaled before; undefined: none. */
  readonly before: number | undefined
  /** Records of a kind that were journaled before. */
  readonly kinds: readonly { readonly kind: PrunableKind; readonly before: number }[]
}

interface Hold {
  readonly id: string
  readonly entry: number
  readonly from: number
  readonly to: number
}

/** The records to write before anything is removed; none when nothing is due. Throws JournalError(altered, format). */
export async function planPrune(
  disk: Disk,
  directory: string,
  { by, reason, before, kinds }: PruneRequest,
): Promise<readonly Retention[]> {
  const request =
    kinds.length === 0
      ? { before, kinds: [] }
      : { before: undefined, kinds: kinds.map((kind) => ({ kind, before })) }
  return await planRetention(disk, directory, { by, reason, ...request })
}

/** The same for a policy. */
export async function planRetention(
  disk: Disk,
  directory: string,
  { by, reason, before, kinds }: RetentionRequest,
): Promise<readonly Retention[]> {
  const holds = await standingHolds(disk, directory)
  const isHeld = (recorded: number) => holds.some(({ from, to }) => recorded >= from && recorded < to)
  const { segments, entries } = await dueSegments(disk, directory, (read) => {
    const isHold = holds.some(({ entry }) => entry === read.entry)
    return before !== undefined && read.recorded < before && !isHeld(read.recorded) && !isHold
  })
  const ages = new Map<RecordKind, number>(kinds.map((kind) => [kind.kind, kind.before]))
  const keys: HandOver[] = []
  const { positions, artifacts } = await removal(disk, directory, (read) => {
    const { entry, envelope, recorded } = read
    if (entry >= entries) return recorded < (ages.get(envelope.kind) ?? -Infinity) && !isHeld(recorded)
    if (envelope.kind === 'key') keys.push(...(toldBy(read, envelope)?.handOvers ?? []))
    return true
  })
  const basis = { by, reason }
  const erased = positions.filter(([entry]) => entry >= entries)
  if (segments === 0) return erasure(basis, erased, artifacts)
  const earlier = await earlierKeys(disk, directory)
  const pruned = chunks(artifacts, MAX_ARTIFACTS).map((some) => ({
    action: 'prune' as const,
    ...basis,
    segments,
    entries,
    keys: [...earlier, ...keys],
    artifacts: some,
  }))
  return [...pruned, ...erasure(basis, erased, [])]
}

/** The records to write before one is erased. Throws JournalError(format, held). */
export async function planErase(
  disk: Disk,
  directory: string,
  { entry, n }: Position,
  basis: Basis,
): Promise<readonly Retention[]> {
  const prunable: readonly RecordKind[] = PRUNABLE_KINDS
  let found: ReadRecord | undefined
  for await (const read of readRecords(disk, directory, entry, entry + 1))
    if (read.entry === entry && read.n === n) found = read
  if (found === undefined)
    throw new JournalError('format', {
      expected: `record ${n} of entry ${entry}`,
      got: 'none, or one that is gone',
    })
  if (!prunable.includes(found.envelope.kind))
    throw new JournalError('format', {
      expected: `a record of kind ${prunable.join(', ')}`,
      got: found.envelope.kind,
    })
  const { recorded } = found
  const held = (await standingHolds(disk, directory)).find(
    ({ from, to }) => recorded >= from && recorded < to,
  )
  if (held !== undefined)
    throw new JournalError(
      'held',
      `record ${n} of entry ${entry} is under the legal hold ${held.id}: release that first`,
    )
  return await planErasure(disk, directory, basis, (read) => read.entry === entry && read.n === n)
}

async function planErasure(
  disk: Disk,
  directory: string,
  basis: Basis,
  due: (read: ReadRecord) => boolean,
): Promise<readonly Retention[]> {
  const { positions, artifacts } = await removal(disk, directory, due)
  return erasure(basis, positions, artifacts)
}

function erasure(
  basis: Basis,
  positions: readonly (readonly [number, number])[],
  artifacts: readonly string[],
): readonly Retention[] {
  if (positions.length === 0) return []
  const [some, digests] = [chunks(positions, MAX_RECORDS), chunks(artifacts, MAX_ARTIFACTS)]
  return Array.from({ length: Math.max(some.length, digests.length) }, (_, i) => ({
    ...basis,
    action: 'erase' as const,
    records: some[i] ?? [],
    artifacts: digests[i] ?? [],
  }))
}

/** Positions of the records that go, and the artifacts that only they name. */
async function removal(
  disk: Disk,
  directory: string,
  goes: (read: ReadRecord) => boolean,
): Promise<{
  readonly positions: readonly (readonly [number, number])[]
  readonly artifacts: readonly string[]
}> {
  const positions: (readonly [number, number])[] = []
  const theirs = new Set<string>()
  const others = new Set<string>()
  for await (const read of readRecords(disk, directory)) {
    const isGoing = goes(read)
    if (isGoing) positions.push([read.entry, read.n])
    for (const { digest } of keptArtifacts(read.envelope)) (isGoing ? theirs : others).add(digest)
  }
  return { positions, artifacts: [...theirs].filter((digest) => !others.has(digest)).sort() }
}

/** The oldest segments of which every record is due; never the newest one. */
async function dueSegments(
  disk: Disk,
  directory: string,
  isDue: (read: ReadRecord) => boolean,
): Promise<{ readonly segments: number; readonly entries: number }> {
  const { sealed } = await listSegments(disk, directory)
  let due = { segments: 0, entries: 0 }
  for (const number of sealed.slice(0, -1)) {
    const { first, count } = await readTrailer(disk, directory, number)
    for await (const read of readRecords(disk, directory, first, first + count)) if (!isDue(read)) return due
    due = { segments: number + 1, entries: first + count }
  }
  return due
}

async function standingHolds(disk: Disk, directory: string): Promise<readonly Hold[]> {
  const { origin, epoch } = await readIdentity(disk, directory)
  const holds = new Map<string, Hold>()
  for await (const { entry, n, envelope } of readRecords(disk, directory)) {
    if (envelope.kind !== 'retention') continue
    const retention = parseRetention(envelope.body)
    if (retention.action === 'release') holds.delete(retention.hold)
    if (retention.action !== 'hold') continue
    const id = formatRecordId(origin, epoch, { entry, n })
    holds.set(id, { id, entry, from: fromTimestamp(retention.from), to: fromTimestamp(retention.to) })
  }
  return [...holds.values()]
}

/** Keys that were handed over to in what is pruned already. */
async function earlierKeys(disk: Disk, directory: string): Promise<readonly HandOver[]> {
  let keys: readonly HandOver[] = []
  let first: number | undefined
  for await (const { entry, envelope } of readRecords(disk, directory)) {
    first ??= entry
    if (envelope.kind !== 'retention') continue
    const retention = parseRetention(envelope.body)
    if (retention.action === 'prune') keys = retention.keys
  }
  return keys.filter(({ entry }) => entry < (first ?? 0))
}

/** At least one. */
function chunks<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  const count = Math.max(1, Math.ceil(items.length / length))
  return Array.from({ length: count }, (_, i) => items.slice(i * length, (i + 1) * length))
}
