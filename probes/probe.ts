import type { Certificate } from '../pki/certificate.ts'
import type { Delegations } from '../pki/ocspSigner.ts'
import type { ProbeResult } from '../model/observation.ts'
import type { AuthorityConfig, SystemKind } from '../model/config.ts'
import type { Clock } from '../model/time.ts'
import type { CrlDistribution } from './crl/distribution.ts'
import type { Network } from './fetch/connect.ts'
import type { Credential } from './fetch/credential.ts'
import type { StartTlsProtocol } from './fetch/startTls.ts'
import type { ProbeMemory } from './memory.ts'
import type { Credentials } from './mtls/cases.ts'
import type { Ledger } from './reconciliation/ledger.ts'

/** What every target has. */
interface TargetBase {
  /** Subject that the observation is about. */
  readonly subject: string
  /** What is contacted, as shown to people: URL or host:port. */
  readonly address: string
  /** Milliseconds between runs, and the most that one run may take. */
  readonly interval: number
  readonly timeout: number
}

/** A declared authority with its parsed certificate and those above it, up to the anchor. */
export interface Issuer {
  readonly id: string
  readonly class: AuthorityConfig['class']
  readonly certificate: Certificate
  /** From the issuer's own issuer up to the trust anchor. Empty when the issuer is the anchor. */
  readonly ancestors: readonly Certificate[]
}

export interface CrlTarget extends TargetBase {
  readonly probe: 'crl'
  readonly url: string
  /** Milliseconds after which it is fetched whole and not only asked whether it changed. */
  readonly fullEvery: number
  /** undefined: the CRL is decoded but can't be verified (CLI without --issuer). */
  readonly issuer: Issuer | undefined
  /** undefined: nothing is declared about the address (CLI). */
  readonly distribution: CrlDistribution | undefined
  /** Certificates of the inventory that the issuer signed; notAfter in milliseconds. */
  readonly issued: readonly { readonly serial: string; readonly notAfter: number }[]
}

/** All CRLs of an authority beside each other. */
export interface CrlSetTarget extends TargetBase {
  readonly probe: 'crl_set'
  readonly issuer: Issuer
  readonly declared: readonly CrlDistribution[]
}

/** All CRLs of an authority beside what its log says. */
export interface ReconciliationTarget extends TargetBase {
  readonly probe: 'reconciliation'
  readonly issuer: Issuer
  readonly declared: readonly CrlDistribution[]
}

/** The certificate that a service serves beside what the log of its authority says. */
export interface IssuanceTarget extends TargetBase {
  readonly probe: 'issuance'
  readonly issuer: Issuer
  /** Of the service's TLS target. */
  readonly service: { readonly subject: string; readonly address: string }
}

/** What an authority issued beside what is known of it otherwise. */
export interface IssuedTarget extends TargetBase {
  readonly probe: 'issued'
  readonly issuer: Issuer
  /** Certificates that it issued and that stand in files. */
  readonly declared: readonly Pick<Certificate, 'serial' | 'notBefore' | 'sha256'>[]
  /** Serial numbers that responders are asked about, lower-case hex. */
  readonly asked: readonly string[]
  /** Of the TLS targets of its services, in the order of the inventory. */
  readonly services: readonly { readonly subject: string; readonly address: string }[]
}

/** What a responder says of certificates that the log says are revoked. */
export interface OcspRevocationsTarget extends TargetBase {
  readonly probe: 'ocsp_revocations'
  readonly url: string
  readonly issuer: Issuer
  /** Subjects of the services whose certificates the authority issues. */
  readonly services: readonly string[]
}

export interface OcspTarget extends TargetBase {
  readonly probe: 'ocsp'
  readonly url: string
  readonly issuer: Issuer
  /** Serial number of the certificate asked about, lower-case hex. */
  readonly serial: string
}

