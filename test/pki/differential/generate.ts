import fc from 'fast-check'
import * as lab from '../../../lab/der.ts'
import { extension, issueCertificate, issueCrl } from '../../../lab/issue.ts'
import type { Issuer, KeyPair } from '../../../lab/issue.ts'
import { keyPairOf } from '../keys.ts'
import type { KeyType } from '../keys.ts'

// Certificates and CRLs with odd but well-formed contents.

const tlv = (tag: number, contents: Uint8Array): Uint8Array => lab.tlv(tag, contents)
const characters = (text: string): fc.Arbitrary<string> => fc.constantFrom(...Array.from(text))
const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

/** Text with what gives parsers and printers trouble: separators, quotes, controls, spaces at the ends, right-to-left, emoji. */
const oddText = fc.oneof(
  fc.string({
    unit: characters('aZ0 ,+=#;<>"\\/\0\n\tåß漢\u200f\u2028😀é'),
    minLength: 1,
    maxLength: 12,
  }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed()),
)
const plainText = fc.string({
  unit: characters("abcXYZ019 '()+,-./:=?"),
  minLength: 1,
  maxLength: 12,
})
const value = fc.oneof(
  oddText.map((text) => lab.utf8String(text)),
  plainText.map((text) => lab.printableString(text)),
  plainText.map((text) => lab.ia5String(text)),
  // BMPString has no characters beyond the first plane.
  oddText.map((text) => tlv(0x1e, utf16be(text.replace(/[\ud800-\udfff]/g, 'x')))),
  fc.string({ unit: characters('aöÿ '), minLength: 1 }).map((text) => tlv(0x14, Buffer.from(text, 'latin1'))),
)

/** Attribute types whose short names OpenSSL and RFC 4514 have in common. */
const TYPES = [
  '2.5.4.3',
  '2.5.4.6',
  '2.5.4.7',
  '2.5.4.8',
  '2.5.4.10',
  '2.5.4.11',
  '2.5.4.12',
  '0.9.2342.19200300.100.1.25',
  '0.9.2342.19200300.100.1.1',
  '1.2.840.113549.1.9.1',
] as const

const attribute = fc
  .tuple(fc.constantFrom(...TYPES), value)
  .map(([type, content]) => lab.sequence(lab.oid(type), content))
const rdn = fc
  .array(attribute, { minLength: 1, maxLength: 2 })
  .map((attributes) => lab.set(...attributes.toSorted((a, b) => Buffer.compare(a, b))))
const name = fc.array(rdn, { minLength: 1, maxLength: 4 }).map((rdns) => lab.sequence(...rdns))

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const url = host.map((authority) => `http://${authority}/a?b=c`)
const ia5 = (tag: number, text: string): Uint8Array => lab.contextPrimitive(tag, Buffer.from(text, 'latin1'))
const uri = (text: string): Uint8Array => ia5(6, text)
const oid = fc
  .tuple(
    fc.constantFrom('1.2.3', '1.3.6.1.4.1.99999', '2.999'),
    fc.array(fc.nat(2 ** 28), { minLength: 1, maxLength: 4 }),
  )
  .map(([root, arcs]) => [root, ...arcs].join('.'))

const UPN = '1.3.6.1.4.1.311.20.2.3'
const generalName = fc.oneof(
  host.map((text) => ia5(2, text)),
  host.map((text) => ia5(2, `*.${text}`)),
  host.map((text) => ia5(1, `a@${text}`)),
  url.map(uri),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((octets) => lab.contextPrimitive(7, octets)),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((octets) => lab.contextPrimitive(7, octets)),
  name.map((directory) => lab.context(4, directory)),
  oid.map((id) => lab.contextPrimitive(8, lab.contentsOf(lab.oid(id)))),
  host.map((text) => lab.context(0, lab.oid(UPN), lab.context(0, lab.utf8String(`å@${text}`)))),
  oid.map((id) => lab.context(0, lab.oid(id), lab.context(0, lab.integer(1n)))),
)

/** The ends of UTCTime and GeneralizedTime (RFC 5280 4.1.2.5), of the epoch and of time itself, among ordinary dates. */
const date = fc.oneof(
  fc.constantFrom(
    Date.UTC(1950, 0, 1),
    Date.UTC(1969, 11, 31, 23, 59, 59),
    Date.UTC(1970, 0, 1),
    Date.UTC(1999, 11, 31, 23, 59, 59),
    Date.UTC(2000, 1, 29, 12),
    Date.UTC(2038, 0, 19, 3, 14, 8),
    Date.UTC(2049, 11, 31, 23, 59, 59),
    Date.UTC(2050, 0, 1),
    Date.UTC(2100, 1, 28),
    Date.UTC(9999, 11, 31, 23, 59, 59),
  ),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
)

/** Of every length up to 20 octets, with and without the highest bit. */
const serial = fc.oneof(
  fc.constantFrom('0', '1', '7f', '80', 'ff', '100', '7fff', '8000'),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) =>
    Buffer.from(octets)
      .toString('hex')
      .replace(/^0+(?=.)/, ''),
  ),
)

