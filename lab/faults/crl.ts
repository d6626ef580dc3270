// What can be wrong with a CRL itself, and with when it is issued.
import * as der from '../der.ts'
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import { extension, generateKey, issuingDistributionPoint, subjectOf, type CrlRequest } from '../issue.ts'
import type { CrlPart } from '../crlPart.ts'
import { crlFault, type CaFault } from './fault.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35'
/** Of nobody. */
const PRIVATE_EXTENSION = '1.3.6.1.4.1.55555.1'

/** CRLReason (RFC 5280 section 5.3.1). */
const REASON = { unspecified: 0, superseded: 4, certificateHold: 6 } as const
/** Certificates that are revoked at once: more than rules let pass. */
const MANY_CERTIFICATES = 60
/** A serial number that no CA of the lab gives. */
const STRANGE_SERIAL = '5eed5eed'

type Revoked = CrlRequest['revoked'][number]

/** Every CRL, but not a delta: what leaves that one says nothing. */
const ofComplete =
  (change: (request: CrlRequest, part: CrlPart) => CrlRequest) =>
  () =>
  (request: CrlRequest, { part }: { readonly part: CrlPart }): CrlRequest =>
    part.kind === 'delta' ? request : change(request, part)

const withEntries = (change: (revoked: readonly Revoked[], request: CrlRequest) => readonly Revoked[]) =>
  ofComplete((request) => ({ ...request, revoked: change(request.revoked, request) }))

/** In place of an extension with the same OID. */
const extended = (request: CrlRequest, added: Uint8Array): CrlRequest => ({
  ...request,
  extensions: [...(request.extensions ?? []), added],
})

const withDistributionPoint = (point: (part: CrlPart) => Uint8Array) =>
  ofComplete((request, part) => ({ ...request, extensions: [point(part)] }))

