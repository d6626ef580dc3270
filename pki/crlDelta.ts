import type { CrlEntry } from './crlEntries.ts'
import type { IndexedCrl, ReadCrl } from './crl.ts'
import { HIGH, LOW, WORDS } from './crlIndex.ts'
import { PkiError } from './error.ts'
import type { PkiErrorCode } from './error.ts'
import { namesMatch } from './name.ts'
import type { Name } from './name.ts'
import { OID } from './oid.ts'

/** A complete CRL with the changes of a delta CRL: what the complete one of the delta's number would say. */
export interface CombinedCrl {
  /** The delta's. */
  readonly number: bigint | undefined
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  /** How many certificates are listed; in how many entries does not matter. */
  readonly entries: number
  /** As of a complete CRL: never an entry `removeFromCRL`. */
  find(serial: string, issuer?: Name): CrlEntry | undefined
}

/**
 * RFC 5280 5.2.4 and 6.3.3 (c): may the delta CRL be combined with that complete one? Throws PkiError(consistency) with the first condition that
 * does not hold. That both verified, with the same key, is for the caller to see to.
 */
export function checkDelta(complete: ReadCrl, delta: ReadCrl): void {
  if (complete.isDelta || !delta.isDelta) {
    const got = `${kindOf(complete)} and ${kindOf(delta)}`
    refuse('delta_mismatch', 'a complete CRL and a delta CRL', got)
  }
  // (c) (1)
  if (!namesMatch(delta.issuer, complete.issuer))
    refuse('delta_mismatch', `a delta CRL of ${complete.issuer.text}`, `one of ${delta.issuer.text}`)
  // (c) (2): equal, and equal octets of DER mean no less.
  if (scopeOf(delta) !== scopeOf(complete))
    refuse('delta_mismatch', 'the same issuing distribution point in the delta CRL', 'another one')
  // (c) (3)
  if (delta.authorityKeyId !== complete.authorityKeyId) {
    const [wanted, got] = [complete, delta].map(({ authorityKeyId }) => authorityKeyId ?? 'none')
    refuse('delta_mismatch', `a delta CRL with authority key identifier ${wanted}`, `${got}`)
  }
  const { number, baseNumber } = delta
  if (complete.number === undefined || number === undefined || baseNumber === undefined) {
    return refuse('crl_number_missing', 'numbers in the complete and the delta CRL', 'one without')
  }
  // 5.2.4 (c): what changed between the complete CRL and the base would be in neither.
  if (baseNumber > complete.number)
    refuse('delta_base_newer', `a complete CRL of number ${baseNumber} or later`, `number ${complete.number}`)
  // 5.2.4 (d): the complete CRL knows all that the delta knows.
  if (number <= complete.number)
    refuse('delta_not_newer', `a delta CRL of a number after ${complete.number}`, `number ${number}`)
}

/** Throws PkiError(consistency) as `checkDelta` does. Nothing in the result may be believed before both CRLs verified. */
export function applyDelta(complete: IndexedCrl, delta: IndexedCrl): CombinedCrl {
  checkDelta(complete, delta)
  let entries: number | undefined
  return {
    number: delta.number,
    thisUpdate: delta.thisUpdate,
    nextUpdate: delta.nextUpdate,
    get entries() {
      return (entries ??= countListed(complete, delta))
    },
    find(serial, issuer) {
      const entry = delta.find(serial, issuer) ?? complete.find(serial, issuer)
      return entry?.reason === 'removeFromCRL' ? undefined : entry
    },
  }
}

function countListed(complete: IndexedCrl, delta: IndexedCrl): number {
  const before = complete.indexed.index
  const changes = delta.indexed.index
  let count = complete.entries - complete.duplicates().count
  for (let ordinal = 0; ordinal < changes.count; ordinal++) {
    const high = changes.words[ordinal * WORDS + HIGH] ?? 0
    const low = changes.words[ordinal * WORDS + LOW] ?? 0
    if (changes.first(high, low) !== ordinal) continue
    const isListed = before.first(high, low) >= 0
    const isRemoved = changes.reasons[ordinal] === REMOVE_FROM_CRL
    if (isListed && isRemoved) count--
    else if (!isListed && !isRemoved) count++
  }
  return count
}

/** The reason's number. */
const REMOVE_FROM_CRL = 8

function scopeOf({ extensions }: ReadCrl): string | undefined {
  const extension = extensions.find(({ oid }) => oid === OID.issuingDistributionPoint)
  return extension === undefined ? undefined : Buffer.from(extension.value).toString('latin1')
}

function kindOf({ isDelta }: ReadCrl): string {
  return isDelta ? 'a delta CRL' : 'a complete one'
}

function refuse(code: PkiErrorCode, expected: string, got: string): never {
  throw new PkiError('consistency', code, `expected ${expected}, got ${got}`)
}
