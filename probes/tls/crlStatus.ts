import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { Deadline } from '../fetch/deadline.ts'
import type { ProbeContext } from '../probe.ts'
import { judgeRevocation, type RevocationFacts } from './revocation.ts'
import type { RevocationAnswer, RevocationQuestion } from './revocationWorker.ts'

/** Lists that are asked about one path: of each authority on it a complete one and a delta, or its partitions. */
const MAX_LISTS = 32
/** Octets of all lists together. 6,000 entries take about 1 ms; from here on a worker's start (30 ms) is worth not blocking the event loop. */
const INLINE_LIMIT = 256 * 1024

interface Known {
  readonly sha256: string
  /** Milliseconds since the epoch; undefined: it does not say. */
  readonly nextUpdate: number | undefined
}

/**
 * What the lists that the crl probes last verified say of a valid path (leaf first), by the bytes that the journal keeps. Asked again only when the
 * certificate or a list is another, or a list is over, so that a big list is not read every minute for every service. undefined: no list of an
 * authority on the path is known.
 */
export async function crlStatusFacts(
  path: readonly Certificate[],
  before: Facts['crlStatus'],
  context: Pick<ProbeContext, 'memory' | 'artifact' | 'now'>,
  deadline: Deadline,
): Promise<FactsOf<'crlStatus'> | undefined> {
  const [leaf] = path
  const known = listsFor(path, context.memory.all('crl'))
  if (leaf === undefined || known.length === 0) return undefined
  const about = { certificate: leaf.sha256, lists: known.map(({ sha256 }) => sha256) }
  const now = context.now()
  const isCurrent = known.every(({ nextUpdate }) => nextUpdate !== undefined && now <= nextUpdate)
  if (isCurrent && before !== undefined && isSame(before, about) && before.status !== 'undetermined')
    return before

  const kept = await Promise.all(known.map(({ sha256 }) => context.artifact(sha256)))
  const lists = kept.filter((bytes) => bytes !== undefined)
  // A list that the journal does not keep says nothing; the rest would make a certificate look good that it revokes.
  if (lists.length < known.length) return undefined
  const size = lists.reduce((sum, { length }) => sum + length, 0)
  const answer =
    size <= INLINE_LIMIT
      ? judgeRevocation(path, lists, now)
      : await askWorker({ path: path.map(({ der }) => der), lists, now }, deadline)
  return answer === undefined ? undefined : { ...answer, ...about }
}

function isSame(
  before: FactsOf<'crlStatus'>,
  about: { certificate: string; lists: readonly string[] },
): boolean {
  return before.certificate === about.certificate && before.lists?.join() === about.lists.join()
}

/** Those whose issuer stands on the path, by their facts, which are there only of lists that verified. */
function listsFor(path: readonly Certificate[], crls: Iterable<{ readonly facts: Facts }>): readonly Known[] {
  const names = new Set(path.slice(1).map(({ subject }) => subject.text))
  const found = new Map<string, Known>()
  for (const { facts } of crls) {
    const { sha256, issuer, nextUpdate } = facts.crl ?? {}
    if (sha256 === undefined || issuer === undefined || !names.has(issuer)) continue
    found.set(sha256, {
      sha256,
      nextUpdate: nextUpdate === undefined ? undefined : fromTimestamp(nextUpdate),
    })
  }
  return [...found.values()].toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)).slice(0, MAX_LISTS)
}

/** undefined: not within the deadline. Throws the reason of the outer signal when that is why. */
async function askWorker(
  question: RevocationQuestion,
  deadline: Deadline,
): Promise<RevocationFacts | undefined> {
  const worker = new Worker(new URL(`./revocationWorker${extname(import.meta.url)}`, import.meta.url))
  const { promise, resolve, reject } = Promise.withResolvers<RevocationFacts | undefined>()
  const onAbort = (): void => resolve(undefined)
  worker.once('message', (answer: RevocationAnswer) => resolve(answer))
  worker.once('error', reject)
  worker.once('exit', (code) =>
    reject(new Error(`revocation worker ended with code ${code} before its answer`)),
  )
  deadline.signal.addEventListener('abort', onAbort, { once: true })
  if (deadline.signal.aborted) onAbort()
  try {
    worker.postMessage(question)
    const answer = await promise
    deadline.throwIfStopped()
    return answer
  } finally {
    deadline.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