export const CRL_FAULTS: readonly CaFault[] = [
  {
    id: 'crl-stale',
    title: 'The CA stops issuing CRLs and an old one is served',
    group: 'crl',
    target: 'ca',
    curedBy: 'reissue_crl',
    apply: (ca) => ca.distributionPoint.stop(),
  },
  crlFault(
    { id: 'crl-expired', title: 'The CRL is past its nextUpdate, and is served on' },
    () => (request) => ({
      ...request,
      thisUpdate: request.thisUpdate - 48 * HOUR_MS,
      nextUpdate: request.thisUpdate - 1 * HOUR_MS,
    }),
  ),
  crlFault(
    { id: 'crl-overdue', title: 'The schedule was missed; the CRL is still valid' },
    () => (request) => ({ ...request, thisUpdate: request.thisUpdate - 13 * HOUR_MS }),
  ),
  crlFault({ id: 'crl-from-the-future', title: 'The CRL is valid from tomorrow' }, () => (request) => ({
    ...request,
    thisUpdate: request.thisUpdate + DAY_MS,
  })),
  crlFault({ id: 'crl-long-lived', title: 'The CRL is valid for a month' }, () => (request) => ({
    ...request,
    nextUpdate: request.thisUpdate + 31 * DAY_MS,
  })),

  crlFault(
    { id: 'crl-entry-vanishes', title: 'The CRL does not list a certificate any more that has not expired' },
    withEntries((revoked) => revoked.slice(1)),
  ),
  crlFault(
    { id: 'crl-empty', title: 'The CRL lists nothing any more' },
    withEntries(() => []),
  ),
  crlFault(
    { id: 'crl-shrunk', title: 'The CRL lists a few of many certificates only' },
    withEntries((revoked) => revoked.slice(0, 1)),
  ),
  {
    id: 'mass-revocation',
    title: 'Many certificates are revoked at once',
    group: 'crl',
    target: 'ca',
    apply: async ({ authority, distributionPoint }, tools) => {
      const { now } = tools
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      for (let n = 0; n < MANY_CERTIFICATES; n++) {
        const order = { notBefore: now() - DAY_MS, notAfter: now() + DAY_MS, who }
        const { serial } = await authority.issue({ ...order, username: `batch-${n}`, profile: 'tls_client' })
        authority.revoke(serial, REASON.superseded, who)
      }
      await distributionPoint.refresh(who)
      // They stay revoked; nothing is new with the next CRL.
      return () => distributionPoint.refresh(ADMINISTRATORS.scheduler)
    },
  },
  crlFault(
    { id: 'crl-reasons-lost', title: 'The CRL gives no reasons any more' },
    withEntries((revoked) => revoked.map(({ serial, at }) => ({ serial, at }))),
  ),
  crlFault(
    { id: 'crl-dates-change', title: 'The CRL says other dates of revocation than before' },
    withEntries((revoked) => revoked.map((entry) => ({ ...entry, at: entry.at - HOUR_MS }))),
  ),
  crlFault(
    { id: 'crl-reasons-change', title: 'The CRL says other reasons of revocation than before' },
    withEntries((revoked) => revoked.map((entry) => ({ ...entry, reason: REASON.superseded }))),
  ),
  crlFault(
    { id: 'crl-serial-twice', title: 'The CRL lists a certificate twice' },
    withEntries((revoked) => [...revoked, ...revoked.slice(0, 1)]),
  ),
  crlFault(
    { id: 'crl-revoked-later', title: 'The CRL lists a revocation from after its issue' },
    withEntries((revoked, { thisUpdate }) => [
      ...revoked,
      { serial: STRANGE_SERIAL, at: thisUpdate + HOUR_MS },
    ]),
  ),
  crlFault(
    { id: 'crl-reason-unspecified', title: 'The CRL gives the reason unspecified' },
    withEntries((revoked, { thisUpdate }) => [
      ...revoked,
      { serial: STRANGE_SERIAL, at: thisUpdate - HOUR_MS, reason: REASON.unspecified },
    ]),
  ),
  crlFault(
    { id: 'crl-reason-hold', title: 'The CRL has a certificate on hold' },
    withEntries((revoked, { thisUpdate }) => [
      ...revoked,
      { serial: STRANGE_SERIAL, at: thisUpdate - HOUR_MS, reason: REASON.certificateHold },
    ]),
  ),
  crlFault(
    { id: 'crl-partitions-overlap', title: 'A certificate is on every partition' },
    withEntries((revoked, { thisUpdate }) => [
      ...revoked,
      { serial: STRANGE_SERIAL, at: thisUpdate - HOUR_MS, reason: REASON.superseded },
    ]),
  ),

  crlFault(
    { id: 'crl-number-repeats', title: 'Another CRL has the number of the last one' },
    () => (request) => ({
      ...request,
      number: (request.number ?? 1n) - 1n,
    }),
  ),
  crlFault(
    { id: 'crl-number-falls', title: 'The CRL has a lower number than the last one' },
    () => (request) => ({
      ...request,
      number: (request.number ?? 2n) - 2n,
    }),
  ),
  crlFault(
    { id: 'crl-number-gap', title: 'A CRL was issued that was published nowhere' },
    () => (request) => ({ ...request, number: (request.number ?? 0n) + 1n }),
  ),
  crlFault({ id: 'crl-number-missing', title: 'The CRL has no number' }, () => (request) => ({
    ...request,
    without: [CRL_NUMBER],
  })),
  crlFault(
    { id: 'crl-number-critical', title: 'The number of the CRL is critical' },
    () => (request) => extended(request, extension(CRL_NUMBER, true, der.integer(request.number ?? 0n))),
  ),

  crlFault(
    { id: 'crl-of-another', title: 'The CRL of another CA is published' },
    (ca, tools) => (request) => ({ ...request, issuer: tools.otherAuthority(ca).authority.issuer }),
  ),
  crlFault(
    { id: 'crl-issuer-encoding', title: 'The CRL encodes the name of the CA otherwise' },
    () => (request) => ({
      ...request,
      issuerName: printable(subjectOf(request.issuer.certificate)),
    }),
  ),
  crlFault({ id: 'crl-other-key', title: 'The CRL is signed with a key that the CA does not have' }, () => {
    const key = generateKey('p256')
    return (request) => ({ ...request, issuer: { ...request.issuer, key } })
  }),

  crlFault(
    { id: 'crl-without-scope', title: 'A partition has no issuing distribution point' },
    ofComplete((request) => ({ ...request, extensions: [] })),
  ),
  crlFault(
    { id: 'crl-scope-of-another', title: 'The issuing distribution point is that of another CRL' },
    withDistributionPoint(({ url }) => issuingDistributionPoint([`${url}.elsewhere`])),
  ),
  crlFault(
    { id: 'crl-scope-changes', title: 'The CRL is for end entities only, which it was not before' },
    withDistributionPoint(({ url }) => issuingDistributionPoint([url], 'user')),
  ),
  {
    id: 'crl-partition-missing',
    title: 'A partition is not published',
    group: 'crl',
    target: 'ca',
    apply: (ca, { repository }) => {
      const part = ca.authority.parts.at(-1) ?? ca.authority.parts[0]
      const undo = repository.change(part.name, (reply) => ({ ...reply, status: 404 }))
      return Promise.resolve(undo)
    },
  },
  crlFault(
    { id: 'crl-partition-undeclared', title: 'CRLs name a partition that nobody declared' },
    withDistributionPoint(({ url }) => issuingDistributionPoint([url, `${url}.undeclared`])),
  ),

  crlFault({ id: 'crl-version-1', title: 'The CRL has version 1' }, () => (request) => ({
    ...request,
    version: 1,
  })),
  crlFault(
    { id: 'crl-without-key-identifier', title: 'The CRL does not name the key of the CA' },
    () => (request) => ({ ...request, without: [AUTHORITY_KEY_IDENTIFIER] }),
  ),
  crlFault(
    { id: 'crl-empty-list', title: 'The CRL has a list of entries that is empty' },
    () => (request) => ({ ...request, revoked: [], emptyList: 'present' }),
  ),
  crlFault({ id: 'crl-extension-twice', title: 'The CRL has an extension twice' }, () => (request) => {
    const number = extension(CRL_NUMBER, false, der.integer(request.number ?? 0n))
    return { ...request, extensions: [...(request.extensions ?? []), number, number] }
  }),
  crlFault(
    { id: 'crl-algorithms-differ', title: 'The CRL names another algorithm than the signed one' },
    () => (request) => ({ ...request, outerAlgorithm: ED25519 }),
  ),
  crlFault(
    { id: 'crl-unknown-critical', title: 'The CRL has a critical extension that nobody knows' },
    () => (request) => extended(request, extension(PRIVATE_EXTENSION, true, der.nullValue())),
  ),

  crlFault(
    { id: 'delta-expired', title: 'The delta CRL is past its nextUpdate' },
    () =>
      (request, { part }) =>
        part.kind === 'delta' ? { ...request, nextUpdate: request.thisUpdate + 1000 } : request,
  ),
  crlFault(
    { id: 'delta-ahead', title: 'The delta CRL is based on a CRL that is not published' },
    () =>
      (request, { part }) =>
        part.kind === 'delta' ? { ...request, deltaBase: (request.number ?? 0n) + 5n } : request,
  ),
]

/** AlgorithmIdentifier (RFC 8410). */
const ED25519 = der.sequence(der.oid('1.3.101.112'))

/** The same name in PrintableString where it was UTF8String. */
function printable(name: Uint8Array): Uint8Array {
  const rewritten = der.elementsOf(name).map((rdn) => {
    const [type, value] = der.elementsOf(der.elementsOf(rdn)[0] ?? new Uint8Array())
    if (type === undefined || value === undefined)
      throw new RangeError('expected a name of single attributes')
    return der.set(der.sequence(type, der.printableString(Buffer.from(value.subarray(2)).toString('utf8'))))
  })
  return der.sequence(...rewritten)
}