const list = (...parts: readonly Uint8Array[]): Uint8Array => lab.sequence(...parts)
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const extensions = fc
  .record({
    subjectAltName: optional(fc.array(generalName, { minLength: 1, maxLength: 6 })),
    usage: optional(fc.uniqueArray(fc.nat(8), { minLength: 1 })),
    purposes: optional(
      fc.uniqueArray(fc.oneof(oid, fc.constantFrom('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.9')), {
        minLength: 1,
        maxLength: 4,
      }),
    ),
    access: optional(
      fc.array(fc.tuple(fc.constantFrom('1.3.6.1.5.5.7.48.1', '1.3.6.1.5.5.7.48.2'), url), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
    points: optional(fc.array(url, { minLength: 1, maxLength: 3 })),
    policies: optional(fc.uniqueArray(oid, { minLength: 1, maxLength: 3 })),
    comment: optional(fc.constant('made by hand')),
  })
  .map(({ subjectAltName, usage, purposes, access, points, policies, comment }) => [
    ...(subjectAltName === undefined ? [] : [extension('2.5.29.17', false, list(...subjectAltName))]),
    ...(usage === undefined ? [] : [extension('2.5.29.15', true, lab.namedBits(usage))]),
    ...(purposes === undefined ? [] : [extension('2.5.29.37', false, list(...purposes.map(lab.oid)))]),
    ...(access === undefined
      ? []
      : [
          extension(
            '1.3.6.1.5.5.7.1.1',
            false,
            list(...access.map(([method, at]) => list(lab.oid(method), uri(at)))),
          ),
        ]),
    ...(points === undefined
      ? []
      : [
          extension(
            '2.5.29.31',
            false,
            list(...points.map((at) => list(lab.context(0, lab.context(0, uri(at)))))),
          ),
        ]),
    ...(policies === undefined
      ? []
      : [extension('2.5.29.32', false, list(...policies.map((id) => list(lab.oid(id)))))]),
    ...(comment === undefined ? [] : [extension('2.16.840.1.113730.1.13', false, lab.ia5String(comment))]),
  ])

const KEY_TYPES: readonly KeyType[] = [
  'rsa2048',
  'rsa-pss',
  'P-256',
  'P-384',
  'P-521',
  'brainpoolP256r1',
  'ed25519',
  'ed448',
  'ml-dsa-44',
  'slh-dsa-sha2-128f',
]

/** One key of each type, made once. */
const keys: readonly KeyPair[] = KEY_TYPES.map((type) => keyPairOf(type))
const key = fc.constantFrom(...keys)

const certificateRequest = fc.record(
  {
    name,
    key,
    signer: optional(key),
    serial: fc.oneof(
      serial,
      serial.filter((text) => text !== '0').map((text) => `-${text}`),
    ),
    notBefore: date,
    notAfter: date,
    profile: fc.constantFrom('ca', 'tls_server', 'tls_client', 'ocsp_signer'),
    pathLength: fc.nat(300),
    extensions,
  },
  { requiredKeys: ['name', 'key', 'serial', 'notBefore', 'notAfter', 'profile', 'extensions'] },
)

/** The same certificates for the same seed, but for their keys. */
export async function certificates(seed: number, count: number): Promise<Uint8Array[]> {
  const issued: Issuer[] = []
  for (const { signer, ...request } of fc.sample(certificateRequest, { seed, numRuns: count })) {
    const above = signer === undefined ? undefined : issued.findLast((issuer) => issuer.key === signer)
    const issuer = above === undefined ? {} : { issuer: above }
    const certificate = await issueCertificate({ subject: '', ...request, ...issuer })
    issued.push({ certificate, key: request.key })
  }
  return issued.map(({ certificate }) => certificate)
}

const crlRequest = fc.record({
  name,
  key: fc.constantFrom(...keys),
  number: optional(fc.bigInt({ min: 0n, max: 2n ** 159n })),
  thisUpdate: date,
  nextUpdate: optional(date),
  revoked: fc.uniqueArray(
    fc.record({ serial, at: date, reason: fc.constantFrom(undefined, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10) }),
    { maxLength: 12, selector: (entry) => entry.serial },
  ),
})

export async function crls(seed: number, count: number): Promise<Uint8Array[]> {
  const lists: Uint8Array[] = []
  for (const { name: subject, key: pair, revoked, ...times } of fc.sample(crlRequest, {
    seed,
    numRuns: count,
  })) {
    const validity = { notBefore: 0, notAfter: 1000, profile: 'ca' } as const
    const certificate = await issueCertificate({ subject: '', name: subject, key: pair, ...validity })
    const entries = revoked.map(({ reason, ...entry }) =>
      reason === undefined ? entry : { ...entry, reason },
    )
    lists.push(await issueCrl({ ...times, issuer: { certificate, key: pair }, revoked: entries }))
  }
  return lists
}
