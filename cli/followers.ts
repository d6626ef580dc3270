import { resolve } from 'node:path'
import { nodeDisk } from '../journal/disk.ts'
import { JournalError } from '../journal/error.ts'
import { Mirror } from '../journal/follow/mirror.ts'
import { loadOrCreateKey } from '../journal/key.ts'
import {
  formatVerifierKey,
  parseVerifierKeys,
  verifierKey,
  type Signer,
  type VerifierKey,
} from '../journal/note.ts'
import { parseOrigin } from '../journal/checkpoint.ts'
import { keySigner } from '../journal/signer.ts'
import type { Config } from '../model/config.ts'
import type { ProbeResult } from '../model/observation.ts'
import { monitorSubject } from '../model/subject.ts'
import type { Clock } from '../model/time.ts'
import type { Network } from '../probes/fetch/connect.ts'
import { probeFollow, type FollowTarget } from '../probes/follow.ts'
import type { WatchedTarget } from '../rules/subjects.ts'
import { Looks } from './looks.ts'

/** Another vigil's journal as it is configured. */
export interface FollowedJournal {
  /** Origin line. */
  readonly log: string
  readonly target: FollowTarget
  readonly trusted: readonly VerifierKey[]
  /** Of the mirror; absolute. */
  readonly directory: string
  /** What rules judge it by. */
  readonly watched: WatchedTarget
}

/** `keys`: text of its verifier keys; `base`: directory of the configuration. Throws JournalError(format). */
export function followedJournal(
  { url, directory, interval, timeout }: Config['follow'][number],
  keys: string,
  base: string,
): FollowedJournal {
  const trusted = parseVerifierKeys(keys)
  const log = trusted[0]?.name ?? ''
  const identity = parseOrigin(log)
  if (identity === undefined || trusted[0]?.type !== 'ed25519' || trusted.some(({ name }) => name !== log))
    throw new JournalError('format', `expected the keys of one journal, <origin>/<epoch>+…, got "${log}"`)
  const subject = monitorSubject(identity.origin)
  return {
    log,
    target: { subject, url, timeout, budget: interval },
    trusted,
    directory: resolve(base, directory ?? `followed/${log.replaceAll('/', '_')}`),
    watched: { probe: 'follow', subject, address: url, interval },
  }
}

/**
 * What cosigns: an Ed25519 and an ML-DSA-44 key beside the journal's, made when missing, under the name of this vigil. The verifier keys are written
 * beside them, for whoever is to trust them. Throws JournalError(key).
 */
export async function loadCosigners(keyFile: string, origin: string): Promise<readonly Signer[]> {
  const file = `${keyFile}.cosigner`
  const ed25519 = await loadOrCreateKey(file, 'ed25519')
  const mlDsa = await loadOrCreateKey(`${file}.ml-dsa-44`, 'ml-dsa-44')
  const signers = [
    keySigner(verifierKey(origin, ed25519, 'ed25519_cosigner'), ed25519),
    keySigner(verifierKey(origin, mlDsa, 'ml_dsa_44_cosigner'), mlDsa),
  ]
  const text = signers.map(({ key }) => `${formatVerifierKey(key)}\n`).join('')
  await nodeDisk.replace(`${file}.vkey`, Buffer.from(text))
  return signers
}

interface FollowWatcherOptions {
  readonly journal: FollowedJournal
  readonly cosigners: readonly Signer[]
  readonly now: Clock
  readonly vantage: string
  readonly network: Network
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly onSuccess: () => void
}

/** Follows one journal at the start and every interval after that, until `stop`, which gives up what is under way. */
export class FollowWatcher {
  readonly #options: FollowWatcherOptions
  readonly #stopping = new AbortController()
  readonly #looks: Looks
  #mirror: Mirror | undefined

  constructor(options: FollowWatcherOptions) {
    this.#options = options
    this.#looks = new Looks(
      () => this.#once(),
      (error) => {
        if (!this.#stopping.signal.aborted) options.onError(error)
      },
    )
  }

  start(): void {
    this.#looks.start(this.#options.journal.watched.interval)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#looks.stop()
    await this.#mirror?.close()
  }

  async #once(): Promise<void> {
    const { journal, cosigners, now, vantage, network, record, onSuccess } = this.#options
    const { directory, trusted, target } = journal
    this.#mirror ??= await Mirror.open({ directory, trusted, cosigners, now })
    const context = { now, vantage, network, signal: this.#stopping.signal }
    await record(await probeFollow(target, this.#mirror, context))
    onSuccess()
  }
}
