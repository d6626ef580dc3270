// An OCSP responder (RFC 6960 appendix A over HTTP, GET and POST) with a delegated signer, for one issuing CA.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import { Changes, type Change } from './changes.ts'
import { LabError } from './error.ts'
import { readBody, serveHttp, type HttpServer } from './http.ts'
import { answerOcsp, certIdHashes, ocspError, type Issuer, type OcspAnswer } from './issue.ts'
import { parseOcspRequest, type OcspQuestion, type ParsedOcspRequest } from './ocspRequest.ts'
import { ReplyChanges, type ReplyChange } from './reply.ts'

/** Octets of a request; one question takes about 100. */
const MAX_REQUEST = 16 * 1024

const PATH = '/ocsp'

const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
}

/** What an answer is about. */
export interface OcspAsked {
  readonly request: ParsedOcspRequest
  readonly method: 'GET' | 'POST'
  /** The address that was connected to. */
  readonly address: string
}

/** What a fault makes of an answer before it is signed: another one, or the octets to send (`ocspError('tryLater')`). */
export type OcspChange = Change<OcspAnswer, Uint8Array, OcspAsked>

export interface OcspResponder {
  readonly url: string
  /** Authority and signer may come later than the URL, which their certificates name. */
  serve(authority: IssuingAuthority, signer: Issuer): void
  readonly listening: boolean
  /** What every answer is made from now on; returns what takes it back. */
  changeAnswers(change: OcspChange): () => void
  /** The same for what HTTP makes of it. */
  changeReplies(change: ReplyChange): () => void
  /** A good answer about a certificate of the authority, without nonce, as a service staples it. */
  staple(serial: string): Promise<Uint8Array>
  /** The port is closed: connections are refused. */
  stop(): Promise<void>
  /** The same port listens again. */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startOcspResponder(options: {
  now: Clock
  /** From thisUpdate to nextUpdate of an answer, in milliseconds. */
  lifetime: number
  addresses: readonly string[]
  /** In the URL. */
  host: string
}): Promise<OcspResponder> {
  const { now, addresses, host } = options
  const answers = new Changes<OcspAnswer, Uint8Array, OcspAsked>()
  const replies = new ReplyChanges()
  let serving: { authority: IssuingAuthority; signer: Issuer } | undefined
  const handle = async (request: IncomingMessage, response: ServerResponse, address: string) => {
    if (!(request.url ?? '').startsWith(PATH)) throw new LabError('not_found', `expected ${PATH}`)
    const asked = await readQuestion(request)
    const method = request.method === 'GET' ? 'GET' : 'POST'
    const answer =
      serving === undefined
        ? refusal('tryLater')
        : await answerTo(asked, { ...serving, ...options, answers, method, address })
    const headers = { 'content-type': 'application/ocsp-response' }
    const { cached } = answer
    const reply = {
      status: 200,
      headers: method === 'GET' && cached !== undefined ? { ...headers, ...caching(cached) } : headers,
      body: answer.der,
    }
    await replies.send(reply, { request, response, address })
  }
  let server: HttpServer | undefined = await serveHttp(handle, 0, addresses)
  const { port } = server
  const stop = async () => {
    const running = server
    server = undefined
    await running?.close()
  }
  return {
    url: `http://${host}:${port}${PATH}`,
    serve(authority, signer) {
      serving = { authority, signer }
    },
    get listening() {
      return server !== undefined
    },
    changeAnswers: (change) => answers.add(change),
    changeReplies: (change) => replies.add(change),
    async staple(serial) {
      if (serving === undefined) throw new LabError('closed', 'expected a responder that serves')
      const { authority, signer } = serving
      const thisUpdate = now()
      return answerOcsp({
        issuer: authority.issuer,
        signer,
        producedAt: thisUpdate,
        answers: [
          { ...authority.statusOf(serial), serial, thisUpdate, nextUpdate: thisUpdate + options.lifetime },
        ],
      })
    },
    stop,
    async start() {
      server ??= await serveHttp(handle, port, addresses)
    },
    close: stop,
  }
}

/** RFC 6960 appendix A.1: POST has the DER as body, GET appends its base64, URL-encoded. Undefined: neither. */
async function readQuestion(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (request.method === 'POST') {
    if (request.headers['content-type'] !== 'application/ocsp-request') return undefined
    return readBody(request, MAX_REQUEST)
  }
  if (request.method !== 'GET') return undefined
  const encoded = (request.url ?? '').slice(PATH.length + 1)
  try {
    return Buffer.from(decodeURIComponent(encoded), 'base64')
  } catch {
    return undefined
  }
}

interface Answer {
  readonly der: Uint8Array
  /** thisUpdate and nextUpdate, when the answer may be cached: it has no nonce. */
  readonly cached: { readonly from: number; readonly until: number } | undefined
}

function refusal(error: Parameters<typeof ocspError>[0]): Answer {
  return { der: ocspError(error), cached: undefined }
}

async function answerTo(
  asked: Uint8Array | undefined,
  at: Omit<OcspAsked, 'request'> & {
    authority: IssuingAuthority
    signer: Issuer
    now: Clock
    lifetime: number
    answers: Changes<OcspAnswer, Uint8Array, OcspAsked>
  },
): Promise<Answer> {
  if (asked === undefined) return refusal('malformedRequest')
  let request
  try {
    request = parseOcspRequest(asked)
  } catch {
    return refusal('malformedRequest')
  }
  // RFC 6960 section 2.3: not authoritative for that issuer.
  if (!request.questions.every((question) => isAbout(question, at.authority.issuer))) {
    return refusal('unauthorized')
  }
  const now = at.now()
  const nextUpdate = now + at.lifetime
  const right: OcspAnswer = {
    issuer: at.authority.issuer,
    signer: at.signer,
    producedAt: now,
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    answers: request.questions.map((question) => ({
      ...at.authority.statusOf(question.serial),
      serial: question.serial,
      certId: question.certId,
      thisUpdate: now,
      nextUpdate,
    })),
  }
  const { method, address } = at
  const answer = await at.answers.apply(right, { request, method, address })
  const der = answer instanceof Uint8Array ? answer : await answerOcsp(answer)
  return { der, cached: request.nonce === undefined ? { from: now, until: nextUpdate } : undefined }
}

function isAbout(question: OcspQuestion, issuer: Issuer): boolean {
  const hash = HASHES[question.hashAlgorithm]
  if (hash === undefined) return false
  const expected = certIdHashes(issuer, hash)
  return expected.name.equals(question.issuerNameHash) && expected.key.equals(question.issuerKeyHash)
}

/** Milliseconds that may pass while an answer is signed and sent. Caches count from the Date of the reply, which is later than thisUpdate. */
const SIGNING_MARGIN = 10_000

/** RFC 9111 and RFC 5019 section 6.2: not longer than the answer is valid. */
function caching({ from, until }: { from: number; until: number }): Record<string, string> {
  return {
    'cache-control': `max-age=${Math.max(0, Math.floor((until - from - SIGNING_MARGIN) / 1000))}, public, no-transform, must-revalidate`,
    'last-modified': new Date(from).toUTCString(),
    expires: new Date(until).toUTCString(),
  }
}
