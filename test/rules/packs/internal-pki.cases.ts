import type { FindingState } from '../../../model/finding.ts'
import type { Observation } from '../../../model/observation.ts'
import {
  crlObservation,
  DAY,
  HOUR,
  MINUTE,
  ocspObservation,
  SECOND,
  START,
  tlsObservation,
} from '../journalDouble.ts'
import { INTERNAL_CRL_DELIVERY } from './crlDelivery.cases.ts'
import { INTERNAL_CRL_SERIES } from './crlSeries.cases.ts'
import { INTERNAL_LOGGED } from './logged.cases.ts'
import { INTERNAL_OCSP } from './ocspMatrix.cases.ts'
import { isUnknown, type Case as PackCase, type PackCases } from './harness.ts'
import { SYSTEM_CASES } from './internal-pki.systems.cases.ts'
import { INTERNAL_PKI_TLS } from './internal-pki.tls.cases.ts'

const at = START
const ROOT = { authority: 'root', url: 'http://crl.test/root.crl' }

/** What one observation at START makes of a rule, once `for` has passed. */
type Case = readonly [observation: Observation, state: FindingState, summary?: RegExp]

const network = { phase: 'connect', code: 'refused', message: 'connection refused' } as const
const crl = (thisUpdate: number, nextUpdate?: number): Observation =>
  crlObservation({ at, thisUpdate, ...(nextUpdate === undefined ? {} : { nextUpdate }) })
const rootCrl = (thisUpdate: number, nextUpdate: number): Observation =>
  crlObservation({ at, ...ROOT, thisUpdate, nextUpdate })
const crlFailure = (
  phase: 'http' | 'decode' | 'signature' | 'path' | 'profile' | 'consistency',
): Observation => crlObservation({ at, failure: { phase, code: 'x', message: `wrong in ${phase}` } })

