import type { Certificate } from './certificate.ts'
import type { PkiError } from './error.ts'

export interface PathQuestion {
  readonly leaf: Certificate
  /** What the peer sent beside the leaf, in any order; intermediates below the declared issuer are taken from here. */
  readonly sent: readonly Certificate[]
  /** The declared issuer that the path must lead to. */
  readonly issuer: Certificate
  /** From the declared issuer's own issuer up to the trust anchor; empty when the issuer is the anchor. */
  readonly ancestors: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The path starts with the leaf and ends with the anchor; when invalid, as far as it was found. */
export type PathResult =
  | { readonly valid: true; readonly path: readonly Certificate[] }
  | { readonly valid: false; readonly path: readonly Certificate[]; readonly error: PkiError }

/** Builds and validates a path (RFC 5280 section 6.1). Never throws for what the certificates say. */
export function buildPath(question: PathQuestion): PathResult {
  throw new Error(`not built yet: ${question.now}`)
}
