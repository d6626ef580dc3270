import type { Certificate } from '../../pki/certificate.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import type { Issuer } from '../../probes/probe.ts'
import type { Observation } from '../../model/observation.ts'
import { Climber, type Sourced } from './climb.ts'
import { commonName, Ids } from './names.ts'
import type { Reach } from './reach.ts'
import { usableUrl } from './urls.ts'

/** CRLs, and responders, of one authority that are looked at. */
const MAX_PLACES = 10
/** Milliseconds: a CRL that is valid for longer is issued in a ceremony. */
const OFFLINE_LIFETIME = 60 * 86_400_000
/** Milliseconds between runs; nothing is scheduled here. */
const ONCE = { interval: 60_000 }

/** What is known, and what is to be found out. */
export interface Question {
  readonly endpoints: readonly Endpoint[]
  /** Of CAs, from files. */
  readonly issuers: readonly Sourced[]
  readonly now: number
  /** Milliseconds for each look. */
  readonly timeout: number
}

export interface Endpoint {
  /** host:port */
  readonly address: string
  readonly host: string
  readonly port: number
  readonly servername: string
}

/** Something that certificates name, as vigil.yaml will have it. */
export interface Place {
  readonly url: string
  /** What a look at it showed, or why there was none. */
  readonly seen: string
  /** false: it stands as a comment, for a person to decide. */
  readonly declared: boolean
}

export interface FoundAuthority {
  readonly id: string
  readonly certificate: Certificate
  readonly source: string
  /** undefined: it is the trust anchor. */
  readonly issuer: string | undefined
  readonly isOffline: boolean
  readonly crls: readonly Place[]
  /** `knownGood`: id of the service or authority whose certificate is asked about. */
  readonly responders: readonly (Place & { readonly knownGood: string })[]
  readonly caIssuers: readonly Place[]
}

export interface FoundService {
  readonly id: string
  readonly endpoint: Endpoint
  readonly certificate: Certificate
  readonly issuer: string
}

export interface Discovery {
  /** The issuer of each stands before it. */
  readonly authorities: readonly FoundAuthority[]
  readonly services: readonly FoundService[]
  /** What was not done, and why; for people. */
  readonly notes: readonly string[]
}

/** Walks from services and CAs up to their roots, and looks at what certificates say about revocation. */
export async function discover(question: Question, reach: Reach): Promise<Discovery> {
  return new Discoverer(question, reach).run()
}

/** A certificate that names places of its issuer. */
interface Child {
  readonly id: string
  readonly certificate: Certificate
}

interface Node {
  readonly id: string
  readonly found: Sourced
  readonly chain: readonly Sourced[]
  readonly issuer: Node | undefined
  readonly children: Child[]
}

class Discoverer {
  readonly #question: Question
  readonly #reach: Reach
  readonly #notes = new Set<string>()
  readonly #climber: Climber
  readonly #ids = new Ids()
  /** By fingerprint, in the order in which they are declared. */
  readonly #nodes = new Map<string, Node>()

  constructor(question: Question, reach: Reach) {
    this.#question = question
    this.#reach = reach
    this.#climber = new Climber(reach, (text) => this.#notes.add(text))
  }

  async run(): Promise<Discovery> {
    const { endpoints, issuers } = this.#question
    this.#climber.add(...issuers)
    const services: FoundService[] = []
    for (const endpoint of endpoints) services.push(...(await this.#service(endpoint)))
    for (const issuer of issuers) await this.#authority(issuer)
    const authorities: FoundAuthority[] = []
    for (const node of this.#nodes.values()) authorities.push(await this.#describe(node))
    return { authorities, services, notes: [...this.#notes] }
  }

  async #service(endpoint: Endpoint): Promise<FoundService[]> {
    const { address } = endpoint
    const { chain, error } = await this.#reach.handshake({
      ...endpoint,
      startTls: undefined,
      client: undefined,
    })
    const [leaf] = this.#parsed(chain.slice(0, 1), address)
    const sent = this.#parsed(chain.slice(1), address)
    if (leaf === undefined) {
      this.#notes.add(`${address} shows no certificate: ${error?.message ?? 'it sent none that can be read'}`)
      return []
    }
    this.#climber.add(...sent.map((certificate) => ({ certificate, source: `sent by ${address}` })))
    const [above] = await this.#climber.above(leaf)
    if (above === undefined) {
      this.#notes.add(
        `${address}: nobody knows the issuer of ${leaf.subject.text}, ${leaf.issuer.text}; give its certificate with --issuer`,
      )
      return []
    }
    const issuer = await this.#authority(above)
    const id = this.#ids.make(endpoint.servername, 'service')
    issuer.children.push({ id, certificate: leaf })
    return [{ id, endpoint, certificate: leaf, issuer: issuer.id }]
  }

  /** The authority, after those above it. */
  async #authority(found: Sourced): Promise<Node> {
    const above = await this.#climber.above(found.certificate)
    let issuer: Node | undefined
    for (const [i, one] of [...above.entries()].toReversed()) {
      issuer = this.#node(one, { chain: above.slice(i + 1), issuer })
    }
    return this.#node(found, { chain: above, issuer })
  }