export const OBSERVED: Readonly<Record<string, readonly [subject: string, cases: readonly Case[]]>> = {
  crl_available: [
    'ca_crl[issuing-1]',
    [
      [crl(at), 'pass'],
      [crlFailure('signature'), 'pass'],
      [
        crlFailure('http'),
        'fail',
        /^CRL cannot be fetched from http:\/\/crl\.test\/issuing-1\.crl: wrong in http$/,
      ],
    ],
  ],
  crl_valid: [
    'ca_crl[issuing-1]',
    [
      [crl(at), 'pass'],
      [crlFailure('http'), 'unknown', /nothing was received that could be judged \(wrong in http\)/],
      [crlFailure('decode'), 'fail'],
      [crlFailure('signature'), 'fail', /refused in phase signature: wrong in signature/],
      [
        crlObservation({
          at,
          failure: { phase: 'signature', code: 'unsupported', message: 'algorithm 1.2.3' },
        }),
        'unknown',
        /made in a way that vigil cannot verify \(algorithm 1\.2\.3\)/,
      ],
      [crlFailure('path'), 'fail'],
      [crlFailure('profile'), 'fail'],
      [crlFailure('consistency'), 'fail'],
    ],
  ],
  crl_not_expired: [
    'ca_crl[issuing-1]',
    [
      [crl(at - DAY, at), 'pass'],
      [crl(at + 5 * MINUTE), 'pass'],
      [crl(at + 5 * MINUTE + SECOND), 'fail'],
      [
        crl(at - DAY, at - SECOND),
        'fail',
        /in force from 2026-11-21T08:00:00Z to 2026-11-22T07:59:59Z, not now/,
      ],
      [
        crlObservation({
          at,
          thisUpdate: at - DAY,
          nextUpdate: at - HOUR,
          failure: { phase: 'time', code: 'expired' },
        }),
        'fail',
      ],
      [crlFailure('http'), 'unknown', /crl\.nextUpdate was not established/],
    ],
  ],
  crl_freshness_ok: [
    'ca_crl[issuing-1]',
    [
      [crl(at - 24 * HOUR), 'pass'],
      [crl(at - 24 * HOUR - SECOND), 'fail', /^CRL of CN=issuing-1 was issued 1d ago, allowed are 1d$/],
      [crlFailure('signature'), 'unknown'],
    ],
  ],
  crl_next_update_reasonable: [
    'ca_crl[issuing-1]',
    [
      [crl(at, at + 7 * DAY), 'pass'],
      [crl(at, at + 7 * DAY + SECOND), 'fail'],
      [crlFailure('path'), 'unknown'],
    ],
  ],
  offline_crl_freshness_ok: [
    'ca_crl[root]',
    [
      [rootCrl(at - 365 * DAY, at + 90 * DAY), 'pass'],
      [rootCrl(at - 365 * DAY - SECOND, at + 90 * DAY), 'fail'],
      [crlObservation({ at, ...ROOT, failure: network }), 'unknown'],
    ],
  ],
  offline_crl_ceremony_due: [
    'ca_crl[root]',
    [
      [rootCrl(at - DAY, at + 45 * DAY), 'pass'],
      [rootCrl(at - DAY, at + 45 * DAY - SECOND), 'fail', /in 44d 23h: the ceremony needs 45d$/],
      [crlObservation({ at, ...ROOT, failure: network }), 'unknown'],
    ],
  ],
  ocsp_responder_available: [
    'ocsp_responder_status[issuing-1]',
    [
      [ocspObservation({ at, status: 'good', duration: 2000 }), 'pass'],
      [ocspObservation({ at, status: 'good', duration: 2001 }), 'fail', /within 2s \(took 2s\)/],
      [ocspObservation({ at, facts: {}, failure: network }), 'fail', /connection refused/],
      [ocspObservation({ at, facts: {}, failure: { phase: 'signature', code: 'bad' } }), 'pass'],
    ],
  ],
  ocsp_response_valid: [
    'ocsp_responder_status[issuing-1]',
    [
      [ocspObservation({ at, status: 'revoked' }), 'pass'],
      [ocspObservation({ at, facts: {}, failure: { phase: 'consistency', code: 'serial' } }), 'fail'],
      [
        ocspObservation({ at, facts: {}, failure: { phase: 'signature', code: 'unsupported' } }),
        'unknown',
        /vigil cannot verify/,
      ],
      [ocspObservation({ at, facts: {}, failure: { phase: 'time', code: 'expired' } }), 'fail'],
      [ocspObservation({ at, facts: {}, failure: network }), 'unknown'],
    ],
  ],
  ocsp_status_good: [
    'ocsp_responder_status[issuing-1]',
    [
      [ocspObservation({ at, status: 'good' }), 'pass'],
      [ocspObservation({ at, status: 'unknown' }), 'fail', /certificate 1234 is unknown$/],
      [ocspObservation({ at, status: 'revoked' }), 'fail'],
      [
        ocspObservation({ at, failure: { phase: 'time', code: 'expired' } }),
        'unknown',
        /ocsp\.status was not/,
      ],
    ],
  ],
  tls_reachable: [
    'service_tls_health[shop,prod]',
    [
      [tlsObservation({ at, notAfter: at + 90 * DAY }), 'pass'],
      [tlsObservation({ at, failure: { phase: 'tls', code: 'alert' } }), 'fail'],
      [
        tlsObservation({ at, notAfter: at + DAY, pathValid: false, failure: { phase: 'path', code: 'x' } }),
        'pass',
      ],
    ],
  ],
  tls_path_ok: [
    'service_tls_health[shop,prod]',
    [
      [tlsObservation({ at, notAfter: at + 90 * DAY }), 'pass'],
      [
        tlsObservation({
          at,
          notAfter: at + 90 * DAY,
          pathValid: false,
          failure: { phase: 'path', code: 'issuer_unknown', message: 'expected issuer CN=issuing-1' },
        }),
        'fail',
        /not for servers: expected issuer CN=issuing-1$/,
      ],
      [
        tlsObservation({
          at,
          notAfter: at + DAY,
          failure: { phase: 'profile', code: 'server_auth_missing' },
        }),
        'fail',
      ],
      [tlsObservation({ at, failure: { phase: 'decode', code: 'malformed' } }), 'fail'],
      [tlsObservation({ at, failure: network }), 'unknown'],
    ],
  ],
  tls_identity_ok: [
    'service_tls_health[shop,prod]',
    [
      [tlsObservation({ at, notAfter: at + 90 * DAY }), 'pass'],
      [
        tlsObservation({ at, notAfter: at + 90 * DAY, identityMatches: false }),
        'fail',
        /it names shop\.test$/,
      ],
      [tlsObservation({ at, failure: network }), 'unknown'],
    ],
  ],
  cert_lifetime_threshold: [
    'deployed_service_cert[shop,prod]',
    [
      [tlsObservation({ at, notAfter: at + 30 * DAY }), 'pass'],
      [tlsObservation({ at, notAfter: at + 30 * DAY - SECOND }), 'fail', /in 29d 23h; wanted are 30d$/],
      [tlsObservation({ at, notAfter: at - DAY }), 'fail', /in -1d; wanted/],
      [tlsObservation({ at, failure: network }), 'unknown'],
    ],
  ],
  cert_max_lifetime_policy: [
    'deployed_service_cert[shop,prod]',
    [
      // RFC 5280 section 4.1.2.5: both ends belong to the validity period.
      [tlsObservation({ at, notBefore: at, notAfter: at + 398 * DAY - SECOND }), 'pass'],
      [tlsObservation({ at, notBefore: at, notAfter: at + 398 * DAY }), 'fail'],
      [tlsObservation({ at, failure: network }), 'unknown'],
    ],
  ],
}

/** The same for the harness of packs. Whether something can be reached is known from every run: only without one it is not. */
export const INTERNAL_PKI: PackCases = {
  ...Object.fromEntries(
    Object.entries(OBSERVED).map(([rule, [, cases]]) => [
      rule,
      [...cases.flatMap((one, i) => asCase(one, i)), isUnknown('nothing was observed', { probe: {} })],
    ]),
  ),
  ...INTERNAL_CRL_DELIVERY,
  ...INTERNAL_CRL_SERIES,
  ...INTERNAL_OCSP,
  ...INTERNAL_LOGGED,
  ...INTERNAL_PKI_TLS,
  ...SYSTEM_CASES,
}

function asCase([{ facts, outcome, error, duration, start }, state]: Case, i: number): PackCase[] {
  if (state !== 'pass' && state !== 'fail' && state !== 'unknown' && state !== 'not_applicable') return []
  const probe = { outcome, phase: error?.phase ?? '', code: error?.code ?? '', duration, at: start }
  return [{ name: `case ${i + 1}`, verdict: state, facts: { ...facts, probe }, now: START }]
}
