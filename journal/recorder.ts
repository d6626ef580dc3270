import { FACTS, type Facts, type FactType } from '../model/facts.ts'
import type { Artifact, ArtifactRef, ProbeResult } from '../model/observation.ts'
import type { NewRecord } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Clock } from '../model/time.ts'
import { canonicalize } from './canonical.ts'
import { sha256 } from './digest.ts'
import { JournalError } from './error.ts'
import type { Journal } from './journal.ts'

/** How long unchanged runs are gathered. */
const FLUSH_INTERVAL_MS = 1000
/** Items in one record: at under 40 octets each, far below the size of a record. */
const MAX_ITEMS = 10_000
/** A target is recorded in full at least this often, so that no item refers to evidence older than that. */
const FULL_EVERY_MS = 86_400_000
/** One answer in this time is kept with its bytes while nothing but times changes. */
const SAMPLE_MS = 3_600_000
const OCSP_RESPONSE = 'application/ocsp-response'

export interface RecorderOptions {
  readonly journal: Pick<Journal, 'append' | 'putArtifact'>
  readonly now: Clock
}

/** What the last full record of a target said. */
interface Previous {
  readonly position: Position
  /** When it was written, in ms. */
  readonly at: number
  /** Digest of everything that makes a run equal to another. */
  readonly sameness: string
  /** The same without times. */
  readonly steadiness: string
  /** SAMPLE_MS period in which bytes of an OCSP answer were last kept. */
  readonly sampled: number
}

/** A run that only repeats a record. */
interface Repeat {
  readonly position: Position
  readonly start: number
  readonly duration: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Turns probe runs into records: a full observation, or an item of an `unchanged` record when nothing changed since the last. */
export class ObservationRecorder {
  readonly #journal: RecorderOptions['journal']
  readonly #now: Clock
  readonly #previous = new Map<string, Previous>()
  /** The run under way for each target: the next one refers to it. */
  readonly #turns = new Map<string, Promise<void>>()
  #repeats: Repeat[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor({ journal, now }: RecorderOptions) {
    this.#journal = journal
    this.#now = now
  }

  /** Resolves when the run is sealed; rejects with JournalError when it is not, and then the target's next run is recorded in full. */
  async record(result: ProbeResult): Promise<void> {
    if (this.#closed) throw new JournalError('closed', 'the recorder is closed')
    const { subject, probe, target, vantage } = result.observation
    const key = JSON.stringify([subject, probe, target, vantage])
    const before = this.#turns.get(key) ?? Promise.resolve()
    const turn = before.catch(() => undefined).then(() => this.#record(key, result))
    this.#turns.set(key, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  /** Writes the unchanged runs that wait. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const repeats = this.#repeats
    this.#repeats = []
    if (repeats.length === 0) return
    const records: NewRecord[] = []
    for (let i = 0; i < repeats.length; i += MAX_ITEMS)
      records.push(unchanged(repeats.slice(i, i + MAX_ITEMS)))
    try {
      await this.#journal.append(records)
      for (const repeat of repeats) repeat.resolve()
    } catch (error) {
      for (const repeat of repeats) repeat.reject(error)
    }
  }

  /** Writes what waits, and ends. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#turns.size > 0) {
      await this.flush()
      await Promise.race(this.#turns.values()).catch(() => undefined)
    }
  }

  async #record(key: string, { observation, artifacts, kept = [] }: ProbeResult): Promise<void> {
    const digests = artifacts.map(({ bytes, digest }) => digest ?? sha256(bytes).toString('hex'))
    const { outcome, error, facts } = observation
    const steadiness = fingerprint({ outcome, error, facts: withoutTimes(facts) })
    // The same evidence is the same run, whether it came again or was known to be unchanged.
    const evidence = [...digests, ...kept.map(({ digest }) => digest)].toSorted()
    const sameness = fingerprint({ outcome, error, facts, evidence })
    const previous = this.#previous.get(key)
    const at = this.#now()
    if (previous?.sameness === sameness && Math.abs(at - previous.at) < FULL_EVERY_MS) {
      await this.#repeat(previous.position, fromTimestamp(observation.start), observation.duration)
      return
    }
    const period = Math.floor(at / SAMPLE_MS)
    const keepAll =
      outcome === 'failure' || previous?.steadiness !== steadiness || previous.sampled !== period
    const refs = await Promise.all(
      artifacts.map((artifact, i) => this.#keep(artifact, digests[i] ?? '', keepAll)),
    )
    // Until the record is sealed there is nothing that a later run could refer to.
    this.#previous.delete(key)
    const [sealed] = await this.#journal.append([
      {
        kind: 'observation',
        time: observation.start,
        body: { ...observation, artifacts: [...refs, ...kept] },
      },
    ])
    if (sealed === undefined) return
    const sampled = keepAll ? period : previous.sampled
    this.#previous.set(key, { position: sealed.position, at, sameness, steadiness, sampled })
  }

  async #keep(artifact: Artifact, digest: string, keepAll: boolean): Promise<ArtifactRef> {
    if (keepAll || artifact.mediaType !== OCSP_RESPONSE) return await this.#journal.putArtifact(artifact)
    return { digest, mediaType: artifact.mediaType, size: artifact.bytes.length, kept: false }
  }

  #repeat(position: Position, start: number, duration: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#repeats.push({ position, start, duration, resolve, reject })
      if (this.#closed) void this.flush()
      else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_INTERVAL_MS)
    })
  }
}

function unchanged(repeats: readonly Repeat[]): NewRecord {
  const time = repeats.reduce((earliest, repeat) => Math.min(earliest, repeat.start), Infinity)
  const items = repeats.map(({ position, start, duration }) => {
    return [position.entry, position.n, start - time, Math.round(duration)] as const
  })
  return { kind: 'unchanged', time: toTimestamp(time), body: { items } }
}

function fingerprint(value: unknown): string {
  return sha256(Buffer.from(canonicalize(value))).toString('latin1')
}

/** The facts that do not change by themselves as time goes on. */
function withoutTimes(facts: Facts): unknown {
  return Object.fromEntries(
    Object.entries(facts).map(([group, values]) => {
      const types: Readonly<Record<string, FactType>> | undefined = Object.entries(FACTS).find(
        ([g]) => g === group,
      )?.[1]
      const steady = Object.entries(values).filter(
        ([name]) => types?.[name] !== 'timestamp' && types?.[name] !== 'duration',
      )
      return [group, Object.fromEntries(steady)]
    }),
  )
}
