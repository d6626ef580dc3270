import type { Certificate } from '../../pki/certificate.ts'
import type { Crl } from '../../pki/crl.ts'

/** What the command line asks about every object. */
export interface Question {
  /** `--issuer`, in the order given; empty: nothing is trusted, so nothing can be valid. */
  readonly issuers: readonly Certificate[]
  /** `--at`, milliseconds since the epoch. */
  readonly now: number
  readonly lint: boolean
  /** Accept BER where its meaning is clear. */
  readonly ber: boolean
  /** `--crl`: from which the revocation of a path is read; empty: nobody asked. */
  readonly crls: readonly Crl[]
  /** `--serial`, lower-case hex: to look up in a CRL. */
  readonly serial: string | undefined
}
