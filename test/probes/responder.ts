import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { LOOPBACK, readBody, serveHttp } from '../../lab/http.ts'
import { answerOcsp, type Issuer, type OcspAnswer } from '../../lab/issue.ts'
import { parseOcspRequest } from '../../lab/ocspRequest.ts'
import { HOUR, NOW } from './pki.ts'

const PATH = '/ocsp'
/** OID. */
export const SHA256 = '2.16.840.1.101.3.4.2.1'

export interface Asked extends ReturnType<typeof parseOcspRequest> {
  readonly method: string
  /** As it stands in the request. */
  readonly path: string
  /** The address that was connected to. */
  readonly address: string
}

/** What HTTP makes of an answer. */
export interface Sent {
  /** In place of an answer. */
  readonly body?: Uint8Array
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** What a responder says; the certificate asked about is good, for an hour, with the nonce, unless told otherwise. */
export interface Answering extends Omit<Sent, 'headers'> {
  readonly answer?: (asked: Asked, standard: OcspAnswer) => OcspAnswer
  readonly mediaType?: string
  readonly seen?: (asked: Asked) => void
  /** For one request. */
  readonly sent?: (asked: Asked) => Sent | Promise<Sent>
}

/** An OCSP responder over HTTP, GET and POST, at one port of every address; gone after the test. Returns its URL. */
export async function respond(
  t: TestContext,
  ca: Issuer,
  answering: Answering = {},
  addresses: readonly string[] = [LOOPBACK],
): Promise<string> {
  const handle = async (request: IncomingMessage, address: string) => {
    const { method = '', url: path = '' } = request
    const octets = method === 'GET' ? questionIn(path) : await readBody(request, 16 * 1024)
    const asked: Asked = { ...parseOcspRequest(octets), method, path, address }
    answering.seen?.(asked)
    const sent = { ...answering, ...(await answering.sent?.(asked)) }
    const body = sent.body ?? (await answerOcsp(answerTo(ca, asked, answering)))
    return { status: sent.status ?? 200, headers: sent.headers, body }
  }
  const server = await serveHttp(
    async (request, response, address) => {
      const { status, headers, body } = await handle(request, address)
      response.writeHead(status, {
        'content-type': answering.mediaType ?? 'application/ocsp-response',
        ...headers,
      })
      response.end(body)
    },
    0,
    addresses,
  )
  t.after(() => server.close())
  return `${server.url}${PATH}`
}

function questionIn(path: string): Uint8Array {
  return Buffer.from(decodeURIComponent(path.slice(PATH.length + 1)), 'base64')
}

function answerTo(ca: Issuer, asked: Asked, { answer }: Answering): OcspAnswer {
  const standard: OcspAnswer = {
    issuer: ca,
    answers: asked.questions.map(({ serial, hashAlgorithm }) => ({
      serial,
      hash: hashAlgorithm === SHA256 ? 'sha256' : 'sha1',
      status: 'good',
      thisUpdate: NOW - HOUR,
      nextUpdate: NOW + HOUR,
    })),
    producedAt: NOW - HOUR,
    ...(asked.nonce === undefined ? {} : { nonce: asked.nonce }),
  }
  return answer?.(asked, standard) ?? standard
}
