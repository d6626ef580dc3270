import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, type PackCases } from './harness.ts'

// Rules about what TLS services serve, and about the authorities' own certificates.

const DAY = 86_400_000
const day = (days: number, ms = 0): string => toTimestamp(NOW + days * DAY + ms)

const tls = (facts: FactsOf<'tls'> = {}): Facts => ({
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', pathValid: true, ...facts },
})
const certificate: FactsOf<'certificate'> = {
  subject: 'CN=shop',
  serial: '5eed',
  notBefore: day(-10),
  notAfter: day(80),
  mustStaple: false,
}
const withCertificate = (facts: FactsOf<'certificate'> = {}): Facts => ({
  certificate: { ...certificate, ...facts },
})
const chain = (facts: FactsOf<'chain'> = {}, connection = tls()): Facts => ({
  ...connection,
  chain: {
    sent: 2,
    complete: true,
    ordered: true,
    anchorSent: false,
    ocspSigners: [],
    unneeded: [],
    ...facts,
  },
})
const path = (facts: FactsOf<'path'> = {}): Facts => ({
  ...withCertificate(),
  path: {
    notAfter: day(80),
    firstToEnd: 'CN=shop',
    authoritiesNotAfter: day(400),
    ...facts,
  },
})
const crlStatus = (facts: FactsOf<'crlStatus'>): Facts => ({
  ...withCertificate(),
  crlStatus: { authoritiesRevoked: [], ...facts },
})
const renewal = (newestServed: boolean): Facts => ({
  renewal: { newestServed, newestSerial: 'beef', newestNotBefore: day(-1), newestFrom: 'file' },
})
const addresses = (facts: FactsOf<'addresses'>): Facts => ({
  addresses: { all: ['192.0.2.1', '192.0.2.2'], failed: [], differing: [], ...facts },
})
const staple = (facts: FactsOf<'staple'>, mustStaple = false): Facts => ({
  ...withCertificate({ mustStaple }),
  staple: { present: true, presentBefore: true, ...facts },
})
const locations = (...undeclared: string[]): Facts => ({
  ...withCertificate(),
  locations: { undeclared, declared: 2 },
})
const authority = (facts: FactsOf<'certificate'> = {}): Facts => ({
  certificate: { subject: 'CN=Issuing 1', notAfter: day(180), extendedKeyUsage: [], ...facts },
})
const AIA = 'http://pki.test/issuing-1.cer'
const aia = (facts: FactsOf<'aia'>): Facts => ({
  ...authority(),
  aia: {
    urls: [AIA],
    good: [],
    missing: [],
    wrongType: [],
    wrongFormat: [],
    wrongCertificate: [],
    ...facts,
  },
})
const strengths = (keyStrength: number, signatureStrength: number): FactsOf<'certificate'> => ({
  ...{ keyAlgorithm: 'RSA', keyStrength },
  ...{ signatureAlgorithm: 'RSA-SHA1', signatureStrength },
})
const nothing = { probe: {} }

