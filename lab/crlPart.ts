// What a CA publishes: one CRL of everything, or one for each part of its certificates, and a delta CRL to the former.
import { freshestCrl, issuingDistributionPoint, type CrlRequest, type RevokedEntry } from './issue.ts'

export interface CrlPart {
  readonly kind: 'full' | 'partition' | 'delta'
  /** File in the repository. */
  readonly name: string
  readonly url: string
  /** Further files with the same octets. */
  readonly copies: readonly string[]
  /** Parts of one series are numbered together (RFC 5280 section 5.2.3). */
  readonly series: string
  covers(serial: string): boolean
  /** What only this part of the CA's CRLs says. */
  draft(request: CrlRequest, before: CrlBefore): CrlRequest
}

export type CrlParts = readonly [CrlPart, ...CrlPart[]]

/** The CRL of the same part that was issued last. */
interface CrlBefore {
  readonly number: bigint
  readonly thisUpdate: number
}

export interface CrlLayout {
  /** More than one: partitions, by serial number. */
  readonly partitions: number
  /** A delta CRL beside the full one. */
  readonly delta: boolean
  /** Everything a second time under another name. */
  readonly mirrored: boolean
}

const ONE_CRL: CrlLayout = { partitions: 1, delta: false, mirrored: false }

export function crlParts(
  authority: string,
  urlOf: (name: string) => string,
  layout: Partial<CrlLayout> = {},
): CrlParts {
  const { partitions, delta, mirrored } = { ...ONE_CRL, ...layout }
  const part = (name: string) => ({
    name: `${name}.crl`,
    url: urlOf(`${name}.crl`),
    copies: mirrored ? [`${name}.mirror.crl`] : [],
  })
  if (partitions > 1)
    return [partition(0), ...Array.from({ length: partitions - 1 }, (_, n) => partition(n + 1))]
  const deltaPart = { ...part(`${authority}-delta`), copies: [] }
  const full: CrlPart = {
    ...part(authority),
    kind: 'full',
    series: authority,
    covers: () => true,
    draft: (request) => (delta ? { ...request, extensions: [freshestCrl(deltaPart.url)] } : request),
  }
  return delta
    ? [full, { ...deltaPart, kind: 'delta', series: authority, covers: () => false, draft: sinceBase }]
    : [full]

  function partition(n: number): CrlPart {
    const own = part(`${authority}-${n}`)
    const covers = (serial: string) => Number.parseInt(serial.slice(-2), 16) % partitions === n
    return {
      ...own,
      kind: 'partition',
      series: own.name,
      covers,
      draft: (request) => ({
        ...request,
        revoked: request.revoked.filter(({ serial }) => covers(serial)),
        extensions: [issuingDistributionPoint([own.url])],
      }),
    }
  }
}

/** What was revoked since the full CRL before the one that is issued with it. */
function sinceBase(request: CrlRequest, base: CrlBefore): CrlRequest {
  const isNew = ({ at }: RevokedEntry) => at > base.thisUpdate
  return { ...request, revoked: request.revoked.filter(isNew), deltaBase: base.number }
}
