import type { FactsOf } from '../../model/facts.ts'
import { formatSubject } from '../../model/subject.ts'
import { PkiError } from '../../pki/error.ts'
import type { Issuer, ProbeContext } from '../probe.ts'
import type { Asking } from './asking.ts'
import { crossCheckFacts, disagreeing, type Compared } from './crossCheck.ts'
import type { CrlSample, Revocation } from './crlSample.ts'
import { readCrl } from './readCrl.ts'

/** Entries that are picked at random in each run, of all CRLs together: in a month 2,880 of them. */
const PICKS = 4
/** CRLs of an authority that are read in one run; of more, partitions above all, others each time. */
const MAX_CRLS = 4

/**
 * What the responder says about certificates that the authority's CRLs, as they were seen last, list: those that disagreed before, those that are
 * declared, and some at random. undefined: there is no CRL to compare with.
 */
export async function crossCheck(asking: Asking): Promise<FactsOf<'crossCheck'> | undefined> {
  const { target, context } = asking
  const before = context.memory.of(target)?.crossCheck
  const declared = target.revoked === undefined ? [] : [target.revoked]
  const serials = [...new Set([...disagreeing(before), ...declared, target.serial])]
  const crls = await crlsOf(asking, serials)
  if (crls.length === 0) return undefined

  const compared: Compared[] = []
  for (const { serial, revocation, crl } of toCompare(crls, declared)) {
    const inquiry = await asking.ask(serial)
    if (inquiry !== undefined) compared.push({ serial, revocation, crl, inquiry })
  }
  const facts = crossCheckFacts(compared, before)
  const named = new Set(disagreeing(facts))
  for (const { serial, inquiry } of compared) if (named.has(serial)) asking.keep(inquiry)
  return facts
}

interface Pair {
  readonly serial: string
  readonly revocation: Revocation | undefined
  readonly crl: CrlSample
}

/** Each certificate once, with the newest CRL that lists it; a declared one that no CRL lists with one that would, where there is any. */
function toCompare(crls: readonly CrlSample[], declared: readonly string[]): Pair[] {
  const pairs = new Map<string, Pair>()
  for (const crl of crls.toSorted((a, b) => a.thisUpdate - b.thisUpdate))
    for (const revocation of crl.revocations)
      pairs.set(revocation.serial, { serial: revocation.serial, revocation, crl })
  const full = crls.find(({ isFull }) => isFull)
  for (const serial of declared)
    if (full !== undefined && !pairs.has(serial))
      pairs.set(serial, { serial, revocation: undefined, crl: full })
  return [...pairs.values()]
}

/** The CRLs of the authority that are in force and kept, read anew. */
async function crlsOf(
  { target, context, deadline }: Asking,
  serials: readonly string[],
): Promise<readonly CrlSample[]> {
  const digests = shuffled(digestsOf(target.issuer, context), context.random).slice(0, MAX_CRLS)
  const crls: CrlSample[] = []
  for (const [i, digest] of digests.entries()) {
    const der = await context.artifact(digest)
    if (der === undefined) continue
    // Every CRL gets its part of the picks, the first ones more when they don't divide.
    const count = Math.ceil((PICKS - i) / digests.length)
    const picks = Array.from({ length: Math.max(0, count) }, () => fraction(context.random))
    try {
      const crl = await readCrl({ der, serials, picks }, deadline)
      if (crl !== undefined && !isOver(crl, context.now())) crls.push(crl)
    } catch (error) {
      // It was read before it was recorded; whatever happened to it since is for `vigil verify` to say.
      if (!(error instanceof PkiError)) throw error
    }
  }
  return crls
}

/** SHA-256 of the complete CRLs that were verified last. */
function digestsOf(issuer: Issuer, { memory }: ProbeContext): string[] {
  const subject = formatSubject({ kind: 'ca_crl', keys: [issuer.id] })
  const found = new Set<string>()
  for (const { subject: other, facts } of memory.all('crl')) {
    if (other !== subject || facts.crl?.sha256 === undefined || facts.crl.isDelta === true) continue
    found.add(facts.crl.sha256)
  }
  return [...found]
}

function isOver({ nextUpdate }: CrlSample, now: number): boolean {
  return nextUpdate !== undefined && nextUpdate < now
}

/** Uniform in [0, 1), in steps of 2^-32. */
function fraction(random: ProbeContext['random']): number {
  return Buffer.from(random(4)).readUInt32BE() / 2 ** 32
}

/** In an order that nobody can foresee. */
export function shuffled<T>(items: readonly T[], random: ProbeContext['random']): readonly T[] {
  const keyed = items.map((item) => ({ item, key: fraction(random) }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item)
}
