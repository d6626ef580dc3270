import { join } from 'node:path'
import { z } from 'zod'
import { nodeDisk } from '../journal/disk.ts'
import { messageOf } from '../model/thrown.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { backupMemory } from './backupPlace.ts'

// How the newest backup and the newest restore drill went, beside the journal: whoever makes them (the running vigil, a timer, a person) leaves it there, and the
// running vigil observes it.

/** Octets that such a file may have. */
const MAX_FILE = 64 * 1024
/** Characters of why something failed. */
const MAX_WHY = 300

const instant = z.iso.datetime({ precision: 3 })
const count = z.int().nonnegative()

const failed = z.strictObject({ at: instant, why: z.string() })

const backup = z.strictObject({
  at: instant,
  place: z.string(),
  /** Under the newest checkpoint. */
  entries: count,
  /** Octets that were copied or sent. */
  octets: count,
  duration: count,
})

const drill = z.strictObject({
  at: instant,
  place: z.string(),
  epochs: count,
  entries: count,
  records: count,
  artifacts: count,
  documents: count,
  duration: count,
})

/** `failed` is there when the newest attempt failed. */
const SCHEMAS = {
  backup: z.strictObject({ succeeded: backup.optional(), failed: failed.optional() }),
  drill: z.strictObject({ succeeded: drill.optional(), failed: failed.optional() }),
} as const
type Kind = keyof typeof SCHEMAS
export type Outcome<K extends Kind> = z.output<(typeof SCHEMAS)[K]>
type Success<K extends Kind> = Omit<NonNullable<Outcome<K>['succeeded']>, 'at'>

function fileOf(journalDirectory: string, kind: Kind): string {
  return join(backupMemory(journalDirectory), `${kind}.json`)
}

/** Nothing where none is known, or the file is not what it should be: what it would have said is then missing, and that is found out. */
export async function readOutcome<K extends Kind>(journalDirectory: string, kind: K): Promise<Outcome<K>> {
  const bytes = await nodeDisk.readPart(fileOf(journalDirectory, kind), 0, MAX_FILE)
  const parsed = SCHEMAS[kind].safeParse(parseJson(bytes?.toString('utf8') ?? ''))
  return (parsed.success ? parsed.data : {}) as Outcome<K>
}

/** Does the work, and leaves beside the journal how it went. */
export async function withOutcome<K extends Kind, T extends { readonly outcome: Success<K> }>(
  journalDirectory: string,
  kind: K,
  now: Clock,
  work: () => Promise<T>,
): Promise<T> {
  const leave = async (outcome: unknown): Promise<void> => {
    await nodeDisk.makeDirectory(backupMemory(journalDirectory))
    await nodeDisk.replace(fileOf(journalDirectory, kind), Buffer.from(`${JSON.stringify(outcome)}\n`))
  }
  try {
    const done = await work()
    await leave({ succeeded: { at: toTimestamp(now()), ...done.outcome } })
    return done
  } catch (error) {
    const why = messageOf(error).slice(0, MAX_WHY).toWellFormed()
    const before = await readOutcome(journalDirectory, kind)
    await leave({ ...before, failed: { at: toTimestamp(now()), why } })
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
