import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type Case, type PackCases } from './harness.ts'

// Of internal-pki: what services make of clients' certificates, the prober's own, and systems that say how they are.

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 86_400_000

/** A service that enforces mutual TLS, but for what a case changes. */
function mtls(changes: FactsOf<'mtls'> = {}): Facts {
  return {
    mtls: {
      requested: true,
      protocol: 'TLSv1.3',
      overHttp: false,
      valid: 'accepted',
      without: 'refused',
      foreign: 'refused',
      selfSigned: 'refused',
      expired: 'refused',
      revoked: 'refused',
      acceptedAt: ['192.0.2.7 foreign'],
      ...changes,
    },
  }
}

/** Without a fact: at an address that could not be asked the service may do otherwise. */
function lacking(fact: keyof FactsOf<'mtls'>, changes: FactsOf<'mtls'> = {}): Facts {
  return { mtls: { ...mtls(changes).mtls, [fact]: undefined } }
}

const NOTHING: Facts = { probe: ran({ phase: 'connect' }) }

/** A certificate that may be missing among the credentials. */
const optional = (name: 'expired' | 'revoked'): Case[] => [
  passes('refused', mtls()),
  fails('let in', mtls({ [name]: 'accepted' })),
  isUnknown('the service does not show it', mtls({ [name]: 'silent' })),
  isUnknown('not every address was asked', lacking(name)),
  isNotApplicable('there is none to ask with', mtls({ [name]: 'not_applicable' })),
  isUnknown('nothing was received', NOTHING),
]

const prober = (left: number): Facts => ({
  prober: { configured: true, subject: 'CN=prober', serial: '5eed', notAfter: toTimestamp(NOW + left) },
})
const ownCertificate: Case[] = [
  passes('two weeks left', prober(14 * DAY)),
  fails('a second less', prober(14 * DAY - SECOND)),
  fails('it has expired', { ...prober(-DAY), probe: ran({ phase: 'tls' }) }),
  isUnknown('it cannot be read', { prober: { configured: true } }),
  isNotApplicable('there is none', { prober: { configured: false } }),
  isUnknown('nobody has looked', {}),
]

/** A Dagster that is well, but for what a case changes. */
function system(changes: FactsOf<'health'> = {}): Facts {
  return {
    health: {
      system: 'dagster',
      ready: true,
      status: 'healthy',
      problems: ['SCHEDULER: no heartbeat yet'],
      daemons: 6,
      daemonsUnheard: [],
      heartbeatAge: 0,
      ...changes,
    },
  }
}

const unhealthy: Facts = {
  ...system({ ready: false }),
  probe: ran({ phase: 'consistency', code: 'unhealthy' }),
}
const available: Case[] = [
  passes('it answers', system()),
  passes('it answers that it is not well', unhealthy),
  fails('it is not there', NOTHING),
  fails('it does not let the prober look', { probe: ran({ phase: 'http', code: 'http_status' }) }),
  fails('something else answers', { probe: ran({ phase: 'decode', code: 'not_a_health_answer' }) }),
  isUnknown('nobody has looked', { probe: {} }),
]
const healthy: Case[] = [
  passes('it says so', system()),
  fails('it says what is wrong', unhealthy),
  isUnknown('it is not there', NOTHING),
]

export const SYSTEM_CASES: PackCases = {
  prober_certificate_current: ownCertificate,
  mtls_credentials_current: ownCertificate,
  mtls_requires_certificate: [
    passes('refused', mtls()),
    fails('let in', mtls({ without: 'accepted' })),
    isUnknown('the service does not show it', mtls({ without: 'silent' })),
    isUnknown('not every address was asked', lacking('without')),
    isUnknown('nothing was received', NOTHING),
  ],
  mtls_refuses_foreign: [
    passes('both refused', mtls()),
    fails('a foreign one let in', mtls({ foreign: 'accepted' })),
    fails('a self-signed one let in', mtls({ selfSigned: 'accepted' })),
    fails('one let in, the other not shown', mtls({ foreign: 'silent', selfSigned: 'accepted' })),
    fails('one let in, the other not asked everywhere', lacking('selfSigned', { foreign: 'accepted' })),
    isUnknown('one refused, the other not shown', mtls({ foreign: 'silent' })),
    isUnknown('the foreign one has expired', mtls({ foreign: 'not_applicable' })),
    isUnknown('not every address was asked', lacking('selfSigned')),
    isUnknown('nothing was received', NOTHING),
  ],
  mtls_refuses_expired: optional('expired'),
  mtls_refuses_revoked: optional('revoked'),
  mtls_accepts_valid: [
    passes('let in', mtls()),
    fails('refused', mtls({ valid: 'refused' })),
    isUnknown('the service does not show it', mtls({ valid: 'silent' })),
    isUnknown('not every address was asked', lacking('valid')),
    isNotApplicable('there is none to ask with', mtls({ valid: 'not_applicable' })),
    isUnknown('nothing was received', NOTHING),
  ],
  ca_server_available: available,
  ca_server_healthy: healthy,
  control_plane_available: available,
  control_plane_healthy: healthy,
  control_plane_daemons_alive: [
    passes('heard a moment ago', system()),
    passes('heard five minutes ago', system({ heartbeatAge: 5 * MINUTE })),
    fails('heard six minutes ago', system({ heartbeatAge: 6 * MINUTE })),
    fails('one was never heard', system({ daemonsUnheard: ['SCHEDULER'] })),
    isUnknown('none was ever heard of', { health: { system: 'dagster', ready: false } }),
    isNotApplicable('it has none', { health: { system: 'certctl', ready: true } }),
    isUnknown('it is not there', NOTHING),
  ],
}
