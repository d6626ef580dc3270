import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import { readAttestations, type AttestationSource } from '../probes/attestations.ts'
import { ATTESTATION_INTERVAL } from '../rules/subjects.ts'
import { Looks } from './looks.ts'

interface AttestationWatcherOptions {
  readonly source: AttestationSource
  readonly now: Clock
  readonly vantage: string
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Looks at the signed statements at the start and every minute after that, until `stop`, which waits for the look under way. */
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

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  async #once(): Promise<void> {
    const { source, now, vantage, record } = this.#options
    const results = await readAttestations(source, { now: now(), vantage })
    await Promise.all(results.map(record))
  }
}
