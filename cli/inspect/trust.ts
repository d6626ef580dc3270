import type { Certificate } from '../../pki/certificate.ts'
import type { PkiError } from '../../pki/error.ts'
import { namesMatch, type Name } from '../../pki/name.ts'
import { buildPath, type PathResult } from '../../pki/path.ts'

/** The certificates that were declared with `--issuer`, and what each of them is good for. */
export interface Trust {
  readonly declared: readonly Certificate[]
  /** Whose own issuer was not declared as well. */
  readonly anchors: readonly Certificate[]
  /** The others: trusted only as far as a path leads from them to an anchor. */
  readonly intermediates: readonly Certificate[]
}

/** Two CAs that certify each other have both their issuer declared; then both are anchors. */
export function trustIn(declared: readonly Certificate[]): Trust {
  const hasDeclaredIssuer = (certificate: Certificate): boolean =>
    declared.some(
      (other) =>
        !namesMatch(certificate.subject, other.subject) && namesMatch(certificate.issuer, other.subject),
    )
  const anchors = declared.filter((certificate) => !hasDeclaredIssuer(certificate))
  return anchors.length === 0
    ? { declared, anchors: declared, intermediates: [] }
    : { declared, anchors, intermediates: declared.filter((certificate) => !anchors.includes(certificate)) }
}

/** The declared certificates with that subject. */
export function issuersNamed(name: Name, trust: Trust): readonly Certificate[] {
  return trust.declared.filter(({ subject }) => namesMatch(subject, name))
}

/** From `leaf` over `sent` and the declared certificates to an anchor. */
export function findPath(
  leaf: Certificate,
  sent: readonly Certificate[],
  { anchors, intermediates }: Trust,
  now: number,
): PathResult {
  return buildPath({
    leaf,
    intermediates: [...intermediates, ...sent],
    trusted: anchors.map((anchor) => [anchor]),
    now,
  })
}

/** Why a declared certificate may not be used: of an anchor, because it is past its time; undefined: it may. */
export function issuerFailure(issuer: Certificate, trust: Trust, now: number): PkiError | undefined {
  const result = findPath(issuer, [], trust, now)
  return result.valid ? undefined : result.error
}
