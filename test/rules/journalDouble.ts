import type { Observation, ProbeError } from '../../model/observation.ts'
import { type NewRecord, type SealedRecord } from '../../model/record.ts'
import { formatRecordId, type RecordId } from '../../model/recordId.ts'
import type { Finding } from '../../model/finding.ts'
import { toTimestamp } from '../../model/time.ts'

export const START = Date.parse('2026-11-22T08:00:00Z')
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Seals records as a journal would, with a clock that only the test moves. */
export class JournalDouble {
  now = START
  #entry = 0

  seal(...records: readonly NewRecord[]): SealedRecord[] {
    const entry = this.#entry++
    return records.map((record, n) => ({
      ...record,
      id: formatRecordId('vigil.test', 0, { entry, n }),
      position: { entry, n },
      recorded: toTimestamp(this.now),
    }))
  }

  tick(): SealedRecord[] {
    return this.seal({ kind: 'tick', time: toTimestamp(this.now), body: { reason: 'interval' } })
  }

  observe(...observations: readonly Observation[]): SealedRecord[] {
    return this.seal(
      ...observations.map((body) => ({ kind: 'observation' as const, time: body.start, body })),
    )
  }

  /** The run recorded as `id` was repeated now, with the same facts. */
  repeat(id: RecordId, duration = 20): SealedRecord[] {
    const [entry, n] = id.split('/').slice(-2).map(Number)
    const items = [[entry ?? -1, n ?? -1, 0, duration]] as const
    return this.seal({ kind: 'unchanged', time: toTimestamp(this.now), body: { items } })
  }

  decide(...findings: readonly Finding[]): SealedRecord[] {
    return this.seal(...findings.map((body) => ({ kind: 'decision' as const, time: body.since, body })))
  }
}

type ObservationParts = Partial<Omit<Observation, 'error'>> & {
  readonly at: number
  readonly failure?: Partial<ProbeError>
}

function observation(
  probe: Observation['probe'],
  subject: string,
  target: string,
  parts: ObservationParts,
): Observation {
  const { at, failure, ...rest } = parts
  return {
    subject,
    probe,
    target,
    vantage: 'default',
    start: toTimestamp(at),
    duration: 20,
    facts: {},
    artifacts: [],
    ...rest,
    ...(failure === undefined
      ? { outcome: 'success' }
      : {
          outcome: 'failure',
          error: { phase: 'connect', code: 'refused', message: 'connection refused', ...failure },
        }),
  }
}

export function crlObservation(
  parts: ObservationParts & { authority?: string; url?: string; thisUpdate?: number; nextUpdate?: number },
): Observation {
  const {
    authority = 'issuing-1',
    url = 'http://crl.test/issuing-1.crl',
    thisUpdate,
    nextUpdate,
    ...rest
  } = parts
  const facts =
    thisUpdate === undefined
      ? {}
      : {
          crl: {
            issuer: `CN=${authority}`,
            number: '7',
            thisUpdate: toTimestamp(thisUpdate),
            nextUpdate: toTimestamp(nextUpdate ?? thisUpdate + 2 * DAY),
            entries: 3,
            isDelta: false,
          },
        }
  return observation('crl', `ca_crl[${authority}]`, url, { facts, ...rest })
}

export function ocspObservation(parts: ObservationParts & { status?: string }): Observation {
  const { status, ...rest } = parts
  const facts = { ocsp: { serial: '1234', ...(status === undefined ? {} : { status }) } }
  return observation('ocsp', 'ocsp_responder_status[issuing-1]', 'http://ocsp.test/', { facts, ...rest })
}

export function tlsObservation(
  parts: ObservationParts & {
    notBefore?: number
    notAfter?: number
    pathValid?: boolean
    identityMatches?: boolean
    status?: string
  },
): Observation {
  const {
    notBefore = START - DAY,
    notAfter,
    pathValid = true,
    identityMatches = true,
    status,
    ...rest
  } = parts
  const facts =
    notAfter === undefined
      ? {}
      : {
          tls: {
            protocol: 'TLSv1.3',
            pathValid,
            pathError: pathValid ? '' : 'issuer is CN=other',
            identityMatches,
          },
          certificate: {
            serial: 'abcd',
            notBefore: toTimestamp(notBefore),
            notAfter: toTimestamp(notAfter),
            identities: ['shop.test'],
          },
          ...(status === undefined ? {} : { ocsp: { serial: 'abcd', status } }),
        }
  return observation('tls', 'service_tls_health[shop,prod]', 'shop.test:443', { facts, ...rest })
}
