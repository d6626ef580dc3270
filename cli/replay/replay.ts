import type { JournalReader } from '../../journal/reader.ts'
import type { SealedRecord } from '../../model/record.ts'
import { parseRecordId } from '../../model/recordId.ts'
import { DecisionReplay, isBeginning, type DecisionReport } from '../../rules/decisionReplay.ts'
import { rulesOf } from '../rulesOf.ts'
import { productVersion } from '../version.ts'
import { EventReplay, type EventReport } from './eventReplay.ts'
import { FactReplay, type FactReport } from './factReplay.ts'
import { recordedConfiguration } from './recordedConfiguration.ts'

export interface ReplayReport {
  readonly facts: FactReport
  readonly events: EventReport
  readonly decisions: DecisionReport
  /** What an auditor must know of it. */
  readonly notes: readonly string[]
}

/** Records that say something else than what follows. */
export function differencesIn({ facts, events, decisions }: ReplayReport): number {
  return facts.different + events.different + decisions.differs + decisions.missing + decisions.extra
}

interface ReplayOptions {
  /** Entries of the newest epoch to go through: those that were verified. */
  readonly size: number
  readonly onProgress: (entries: number) => void
}

/**
 * Derives once more what follows from evidence, from the records and artifacts of a journal and nothing else: facts from what probes kept, events from raw
 * records, decisions from all of it, with the configuration and the packs that were in force. Nothing is held of what has gone by but the newest of each.
 */
export async function replay(
  reader: Pick<JournalReader, 'epoch' | 'read' | 'getArtifact'>,
  { size, onProgress }: ReplayOptions,
): Promise<ReplayReport> {
  const facts = new FactReplay(reader)
  const events = new EventReplay()
  const decisions = new DecisionReplay()
  const notes = new Set<string>()
  let entries = 0
  for await (const batch of reader.read()) {
    if (isBehind(batch, { epoch: reader.epoch, size })) break
    if (entries === 0 && !isBeginning(batch[0])) {
      facts.beginLate()
      notes.add('records before the oldest one here are gone: what was known then is taken as recorded')
    }
    for (const record of batch) {
      if (record.kind === 'observation') await facts.add(record)
      if (record.kind === 'unchanged') await facts.repeat(record)
      if (record.kind === 'audit') events.add(record)
      if (record.kind !== 'configuration') continue
      const configuration = await recordedConfiguration(reader, record)
      if (typeof configuration === 'string') notes.add(`configuration ${record.id}: ${configuration}`)
      noteVersion(record, notes)
      const usable = typeof configuration === 'string' ? undefined : configuration
      facts.configure(usable)
      events.configure(usable)
      decisions.configure(record.id, usable && rulesOf(usable))
    }
    decisions.add(batch)
    onProgress(++entries)
  }
  return { facts: facts.end(), events: events.end(), decisions: decisions.end(), notes: [...notes] }
}

function isBehind(
  [first]: readonly SealedRecord[],
  { epoch, size }: { readonly epoch: number; readonly size: number },
): boolean {
  const at = first && parseRecordId(first.id)
  return at?.epoch === epoch && at.entry >= size
}

function noteVersion({ body }: SealedRecord & { readonly kind: 'configuration' }, notes: Set<string>): void {
  const own = `pki-vigil ${productVersion()}`
  if (body.product !== own)
    notes.add(
      `made by ${body.product}, made again by ${own}: where one judges otherwise there are differences`,
    )
}
