import type { Certificate } from '../../pki/certificate.ts'

/** What the command line asks about every object. */
export interface Question {
  /** `--issuer`, in the order given; empty: nothing is trusted, so nothing can be valid. */
  readonly issuers: readonly Certificate[]
  /** `--at`, milliseconds since the epoch. */
  readonly now: number
  readonly lint: boolean
  /** Accept BER where its meaning is clear. */
  readonly ber: boolean
}
