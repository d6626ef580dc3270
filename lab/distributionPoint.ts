// Where an issuing CA's CRL is published, on schedule, and where publishing can stop.
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import type { Repository } from './repository.ts'

interface DistributionPointOptions {
  readonly authority: IssuingAuthority
  readonly repository: Repository
  readonly now: Clock
  /** How old the CRL is that is served while publishing has stopped, at least; 0: the last one simply grows old. Milliseconds. */
  readonly pastAge: number
  readonly onPublished: (who: string) => void
}

export class DistributionPoint {
  readonly #options: DistributionPointOptions
  #past: { der: Uint8Array; at: number } | undefined
  #stopped = false

  constructor(options: DistributionPointOptions) {
    this.#options = options
  }

  get stopped(): boolean {
    return this.#stopped
  }

  static nameFor(authorityId: string): string {
    return `${authorityId}.crl`
  }

  /** The first CRL; before it, one that is as old as the past needs it. */
  async open(who: string): Promise<void> {
    const { authority, now, pastAge } = this.#options
    if (pastAge > 0) {
      const at = now() - pastAge
      this.#past = { der: await authority.pastCrl(at), at }
    }
    await this.issue(who)
  }

  /** Issues and publishes a CRL now; publishing goes on from here. */
  async issue(who: string): Promise<void> {
    const { authority, now, onPublished } = this.#options
    const at = now()
    await this.#publish(await authority.nextCrl(who), at)
    this.#stopped = false
    onPublished(who)
  }

  /** Something changed, or it is time: issues unless publishing has stopped. */
  async refresh(who: string): Promise<void> {
    if (!this.#stopped) await this.issue(who)
  }

  /** No more CRLs are issued, and the old one from before is served, as after a botched restore. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#past !== undefined) await this.#publish(this.#past.der, this.#past.at)
  }

  async #publish(der: Uint8Array, at: number): Promise<void> {
    const { authority, repository } = this.#options
    await repository.publish(DistributionPoint.nameFor(authority.id), der, at)
  }
}
