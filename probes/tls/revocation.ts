import { toTimestamp } from '../../model/time.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { parseCrl } from '../../pki/crl.ts'
import { PkiError } from '../../pki/error.ts'
import { checkPathRevocation } from '../../pki/revocation.ts'

/** What was asked about and by what is for the caller to add. */
export type RevocationFacts = Pick<
  FactsOf<'crlStatus'>,
  'status' | 'error' | 'revokedAt' | 'reason' | 'authoritiesRevoked'
>

/**
 * RFC 5280 6.3 for a valid path, leaf first, with these lists (DER). Pure; `now` in milliseconds. One that can't be read is left out: what needed it
 * says so.
 */
export function judgeRevocation(
  path: readonly Certificate[],
  lists: readonly Uint8Array[],
  now: number,
): RevocationFacts {
  const crls = lists.flatMap((der) => {
    try {
      return [parseCrl(der)]
    } catch (error) {
      if (error instanceof PkiError) return []
      throw error
    }
  })
  const [ofLeaf, ...above] = checkPathRevocation({ path, crls, intermediates: [], now })
  const revoked = above.filter(({ status }) => status.status === 'revoked')
  const authoritiesRevoked = revoked.map(({ certificate }) => certificate.subject.text).toSorted()
  const status = ofLeaf?.status
  switch (status?.status) {
    case undefined: // The leaf is the anchor.
    case 'good':
      return { status: 'good', authoritiesRevoked }
    case 'undetermined':
      return { status: 'undetermined', error: status.error.code, authoritiesRevoked }
    case 'revoked':
      return {
        status: 'revoked',
        error: status.error.code,
        revokedAt: toTimestamp(status.revokedAt),
        ...(status.reason === undefined ? {} : { reason: status.reason }),
        authoritiesRevoked,
      }
  }
}
