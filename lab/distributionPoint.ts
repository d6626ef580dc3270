// Where an issuing CA's CRLs are published, on schedule, and where publishing can stop.
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import type { CrlPart } from './crlPart.ts'
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
  #past: { crls: ReadonlyMap<CrlPart, Uint8Array>; at: number } | undefined
  #stopped = false

  constructor(options: DistributionPointOptions) {
    this.#options = options
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** The first CRLs; before them, ones that are as old as the past needs it. */
  async open(who: string): Promise<void> {
    const { authority, now, pastAge } = this.#options
    if (pastAge > 0) {
      const at = now() - pastAge
      this.#past = { crls: await signAll(authority.parts, (part) => authority.pastCrl(part, at)), at }
    }
    await this.issue(who)
  }

  /** Issues and publishes every CRL now; publishing goes on from here. */
  async issue(who: string): Promise<void> {
    const { authority, now, onPublished } = this.#options
    const at = now()
    await this.#publish(await signAll(authority.parts, (part) => authority.nextCrl(part, who)), at)
    this.#stopped = false
    onPublished(who)
  }

  /** Something changed, or it is time: issues unless publishing has stopped. */
  async refresh(who: string): Promise<void> {
    if (!this.#stopped) await this.issue(who)
  }

  /** No more CRLs are issued, and the old ones from before are served, as after a botched restore. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#past !== undefined) await this.#publish(this.#past.crls, this.#past.at)
  }

  async #publish(crls: ReadonlyMap<CrlPart, Uint8Array>, at: number): Promise<void> {
    const { repository } = this.#options
    for (const [{ name, copies }, der] of crls)
      for (const file of [name, ...copies]) await repository.publish(file, der, at)
  }
}

/** One after the other: a delta CRL has the number of the full one before it. */
async function signAll(
  parts: readonly CrlPart[],
  sign: (part: CrlPart) => Promise<Uint8Array>,
): Promise<ReadonlyMap<CrlPart, Uint8Array>> {
  const signed = new Map<CrlPart, Uint8Array>()
  for (const part of parts) signed.set(part, await sign(part))
  return signed
}