/** One responder, asked in every way. */
export interface OcspMatrixTarget extends TargetBase {
  readonly probe: 'ocsp_matrix'
  readonly url: string
  readonly issuer: Issuer
  /** Serial number of the certificate that must be good, lower-case hex. */
  readonly serial: string
  /** The same of one that is revoked; undefined: none is declared. */
  readonly revoked: string | undefined
  /** Subjects of the services whose certificates the authority issues: what they serve, the responder must know. */
  readonly services: readonly string[]
}

/** URLs, as declared. */
export interface IssuerLocations {
  readonly crl: readonly string[]
  readonly ocsp: readonly string[]
  readonly caIssuers: readonly string[]
}

export interface TlsTarget extends TargetBase {
  readonly probe: 'tls'
  readonly host: string
  readonly port: number
  readonly servername: string
  /** What is spoken before TLS; undefined: nothing. */
  readonly startTls: StartTlsProtocol | undefined
  readonly service: { readonly id: string; readonly environment: string; readonly owner: string } | undefined
  /** undefined: chain and identity are reported, the path is not judged (CLI without --issuer). */
  readonly issuer: Issuer | undefined
  /** Responder of the issuer, asked about the certificate that was served. */
  readonly ocspUrl: string | undefined
  /** Where the inventory says that the issuer's revocation lists, responders and certificate are. undefined: nothing is declared (CLI). */
  readonly locations: IssuerLocations | undefined
  /** File with the newest certificate that was issued for the service, PEM or DER; read at every run. undefined: none is declared. */
  readonly certificateFile: string | undefined
  readonly client: Credential | undefined
}

export interface MtlsTarget
  extends TargetBase, Pick<TlsTarget, 'host' | 'port' | 'servername' | 'startTls' | 'service'> {
  readonly probe: 'mtls'
  /** What is asked for where the service speaks HTTP. */
  readonly path: string
  /** What is not there vigil makes (foreign, selfSigned), or does not ask (the others). */
  readonly credentials: Credentials
}

export interface HealthTarget extends TargetBase {
  readonly probe: 'health'
  readonly system: SystemKind
  /** Of the system; what is asked for stands below it. */
  readonly url: string
  /** Trusted beside the default roots when the URL is https. */
  readonly anchor: Certificate | undefined
  readonly client: Credential | undefined
}

/** An authority's own certificate. */
export interface CaTarget extends TargetBase {
  readonly probe: 'ca'
  readonly issuer: Issuer
  /** Where it is published, as declared. */
  readonly urls: readonly string[]
  /** Where certificates of declared authorities below it say that it is. */
  readonly named: readonly string[]
}

export type Target =
  | CrlTarget
  | CrlSetTarget
  | OcspTarget
  | OcspMatrixTarget
  | TlsTarget
  | MtlsTarget
  | HealthTarget
  | CaTarget
  | ReconciliationTarget
  | IssuanceTarget
  | IssuedTarget
  | OcspRevocationsTarget

/** What a probe run may use of the world. */
export interface ProbeContext extends Network {
  readonly now: Clock
  readonly vantage: string
  /** Largest body that is read, in octets. */
  readonly maxSize: number
  readonly random: (octets: number) => Uint8Array
  /** OCSP responders that the authorities were seen to delegate to. */
  readonly delegations: Delegations
  /** What earlier runs established; nothing when a target is looked at once, by hand. */
  readonly memory: ProbeMemory
  /** What the logs of the authorities say; nothing when a target is looked at once, by hand. */
  readonly ledger: Ledger
  /** Bytes that the journal keeps, by their SHA-256 in hex, for the caller to do with as he likes; undefined: it does not. */
  readonly artifact: (digest: string) => Promise<Uint8Array | undefined>
  /** Aborts the run at shutdown. The target's timeout is applied by the probe itself. */
  readonly signal: AbortSignal
}

/** Looks at a target once, now. Never rejects for what the target does; that is an observation with an error. */
export type Probe<T extends Target> = (target: T, context: ProbeContext) => Promise<ProbeResult>
