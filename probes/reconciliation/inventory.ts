import { setImmediate } from 'node:timers/promises'
import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import type { AuthorityLedger } from './ledger.ts'
import type { Row } from './serialTable.ts'

/** What is known of an authority's certificates otherwise than from its log. */
export interface Known {
  /** Serial numbers (lower-case hex) of what is served, stands in files, is asked about, or signs OCSP answers. */
  readonly serials: ReadonlySet<string>
  /** By number of the service: when the certificate that it serves was issued, in milliseconds. */
  readonly servedFrom: ReadonlyMap<number, number>
}

/** Rows between which other work gets its turn: some milliseconds. */
const TURN = 50_000
/** Certificates, and profiles, that facts name. */
const MAX_NAMED = 20

type Facts = FactsOf<'issued'>

/** Every certificate in the log that is in use at `now` (milliseconds), by whether anybody knows it. undefined: `isStopped` before the end. */
export async function compareWithInventory(
  ledger: AuthorityLedger,
  known: Known,
  { now, isStopped }: { readonly now: number; readonly isStopped: () => boolean },
): Promise<Facts | undefined> {
  const { certificates } = ledger
  const size = certificates.size
  const inventoried = new Set<Row | undefined>([...known.serials].map((serial) => certificates.find(serial)))
  const count = { certificates: 0, expected: 0, inventoried: 0, unknown: 0 }
  let undated = 0
  const oldest = new Oldest(ledger)
  const profiles = new Map<number, number>()
  for (let row = 0; row < size; row++) {
    if (row % TURN === TURN - 1) {
      await setImmediate()
      if (isStopped()) return undefined
    }
    const issuedAt = certificates.issuedAt(row)
    if (issuedAt === undefined || certificates.revokedAt(row) !== undefined) continue
    const expires = certificates.notAfter(row)
    if (expires === undefined) undated++
    if (expires === undefined || expires < now) continue
    count.certificates++
    const { profile, service, isExpected } = certificates.issuance(row)
    if (isExpected) count.expected++
    // What a service has replaced was on the wire, or never will be.
    else if (inventoried.has(row) || issuedAt <= (known.servedFrom.get(service) ?? -Infinity))
      count.inventoried++
    else {
      count.unknown++
      oldest.add(row, issuedAt)
      profiles.set(profile, (profiles.get(profile) ?? 0) + 1)
    }
  }
  const byNumber = [...profiles].toSorted(([a, n], [b, m]) => m - n || a - b).slice(0, MAX_NAMED)
  return {
    ...count,
    undated,
    ...(oldest.first === undefined ? {} : { unknownSince: toTimestamp(oldest.first) }),
    unknownCertificates: oldest.texts,
    unknownProfiles: byNumber.map(([profile, n]) => `${ledger.profileNamed(profile)} ${n}`),
  }
}

/** The certificates that were issued first. There may be millions, so that texts are made of those only that stay. */
class Oldest {
  readonly #ledger: AuthorityLedger
  #kept: { readonly row: Row; readonly at: number }[] = []

  constructor(ledger: AuthorityLedger) {
    this.#ledger = ledger
  }

  add(row: Row, at: number): void {
    const last = this.#kept[MAX_NAMED - 1]
    if (last !== undefined && at >= last.at) return
    this.#kept = [...this.#kept, { row, at }].toSorted((a, b) => a.at - b.at).slice(0, MAX_NAMED)
  }

  /** Milliseconds; undefined: there is none. */
  get first(): number | undefined {
    return this.#kept[0]?.at
  }

  get texts(): readonly string[] {
    const { certificates } = this.#ledger
    const texts = this.#kept.map(({ row, at }) => {
      const profile = this.#ledger.profileNamed(certificates.issuance(row).profile)
      return `${toTimestamp(at)} ${certificates.serialOf(row)} ${profile} ${this.#ledger.recordOf(row)}`
    })
    return texts.toSorted()
  }
}
