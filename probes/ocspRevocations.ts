import type { FactsOf } from '../model/facts.ts'
import type { Artifact } from '../model/observation.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import { Smallest } from './crl/smallest.ts'
import type { Deadline } from './fetch/deadline.ts'
import { authorityFacts, observe } from './observe.ts'
import { inquireOcsp, type OcspInquiry } from './ocspInquiry.ts'
import type { OcspRevocationsTarget, Probe, ProbeContext } from './probe.ts'
import type { AuthorityLedger } from './reconciliation/ledger.ts'
import { Publications } from './reconciliation/publications.ts'
import { revocationsAfter, type LoggedRevocation } from './reconciliation/revocations.ts'

/** Questions of one run about certificates that the responder does not know to be revoked, and about revocations that are news: some seconds. */
const MAX_WAITING = 20
const MAX_NEWS = 20
/** Certificates that nobody has revoked, picked at random: in a day 4,000. */
const PICKS = 3
/** Tries to pick one. */
const MAX_DRAWS = 30
/** Questions without answer after which the responder is left alone until the next run. */
const MAX_UNANSWERED = 3
/** A question has a tenth of the run's time at most. */
const QUESTION_SHARE = 10
/** Answers that are kept as evidence of one run. */
const MAX_EVIDENCE = 8
/** Milliseconds. How long a revocation took that is known when it is first asked about was not seen, but for those that took less than this. */
const PROMPT = 5 * 60_000

type Facts = FactsOf<'ocspRevocations'>

/**
 * Asks a responder about certificates that the log of its authority says are revoked: first those that it did not know last time, then those that were revoked
 * since, in the order of the log. And about some that nobody revoked. Without an answer nothing is established: silence is not good.
 */
export const probeOcspRevocations: Probe<OcspRevocationsTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const ledger = context.ledger.of(target.issuer.id)
    const asking = new Asking(target, context, deadline)
    const found = ledger && (await askAbout(ledger, asking))
    deadline.throwIfStopped()
    const facts = {
      ...authorityFacts(target.issuer),
      ...(found === undefined ? {} : { ocspRevocations: found }),
    }
    return { facts, error: undefined, artifacts: asking.evidence }
  })

async function askAbout(ledger: AuthorityLedger, asking: Asking): Promise<Facts | undefined> {
  const { target, context } = asking
  const before = context.memory.of(target)?.ocspRevocations
  const publications = new Publications(before)
  const looked = context.memory.lastRun(target)
  const waiting = await askAgain(ledger, asking, { before, looked, publications })

  const room = Math.min(MAX_NEWS, MAX_WAITING - waiting.length)
  const isStopped = (): boolean => asking.isOver
  const news = await revocationsAfter(ledger, before?.through, { limit: room, now: context.now(), isStopped })
  if (news === undefined) return undefined
  let asked = 0
  for (const revocation of news.next) {
    const isWaiting = waiting.some(({ serial }) => serial === revocation.serial)
    const inquiry = isWaiting ? undefined : await asking.ask(revocation.serial)
    const status = inquiry?.facts?.status
    if (!isWaiting && status === undefined) break
    asked++
    const took = context.now() - revocation.at
    if (inquiry !== undefined && status !== 'revoked') waiting.push(asking.keep(inquiry, revocation))
    // Of what was there when vigil first looked nobody knows when it came.
    else if (inquiry !== undefined && before?.through !== undefined && took <= PROMPT)
      publications.add(Math.max(0, took))
  }
  const through = asked === news.count ? news.newest : (news.next[asked - 1]?.record ?? before?.through)
  const since = Math.min(...waiting.map(({ at }) => at))
  const unlogged =
    ledger.toldFrom('revoked') === Infinity
      ? undefined
      : await unloggedOf(ledger, asking, before?.unlogged ?? [])
  const behind = news.count - asked
  // What was answered before still holds where there was no more to ask about than certificates picked at random.
  if (asking.isUnanswered && (before === undefined || behind + waiting.length > 0)) return undefined
  return {
    logFrom: toTimestamp(ledger.from),
    ...(through === undefined ? {} : { through }),
    behind,
    unpublished: waiting.length,
    ...(waiting.length === 0 ? {} : { unpublishedSince: toTimestamp(since) }),
    unpublishedCertificates: waiting.map(({ text }) => text),
    ...publications.facts,
    ...(unlogged === undefined ? {} : { unlogged }),
  }
}

/** A certificate whose revocation the responder does not know. */
interface Waiting {
  readonly serial: string
  readonly text: string
  /** When it was revoked, in milliseconds. */
  readonly at: number
}

/** Those that the responder did not know last time; of one without answer now what was said then stands. */
async function askAgain(
  ledger: AuthorityLedger,
  asking: Asking,
  {
    before,
    looked,
    publications,
  }: {
    readonly before: Facts | undefined
    readonly looked: number | undefined
    readonly publications: Publications
  },
): Promise<Waiting[]> {
  const { certificates } = ledger
  const now = asking.context.now()
  const waiting: Waiting[] = []
  for (const text of before?.unpublishedCertificates ?? []) {
    const serial = firstWord(text)
    const row = certificates.find(serial)
    const at = row === undefined ? undefined : certificates.revokedAt(row)
    // It was on hold and is not any more, or has expired: nobody has to say anything about it.
    if (row === undefined || at === undefined || (certificates.notAfter(row) ?? Infinity) < now) continue
    const inquiry = await asking.ask(serial)
    const status = inquiry?.facts?.status
    if (inquiry === undefined || status === undefined) waiting.push({ serial, text, at })
    // It came after the last look that did not find it there.
    else if (status === 'revoked') publications.add(Math.max(0, (looked ?? now) - at))
    else waiting.push(asking.keep(inquiry, { serial, at, record: ledger.recordOf(row) }))
  }
  return waiting
}

