import type { FactsOf } from '../../model/facts.ts'
import type { Artifact, ProbeError } from '../../model/observation.ts'
import { fromTimestamp } from '../../model/time.ts'
import { checkCrlTimes } from '../../pki/crl.ts'
import type { Look } from '../addresses.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { artifactOf, asProbeError } from '../observe.ts'
import type { CrlTarget, ProbeContext } from '../probe.ts'
import { CRL_TYPE, fetchCrl, type Fetched } from './fetch.ts'
import { CrlIntake } from './intake.ts'
import type { CrlJudgement } from './judge.ts'
import type { Validator } from './revalidation.ts'

/** What one address serves. */
export interface CrlLook extends Look {
  readonly http: FactsOf<'http'> | undefined
  readonly facts: CrlJudgement['facts']
  /** The octets that came; none when the server said that they are the known ones. */
  readonly artifacts: readonly Artifact[]
  /** What can still be compared; undefined: nothing new came. */
  readonly intake: CrlIntake | undefined
  readonly validator: Validator | undefined
}

/** Fetches the CRL from one address and judges it by itself. What is in `intakes` is disposed of by the caller. */
export async function lookAtCrl(
  request: {
    readonly target: CrlTarget
    readonly address: string | undefined
    readonly validator: Validator | undefined
  },
  context: ProbeContext,
  deadline: Deadline,
  intakes: AsyncDisposableStack,
): Promise<CrlLook> {
  const { target } = request
  const intake = intakes.use(
    new CrlIntake(
      { issuer: target.issuer?.certificate, isDelta: target.distribution?.isDelta === true },
      context.maxSize,
    ),
  )
  const into = (octets: Uint8Array): void => intake.write(octets)
  const fetched = await fetchCrl({ ...request, into }, context, deadline)
  const now = context.now()
  const { http } = fetched
  if (fetched.kind === 'failed') return { ...NOTHING, http, error: fetched.error }
  if (fetched.kind === 'unchanged') return unchanged(target, fetched, context)

  const { judgement, octets } = await intake.finish(now, deadline)
  const { facts, error } = judgement
  const version = facts?.crl?.sha256
  return {
    http,
    facts,
    error,
    version,
    artifacts: artifactOf(CRL_TYPE, octets, { verified: facts !== undefined, digest: version }),
    intake: facts === undefined ? undefined : intake,
    validator:
      fetched.validator !== undefined && version !== undefined && isGoodButForTime(error)
        ? { ...fetched.validator, sha256: version }
        : undefined,
  }
}

const NOTHING = {
  facts: undefined,
  version: undefined,
  artifacts: [],
  intake: undefined,
  validator: undefined,
}

/** The server said that the CRL is the one that was verified before; only the time is another. */
function unchanged(
  target: CrlTarget,
  { http, validator }: Extract<Fetched, { kind: 'unchanged' }>,
  context: ProbeContext,
): CrlLook {
  const { crl, lint } = context.memory.of(target) ?? {}
  // Nothing else is asked for conditionally.
  if (crl === undefined) throw new RangeError('expected a CRL that is known')
  return {
    http,
    facts: { crl, ...(lint === undefined ? {} : { lint }) },
    error: judgeTimes(crl, context.now()),
    version: validator.sha256,
    artifacts: [],
    intake: undefined,
    validator,
  }
}

function judgeTimes({ thisUpdate, nextUpdate }: FactsOf<'crl'>, now: number): ProbeError | undefined {
  try {
    checkCrlTimes({ thisUpdate: timeOf(thisUpdate) ?? NaN, nextUpdate: timeOf(nextUpdate) }, now)
    return undefined
  } catch (error) {
    return asProbeError(error, now)
  }
}

function timeOf(timestamp: string | undefined): number | undefined {
  return timestamp === undefined ? undefined : fromTimestamp(timestamp)
}

/** What is wrong with anything else must be looked at again in full. */
function isGoodButForTime(error: ProbeError | undefined): boolean {
  return error === undefined || error.phase === 'time'
}
