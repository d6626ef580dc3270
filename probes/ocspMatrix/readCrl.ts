import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Deadline } from '../fetch/deadline.ts'
import { ownMemory } from '../crl/intake.ts'
import { sampleCrl, type CrlQuestion, type CrlSample } from './crlSample.ts'

/** Octets. 6,000 entries take about 1 ms; from here on a worker's start (30 ms) is worth not blocking the event loop. */
const INLINE_LIMIT = 256 * 1024

/**
 * `sampleCrl`, of a big CRL in a worker, to which its octets are handed over. undefined: the time was up. Rejects with PkiError(decode), and when
 * the deadline's outer signal aborts.
 */
export async function readCrl(question: CrlQuestion, deadline: Deadline): Promise<CrlSample | undefined> {
  if (question.der.length <= INLINE_LIMIT) return sampleCrl(question)
  const worker = new Worker(new URL(`./crlSampleWorker${extname(import.meta.url)}`, import.meta.url))
  const { promise, resolve, reject } = Promise.withResolvers<CrlSample | undefined>()
  const onAbort = (): void => resolve(undefined)
  worker.once('message', (sample: CrlSample) => resolve(sample))
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`CRL worker ended with code ${code} before its answer`)))
  deadline.signal.addEventListener('abort', onAbort, { once: true })
  if (deadline.signal.aborted) onAbort()
  try {
    worker.postMessage(question, ownMemory(question.der))
    const sample = await promise
    if (sample === undefined) deadline.throwIfStopped()
    return sample
  } finally {
    deadline.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
