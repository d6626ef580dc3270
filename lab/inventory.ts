// What of a running lab an inventory declares.
import type { Deployment } from './deployment.ts'
import type { DogtagCa } from './dogtagCa.ts'
import type { IssuingCa } from './issuingCa.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { Prober } from './prober.ts'
import type { Repository } from './repository.ts'

export interface LabAuthority {
  readonly id: string
  readonly class: 'online' | 'offline'
  /** DER. */
  readonly certificate: Uint8Array
  readonly issuer?: string
  /** The first of them. */
  readonly crlUrl: string
  readonly crls: readonly LabCrl[]
  /** Certificates (DER) that were revoked before the lab began, and would still be valid. */
  readonly history: readonly Uint8Array[]
  /** `canary`: a certificate (DER) that no fault touches. */
  readonly ocsp?: { readonly url: string; readonly canary: Uint8Array }
}

/** A CRL of its own, as an inventory declares it. */
export interface LabCrl {
  /** With `{partition}` where there are several. */
  readonly url: string
  readonly copies: readonly string[]
  readonly partitions?: readonly string[]
  readonly deltaUrl?: string
  /** Milliseconds from one to the next; none that is kept to when absent. */
  readonly issuedEvery?: number
}

export interface LabService {
  readonly id: string
  readonly environment: string
  /** host:port */
  readonly endpoint: string
  readonly servername: string
  readonly issuer: string
  readonly owner: string
  /** With the newest certificate that was issued for it, PEM. */
  readonly certificateFile: string
  readonly clientCertificate: 'none' | 'required'
}

export interface LabInventory {
  readonly authorities: readonly LabAuthority[]
  readonly services: readonly LabService[]
  /** What a prober shows to services that ask for a certificate. */
  readonly prober: Pick<Prober, 'chain' | 'key' | 'filesOf'>
  /** Addresses of the names in URLs and endpoints, which no DNS knows; none where these have addresses. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  /** Of EJBCA, with which most of them work. */
  readonly log: { readonly id: string; readonly path: string; readonly authorities: readonly string[] }
  /** Of authorities that work with something else. */
  readonly otherLogs: readonly OtherLog[]
  /** File with what the control plane did: rows of format dagster. */
  readonly dagsterLog: string
  /** Only its logs can be watched. */
  readonly dogtag: Pick<DogtagCa, 'id' | 'certificate' | 'signingCertificateFile' | 'clones'>
}

export interface OtherLog {
  readonly id: string
  readonly format: 'dogtag' | 'json'
  readonly path: string
  /** With the public key that a log of Dogtag is signed with, PEM. */
  readonly signerFile: string
  readonly authority: string
}

export function describeAuthority(
  ca: IssuingCa,
  repository: Repository,
  { crlInterval }: Pick<Lifetimes, 'crlInterval'>,
): LabAuthority {
  const { authority, responder, canary, history } = ca
  return {
    id: authority.id,
    class: 'online',
    certificate: authority.issuer.certificate,
    issuer: 'root',
    crlUrl: authority.parts[0].url,
    crls: crlsOf(authority, repository).map((crl) => ({ ...crl, issuedEvery: crlInterval })),
    history,
    ocsp: { url: responder.url, canary },
  }
}

function crlsOf({ id, parts }: IssuingCa['authority'], { urlOf }: Repository): readonly LabCrl[] {
  const partitions = parts.filter(({ kind }) => kind === 'partition')
  const delta = parts.find(({ kind }) => kind === 'delta')
  const full = parts
    .filter(({ kind }) => kind === 'full')
    .map(({ url, copies }) => ({
      url,
      copies: copies.map(urlOf),
      ...(delta === undefined ? {} : { deltaUrl: delta.url }),
    }))
  if (partitions.length === 0) return full
  const names = partitions.map(({ name }) => name.slice(id.length + 1, -'.crl'.length))
  return [...full, { url: urlOf(`${id}-{partition}.crl`), copies: [], partitions: names }]
}

export function describeService(service: Deployment): LabService {
  const { id, environment, endpoint, servername, owner, authority, certificateFile } = service
  return {
    id,
    environment,
    endpoint,
    servername,
    issuer: authority.id,
    owner,
    certificateFile,
    clientCertificate: service.mutual ? 'required' : 'none',
  }
}
