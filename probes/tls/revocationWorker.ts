import { parentPort } from 'node:worker_threads'
import { parseCertificate } from '../../pki/certificate.ts'
import { judgeRevocation, type RevocationFacts } from './revocation.ts'

// Looks a path up in big lists, away from the event loop.

export interface RevocationQuestion {
  /** DER, the leaf first. */
  readonly path: readonly Uint8Array[]
  readonly lists: readonly Uint8Array[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type RevocationAnswer = RevocationFacts

parentPort?.once('message', ({ path, lists, now }: RevocationQuestion) => {
  const certificates = path.map((der) => parseCertificate(der))
  const answer: RevocationAnswer = judgeRevocation(certificates, lists, now)
  parentPort?.postMessage(answer)
})
