import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { formatSubject } from '../model/subject.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import { Smallest } from './crl/smallest.ts'
import type { Deadline } from './fetch/deadline.ts'
import { authorityFacts, observe } from './observe.ts'
import type { IssuedTarget, Probe, ProbeContext } from './probe.ts'
import { compareWithInventory, type Known } from './reconciliation/inventory.ts'
import type { AuthorityLedger } from './reconciliation/ledger.ts'

/** Milliseconds after which certificates may have expired that had not. */
const HOUR = 3_600_000

/**
 * What the log of an authority says was issued, beside what is known of its certificates otherwise: served, in files, expected. And the reverse, of what no
 * service serves: that is for `probeIssuance`. Asks nobody, as `probeReconciliation`.
 */
export const probeIssued: Probe<IssuedTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const issued = await issuedFacts(target, context, deadline)
    const clones = context.ledger.of(target.issuer.id)?.clones.facts()
    const facts = {
      ...authorityFacts(target.issuer),
      ...(issued === undefined ? {} : { issued }),
      ...(clones === undefined ? {} : { clones }),
    }
    return { facts, error: undefined, artifacts: [] }
  })

async function issuedFacts(
  target: IssuedTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<FactsOf<'issued'> | undefined> {
  const ledger = context.ledger.of(target.issuer.id)
  if (ledger === undefined) return undefined
  const now = context.now()
  const known = knownOf(target, context, ledger)
  const unlogged = unloggedOf(target, context, ledger)
  const compared = digestOf([
    ledger.state,
    ...[...known.serials].toSorted(),
    ...[...known.servedFrom].flat(),
    ...(unlogged ?? []),
    Math.floor(now / HOUR),
  ])
  const before = context.memory.of(target)?.issued
  if (before?.compared === compared) return before
  const isStopped = (): boolean => deadline.signal.aborted
  const found = await compareWithInventory(ledger, known, { now, isStopped })
  deadline.throwIfStopped()
  if (found === undefined) return undefined
  const told = ledger.toldFrom('issued') < Infinity
  const { from, isFull: full } = ledger
  return { logFrom: toTimestamp(from), ...found, told, ...(unlogged && { unlogged }), full, compared }
}

function digestOf(parts: readonly (string | number)[]): string {
  return hash('sha256', parts.join(' '))
}

/** What probes saw last, and what the inventory names. */
function knownOf(
  { issuer, declared, asked, services }: IssuedTarget,
  { memory }: ProbeContext,
  { certificates }: AuthorityLedger,
): Known {
  const serials = new Set([...asked, ...declared.map(({ serial }) => serial)])
  const add = (serial: string | undefined): void => {
    if (serial !== undefined) serials.add(serial)
  }
  for (const { facts } of memory.all('tls')) {
    if (facts.certificate?.issuer === issuer.certificate.subject.text) add(facts.certificate.serial)
    add(facts.renewal?.newestSerial)
    add(facts.prober?.serial)
  }
  for (const { facts } of memory.all('mtls')) add(facts.prober?.serial)
  for (const { serial } of signersOf(issuer.id, memory)) serials.add(serial)
  const servedFrom = new Map<number, number>()
  for (const [i, service] of services.entries()) {
    const { serial = '', notBefore } = memory.of({ ...service, probe: 'tls' })?.certificate ?? {}
    if (notBefore === undefined) continue
    const row = certificates.find(serial)
    const issuedAt = row === undefined ? undefined : certificates.issuedAt(row)
    servedFrom.set(i + 1, issuedAt ?? fromTimestamp(notBefore))
  }
  return { serials, servedFrom }
}

interface Signer {
  readonly serial: string
  /** Milliseconds. */
  readonly notBefore: number
}

/** Certificates to which the authority delegated the signing of OCSP answers, as they were seen last. */
function signersOf(authority: string, memory: ProbeContext['memory']): readonly Signer[] {
  const subject = formatSubject({ kind: 'ocsp_responder_status', keys: [authority] })
  return [...memory.all('ocsp')].flatMap(({ subject: other, facts: { ocsp } }) => {
    if (other !== subject || ocsp?.responderDelegated !== true) return []
    const { responderSerial: serial, responderNotBefore: notBefore } = ocsp
    return serial === undefined || notBefore === undefined
      ? []
      : [{ serial, notBefore: fromTimestamp(notBefore) }]
  })
}

/** Only the authority could sign them, and its software did not. What is from before the log begins, nobody can tell; undefined: nor anything else. */
function unloggedOf(
  { issuer, declared }: IssuedTarget,
  { memory }: ProbeContext,
  ledger: AuthorityLedger,
): readonly string[] | undefined {
  const { certificates } = ledger
  const from = ledger.toldFrom('issued')
  if (from === Infinity) return undefined
  const files = declared.filter(({ serial, sha256, notBefore }) => {
    const row = certificates.find(serial)
    const isOther = row !== undefined && !certificates.mayBe(row, sha256)
    return isOther || (row === undefined && notBefore > from)
  })
  const signers = signersOf(issuer.id, memory).filter(
    ({ serial, notBefore }) => notBefore > from && certificates.find(serial) === undefined,
  )
  return Smallest.of([
    ...files.map(({ serial }) => `${serial} in a file`),
    ...signers.map(({ serial }) => `${serial} signs OCSP answers`),
  ])
}
