import type { FactsOf } from '../../model/facts.ts'
import type { CrlTarget } from '../probe.ts'

/** An answer that was verified in full, and how the server is asked whether it still stands (RFC 9110 section 13.1). */
export interface Validator {
  /** `if-none-match`, `if-modified-since`. */
  readonly headers: Readonly<Record<string, string>>
  readonly sha256: string
  /** Facts of the transfer that last as long as what was transferred. */
  readonly content: FactsOf<'http'>
}

/** By address, of one target. */
interface Validated {
  /** When everything was last asked for in full, in milliseconds. */
  readonly at: number
  readonly byAddress: ReadonlyMap<string, Validator>
}

/**
 * What may be asked for conditionally. It ends with the process and with the target's declaration: a new one verifies everything itself before it
 * takes anybody's word that nothing changed. What was verified is not here but in the memory of what was recorded.
 */
const validated = new WeakMap<CrlTarget, Validated>()

/** By address; empty when everything is to be asked for in full. */
export function validatorsOf(target: CrlTarget, now: number): ReadonlyMap<string, Validator> {
  const known = validated.get(target)
  // A clock that was set back must not put off the next full one.
  const isCurrent = known !== undefined && now >= known.at && now - known.at < target.fullEvery
  return isCurrent ? known.byAddress : new Map()
}

/** Takes what a run has found, by address; `inFull`: it has asked for nothing conditionally. */
export function rememberValidators(
  target: CrlTarget,
  now: number,
  byAddress: ReadonlyMap<string, Validator>,
  { inFull }: { readonly inFull: boolean },
): void {
  const at = inFull ? now : (validated.get(target)?.at ?? now)
  validated.set(target, { at, byAddress })
}

/** RFC 9110 section 8.8.3. Only what is well-formed is sent back. */
const ETAG = /^(W\/)?"[!#-~]{0,200}"$/
/** Milliseconds: of what was just changed, a second change would have the same date (section 8.8.2.2). */
const MIN_AGE = 60_000
const DATE = /^[A-Za-z0-9,: +-]{1,40}$/

/** The header fields of a request that asks only for something else than this answer; undefined: it has nothing to ask by. */
export function conditionOf(headers: Readonly<Record<string, string>>): Validator['headers'] | undefined {
  const { etag = '', 'last-modified': lastModified = '', date = '' } = headers
  if (ETAG.test(etag)) return { 'if-none-match': etag }
  const isStrong = Date.parse(date) - Date.parse(lastModified) >= MIN_AGE
  return isStrong && DATE.test(lastModified) ? { 'if-modified-since': lastModified } : undefined
}
