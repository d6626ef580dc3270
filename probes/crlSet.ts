import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { artifactsOf } from './crlSet/artifacts.ts'
import { compareInWorker } from './crlSet/compare.ts'
import {
  differingCopies,
  missingPartitions,
  newestPartitions,
  numberingGaps,
  undeclaredUrls,
  unusableDeltas,
  type Member,
  type Present,
} from './crlSet/members.ts'
import type { Deadline } from './fetch/deadline.ts'
import { authorityFacts, observe } from './observe.ts'
import type { CrlSetTarget, Probe, ProbeContext } from './probe.ts'

/**
 * Puts the CRLs of an authority beside each other: copies, partitions, deltas. Asks nobody: it reads what the probes of the CRLs recorded. Without facts
 * as long as one of them has not run, so that what nobody looked at yet is not taken for missing.
 */
export const probeCrlSet: Probe<CrlSetTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const facts = authorityFacts(target.issuer)
    const members = membersOf(target, context)
    if (members === undefined) return { facts, error: undefined, artifacts: [] }
    const crlSet: FactsOf<'crlSet'> = {
      addresses: members.length,
      partitions: partitionsOf(target).size,
      deltas: target.declared.filter(({ isDelta }) => isDelta).length,
      missing: missingPartitions(members),
      numberingGaps: numberingGaps(members),
      undeclared: undeclaredUrls(members, urlsInCertificates(target, context)),
      differing: differingCopies(members),
      deltasUnusable: unusableDeltas(members),
      ...(await overlapFacts(target, members, context, deadline)),
    }
    return { facts: { ...facts, crlSet }, error: undefined, artifacts: [] }
  })

function partitionsOf({ declared }: CrlSetTarget): ReadonlySet<string> {
  return new Set(declared.flatMap(({ partition }) => (partition === undefined ? [] : [partition])))
}

/** undefined: some CRL was not looked at yet. */
function membersOf(target: CrlSetTarget, { memory }: ProbeContext): readonly Member[] | undefined {
  const seen = new Map<string, FactsOf<'crl'> | undefined>()
  for (const { subject, target: url, newest } of memory.all('crl'))
    if (subject === target.subject) seen.set(url, newest.crl)
  if (target.declared.some(({ url }) => !seen.has(url))) return undefined
  return target.declared.map((declared) => ({ declared, crl: seen.get(declared.url) }))
}

/** Distribution points in certificates of the authority that services were seen to have. */
function* urlsInCertificates(
  { issuer }: CrlSetTarget,
  { memory }: ProbeContext,
): Generator<string, undefined> {
  for (const { facts } of memory.all('tls'))
    if (facts.certificate?.issuer === issuer.certificate.subject.text) yield* facts.certificate.crlUrls ?? []
}

/** Compared again only when some partition changed. */
async function overlapFacts(
  target: CrlSetTarget,
  members: readonly Member[],
  context: ProbeContext,
  deadline: Deadline,
): Promise<Pick<FactsOf<'crlSet'>, 'listedTwice' | 'twice' | 'compared'>> {
  const partitions = newestPartitions(members)
  if (partitions.length < 2 || partitions.length < partitionsOf(target).size) return {}
  const compared = digestOf(partitions)
  const known = context.memory.of(target)?.crlSet
  if (known?.compared === compared && known.listedTwice !== undefined)
    return { listedTwice: known.listedTwice, twice: known.twice ?? [], compared }
  const lists = await artifactsOf(partitions, context.artifact)
  const overlap = lists && (await compareInWorker(lists, deadline))
  return overlap === undefined ? {} : { listedTwice: overlap.count, twice: overlap.named, compared }
}

function digestOf(partitions: readonly Present[]): string {
  return hash('sha256', partitions.map(({ crl }) => crl.sha256 ?? '').join(' '))
}
