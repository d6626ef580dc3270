import type { FactsOf } from '../model/facts.ts'
import type { ProbeError } from '../model/observation.ts'
import { addressFacts, lookAtEveryAddress } from './addresses.ts'
import type { Deadline } from './fetch/deadline.ts'
import { FetchError } from './fetch/error.ts'
import { attempt, type Attempt } from './mtls/attempt.ts'
import { CASES, casesOf, type CaseName, type Cases } from './mtls/cases.ts'
import { asProbeError, observe, type Verdict } from './observe.ts'
import type { MtlsTarget, Probe, ProbeContext } from './probe.ts'

/** What HTTP servers refuse a certificate with; 495 and 496 are nginx's own. Others mean that the request was looked at. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 495, 496])

/** What a service makes of a certificate. `silent`: it did not show it. */
type Outcome = 'accepted' | 'refused' | 'silent'

/**
 * Asks a service with certificates that it must refuse, and with one that it must accept, at every address. What is let in is a fact, and no failure; a run fails
 * where a question could not be asked.
 */
export const probeMtls: Probe<MtlsTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    let cases: Cases
    try {
      cases = casesOf(target.credentials, context.now())
    } catch (error) {
      return { facts: {}, error: asProbeError(error, context.now()), artifacts: [] }
    }
    return askEverywhere(target, cases, { context, deadline })
  })

async function askEverywhere(
  target: MtlsTarget,
  cases: Cases,
  { context, deadline }: { readonly context: ProbeContext; readonly deadline: Deadline },
): Promise<Verdict> {
  const looks = await lookAtEveryAddress(target.host, context, deadline, (address, share) =>
    askAll(target, cases, address, { deadline: share, now: context.now() }),
  )
  const first = looks.looks.find(({ error }) => error === undefined)
  const { service, servername } = target
  const facts = {
    ...(service === undefined ? {} : { service: { ...service, servername: servername.toLowerCase() } }),
    ...(looks.looks.length === 0 ? {} : { addresses: addressFacts(looks, first?.version) }),
    ...(looks.looks.some(({ outcomes }) => outcomes.size > 0)
      ? { mtls: { ...together(looks.looks), ...notApplicable(cases) } }
      : {}),
    prober: cases.prober,
  }
  const error = looks.error ?? looks.looks.find((look) => look.error !== undefined)?.error
  return { facts, error, artifacts: [] }
}

/** What one address showed. */
interface Shown {
  readonly outcomes: ReadonlyMap<CaseName, Outcome>
  /** The server asked for a certificate; undefined: no handshake came about. */
  readonly requested: boolean | undefined
  readonly protocol: string | undefined
  readonly isHttp: boolean | undefined
  /** The first question that could not be asked. */
  readonly error: ProbeError | undefined
  readonly version: string | undefined
}

async function askAll(
  target: MtlsTarget,
  { asked }: Cases,
  address: string,
  { deadline, now }: { readonly deadline: Deadline; readonly now: number },
): Promise<Shown> {
  const attempts = new Map<CaseName, Attempt>()
  const hungUp = new Map<CaseName, FetchError>()
  let error: ProbeError | undefined
  for (const one of asked) {
    try {
      attempts.set(one.name, await attempt(target, one, address, deadline))
    } catch (failure) {
      if (!(failure instanceof FetchError)) throw failure
      if (failure.phase === 'tls' && failure.code === 'closed') hungUp.set(one.name, failure)
      else error ??= asProbeError(failure, now)
      // Nobody is there, or there is no time left: the other questions would end the same way.
      if (failure.phase === 'connect' || deadline.signal.aborted) break
    }
  }
  // A connection that ends within the handshake does not show whether a certificate was asked for; the others do.
  const asking = [...attempts.values()].find(({ requested }) => requested)
  for (const [name, failure] of hungUp) {
    if (asking === undefined) error ??= asProbeError(failure, now)
    else attempts.set(name, { ...asking, connection: 'closed', status: undefined })
  }
  const accepted = attempts.get('valid')?.status
  const outcomes = new Map([...attempts].map(([name, one]) => [name, outcomeOf(name, one, accepted)]))
  const any = asking ?? attempts.values().next().value
  return {
    outcomes,
    requested: any?.requested,
    protocol: any?.protocol,
    isHttp: any?.isHttp,
    error,
    version: error === undefined ? [...outcomes].flat().join(' ') : undefined,
  }
}

/** `accepted`: the status that the valid certificate got. What it gets too tells nothing about the others, when it is a refusal. */
function outcomeOf(name: CaseName, { connection, status }: Attempt, accepted: number | undefined): Outcome {
  if (connection === 'silent') return 'silent'
  if (connection === 'closed') return 'refused'
  if (status === undefined) return 'accepted'
  if (status >= 500) return 'silent'
  if (!REFUSALS.has(status)) return 'accepted'
  return status === accepted && name !== 'valid' ? 'silent' : 'refused'
}

/** One bad certificate that one address lets in is one too many, and so is one good one that is refused. */
function together(shown: readonly (Shown & { readonly address: string })[]): FactsOf<'mtls'> {
  const facts: Partial<Record<CaseName, Outcome>> = {}
  for (const name of CASES) {
    const order: readonly Outcome[] =
      name === 'valid' ? ['refused', 'silent', 'accepted'] : ['accepted', 'silent', 'refused']
    const seen = shown.map(({ outcomes }) => outcomes.get(name))
    const worst = order.find((outcome) => seen.includes(outcome))
    // An address that could not be asked may be worse than the others, unless one is bad already.
    if (worst !== undefined && (worst === order[0] || !seen.includes(undefined))) facts[name] = worst
  }
  const [first] = shown.filter(({ requested }) => requested !== undefined)
  return {
    ...(first?.requested === undefined ? {} : { requested: first.requested }),
    ...(first?.protocol === undefined ? {} : { protocol: first.protocol }),
    ...(first?.isHttp === undefined ? {} : { overHttp: first.isHttp }),
    ...facts,
    acceptedAt: shown
      .flatMap(({ address, outcomes }) =>
        CASES.filter((name) => name !== 'valid' && outcomes.get(name) === 'accepted').map(
          (name) => `${address} ${name}`,
        ),
      )
      .toSorted()
      .slice(0, MAX_NAMED),
  }
}

/** Entries of `acceptedAt`. */
const MAX_NAMED = 20

function notApplicable({ notApplicable: names }: Cases): FactsOf<'mtls'> {
  const facts: Partial<Record<CaseName, 'not_applicable'>> = {}
  for (const name of names) facts[name] = 'not_applicable'
  return facts
}
