import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { parseCrl } from '../../pki/crl.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { overlapOf, type Overlap } from './overlap.ts'

/** Plain data: it crosses to the worker. */
export interface PartitionOctets {
  readonly name: string
  readonly octets: Uint8Array
}

/** Octets up to which a worker's start (30 ms) takes longer than the work. */
const INLINE_LIMIT = 256 * 1024

/** Of CRLs that verified. Throws PkiError(decode) when they are not what was kept. */
export function compare(lists: readonly PartitionOctets[]): Overlap {
  return overlapOf(lists.map(({ name, octets }) => ({ name, crl: parseCrl(octets, { index: true }) })))
}

/** The same away from the event loop where there is much of it. undefined: it took too long. Rejects when `deadline` was stopped. */
export async function compareInWorker(
  lists: readonly PartitionOctets[],
  deadline: Deadline,
): Promise<Overlap | undefined> {
  if (lists.reduce((sum, { octets }) => sum + octets.length, 0) <= INLINE_LIMIT) return compare(lists)
  const worker = new Worker(new URL(`./compareWorker${extname(import.meta.url)}`, import.meta.url))
  const { promise, resolve, reject } = Promise.withResolvers<Overlap | undefined>()
  const onAbort = (): void => resolve(undefined)
  worker.once('message', (overlap: Overlap) => resolve(overlap))
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`CRL worker ended with code ${code} before its answer`)))
  deadline.signal.addEventListener('abort', onAbort, { once: true })
  if (deadline.signal.aborted) onAbort()
  try {
    worker.postMessage(lists)
    const overlap = await promise
    if (overlap === undefined) deadline.throwIfStopped()
    return overlap
  } finally {
    deadline.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
