import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type PackCases } from './harness.ts'
import { everyDays } from './statements.ts'

const SECOND = 1000
const DAY = 86_400_000

const NOTHING: Facts = { probe: ran({ phase: 'connect' }) }
const URL = 'http://status.test/'

/** A certificate of a zone as it should be, but for what a case changes. */
function served(changes: FactsOf<'certificate'> = {}): Facts {
  return {
    service: { id: 'shop', environment: 'prod', owner: '', servername: 'shop.test' },
    certificate: {
      serial: 'abcd',
      issuer: 'CN=Zone CA',
      notBefore: toTimestamp(NOW),
      notAfter: toTimestamp(NOW + 90 * DAY - SECOND),
      identities: ['shop.test'],
      isCa: false,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['serverAuth'],
      ocspUrls: [],
      crlUrls: [URL],
      ...changes,
    },
  }
}

function without(fact: keyof FactsOf<'certificate'>): Facts {
  const { certificate, ...facts } = served()
  return { ...facts, certificate: { ...certificate, [fact]: undefined } }
}

/** Valid for so long, both ends counted. */
const lasting = (ms: number): FactsOf<'certificate'> => ({ notAfter: toTimestamp(NOW + ms - SECOND) })

const path = (tls: FactsOf<'tls'>): Facts => ({ ...served(), tls })

export const PRIVATE_TRUST_ZONES: PackCases = {
  zone_issuer_declared: [
    passes('signed by the declared authority', path({ pathValid: true, issuedDirectly: true })),
    fails('by one below it', path({ pathValid: true, issuedDirectly: false })),
    fails('by another', path({ pathValid: false, pathError: 'issuer_not_found' })),
    isUnknown('in a way that is not known', path({ pathError: 'unsupported' })),
    isUnknown('by whom was not established', path({ pathValid: true })),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_identities_declared: [
    passes('the declared name', served()),
    passes('in capitals', served({ identities: ['SHOP.test'] })),
    fails('another one besides', served({ identities: ['shop.test', 'pay.test'] })),
    fails('a wildcard that covers it', served({ identities: ['*.test'] })),
    fails('a name that only begins alike', served({ identities: ['shop.test.evil.test'] })),
    fails('none', served({ identities: [] })),
    isUnknown('what is declared is not known', { ...served(), service: {} }),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_no_wildcard: [
    passes('a name', served()),
    fails('the first label', served({ identities: ['shop.test', '*.shop.test'] })),
    fails('anywhere', served({ identities: ['sh*p.test'] })),
    isNotApplicable('no names at all, which zone_identities_declared fails for', served({ identities: [] })),
    isUnknown('names were not established', without('identities')),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_extended_key_usage: [
    passes('a server', served()),
    fails('a client too', served({ extendedKeyUsage: ['serverAuth', 'clientAuth'] })),
    fails('a client only', served({ extendedKeyUsage: ['clientAuth'] })),
    fails('anything', served({ extendedKeyUsage: [] })),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_not_an_authority: [
    passes('no authority', served()),
    fails('by basicConstraints', served({ isCa: true })),
    fails('by key usage', served({ keyUsage: ['digitalSignature', 'keyCertSign'] })),
    fails('that signs CRLs', served({ keyUsage: ['cRLSign'] })),
    isUnknown('basicConstraints were not established', without('isCa')),
    isUnknown('key usage was not established', without('keyUsage')),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_key_usage: [
    passes('signing', served()),
    fails('encryption as well', served({ keyUsage: ['digitalSignature', 'keyEncipherment'] })),
    fails('anything', served({ keyUsage: [] })),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_max_lifetime: [
    passes('90 days, both ends counted', served(lasting(90 * DAY))),
    fails('a second longer', served(lasting(90 * DAY + SECOND))),
    isUnknown('its end was not established', without('notAfter')),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_revocation_known: [
    passes('a CRL', served()),
    passes('a responder', served({ crlUrls: [], ocspUrls: [URL] })),
    passes('neither, for a week', served({ crlUrls: [], ...lasting(7 * DAY) })),
    fails('neither, for a second longer', served({ crlUrls: [], ...lasting(7 * DAY + SECOND) })),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_not_revoked: [
    passes('good', { ...served(), ocsp: { status: 'good' } }),
    fails('revoked', { ...served(), ocsp: { status: 'revoked' } }),
    fails('not known to the responder', { ...served(), ocsp: { status: 'unknown' } }),
    isUnknown('no answer', served()),
  ],
  zone_client_certificate_accepted: [
    passes('asked for and accepted', path({ clientCertificateAccepted: true })),
    fails('refused', { ...path({ clientCertificateAccepted: false }), probe: ran({ phase: 'tls' }) }),
    isUnknown('not asked for, or silent', path({ pathValid: true })),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_key_not_shared: [
    passes('its own', { ...served(), keyUse: { certificates: ['aa'], sharedWith: [] } }),
    fails('another service has it', {
      ...served(),
      keyUse: { certificates: ['aa'], sharedWith: ['service_tls_health[pay,prod]'] },
    }),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_key_renewed: [
    passes('a key of one certificate', { ...served(), keyUse: { certificates: ['aa'], sharedWith: [] } }),
    fails('it came over a renewal', { ...served(), keyUse: { certificates: ['aa', 'bb'], sharedWith: [] } }),
    isUnknown('nothing was received', NOTHING),
  ],
  zone_authority_path_length: [
    passes('none below', { certificate: { subject: 'CN=Zone CA', isCa: true, pathLength: 0 } }),
    fails('one below', { certificate: { subject: 'CN=Zone CA', isCa: true, pathLength: 1 } }),
    fails('any number', { certificate: { subject: 'CN=Zone CA', isCa: true } }),
    isUnknown('nothing was observed', NOTHING),
  ],
  zone_profile_reviewed: everyDays(366),
}