/** What the responder says is revoked and the log does not: of those of the last time, those that other probes met, and some at random. */
async function unloggedOf(
  ledger: AuthorityLedger,
  asking: Asking,
  before: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = []
  const known = new Map(before.map((text) => [firstWord(text), text]))
  const { target, context } = asking
  for (const serial of new Set([
    ...known.keys(),
    ...met(ledger, target, context),
    ...picked(ledger, context),
  ])) {
    const inquiry = await asking.ask(serial)
    const { status, revokedAt } = inquiry?.facts ?? {}
    // No answer takes back nothing.
    if (status === undefined) found.push(...[known.get(serial)].filter((text) => text !== undefined))
    if (inquiry === undefined || status !== 'revoked' || !isUnlogged(ledger, serial, revokedAt)) continue
    found.push(`${serial} ${revokedAt}`)
    asking.keepAnswer(inquiry)
  }
  return Smallest.of(found)
}

/** Certificates of which other probes heard that they are revoked, and the log does not know it. */
function met(
  ledger: AuthorityLedger,
  target: OcspRevocationsTarget,
  { memory }: ProbeContext,
): readonly string[] {
  const subjects = new Set([target.subject, ...target.services])
  const serials = [...memory.all('tls'), ...memory.all('ocsp')].flatMap(({ subject, newest: { ocsp } }) => {
    const { serial, status, revokedAt } = ocsp ?? {}
    if (serial === undefined || status !== 'revoked' || !subjects.has(subject)) return []
    return isUnlogged(ledger, serial, revokedAt) ? [serial] : []
  })
  return Smallest.of(serials)
}

/** What was revoked before the log begins, nobody can tell. */
function isUnlogged(ledger: AuthorityLedger, serial: string, revokedAt: string | undefined): boolean {
  const { certificates } = ledger
  const row = certificates.find(serial)
  const isKnown = row !== undefined && certificates.hasStatus(row)
  return !isKnown && revokedAt !== undefined && fromTimestamp(revokedAt) > ledger.toldFrom('revoked')
}

/** Serial numbers of certificates in use that nobody revoked. */
function picked({ certificates }: AuthorityLedger, { now, random }: ProbeContext): readonly string[] {
  const serials = new Set<string>()
  for (let i = 0; i < MAX_DRAWS && serials.size < PICKS && certificates.size > 0; i++) {
    const row = Buffer.from(random(4)).readUInt32BE() % certificates.size
    const isInUse = (certificates.notAfter(row) ?? 0) > now()
    if (isInUse && !certificates.hasStatus(row)) serials.add(certificates.serialOf(row))
  }
  return [...serials]
}

function firstWord(text: string): string {
  return text.slice(0, text.indexOf(' '))
}

/** Asks one responder one thing after another, while it answers and there is time. */
class Asking {
  readonly target: OcspRevocationsTarget
  readonly context: ProbeContext
  readonly #deadline: Deadline
  readonly #evidence: Artifact[] = []
  #unanswered = 0
  #asked = 0
  #answered = 0

  constructor(target: OcspRevocationsTarget, context: ProbeContext, deadline: Deadline) {
    this.target = target
    this.context = context
    this.#deadline = deadline
  }

  get isOver(): boolean {
    return this.#deadline.signal.aborted
  }

  /** Something was asked, and nothing was answered. */
  get isUnanswered(): boolean {
    return this.#asked > 0 && this.#answered === 0
  }

  get evidence(): readonly Artifact[] {
    return this.#evidence
  }

  /** undefined: nobody was asked. An answer without status did not verify, or is too old. */
  async ask(serial: string): Promise<OcspInquiry | undefined> {
    if (this.isOver || this.#unanswered >= MAX_UNANSWERED) return undefined
    using share = this.#deadline.share(QUESTION_SHARE)
    const { url, issuer } = this.target
    const inquiry = await inquireOcsp({ url, issuer, serial }, this.context, share)
    this.#asked++
    const isAnswered = inquiry.facts?.status !== undefined
    if (isAnswered) this.#answered++
    this.#unanswered = isAnswered ? 0 : this.#unanswered + 1
    return inquiry
  }

  /** The answer says otherwise than the log. */
  keep(inquiry: OcspInquiry, { serial, at, record }: LoggedRevocation): Waiting {
    this.keepAnswer(inquiry)
    const status = inquiry.facts?.status ?? 'unknown'
    return { serial, text: `${serial} ${toTimestamp(at)} ${status} ${record}`, at }
  }

  keepAnswer({ artifacts }: OcspInquiry): void {
    this.#evidence.push(...artifacts.slice(0, MAX_EVIDENCE - this.#evidence.length))
  }
}
