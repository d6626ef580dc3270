import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import { parseCrl } from '../pki/crl.ts'
import type { Deadline } from './fetch/deadline.ts'
import { authorityFacts, observe } from './observe.ts'
import type { Probe, ProbeContext, ReconciliationTarget } from './probe.ts'
import { compare, type Earlier, type PublishedCrl } from './reconciliation/compare.ts'

/** Octets of the CRLs of one authority that are read beside its log, as they are on disk: 3 million entries. */
const MAX_COMPARED = 128 * 1024 * 1024

/**
 * What the log of an authority says that happened, beside the CRLs that are published. Asks nobody: the one side is in the journal's audit events, the other is
 * what the probes of the CRLs recorded. Without facts as long as one side is not known.
 */
export const probeReconciliation: Probe<ReconciliationTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const reconciliation = await crlFacts(target, context, deadline)
    const facts = {
      ...authorityFacts(target.issuer),
      ...(reconciliation === undefined ? {} : { reconciliation }),
    }
    return { facts, error: undefined, artifacts: [] }
  })

async function crlFacts(
  target: ReconciliationTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<FactsOf<'reconciliation'> | undefined> {
  const ledger = context.ledger.of(target.issuer.id)
  const crls = seenCrls(target, context)
  if (ledger === undefined || crls === undefined) return undefined
  const compared = hash('sha256', [ledger.state, ...crls.map(({ sha256 }) => sha256).toSorted()].join(' '))
  const before = context.memory.of(target)?.reconciliation
  // Read again only when the log or a CRL says something new.
  if (before?.compared === compared) return before
  const logFrom = toTimestamp(ledger.from)
  const published = await withOctets(crls, context)
  if (published === undefined) return undefined
  const earlier = before && {
    facts: before,
    crls: await crlsOf(before, published, context),
    looked: context.memory.lastRun(target),
  }
  const isStopped = (): boolean => deadline.signal.aborted
  const found = await compare({ crls: published, ledger, earlier, isStopped })
  deadline.throwIfStopped()
  return found === undefined ? undefined : { logFrom, ...found, compared }
}

type SeenCrl = Omit<PublishedCrl, 'octets'> & { readonly size: number }

/** Every CRL that is published, copies of one once. undefined: of some nothing was seen yet. */
function seenCrls(
  { subject, declared }: ReconciliationTarget,
  { memory }: ProbeContext,
): readonly SeenCrl[] | undefined {
  const seen = new Map<string, SeenCrl>()
  const missing = new Set(declared.filter(({ isDelta }) => !isDelta).map(({ series }) => series))
  for (const { url, series, isDelta } of declared) {
    const { sha256, size, thisUpdate, number } = memory.of({ subject, probe: 'crl', address: url })?.crl ?? {}
    if (sha256 === undefined || thisUpdate === undefined) continue
    if (!isDelta) missing.delete(series)
    if (!seen.has(sha256))
      seen.set(sha256, { url, number, thisUpdate: fromTimestamp(thisUpdate), sha256, size: size ?? 0 })
  }
  return missing.size > 0 ? undefined : [...seen.values()]
}

/** undefined: the journal lacks one, or they are too many. */
async function withOctets(
  crls: readonly SeenCrl[],
  { artifact }: ProbeContext,
): Promise<readonly PublishedCrl[] | undefined> {
  if (crls.reduce((sum, { size }) => sum + size, 0) > MAX_COMPARED) return undefined
  const published: PublishedCrl[] = []
  for (const crl of crls) {
    const octets = await artifact(crl.sha256)
    if (octets === undefined) return undefined
    published.push({ ...crl, octets })
  }
  return published
}

/** The CRLs of the comparison before this one. */
async function crlsOf(
  { crls: digests }: FactsOf<'reconciliation'>,
  published: readonly PublishedCrl[],
  { artifact }: ProbeContext,
): Promise<Earlier['crls']> {
  if (digests === undefined) return undefined
  const current = new Map(published.map((crl) => [crl.sha256, crl]))
  if (digests.length === current.size && digests.every((digest) => current.has(digest))) return 'the same'
  const crls: { readonly octets: Uint8Array; readonly thisUpdate: number }[] = []
  for (const digest of digests) {
    const octets = current.get(digest)?.octets ?? (await artifact(digest))
    if (octets === undefined) return undefined
    crls.push({ octets, thisUpdate: parseCrl(octets).thisUpdate })
  }
  return crls
}
