import { parentPort, workerData } from 'node:worker_threads'
import { parseCertificate } from '../../pki/certificate.ts'
import { CrlJudge, type CrlContent, type CrlJudgement, type CrlPast } from './judge.ts'

// Judges one big CRL away from the event loop. Its octets are in memory that both threads see: never copied, never sent.

export interface CrlWorkerData {
  /** Grows as octets arrive. */
  readonly octets: SharedArrayBuffer
  /** DER. */
  readonly issuer: Uint8Array | undefined
  readonly isDelta: boolean
}

/** In this order: pieces, the end, and then perhaps a comparison. */
export type CrlWorkerMessage =
  | { readonly kind: 'piece'; readonly behind: number }
  | { readonly kind: 'end'; readonly now: number }
  | { readonly kind: 'past'; readonly past: CrlPast }

export type CrlWorkerAnswer =
  | { readonly kind: 'judgement'; readonly judgement: CrlJudgement }
  | { readonly kind: 'content'; readonly content: CrlContent }

/** What `new Worker` was given. */
const { octets, issuer, isDelta } = workerData as CrlWorkerData

const policy = { issuer: issuer === undefined ? undefined : parseCertificate(issuer), isDelta }
const judge = new CrlJudge(policy, (offset, length) => new Uint8Array(octets, offset, length))
let at = 0

function answerTo(message: CrlWorkerMessage): CrlWorkerAnswer | undefined {
  switch (message.kind) {
    case 'piece':
      judge.push(new Uint8Array(octets, at, message.behind - at))
      at = message.behind
      return undefined
    case 'end':
      return { kind: 'judgement', judgement: judge.finish(message.now) }
    case 'past':
      return { kind: 'content', content: judge.compare(message.past) }
  }
}

parentPort?.on('message', (message: CrlWorkerMessage) => {
  const answer = answerTo(message)
  if (answer !== undefined) parentPort?.postMessage(answer)
})
