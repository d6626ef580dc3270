import type { Socket } from 'node:net'
import { systemCode } from '../../model/thrown.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'

/** Protocols that begin in plain text and turn to TLS when asked to. */
export type StartTlsProtocol = 'smtp' | 'imap' | 'ldap'

/** Octets that a server may say before it is ready for TLS: greetings and lists of abilities are below 2 KB. */
const MAX_TALK = 16 * 1024
/** What we call ourselves. RFC 5321 section 4.1.1.1 wants a domain name; RFC 6761 has one that is nobody's. */
const OUR_NAME = 'pki-vigil.invalid'
/** RFC 4511 section 4.14.1: the extended request 1.3.6.1.4.1.1466.20037 as message 1. */
const LDAP_REQUEST = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037', 'latin1'),
])

/**
 * Asks a server to turn to TLS (RFC 3207, RFC 9051 section 6.2.1, RFC 4511 section 4.14); afterwards the socket is ready for the handshake. Throws
 * FetchError(tls): a server that says anything after its consent is refused, for that would be taken for what TLS protects (CVE-2011-0411).
 */
export async function startTls(
  socket: Socket,
  protocol: StartTlsProtocol,
  deadline: Deadline,
): Promise<void> {
  const talk = new Talk(socket, protocol, deadline)
  try {
    await CONVERSATIONS[protocol](talk)
    talk.expectSilence()
  } finally {
    talk.end()
  }
}

const CONVERSATIONS: { readonly [P in StartTlsProtocol]: (talk: Talk) => Promise<void> } = {
  async smtp(talk) {
    await smtpReply(talk, '220', 'a greeting')
    talk.say(`EHLO ${OUR_NAME}\r\n`)
    const abilities = await smtpReply(talk, '250', 'an answer to EHLO')
    if (!abilities.some((line) => /^STARTTLS\b/i.test(line.slice(4)))) {
      throw talk.refusal('STARTTLS among its abilities', 'none')
    }
    talk.say('STARTTLS\r\n')
    await smtpReply(talk, '220', 'consent to STARTTLS')
  },
  async imap(talk) {
    const greeting = await talk.line('a greeting')
    if (!/^\* (OK|PREAUTH)\b/i.test(greeting)) throw talk.malformed('an IMAP greeting', greeting)
    talk.say('v1 STARTTLS\r\n')
    for (;;) {
      const line = await talk.line('consent to STARTTLS')
      if (/^v1 OK\b/i.test(line)) return
      if (!line.startsWith('* ')) throw talk.refusal('consent to STARTTLS', line)
    }
  },
  async ldap(talk) {
    talk.say(LDAP_REQUEST)
    const code = ldapResult(await talk.message('consent to StartTLS'))
    if (code === undefined) throw talk.malformed('an LDAP extended response', 'something else')
    if (code !== 0) throw talk.refusal('consent to StartTLS', `result code ${code}`)
  },
}

/** All lines of a reply (RFC 5321 section 4.2.1). */
async function smtpReply(talk: Talk, code: string, what: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (;;) {
    const line = await talk.line(what)
    if (!/^[2-5]\d\d(?:[ -]|$)/.test(line)) throw talk.malformed('an SMTP reply', line)
    if (!line.startsWith(code)) throw talk.refusal(`${what} with code ${code}`, line)
    lines.push(line)
    if (line[3] !== '-') return lines
  }
}

/** The result code of an extendedResp (RFC 4511 section 4.12) to message 1; undefined: it is something else. */
function ldapResult(message: Uint8Array): number | undefined {
  const { value: body } = element(message, 0x30) ?? {}
  const id = body && element(body, 0x02)
  if (body === undefined || id?.value.length !== 1 || id.value[0] !== 1) return undefined
  const response = element(body.subarray(id.size), 0x78)
  const code = response && element(response.value, 0x0a)
  return code?.value.length === 1 ? code.value[0] : undefined
}

interface BerElement {
  readonly value: Uint8Array
  /** Octets of the whole element. */
  readonly size: number
}

/** The BER element of a definite length at the start; undefined: another tag, or it is not all there. */
function element(bytes: Uint8Array, tag: number): BerElement | undefined {
  const header = berHeader(bytes)
  if (header === undefined || bytes[0] !== tag || bytes.length < header.size) return undefined
  return { value: bytes.subarray(header.start, header.size), size: header.size }
}

