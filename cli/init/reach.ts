import { randomBytes } from 'node:crypto'
import type { Observation } from '../../model/observation.ts'
import type { Clock } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { contactable, type Network } from '../../probes/fetch/connect.ts'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import { exchange } from '../../probes/fetch/http.ts'
import { resolveHost } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { NO_LEDGER } from '../../probes/reconciliation/ledger.ts'
import type { Target } from '../../probes/probe.ts'
import { runProbe } from '../../probes/table.ts'
import { hostOf } from '../../probes/targets.ts'
import { shakeHands, type Handshake, type HandshakeTarget } from '../../probes/tlsHandshake.ts'

/** Looks at what certificates name, in one discovery: a hostile chain may name as much as it likes. */
const MAX_LOOKS = 60
/** Octets of a CA certificate with what else stands in its file. */
const MAX_CERTIFICATE = 256 * 1024
/** Certificates that are taken from one file. */
const MAX_PER_FILE = 10
/** Octets of a CRL that is looked at; a larger one is declared all the same. */
const MAX_CRL = 64 * 1024 * 1024
const MAX_REDIRECTS = 3

export interface ReachOptions extends Network {
  readonly now: Clock
  /** Milliseconds for each look. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** Every contact that a discovery makes: bounded, counted, and where certificates lead only into networks that the policy allows. */
export class Reach {
  readonly #options: ReachOptions
  #left = MAX_LOOKS

  constructor(options: ReachOptions) {
    this.#options = options
  }

  /** What a service that the operator named shows. */
  async handshake(target: HandshakeTarget): Promise<Handshake> {
    using deadline = this.#deadline()
    return await shakeHands(target, deadline, this.#options)
  }

  /** The certificates at a URL that a certificate names. Throws FetchError, PkiError. */
  async certificatesAt(url: string): Promise<readonly Certificate[]> {
    this.#count()
    using deadline = this.#deadline()
    const answer = await exchange(
      {
        url,
        source: 'found',
        method: 'GET',
        headers: { accept: 'application/pkix-cert, application/x-x509-ca-cert, */*;q=0.5' },
        body: undefined,
        maxBody: MAX_CERTIFICATE,
        maxRedirects: MAX_REDIRECTS,
        anchor: undefined,
      },
      deadline,
      this.#options,
    )
    if (!answer.ok) throw answer.error
    if (answer.status !== 200)
      throw new FetchError('http', 'malformed_response', `expected HTTP 200, got ${answer.status}`)
    return decodeCertificates(answer.body)
      .slice(0, MAX_PER_FILE)
      .map((der) => parseCertificate(der))
  }

  /**
   * One run of a probe against what a certificate names. Its host is resolved, its addresses are checked, and only these are then connected to. Throws
   * FetchError where that is not allowed.
   */
  async look(target: Target): Promise<Observation> {
    this.#count()
    const { names, follow, now, signal } = this.#options
    const hostPort = hostOf(target)
    const colon = hostPort.lastIndexOf(':')
    const host = hostPort.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    const port = Number(hostPort.slice(colon + 1))
    using deadline = this.#deadline()
    const resolved = await resolveHost(host, deadline, names)
    const addresses = contactable({ host, port, source: 'found' }, resolved, this.#options)
    const pinned = new Map([...names.declared, [host.toLowerCase().replace(/\.$/, ''), addresses]])
    const result = await runProbe(target, {
      now,
      vantage: 'init',
      maxSize: MAX_CRL,
      random: randomBytes,
      delegations: new Delegations(),
      memory: new RecordedMemory([]),
      ledger: NO_LEDGER,
      artifact: () => Promise.resolve(undefined),
      names: { ...names, declared: pinned },
      follow,
      signal,
    })
    return result.observation
  }

  #deadline(): Deadline {
    return new Deadline(this.#options.timeout, this.#options.signal)
  }

  #count(): void {
    if (this.#left-- > 0) return
    const message = `expected certificates to name at most ${MAX_LOOKS} things to look at, got more`
    throw new FetchError('size', 'body_too_large', message)
  }
}
