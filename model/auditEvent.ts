import type { Timestamp } from './time.ts'

/** Where a line came from; a duplicate by position is refused. */
export interface SourcePosition {
  /** Log source id in the inventory. */
  readonly source: string
  /**
   * SHA-256 (lower-case hex) over the first line of the file, so that a rotated file keeps its identity. Of a record that Filebeat shipped: as Filebeat knows the file,
   * `@`, and where the run of records begins that this one continues. Of what an API gives: docs/collectors/ says for each.
   */
  readonly fingerprint: string
  /** Byte range of the record in that file: [offset, end). */
  readonly offset: number
  readonly end: number
}

/** The certificate with which a client shipped a log to us. */
export interface Shipper {
  /** RFC 4514. */
  readonly subject: string
  /** Of the certificate (DER), hex. */
  readonly sha256: string
}

/** What somebody did, in Elastic Common Schema names, with `pki` for what ECS does not know. */
export interface AuditEvent {
  readonly '@timestamp': Timestamp
  readonly event: {
    /**
     * SHA-256 over source, file, place and octets of the record (collectors/eventId.ts): the same whichever way it came. Absent of events of our own, and
     * where the file had too few octets to be told from others.
     */
    readonly id?: string
    /** The source's own event name as it stands: `CERT_CREATION`. `unparsed` when the line was not understood. */
    readonly action: string
    /** What a line says that has no event name of its own: `authorization_denied` (collectors/formats/ejbcaServer.ts). */
    readonly code?: string
    readonly outcome: 'success' | 'failure' | 'unknown'
    readonly category: readonly string[]
    readonly type: readonly string[]
    readonly module: string
    readonly dataset: string
    /** The raw record, whole, all its lines. When it is not valid UTF-8: base64, and `encoding` says so. */
    readonly original: string
    readonly encoding?: 'base64'
    readonly reason?: string
  }
  readonly user?: { readonly name: string }
  readonly source?: { readonly ip: string }
  readonly message?: string
  /** Who shipped the log, where it came over the network. */
  readonly tls?: { readonly client: { readonly subject: string; readonly hash: { readonly sha256: string } } }
  /** The certificate that the event is about, where the record holds it whole. Names as in ECS, serial number in upper case. */
  readonly x509?: {
    readonly serial_number: string
    readonly not_before: Timestamp
    readonly not_after: Timestamp
    readonly subject: { readonly distinguished_name: string }
    readonly issuer: { readonly distinguished_name: string }
    /** Names of hosts and persons that it is for; absent where there is none. */
    readonly alternative_names?: readonly string[]
  }
  readonly pki?: {
    /** The CA as the source names it, and its id in the inventory when that is known. */
    readonly caId?: string
    readonly caName?: string
    readonly caSubject?: string
    readonly profile?: string
    readonly serial?: string
    readonly subject?: string
    /** End entity. */
    readonly username?: string
    /** Key or crypto token that was used or changed. */
    readonly key?: string
    readonly revocationReason?: number
    readonly crlNumber?: string
    /** SHA-256 of the certificate that the record holds whole; it is kept as an artifact under this name. */
    readonly sha256?: string
    /** SHA-1 of the certificate or CRL (DER), as the source names it. */
    readonly fingerprint?: string
    /** Of the signature over part of the log, of which this record is the end. */
    readonly signature?: 'verified' | 'unverified' | 'bad'
    /** Everything else the line said, as it said it. */
    readonly details?: Readonly<Record<string, string>>
  }
  readonly position: SourcePosition
}