/** Where the value of an element starts, and its whole size; undefined: its header is not all there. Servers write long lengths (OpenLDAP). */
function berHeader(bytes: Uint8Array): { readonly start: number; readonly size: number } | undefined {
  const [, first] = bytes
  if (first === undefined) return undefined
  if (first < 0x80) return { start: 2, size: 2 + first }
  const count = first - 0x80
  if (bytes.length < 2 + count) return undefined
  let length = 0
  for (const octet of bytes.subarray(2, 2 + count)) length = length * 256 + octet
  // 0x80 is the indefinite length, which LDAP forbids (RFC 4511 section 5.1).
  return { start: 2 + count, size: count === 0 ? Infinity : 2 + count + length }
}

/** What is said in plain text, bounded in time and size. */
class Talk {
  readonly #socket: Socket
  readonly #protocol: StartTlsProtocol
  readonly #deadline: Deadline
  #heard: Buffer = Buffer.alloc(0)
  #total = 0
  #over: FetchError | undefined
  #wake: () => void = () => undefined

  constructor(socket: Socket, protocol: StartTlsProtocol, deadline: Deadline) {
    this.#socket = socket
    this.#protocol = protocol
    this.#deadline = deadline
    socket.on('data', this.#onData)
    socket.on('error', this.#onEnd)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
  }

  say(words: string | Uint8Array): void {
    this.#socket.write(words)
  }

  /** The next line without its end. */
  async line(waitingFor: string): Promise<string> {
    const end = await this.#until(waitingFor, () => {
      const at = this.#heard.indexOf(0x0a)
      return at < 0 ? undefined : at + 1
    })
    return this.#take(end).toString('latin1').trimEnd()
  }

  /** The next BER element. */
  async message(waitingFor: string): Promise<Uint8Array> {
    const end = await this.#until(waitingFor, () => {
      const size = berHeader(this.#heard)?.size
      if (size !== undefined && size > MAX_TALK) throw this.#tooMuch()
      return size === undefined || this.#heard.length < size ? undefined : size
    })
    return this.#take(end)
  }

  expectSilence(): void {
    if (this.#heard.length === 0) return
    throw this.malformed('nothing before the TLS handshake', `${this.#heard.length} octets more`)
  }

  /** The socket is as it was, and everything heard was used. */
  end(): void {
    this.#socket.off('data', this.#onData)
    this.#socket.off('error', this.#onEnd)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('close', this.#onEnd)
  }

  refusal(expected: string, got: string): FetchError {
    return new FetchError('tls', 'starttls_refused', `${this.#protocol}: expected ${expected}, got ${got}`)
  }

  malformed(expected: string, got: string): FetchError {
    return new FetchError('tls', 'starttls_malformed', `${this.#protocol}: expected ${expected}, got ${got}`)
  }

  async #until(waitingFor: string, end: () => number | undefined): Promise<number> {
    for (;;) {
      const at = end()
      if (at !== undefined) return at
      if (this.#total > MAX_TALK) throw this.#tooMuch()
      if (this.#over !== undefined) throw this.#over
      const { promise, resolve } = Promise.withResolvers<undefined>()
      this.#wake = () => resolve(undefined)
      await this.#deadline.race(promise, 'tls', `${this.#protocol}: ${waitingFor}`)
    }
  }

  #take(octets: number): Buffer {
    const taken = this.#heard.subarray(0, octets)
    this.#heard = this.#heard.subarray(octets)
    return taken
  }

  #tooMuch(): FetchError {
    return this.malformed(`at most ${MAX_TALK} octets before the TLS handshake`, 'more')
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#total += chunk.length
    // What is too much is not kept.
    if (this.#total <= MAX_TALK) this.#heard = Buffer.concat([this.#heard, chunk])
    else this.#socket.pause()
    this.#wake()
  }

  readonly #onEnd = (error?: unknown): void => {
    const code = systemCode(error)
    const got = code === '' ? 'a closed connection' : code
    const message = `${this.#protocol}: expected consent to TLS, got ${got}`
    this.#over ??= new FetchError('tls', 'closed', message, error instanceof Error ? error : undefined)
    this.#wake()
  }
}
