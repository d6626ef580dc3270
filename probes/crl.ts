import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { formatDuration } from '../model/time.ts'
import type { Certificate } from '../pki/certificate.ts'
import { judgeCrl, type CrlJudgement } from './crlJudgement.ts'
import type { CrlWorkerAnswer, CrlWorkerQuestion } from './crlWorker.ts'
import type { Deadline } from './fetch/deadline.ts'
import { exchange } from './fetch/http.ts'
import { anchorOf, artifactOf, asProbeError, authorityFacts, observe, probeError } from './observe.ts'
import type { CrlTarget, Probe } from './probe.ts'

const MEDIA_TYPE = 'application/pkix-crl'
/** Distribution points redirect to a CDN at most; a chain is a mistake. */
const MAX_REDIRECTS = 3
/** Octets. 6,000 entries take about 1 ms; from here on a worker's start (30 ms) is worth not blocking the event loop. */
const INLINE_LIMIT = 256 * 1024

/** Fetches a CRL (RFC 5280 section 5) over HTTP, verifies it against the declared issuer, judges its times. */
export const probeCrl: Probe<CrlTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const facts = authorityFacts(target.issuer)
    const answer = await exchange(
      {
        url: target.url,
        source: 'declared',
        method: 'GET',
        headers: { accept: `${MEDIA_TYPE}, */*;q=0.5` },
        body: undefined,
        maxBody: context.maxSize,
        maxRedirects: MAX_REDIRECTS,
        anchor: target.issuer === undefined ? undefined : anchorOf(target.issuer),
      },
      deadline,
      context,
    )
    if (!answer.ok) return { facts, error: asProbeError(answer.error, context.now()), artifacts: [] }
    if (answer.status !== 200) {
      const message = `expected HTTP status 200 from ${answer.finalUrl}, got ${answer.status}`
      return { facts, error: probeError('http', 'http_status', message), artifacts: [] }
    }

    const { judgement, body } = await judge(answer.body, target.issuer?.certificate, context.now(), deadline)
    return {
      facts: { ...facts, ...judgement.facts },
      error: judgement.error,
      artifacts: artifactOf(MEDIA_TYPE, body, { verified: judgement.facts !== undefined }),
    }
  })

interface Judged {
  readonly judgement: CrlJudgement
  readonly body: Uint8Array
}

async function judge(
  body: Uint8Array,
  issuer: Certificate | undefined,
  now: number,
  deadline: Deadline,
): Promise<Judged> {
  if (body.length <= INLINE_LIMIT) return { judgement: judgeCrl(body, issuer, now), body }
  return judgeInWorker({ body: owned(body), issuer: issuer?.der, now }, deadline)
}

async function judgeInWorker(question: CrlWorkerQuestion, deadline: Deadline): Promise<Judged> {
  const size = question.body.length
  const worker = new Worker(new URL(`./crlWorker${extname(import.meta.url)}`, import.meta.url))
  const { promise, resolve, reject } = Promise.withResolvers<Judged | undefined>()
  const onAbort = (): void => resolve(undefined)
  worker.once('message', (answer: CrlWorkerAnswer) => resolve(answer))
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`CRL worker ended with code ${code} before its answer`)))
  deadline.signal.addEventListener('abort', onAbort, { once: true })
  if (deadline.signal.aborted) onAbort()
  try {
    worker.postMessage(question, [question.body.buffer])
    const judged = await promise
    if (judged !== undefined) return judged
    deadline.throwIfStopped()
    const limit = formatDuration(deadline.limit)
    const message = `expected to fetch and judge ${size} octets within ${limit}, got no verdict`
    const error = probeError('decode', 'parse_timeout', message)
    return { judgement: { facts: undefined, error }, body: new Uint8Array() }
  } finally {
    deadline.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}

/** Bytes in a buffer of their own, which can be handed over whole. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes)
}
