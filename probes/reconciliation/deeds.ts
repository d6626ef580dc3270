import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'

// What events of logs did to the certificates and CRLs of an authority, whatever their source calls it.

/** What a log says of an authority whole: where it names none, there was none. */
export type Telling = 'issued' | 'revoked' | 'crls'

export interface Deed {
  readonly kind: 'issued' | 'revoked' | 'released' | 'crl_issued'
  /** What the log that says this is whole in. */
  readonly tells: readonly Telling[]
  /** Of the certificate, in milliseconds, where the event holds that but not the certificate. */
  readonly notAfter?: number
}

/** RFC 5280 5.3.1: removeFromCRL. EJBCA also writes -1, that it is not revoked. */
const REMOVE_FROM_CRL = 8

const ALL: readonly Telling[] = ['issued', 'revoked', 'crls']
const CERTIFICATES: readonly Telling[] = ['issued', 'revoked']

type Reading = (event: AuditEvent) => Deed | undefined
type Readings = Readonly<Record<string, Reading>>

/** EJBCA can issue a certificate that is revoked from the start. */
const EJBCA: Readings = {
  CERT_CREATION: ejbcaIssued,
  CERT_STORED: ejbcaIssued,
  CERT_REVOKED: ({ pki }) => ({ kind: statusOf(pki?.revocationReason), tells: ALL }),
  CRL_STORED: () => ({ kind: 'crl_issued', tells: ALL }),
}

function ejbcaIssued({ pki }: AuditEvent): Deed {
  return {
    kind: pki?.revocationReason === undefined ? 'issued' : statusOf(pki.revocationReason),
    tells: ALL,
  }
}

/** Dogtag leaves its CRLs out by default: only a log that names one is expected to name them all. */
const dogtagCrl: Reading = ({ pki }) =>
  pki?.crlNumber === undefined ? undefined : { kind: 'crl_issued', tells: ALL }

const DOGTAG: Readings = {
  CERT_REQUEST_PROCESSED: () => ({ kind: 'issued', tells: CERTIFICATES }),
  CERT_STATUS_CHANGE_REQUEST_PROCESSED: dogtagStatus,
  FULL_CRL_GENERATION: dogtagCrl,
  DELTA_CRL_GENERATION: dogtagCrl,
  FULL_CRL_PUBLISHING: dogtagCrl,
  DELTA_CRL_PUBLISHING: dogtagCrl,
}

/** That a request was rejected or canceled is a success to Dogtag. */
function dogtagStatus({ pki }: AuditEvent): Deed | undefined {
  const { Approval: approval = 'complete', RequestType: type } = pki?.details ?? {}
  if (approval !== 'complete') return undefined
  if (type === 'revoke' || type === 'on-hold') return { kind: 'revoked', tells: CERTIFICATES }
  return type === 'off-hold' ? { kind: 'released', tells: CERTIFICATES } : undefined
}

/** A control plane: its CA issues and revokes for others as well. */
const CERTCTL: Readings = {
  renewal_job_completed: ({ pki }) => {
    const notAfter = Date.parse(pki?.details?.['not_after'] ?? '')
    return { kind: 'issued', tells: [], ...(Number.isNaN(notAfter) ? {} : { notAfter }) }
  },
  certificate_revoked: ({ pki }) => ({ kind: statusOf(pki?.revocationReason), tells: [] }),
}

const READINGS: ReadonlyMap<string, Readings> = new Map([
  ['ejbca', EJBCA],
  ['dogtag', DOGTAG],
  ['certctl', CERTCTL],
])

/** Which events of the logs are read, and as what. */
export class Deeds {
  /** Names of the events of every log. */
  readonly actions: readonly string[]
  /** By log. */
  readonly #json: ReadonlyMap<string, Readings>

  constructor(logs: readonly Pick<LogConfig, 'id' | 'json'>[]) {
    this.#json = new Map(logs.flatMap(({ id, json }) => (json === undefined ? [] : [[id, readingsOf(json)]])))
    const all = [...READINGS.values(), ...this.#json.values()].flatMap((readings) => Object.keys(readings))
    this.actions = [...new Set(all)]
  }

  /** undefined: nothing that counts. */
  of(event: AuditEvent): Deed | undefined {
    const { action, module, outcome } = event.event
    const mapped = this.#json.get(event.position.source)
    if (mapped !== undefined) return Object.hasOwn(mapped, action) ? mapped[action]?.(event) : undefined
    const readings = READINGS.get(module)
    if (readings === undefined || outcome !== 'success' || !Object.hasOwn(readings, action)) return undefined
    return readings[action]?.(event)
  }
}

type JsonMapping = NonNullable<LogConfig['json']>

/** A log without outcomes tells what was done. */
function readingsOf({ actions, outcome }: JsonMapping): Readings {
  const meant = Object.entries(actions).flatMap(([name, { means }]) =>
    means === undefined ? [] : [[name, means] as const],
  )
  const kinds = new Set(meant.map(([, means]) => means))
  const tells = ALL.filter((telling) => kinds.has(telling === 'crls' ? 'crl_issued' : telling))
  return Object.fromEntries(
    meant.map(([name, means]) => [
      name,
      ({ event, pki }: AuditEvent) => {
        if (outcome !== undefined && event.outcome !== 'success') return undefined
        return { kind: means === 'revoked' ? statusOf(pki?.revocationReason) : means, tells }
      },
    ]),
  )
}

function statusOf(reason: number | undefined): 'revoked' | 'released' {
  return reason !== undefined && (reason < 0 || reason === REMOVE_FROM_CRL) ? 'released' : 'revoked'
}
