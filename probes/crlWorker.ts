import { parentPort } from 'node:worker_threads'
import { parseCertificate } from '../pki/certificate.ts'
import { judgeCrl, type CrlJudgement } from './crlJudgement.ts'

// Judges one big CRL away from the event loop. The body's memory is handed over and handed back, never copied.

export interface CrlWorkerQuestion {
  readonly body: Uint8Array<ArrayBuffer>
  /** DER. */
  readonly issuer: Uint8Array | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface CrlWorkerAnswer {
  readonly judgement: CrlJudgement
  readonly body: Uint8Array<ArrayBuffer>
}

parentPort?.once('message', ({ body, issuer, now }: CrlWorkerQuestion) => {
  const judgement = judgeCrl(body, issuer === undefined ? undefined : parseCertificate(issuer), now)
  const answer: CrlWorkerAnswer = { judgement, body }
  parentPort?.postMessage(answer, [body.buffer])
})
