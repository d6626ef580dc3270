import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { formatDuration } from '../../model/time.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { probeError } from '../observe.ts'
import {
  judgeCrl,
  type CrlContent,
  type CrlJudge,
  type CrlJudgement,
  type CrlPast,
  type CrlPolicy,
} from './judge.ts'
import type { CrlWorkerAnswer, CrlWorkerData, CrlWorkerMessage } from './worker.ts'

/** Octets. 6,000 entries take about 1 ms; from here on a worker's start (30 ms) is worth not blocking the event loop. */
const INLINE_LIMIT = 256 * 1024
/** Octets by which the shared memory grows, and after which the worker is told. */
const STEP = 1024 * 1024

/** A CRL that was judged, as long as it can be compared. */
interface JudgedCrl {
  readonly judgement: CrlJudgement
  /** All of it. May be shared memory, and must not be changed. */
  readonly octets: Uint8Array
}

/**
 * Takes a CRL as it arrives and judges it: a small one at once, a big one in a worker, piece by piece while the rest is still on its way.
 * Its octets are in memory once. Dispose of it when it need not be compared any more.
 */
export class CrlIntake implements AsyncDisposable {
  readonly #policy: CrlPolicy
  readonly #maxSize: number
  /** Where a small one is gathered. */
  #small: Uint8Array[] = []
  #size = 0
  #big: SharedCrl | undefined
  #judge: CrlJudge | undefined
  #judged: JudgedCrl | undefined

  constructor(policy: CrlPolicy, maxSize: number) {
    this.#policy = policy
    this.#maxSize = maxSize
  }

  /** The next octets; they may be used for something else afterwards. */
  write(octets: Uint8Array): void {
    this.#size += octets.length
    if (this.#big !== undefined) this.#big.write(octets)
    else if (this.#size <= INLINE_LIMIT) this.#small.push(octets.slice())
    else {
      this.#big = new SharedCrl(this.#policy, this.#maxSize)
      for (const piece of [...this.#small.splice(0), octets]) this.#big.write(piece)
    }
  }

  /** After the last octet; `now` in milliseconds. A verdict that does not come before the deadline is phase `decode`, code `parse_timeout`. */
  async finish(now: number, deadline: Deadline): Promise<JudgedCrl> {
    this.#judged = this.#big === undefined ? this.#judgeHere(now) : await this.#big.judge(now, deadline)
    return this.#judged
  }

  #judgeHere(now: number): JudgedCrl {
    const octets = Buffer.concat(this.#small)
    const { judge, judgement } = judgeCrl(octets, this.#policy, now)
    this.#judge = judge
    return { judgement, octets }
  }

  /** Only of a CRL that gave facts. undefined: the time was up before. */
  async compare(past: CrlPast, now: number, deadline: Deadline): Promise<CrlContent | undefined> {
    const isSmall = (past.previous?.length ?? 0) <= INLINE_LIMIT
    if (this.#judge !== undefined && isSmall) return this.#judge.compare(past)
    if (this.#big === undefined) {
      // A small one after a big one, which must not be read here either.
      this.#big = new SharedCrl(this.#policy, this.#maxSize)
      this.#big.write(this.#judged?.octets ?? new Uint8Array())
      await this.#big.judge(now, deadline)
    }
    return this.#big.compare(past, deadline)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#big?.end()
  }
}

/** A CRL in shared memory, and the worker that judges it. */
class SharedCrl {
  readonly #octets: SharedArrayBuffer
  readonly #worker: Worker
  readonly #gone = Promise.withResolvers<never>()
  #size = 0
  #told = 0

  constructor({ issuer, isDelta }: CrlPolicy, maxSize: number) {
    this.#octets = new SharedArrayBuffer(0, { maxByteLength: maxSize })
    const workerData: CrlWorkerData = { octets: this.#octets, issuer: issuer?.der, isDelta }
    this.#worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), { workerData })
    this.#worker.once('error', (error) => this.#gone.reject(error))
    this.#worker.once('exit', (code) =>
      this.#gone.reject(new Error(`CRL worker ended with code ${code} before its answer`)),
    )
    // Heard by whoever waits for an answer; nobody may.
    this.#gone.promise.catch(() => undefined)
  }

  write(octets: Uint8Array): void {
    const behind = this.#size + octets.length
    if (behind > this.#octets.byteLength)
      this.#octets.grow(Math.min(Math.ceil(behind / STEP) * STEP, this.#octets.maxByteLength))
    new Uint8Array(this.#octets, this.#size, octets.length).set(octets)
    this.#size = behind
    if (behind - this.#told >= STEP) this.#tell()
  }

  #tell(): void {
    this.#post({ kind: 'piece', behind: this.#size })
    this.#told = this.#size
  }

  #post(message: CrlWorkerMessage): void {
    this.#worker.postMessage(message, message.kind === 'past' ? ownMemory(message.past.previous) : [])
  }

  async judge(now: number, deadline: Deadline): Promise<JudgedCrl> {
    this.#tell()
    const answer = await this.#ask({ kind: 'end', now }, deadline)
    const octets = new Uint8Array(this.#octets, 0, this.#size)
    if (answer?.kind === 'judgement') return { judgement: answer.judgement, octets }
    const limit = formatDuration(deadline.limit)
    const message = `expected to fetch and judge ${this.#size} octets within ${limit}, got no verdict`
    return { judgement: { facts: undefined, error: probeError('decode', 'parse_timeout', message) }, octets }
  }

  async compare(past: CrlPast, deadline: Deadline): Promise<CrlContent | undefined> {
    const answer = await this.#ask({ kind: 'past', past }, deadline)
    return answer?.kind === 'content' ? answer.content : undefined
  }

  /** undefined: the time was up. */
  async #ask(message: CrlWorkerMessage, deadline: Deadline): Promise<CrlWorkerAnswer | undefined> {
    const { promise, resolve } = Promise.withResolvers<CrlWorkerAnswer | undefined>()
    const onAbort = (): void => resolve(undefined)
    this.#worker.once('message', resolve)
    deadline.signal.addEventListener('abort', onAbort, { once: true })
    if (deadline.signal.aborted) onAbort()
    this.#post(message)
    try {
      const answer = await Promise.race([promise, this.#gone.promise])
      if (answer === undefined) deadline.throwIfStopped()
      return answer
    } finally {
      this.#worker.off('message', resolve)
      deadline.signal.removeEventListener('abort', onAbort)
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** What can be handed over instead of copied: octets in a buffer of their own. */
export function ownMemory(octets: Uint8Array | undefined): readonly ArrayBuffer[] {
  const buffer = octets?.buffer
  return buffer instanceof ArrayBuffer && buffer.byteLength === octets?.length ? [buffer] : []
}
