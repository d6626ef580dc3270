// An OCSP responder (RFC 6960 appendix A over HTTP, GET and POST) with a delegated signer, for one issuing CA.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import { LabError } from './error.ts'
import { readBody, send, serveHttp, type HttpServer } from './http.ts'
import { answerOcsp, certIdHashes, ocspError, type Issuer } from './issue.ts'
import { parseOcspRequest, type OcspQuestion } from './ocspRequest.ts'

/** Octets of a request; one question takes about 100. */
const MAX_REQUEST = 16 * 1024

const PATH = '/ocsp'

const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
}

export interface OcspResponder {
  readonly url: string
  /** Authority and signer may come later than the URL, which their certificates name. */
  serve(authority: IssuingAuthority, signer: Issuer): void
  readonly listening: boolean
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
}): Promise<OcspResponder> {
  let serving: { authority: IssuingAuthority; signer: Issuer } | undefined
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (!(request.url ?? '').startsWith(PATH)) throw new LabError('not_found', `expected ${PATH}`)
    const asked = await readQuestion(request)
    const answer =
      serving === undefined
        ? { der: ocspError('tryLater'), cacheUntil: undefined }
        : await answerTo(asked, { ...serving, ...options })
    const headers = { 'content-type': 'application/ocsp-response' }
    const cacheable = request.method === 'GET' && answer.cacheUntil !== undefined
    send(response, 200, cacheable ? { ...headers, ...caching(answer, options.now()) } : headers, answer.der)
  }
  let server: HttpServer | undefined = await serveHttp(handle)
  const { port, url } = server
  const stop = async () => {
    const running = server
    server = undefined
    await running?.close()
  }
  return {
    url: `${url}${PATH}`,
    serve(authority, signer) {
      serving = { authority, signer }
    },
    get listening() {
      return server !== undefined
    },
    stop,
    async start() {
      server ??= await serveHttp(handle, port)
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
  /** nextUpdate, when the answer may be cached: it has no nonce. */
  readonly cacheUntil: number | undefined
}

async function answerTo(
  asked: Uint8Array | undefined,
  at: { authority: IssuingAuthority; signer: Issuer; now: Clock; lifetime: number },
): Promise<Answer> {
  const refuse = (error: Parameters<typeof ocspError>[0]) => ({
    der: ocspError(error),
    cacheUntil: undefined,
  })
  if (asked === undefined) return refuse('malformedRequest')
  let request
  try {
    request = parseOcspRequest(asked)
  } catch {
    return refuse('malformedRequest')
  }
  // RFC 6960 section 2.3: not authoritative for that issuer.
  if (!request.questions.every((question) => isAbout(question, at.authority.issuer))) {
    return refuse('unauthorized')
  }
  const now = at.now()
  const nextUpdate = now + at.lifetime
  const der = await answerOcsp({
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
  })
  return { der, cacheUntil: request.nonce === undefined ? nextUpdate : undefined }
}

function isAbout(question: OcspQuestion, issuer: Issuer): boolean {
  const hash = HASHES[question.hashAlgorithm]
  if (hash === undefined) return false
  const expected = certIdHashes(issuer, hash)
  return expected.name.equals(question.issuerNameHash) && expected.key.equals(question.issuerKeyHash)
}

/** RFC 9111 and RFC 5019 section 6.2: not longer than the answer is valid. */
function caching(answer: Answer, now: number): Record<string, string> {
  const until = answer.cacheUntil ?? now
  return {
    'cache-control': `max-age=${Math.max(0, Math.floor((until - now) / 1000))}, public, no-transform, must-revalidate`,
    etag: `"${createHash('sha256').update(answer.der).digest('hex').slice(0, 32)}"`,
    'last-modified': new Date(now).toUTCString(),
    expires: new Date(until).toUTCString(),
  }
}
