import { inJournalOrder } from '../alerts/journalOrder.ts'
import type { RemediationStep } from '../model/action.ts'
import type { Config } from '../model/config.ts'
import type { FactsOf } from '../model/facts.ts'
import type { Finding } from '../model/finding.ts'
import type { ProbeResult } from '../model/observation.ts'
import type { SealedRecord } from '../model/record.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../model/time.ts'
import { watchedSubjects, type WatchedTarget } from '../rules/subjects.ts'
import type { StoredAction } from '../store/contract.ts'
import { canRepair } from './connector.ts'
import { actionOf } from './restore.ts'

/** Milliseconds between two looks at what became of repairs; less where probes run more often. */
const INTERVAL = 60_000

/** What repairs are judged by: one target for each subject and action that a policy may ask for. */
export function repairTargets(
  { inventory, remediation, probes }: Pick<Config, 'inventory' | 'remediation' | 'probes'>,
  probed: readonly WatchedTarget[],
): readonly WatchedTarget[] {
  const actions = [...new Set(remediation.policies.map(({ action }) => action))]
  const interval = Math.min(INTERVAL, probes.interval)
  return watchedSubjects(inventory, probed).flatMap(({ subject }) =>
    actions
      .filter((action) => canRepair(action, subject))
      .map((action) => ({ probe: 'repair' as const, subject, address: action, interval })),
  )
}

/** What became of the requests for one action on one subject. */
interface Repair {
  /** The newest request. */
  readonly rule: string
  readonly status: 'requested' | 'accepted' | 'failed' | 'verified' | 'ineffective'
  readonly requested: Timestamp
  /** Those in a row that the control plane took, and after which the failure stayed. */
  readonly inVain: readonly { readonly id: string; readonly requested: Timestamp }[]
}

/** Requests in vain that are named. */
const MAX_NAMED = 5

/**
 * Whether repairs that the control plane took are seen on the wire, by the records of what was asked and decided: a projection. Feed it every sealed batch after
 * the position of the store that it was restored from. What it returns are observations, to be journaled.
 */
export class RepairEvaluator {
  readonly #targets: readonly WatchedTarget[]
  readonly #vantage: string
  readonly #repairs = new Map<string, Repair>()

  constructor({ targets, vantage }: { targets: readonly WatchedTarget[]; vantage: string }) {
    this.#targets = targets.filter(({ probe }) => probe === 'repair')
    this.#vantage = vantage
  }

  /** Takes the state of the store, once, before the first `apply`. */
  hydrate(state: { readonly actions: readonly StoredAction[]; readonly findings: readonly Finding[] }): void {
    for (const step of state.actions.toSorted(inJournalOrder))
      if (step.kind === 'remediation') this.#step(step, step.recorded)
    for (const finding of state.findings) {
      this.#decided(finding)
      // It was right meanwhile, if the failure is a newer one.
      this.#forget(finding, (requested) => fromTimestamp(requested) < fromTimestamp(finding.since))
    }
  }

  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch) {
      if (record.kind === 'decision') this.#decided(record.body)
      else if (record.kind === 'action' && record.body.kind === 'remediation')
        this.#step(record.body, record.recorded)
    }
  }

  /** As of `now`, in milliseconds. */
  evaluate(now: number): readonly ProbeResult[] {
    return this.#targets.map(({ subject, address }) => ({
      observation: {
        subject,
        probe: 'repair',
        target: address,
        vantage: this.#vantage,
        start: toTimestamp(now),
        duration: 0,
        outcome: 'success',
        facts: { repair: factsOf(this.#repairs.get(`${address} ${subject}`)) },
        artifacts: [],
      },
      artifacts: [],
    }))
  }

  #step({ id, rule, subject, status }: RemediationStep, recorded: Timestamp): void {
    if (status === 'suppressed' || status === 'retried') return
    const key = `${actionOf(id) ?? ''} ${subject}`
    const known = this.#repairs.get(key)
    const inVain = known?.inVain ?? []
    if (status === 'requested') this.#repairs.set(key, { rule, status, requested: recorded, inVain })
    else if (known !== undefined) {
      const isInVain = status === 'ineffective' && known.status === 'accepted'
      this.#repairs.set(key, {
        ...known,
        status,
        inVain:
          status === 'verified' ? [] : isInVain ? [...inVain, { id, requested: known.requested }] : inVain,
      })
    }
  }

  /** The wire is right, or nothing has to be there any more. */
  #decided(finding: Finding): void {
    if (finding.state === 'pass' || finding.state === 'not_applicable') this.#forget(finding, () => true)
  }

  #forget({ rule, subject }: Finding, isOver: (requested: Timestamp) => boolean): void {
    for (const [key, repair] of this.#repairs)
      if (repair.rule === rule && key.endsWith(` ${subject}`))
        this.#repairs.set(key, {
          ...repair,
          inVain: repair.inVain.filter(({ requested }) => !isOver(requested)),
        })
  }
}

function factsOf(repair: Repair | undefined): FactsOf<'repair'> {
  if (repair === undefined) return { status: 'none', inVain: 0 }
  const { rule, status, requested, inVain } = repair
  const [first] = inVain
  return {
    status,
    rule,
    requested,
    inVain: inVain.length,
    ...(first === undefined ? {} : { inVainSince: first.requested }),
    ...(first === undefined ? {} : { requestsInVain: inVain.slice(-MAX_NAMED).map(({ id }) => id) }),
  }
}
