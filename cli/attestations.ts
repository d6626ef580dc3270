import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import { readAttestations, type AttestationSource } from '../probes/attestations.ts'
import { ATTESTATION_INTERVAL } from '../rules/subjects.ts'
import { Looks } from './looks.ts'

interface AttestationWatcherOptions {
  /** undefined: nobody's statements count. */
  readonly source: AttestationSource | undefined
  /** What vigil can say itself. A signed statement about the same counts when it is newer. */
  readonly own: () => Promise<readonly ProbeResult[]>
  readonly now: Clock
  readonly vantage: string
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Looks at the statements at the start and every minute after that, until `stop`, which waits for the look under way. */
export class AttestationWatcher {
  readonly #options: AttestationWatcherOptions
  readonly #looks: Looks

  constructor(options: AttestationWatcherOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#once(), options.onError)
  }

  start(): void {
    this.#looks.start(ATTESTATION_INTERVAL)
  }

  /** There is something new to see. */
  look(): void {
    this.#looks.look()
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  async #once(): Promise<void> {
    const { source, own, now, vantage, record } = this.#options
    const signed = source === undefined ? [] : await readAttestations(source, { now: now(), vantage })
    await Promise.all(newest([...(await own()), ...signed]).map(record))
  }
}

/** Of each subject and kind. */
function newest(results: readonly ProbeResult[]): readonly ProbeResult[] {
  const chosen = new Map<string, ProbeResult>()
  for (const result of results) {
    const key = `${result.observation.subject} ${result.observation.target}`
    const before = chosen.get(key)
    if (before === undefined || madeAt(before) <= madeAt(result)) chosen.set(key, result)
  }
  return [...chosen.values()]
}

/** Timestamps of one form sort as text. */
function madeAt({ observation }: ProbeResult): string {
  return observation.facts.attestation?.at ?? ''
}
