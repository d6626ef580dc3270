import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type PackCases } from './harness.ts'

// Cases of the rules about how CRLs are delivered, of the pack internal-pki.

const HOUR = 3_600_000
const later = (hours: number): string => toTimestamp(NOW + hours * HOUR)

const served = (http: FactsOf<'http'> = {}): Facts => ({
  crl: { issuer: 'CN=Issuing 1', thisUpdate: later(-1), nextUpdate: later(24) },
  http: { scheme: 'http', status: 200, mediaType: 'application/pkix-crl', redirects: [], ...http },
})
const nodes = (addresses: FactsOf<'addresses'> = {}): Facts => ({
  crl: { thisUpdate: later(-1) },
  addresses: { all: ['192.0.2.1', '192.0.2.2'], failed: [], differing: [], ...addresses },
})
const unreachable = { probe: ran({ phase: 'connect', code: 'refused' }) }
const bothDown = ['192.0.2.1 refused', '192.0.2.2 refused']

export const INTERNAL_CRL_DELIVERY: PackCases = {
  crl_addresses_well: [
    passes('every address answers', nodes()),
    fails('one of two answers 503', nodes({ failed: ['192.0.2.2 http_status'] })),
    isNotApplicable('none answers, which another rule says', {
      ...unreachable,
      ...nodes({ failed: bothDown }),
    }),
    isUnknown('the name has no address', { probe: ran({ phase: 'resolve', code: 'name_not_found' }) }),
  ],
  crl_addresses_agree: [
    passes('all serve one CRL', nodes()),
    fails('one of two serves another', nodes({ differing: ['192.0.2.2'] })),
    isUnknown('the name has no address', { probe: ran({ phase: 'resolve', code: 'name_not_found' }) }),
  ],
  crl_cache_ends: [
    passes('a lifetime up to nextUpdate', served({ freshFor: 24 * HOUR })),
    fails('a second longer', served({ freshFor: 24 * HOUR + 1000 })),
    passes('Expires at nextUpdate', served({ freshUntil: later(24) })),
    fails('Expires an hour later', served({ freshUntil: later(25) })),
    isNotApplicable('no lifetime is said', served()),
    isUnknown('nothing was received', unreachable),
  ],
  crl_cache_short: [
    passes('four hours', served({ freshFor: 4 * HOUR })),
    fails('five hours', served({ freshFor: 5 * HOUR })),
    passes('Expires in four hours', served({ freshUntil: later(4) })),
    fails('Expires in five hours', served({ freshUntil: later(5) })),
    isNotApplicable('no lifetime is said', served()),
    isUnknown('nothing was received', unreachable),
  ],
  crl_media_type: [
    passes('application/pkix-crl', served()),
    fails('text/plain', served({ mediaType: 'text/plain' })),
    fails('none', served({ mediaType: '' })),
    isNotApplicable('over LDAP there is none', served({ scheme: 'ldap', mediaType: '' })),
    isNotApplicable('an error page', served({ status: 404, mediaType: 'text/html' })),
    isUnknown('nothing was received', unreachable),
  ],
}
