import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import { readAttestations, type AttestationSource } from '../probes/attestations.ts'
import { ATTESTATION_INTERVAL } from '../rules/subjects.ts'

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
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(options: AttestationWatcherOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), ATTESTATION_INTERVAL)
    this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  /** While one look waits for the disk, more of them would only pile up. */
  #look(): void {
    this.#running ??= this.#once()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => (this.#running = undefined))
  }

  async #once(): Promise<void> {
    const { source, now, vantage, record } = this.#options
    const results = await readAttestations(source, { now: now(), vantage })
    await Promise.all(results.map(record))
  }
}
