// What of a running lab an inventory declares.
import type { KeyObject } from 'node:crypto'
import type { Deployment } from './deployment.ts'
import type { IssuingCa } from './issuingCa.ts'
import type { Repository } from './repository.ts'

export interface LabAuthority {
  readonly id: string
  readonly class: 'online' | 'offline'
  /** DER. */
  readonly certificate: Uint8Array
  readonly issuer?: string
  /** The first of them. */
  readonly crlUrl: string
  /** Full CRL or partitions, and copies of them. */
  readonly crlUrls: readonly string[]
  /** Of the delta CRL. */
  readonly deltaUrl?: string
  /** Certificates (DER) that were revoked before the lab began, and would still be valid. */
  readonly history: readonly Uint8Array[]
  /** `canary`: a certificate (DER) that no fault touches. */
  readonly ocsp?: { readonly url: string; readonly canary: Uint8Array }
}

export interface LabService {
  readonly id: string
  readonly environment: string
  /** host:port */
  readonly endpoint: string
  readonly servername: string
  readonly issuer: string
  readonly owner: string
  readonly clientCertificate: 'none' | 'required'
}

export interface LabInventory {
  readonly authorities: readonly LabAuthority[]
  readonly services: readonly LabService[]
  /** A client certificate (DER, then its CA) that the services take. */
  readonly client: { readonly chain: readonly Uint8Array[]; readonly key: KeyObject }
  /** Addresses of the names in URLs and endpoints, which no DNS knows; none where these have addresses. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  readonly log: { readonly id: string; readonly path: string; readonly authorities: readonly string[] }
}

export function describeAuthority(ca: IssuingCa, repository: Repository): LabAuthority {
  const { authority, responder, canary, history } = ca
  const crls = authority.parts.filter(({ kind }) => kind !== 'delta')
  const crlUrls = crls.flatMap(({ url, copies }) => [url, ...copies.map(repository.urlOf)])
  const delta = authority.parts.find(({ kind }) => kind === 'delta')
  return {
    id: authority.id,
    class: 'online',
    certificate: authority.issuer.certificate,
    issuer: 'root',
    crlUrl: crlUrls[0] ?? '',
    crlUrls,
    ...(delta === undefined ? {} : { deltaUrl: delta.url }),
    history,
    ocsp: { url: responder.url, canary },
  }
}

export function describeService(service: Deployment): LabService {
  const { id, environment, endpoint, servername, owner, authority } = service
  return {
    id,
    environment,
    endpoint,
    servername,
    issuer: authority.id,
    owner,
    clientCertificate: service.mutual ? 'required' : 'none',
  }
}