export const INTERNAL_PKI_TLS: PackCases = {
  tls_chain_complete: [
    passes('the chain leads to the root', chain()),
    fails('an intermediate is missing', chain({ sent: 1, complete: false })),
    isNotApplicable(
      'the certificate is not the issuer’s at all',
      chain({ complete: false }, tls({ pathValid: false })),
    ),
    isUnknown('it could not be told', { ...tls(), chain: { sent: 2, anchorSent: false } }),
    isUnknown('nothing was observed', nothing),
  ],
  tls_chain_ordered: [
    passes('in order', chain()),
    fails('out of order', chain({ ordered: false })),
    isNotApplicable('an incomplete chain has no order', chain({ complete: false, ordered: false })),
    isUnknown('nothing was observed', nothing),
  ],
  tls_no_authority_signs_ocsp: [
    passes('none', chain()),
    fails('one', chain({ ocspSigners: ['CN=Issuing 1'] })),
    isUnknown('nothing was observed', nothing),
  ],
  tls_unneeded_in_force: [
    passes('a cross-certificate that lasts', chain({ unneeded: ['CN=Old Root'], unneededNotAfter: day(30) })),
    fails('one that ends', chain({ unneeded: ['CN=Old Root'], unneededNotAfter: day(30, -1000) })),
    isNotApplicable('nothing is sent that nobody needs', chain()),
    isUnknown('nothing was observed', nothing),
  ],
  cert_path_outlives: [
    passes('the authorities last longer', path()),
    passes('or end together', path({ authoritiesNotAfter: day(80) })),
    fails(
      'an authority ends first',
      path({ notAfter: day(70), firstToEnd: 'CN=Issuing 1', authoritiesNotAfter: day(80, -1000) }),
    ),
    isUnknown('there is no path', withCertificate()),
  ],
  cert_path_time_left: [
    passes('30 days', path({ authoritiesNotAfter: day(30) })),
    fails('a second less', path({ authoritiesNotAfter: day(30, -1000) })),
    isUnknown('there is no path', withCertificate()),
  ],
  cert_lifetime_share: [
    passes('a tenth', withCertificate({ notBefore: day(-81), notAfter: day(9) })),
    fails('a second less', withCertificate({ notBefore: day(-81), notAfter: day(9, -1000) })),
    passes('of seven days one', withCertificate({ notBefore: day(-6), notAfter: day(1) })),
    fails('nothing', withCertificate({ notBefore: day(-90), notAfter: day(-1) })),
    isUnknown('nothing was served', nothing),
  ],
  cert_not_revoked: [
    passes('on no list', crlStatus({ status: 'good' })),
    fails('listed', crlStatus({ status: 'revoked', revokedAt: day(-1) })),
    fails('its authority is listed', crlStatus({ status: 'good', authoritiesRevoked: ['CN=Issuing 1'] })),
    isUnknown('the list is over', crlStatus({ status: 'undetermined', error: 'crl_expired' })),
    isUnknown('no list is known', withCertificate()),
  ],
  cert_newest_served: [
    passes('it is served', renewal(true)),
    fails('an older one is', renewal(false)),
    isUnknown('the declared file cannot be read', withCertificate()),
  ],
  tls_addresses_agree: [
    passes('all the same', addresses({})),
    fails('one is another', addresses({ differing: ['192.0.2.2'] })),
    isUnknown('nothing was observed', nothing),
  ],
  tls_addresses_well: [
    passes('all well', addresses({})),
    fails('one is not', addresses({ failed: ['192.0.2.2 refused'] })),
    isNotApplicable(
      'none is, which others say',
      addresses({ failed: ['192.0.2.1 refused', '192.0.2.2 refused'] }),
    ),
    isUnknown('nothing was observed', nothing),
  ],
  tls_staple_present: [
    passes('it is there', staple({})),
    fails('it was there', staple({ present: false })),
    fails('must-staple without', staple({ present: false, presentBefore: false }, true)),
    isNotApplicable('nobody waits for one', staple({ present: false, presentBefore: false })),
    isUnknown('nothing was observed', nothing),
  ],
  tls_staple_valid: [
    passes('good', { ...tls(), ...staple({ valid: true, status: 'good' }) }),
    fails('revoked', { ...tls(), ...staple({ valid: true, status: 'revoked' }) }),
    fails('over', { ...tls(), ...staple({ valid: false, error: 'ocsp_expired' }) }),
    isNotApplicable('there is none', staple({ present: false })),
    isUnknown('it could not be judged', staple({ error: 'unsupported' })),
  ],
  tls_protocol_current: [
    passes('1.2', tls({ protocol: 'TLSv1.2' })),
    fails('1.1', tls({ protocol: 'TLSv1.1' })),
    isUnknown('nothing was observed', nothing),
  ],
  cert_strength_sufficient: [
    passes('112 bits', withCertificate(strengths(112, 128))),
    fails('a weak key', withCertificate(strengths(80, 128))),
    fails('a weak signature', withCertificate(strengths(112, 63))),
    isUnknown('an algorithm that is not known', withCertificate({ keyStrength: 128 })),
  ],
  tls_quantum_safe_kept: [
    passes('hybrid', tls({ group: 'X25519MLKEM768', quantumSafe: true, quantumSafeBefore: true })),
    fails('it fell back', tls({ group: 'X25519', quantumSafe: false, quantumSafeBefore: true })),
    fails('so far that it has no group', tls({ quantumSafe: false, quantumSafeBefore: true })),
    isNotApplicable('it never was', tls({ quantumSafe: false, quantumSafeBefore: false })),
    isUnknown('nothing was observed', nothing),
  ],
  cert_urls_declared: [
    passes('all declared', locations()),
    fails('one is not', locations('crl http://other.test/1.crl')),
    isUnknown('nothing was observed', nothing),
  ],
  ca_certificate_time_left: [
    passes('180 days', authority()),
    fails('a second less', authority({ notAfter: day(180, -1000) })),
    isUnknown('nothing was observed', nothing),
  ],
  ca_not_ocsp_signer: [
    passes('no purposes', authority()),
    fails('the purpose of a responder', authority({ extendedKeyUsage: ['clientAuth', 'OCSPSigning'] })),
    isUnknown('nothing was observed', nothing),
  ],
  ca_published: [
    passes('it stands there', aia({ good: [AIA] })),
    fails('404', aia({ missing: [`${AIA} http_status 404`] })),
    fails('one place of two', aia({ urls: [AIA, `${AIA}2`], good: [AIA], wrongType: [`${AIA}2 text/html`] })),
    isNotApplicable('no certificate names a place', aia({ urls: [] })),
    isUnknown('nothing was observed', nothing),
  ],
}
