import type { FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError, ProbeResult } from '../model/observation.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { JournalError } from '../journal/error.ts'
import { FollowError, type FollowErrorCode } from '../journal/follow/error.ts'
import type { Followed, Mirror } from '../journal/follow/mirror.ts'
import type { Remote } from '../journal/follow/remote.ts'
import { FaultFound } from '../journal/verify/fault.ts'
import type { Network } from './fetch/connect.ts'
import { Deadline } from './fetch/deadline.ts'
import { FetchError } from './fetch/error.ts'
import { exchange } from './fetch/http.ts'
import { probeError, type ProbeOwnCode } from './observe.ts'

/** Another vigil whose journal is followed. */
export interface FollowTarget {
  readonly subject: string
  /** Where its journal is served: `http://vigil.example.org:9480/tlog/`. */
  readonly url: string
  /** Milliseconds that one exchange may take, */
  readonly timeout: number
  /** and one look: what is not had by then is had by the next. */
  readonly budget: number
}

export interface FollowContext {
  readonly now: Clock
  readonly vantage: string
  readonly network: Network
  readonly signal: AbortSignal
}

const NOTE_TYPE = 'text/plain; charset=utf-8'

const CODES: Readonly<Record<FollowErrorCode, ProbeOwnCode>> = {
  forked: 'journal_forked',
  rolled_back: 'journal_rolled_back',
  other_log: 'journal_replaced',
  pruned: 'journal_pruned',
  invalid: 'journal_invalid',
}

/** Takes over what another journal has more, and says how it stands. Rejects when `signal` aborts and when the mirror itself cannot be read or written. */
export async function probeFollow(
  target: FollowTarget,
  mirror: Mirror,
  context: FollowContext,
): Promise<ProbeResult> {
  const start = context.now()
  const began = performance.now()
  const isTimeUp = (): boolean => performance.now() - began > target.budget
  let followed: Followed | undefined
  let error: ProbeError | undefined
  let artifacts: readonly Artifact[] = []
  try {
    followed = await mirror.follow(httpRemote(target, context), isTimeUp)
  } catch (failure) {
    error = errorOf(failure)
    artifacts = failure instanceof FollowError ? failure.evidence.map(noteArtifact) : []
  }
  return {
    observation: {
      subject: target.subject,
      probe: 'follow',
      target: target.url,
      vantage: context.vantage,
      start: toTimestamp(start),
      duration: Math.round(performance.now() - began),
      outcome: error === undefined ? 'success' : 'failure',
      facts: { follow: factsOf(mirror, followed, error) },
      ...(error === undefined ? {} : { error }),
      artifacts: [],
    },
    artifacts,
  }
}

function factsOf(
  mirror: Mirror,
  followed: Followed | undefined,
  error: ProbeError | undefined,
): FactsOf<'follow'> {
  const { checkpoint, grown } = mirror
  return {
    log: mirror.log,
    ...(checkpoint && { size: checkpoint.size, root: checkpoint.root }),
    ...(grown !== undefined && { grown: toTimestamp(grown) }),
    ...(followed && { behind: followed.behind }),
    forked: error?.code === 'journal_forked',
    rolledBack: error?.code === 'journal_rolled_back',
  }
}

function errorOf(error: unknown): ProbeError {
  if (error instanceof FetchError) return probeError(error.phase, error.code, error.message)
  if (error instanceof UnexpectedStatus) return probeError('http', 'http_status', error.message)
  if (error instanceof FollowError) return probeError('consistency', CODES[error.code], error.message)
  if (error instanceof FaultFound || (error instanceof JournalError && isServed(error)))
    return probeError('consistency', 'journal_invalid', error.message)
  throw error
}

/** What decoders say of octets; the other codes are about our own disk and keys. */
function isServed({ code }: JournalError): boolean {
  return code === 'format' || code === 'altered' || code === 'invalid_record'
}

/** The server answers, with something that is neither the file nor that there is none. */
class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus'
}

function noteArtifact(text: string): Artifact {
  return { mediaType: NOTE_TYPE, bytes: Buffer.from(text) }
}

/** Files of a journal over HTTP; every answer is bounded in size and time, and no redirect is followed. */
function httpRemote({ url, timeout }: FollowTarget, { network, signal }: FollowContext): Remote {
  return {
    async get(path, limit, from = 0) {
      using deadline = new Deadline(timeout, signal)
      const answer = await exchange(
        {
          url: new URL(path, url).href,
          source: 'declared',
          method: 'GET',
          headers: from === 0 ? {} : { range: `bytes=${from}-` },
          body: undefined,
          maxBody: limit,
          maxRedirects: 0,
          anchor: undefined,
        },
        deadline,
        network,
      )
      if (!answer.ok) throw answer.error
      const { status, body, headers } = answer
      if (status === 404) return undefined
      if (from > 0 && status === 416) return Buffer.alloc(0)
      const isPart = status === 206 && headers['content-range']?.startsWith(`bytes ${from}-`) === true
      if (from > 0 && isPart) return Buffer.from(body)
      if (status === 200) return Buffer.from(body).subarray(from)
      throw new UnexpectedStatus(`expected HTTP status 200 for ${path}, got ${status}`)
    },
  }
}