  #node(found: Sourced, above: Pick<Node, 'chain' | 'issuer'>): Node {
    const { certificate } = found
    const known = this.#nodes.get(certificate.sha256)
    if (known !== undefined) return known
    const id = this.#ids.make(commonName(certificate.subject.text), 'authority')
    const node: Node = { id, found, ...above, children: [] }
    above.issuer?.children.push({ id, certificate })
    this.#nodes.set(certificate.sha256, node)
    return node
  }

  async #describe(node: Node): Promise<FoundAuthority> {
    const { id, found, chain, issuer, children } = node
    const declared: Issuer = {
      id,
      class: 'online',
      certificate: found.certificate,
      ancestors: chain.map(({ certificate }) => certificate),
    }
    const crls: (Place & { readonly lifetime: number | undefined })[] = []
    for (const url of placesOf(children, ({ crlUrls }) => crlUrls)) crls.push(await this.#crl(url, declared))
    const responders: (Place & { readonly knownGood: string })[] = []
    for (const url of placesOf(children, ({ ocspUrls }) => ocspUrls)) {
      const [child] = children.filter(({ certificate }) => certificate.ocspUrls.includes(url))
      if (child !== undefined) responders.push(await this.#responder(url, declared, child))
    }
    const caIssuers: Place[] = []
    for (const url of placesOf(children, ({ caIssuerUrls }) => caIssuerUrls))
      caIssuers.push(await this.#caIssuer(url))
    const lifetimes = crls.flatMap(({ lifetime }) => lifetime ?? [])
    return {
      id,
      certificate: found.certificate,
      source: found.source,
      issuer: issuer?.id,
      isOffline: issuer === undefined && lifetimes.every((lifetime) => lifetime > OFFLINE_LIFETIME),
      crls,
      responders,
      caIssuers,
    }
  }

  async #crl(url: string, issuer: Issuer): Promise<Place & { readonly lifetime: number | undefined }> {
    const looked = await this.#look(url, (usable) => ({
      probe: 'crl',
      subject: 'ca_crl[init]',
      address: usable,
      url: usable,
      fullEvery: ONCE.interval,
      issuer,
      distribution: undefined,
      issued: [],
      ...this.#schedule(),
    }))
    const crl = looked.observation?.facts.crl
    const { thisUpdate, nextUpdate } = crl ?? {}
    const lifetime =
      thisUpdate === undefined || nextUpdate === undefined
        ? undefined
        : Date.parse(nextUpdate) - Date.parse(thisUpdate)
    const seen =
      crl === undefined || looked.observation?.outcome === 'failure'
        ? looked.seen
        : `${crl.entries ?? 0} entries, issued ${thisUpdate ?? '?'}, the next by ${nextUpdate ?? '?'}`
    return { url: looked.url, declared: looked.declared, seen, lifetime }
  }

  async #responder(
    url: string,
    issuer: Issuer,
    child: Child,
  ): Promise<Place & { readonly knownGood: string }> {
    const looked = await this.#look(url, (usable) => ({
      probe: 'ocsp',
      subject: 'ocsp_responder_status[init]',
      address: usable,
      url: usable,
      issuer,
      serial: child.certificate.serial,
      ...this.#schedule(),
    }))
    const status = looked.observation?.facts.ocsp?.status
    const place = { url: looked.url, knownGood: child.id }
    if (status === undefined || looked.observation?.outcome === 'failure')
      return { ...place, declared: looked.declared, seen: looked.seen }
    // What is asked about must be good: a canary, not a certificate that was revoked.
    const isGood = status === 'good'
    return {
      ...place,
      declared: isGood,
      seen: `says ${status} of ${child.id}${isGood ? '' : ': name a certificate that is good'}`,
    }
  }

  async #caIssuer(url: string): Promise<Place> {
    const usable = usableUrl(url)
    if (usable === undefined) return { url, declared: false, seen: UNUSABLE }
    try {
      const [first] = await this.#reach.certificatesAt(usable)
      return { url: usable, declared: true, seen: `certificate of ${first?.subject.text ?? 'nobody'}` }
    } catch (error) {
      return { url: usable, ...this.#failed(usable, error) }
    }
  }

  async #look(
    url: string,
    target: (usable: string) => Parameters<Reach['look']>[0],
  ): Promise<Place & { readonly observation: Observation | undefined }> {
    const usable = usableUrl(url)
    if (usable === undefined) return { url, declared: false, seen: UNUSABLE, observation: undefined }
    try {
      const observation = await this.#reach.look(target(usable))
      const seen = `could not be taken: ${observation.error?.message ?? ''}`
      return { url: usable, declared: true, seen, observation }
    } catch (error) {
      return { url: usable, observation: undefined, ...this.#failed(usable, error) }
    }
  }

  /** What cannot be reached now is watched all the same; what must not be reached is not. */
  #failed(url: string, error: unknown): Pick<Place, 'declared' | 'seen'> {
    if (!(error instanceof FetchError) && !(error instanceof PkiError)) throw error
    const isRefused = error.code === 'address_refused'
    if (isRefused) this.#notes.add(`${url} is not in a public network: name the network with --allow-network`)
    return { declared: !isRefused, seen: `could not be looked at: ${error.message}` }
  }

  #schedule(): { interval: number; timeout: number } {
    return { ...ONCE, timeout: this.#question.timeout }
  }

  #parsed(chain: readonly Uint8Array[], address: string): Certificate[] {
    return chain.flatMap((der) => {
      try {
        return [parseCertificate(der)]
      } catch (error) {
        if (!(error instanceof PkiError)) throw error
        this.#notes.add(`${address} sent a certificate that cannot be read: ${error.message}`)
        return []
      }
    })
  }
}

const UNUSABLE = 'not http or https, or not safe to write here'

/** What the certificates of an authority name, each once. */
function placesOf(children: readonly Child[], of: (certificate: Certificate) => readonly string[]): string[] {
  return [...new Set(children.flatMap(({ certificate }) => of(certificate)))].slice(0, MAX_PLACES)
}
