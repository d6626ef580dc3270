// What of a running lab an inventory declares.
import type { KeyObject } from 'node:crypto'
import type { Deployment } from './deployment.ts'
import { LOOPBACK } from './http.ts'
import type { IssuingCa } from './issuingCa.ts'

export interface LabAuthority {
  readonly id: string
  readonly class: 'online' | 'offline'
  /** DER. */
  readonly certificate: Uint8Array
  readonly issuer?: string
  readonly crlUrl: string
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
  readonly log: { readonly id: string; readonly path: string; readonly authorities: readonly string[] }
}

export function describeAuthority({ authority, responder, canary }: IssuingCa): LabAuthority {
  return {
    id: authority.id,
    class: 'online',
    certificate: authority.issuer.certificate,
    issuer: 'root',
    crlUrl: authority.urls.crl,
    ocsp: { url: responder.url, canary },
  }
}

export function describeService(service: Deployment): LabService {
  const { id, environment, servername, owner, authority } = service
  return {
    id,
    environment,
    endpoint: `${LOOPBACK}:${service.port}`,
    servername,
    issuer: authority.id,
    owner,
    clientCertificate: service.mutual ? 'required' : 'none',
  }
}
