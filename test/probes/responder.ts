import { createServer } from 'node:http'
import type { TestContext } from 'node:test'
import { answerOcsp, type Issuer, type OcspAnswer } from '../../lab/issue.ts'
import { parseOcspRequest } from '../../lab/ocspRequest.ts'
import { HOUR, NOW } from './pki.ts'
import { bind } from './support.ts'

export type Asked = ReturnType<typeof parseOcspRequest>

/** What a responder says; the certificate asked about is good, for an hour, with the nonce, unless told otherwise. */
export interface Answering {
  readonly answer?: (asked: Asked, standard: OcspAnswer) => OcspAnswer
  /** Sent in place of an answer. */
  readonly body?: Uint8Array
  readonly mediaType?: string
  readonly status?: number
  readonly seen?: (asked: Asked) => void
}

/** An OCSP responder over HTTP; gone after the test. Returns its URL. */
export async function respond(t: TestContext, ca: Issuer, answering: Answering = {}): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void reply(ca, answering, Buffer.concat(chunks)).then((body) => {
        response.writeHead(answering.status ?? 200, {
          'content-type': answering.mediaType ?? 'application/ocsp-response',
        })
        response.end(body)
      })
    })
  })
  return `http://127.0.0.1:${await bind(t, server)}/ocsp`
}

async function reply(ca: Issuer, answering: Answering, request: Uint8Array): Promise<Uint8Array> {
  const asked = parseOcspRequest(request)
  answering.seen?.(asked)
  if (answering.body !== undefined) return answering.body
  const standard: OcspAnswer = {
    issuer: ca,
    answers: asked.questions.map(({ serial }) => ({
      serial,
      status: 'good',
      thisUpdate: NOW - HOUR,
      nextUpdate: NOW + HOUR,
    })),
    producedAt: NOW - HOUR,
    ...(asked.nonce === undefined ? {} : { nonce: asked.nonce }),
  }
  return answerOcsp(answering.answer?.(asked, standard) ?? standard)
}
