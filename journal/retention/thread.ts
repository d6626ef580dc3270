import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Finding } from '../../model/finding.ts'
import type { Retention } from '../../model/record.ts'
import { nodeDisk } from '../disk.ts'
import { JournalError } from '../error.ts'
import { findOutstanding, type Outstanding } from './apply.ts'
import { planRetention, type RetentionRequest } from './plan.ts'
import { standingDecisions } from './standing.ts'

/** Plain data: it crosses to the thread. */
export type RetentionQuestion =
  | { readonly directory: string; readonly ask: 'plan'; readonly request: RetentionRequest }
  | { readonly directory: string; readonly ask: 'outstanding' }
export type RetentionAnswer = Plan | Outstanding

interface Plan {
  readonly planned: readonly Retention[]
  /** Decisions that hold, and would go. */
  readonly standing: readonly Finding[]
}

/** Reads the whole journal. */
export async function answerRetention(question: RetentionQuestion): Promise<RetentionAnswer> {
  const { directory } = question
  if (question.ask === 'outstanding') return await findOutstanding(nodeDisk, directory)
  const planned = await planRetention(nodeDisk, directory, question.request)
  return { planned, standing: await standingDecisions(directory, planned) }
}

/** What is due of a journal, found out away from the event loop, which probes and log lines wait for. Rejects when the signal aborts. */
export async function planInThread(
  directory: string,
  request: RetentionRequest,
  signal: AbortSignal,
): Promise<Plan> {
  const answer = await ask({ directory, ask: 'plan', request }, signal)
  if ('segments' in answer) throw new TypeError('expected a plan, got what is outstanding')
  return answer
}

/** The same of what is recorded as gone and is still there. */
export async function outstandingInThread(directory: string, signal: AbortSignal): Promise<Outstanding> {
  const answer = await ask({ directory, ask: 'outstanding' }, signal)
  if (!('segments' in answer)) throw new TypeError('expected what is outstanding, got a plan')
  return answer
}

async function ask(question: RetentionQuestion, signal: AbortSignal): Promise<RetentionAnswer> {
  signal.throwIfAborted()
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: question,
  })
  const { promise, resolve, reject } = Promise.withResolvers<RetentionAnswer>()
  const onAbort = (): void => reject(new Error('given up, because vigil stops'))
  worker.once('message', resolve)
  worker.once('error', (error: Error) => reject(new JournalError('altered', error.message, { cause: error })))
  worker.once('exit', (code) =>
    reject(new Error(`the thread that reads the journal ended with code ${code}`)),
  )
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
