import type { Facts } from '../../model/facts.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { TargetState } from '../../store/contract.ts'
import type { DeclaredTarget } from '../metrics.ts'
import { durationText, timeView, visible } from './format.ts'
import type { TimeView } from './format.ts'

/** A run is missed when this many intervals have passed since the last one. */
const STALE_INTERVALS = 3

/** What the newest run of a target says of itself. */
interface RunView {
  /** Exactly one of these. `stale`: runs have stopped, so that nothing shown is current. */
  readonly never: boolean
  readonly stale: boolean
  readonly success: boolean
  readonly failure: boolean
  readonly at: TimeView | null
  readonly duration: string
  /** Of a failure. */
  readonly phase: string
  readonly error: string
}

export function runView(target: DeclaredTarget, state: TargetState | undefined, now: number): RunView {
  const kind =
    state === undefined ? 'never' : isStale(target, state, now) ? 'stale' : state.observation.outcome
  const error = state?.observation.error
  return {
    never: kind === 'never',
    stale: kind === 'stale',
    success: kind === 'success',
    failure: kind === 'failure',
    at: state === undefined ? null : timeView(state.lastStart, now),
    duration: state === undefined ? '' : durationText(state.lastDuration),
    phase: error?.phase ?? '',
    error: error === undefined ? '' : visible(`${error.code}: ${error.message}`, 500),
  }
}

/** Never observed, or not lately. */
export function isUnseen(target: DeclaredTarget, state: TargetState | undefined, now: number): boolean {
  return state === undefined || isStale(target, state, now)
}

function isStale(target: DeclaredTarget, state: TargetState, now: number): boolean {
  return now - fromTimestamp(state.lastStart) > STALE_INTERVALS * target.interval
}

/** When something is due or ends: how much of its life is left. */
interface LifeView {
  readonly end: TimeView
  /** 0 to 100, of the time between start and end. */
  readonly percent: number
  readonly kind: 'ample' | 'short' | 'over'
  readonly over: boolean
  /** What to call it when it is over. */
  readonly word: string
}

/** Below this part of its life something is drawn as short; the rules decide whether that matters. */
const SHORT_PERCENT = 20

export function lifeView(
  start: string | undefined,
  end: string | undefined,
  word: string,
  now: number,
): LifeView | null {
  if (end === undefined) return null
  const to = fromTimestamp(end)
  const from = start === undefined ? now : fromTimestamp(start)
  const percent = to <= from ? 0 : Math.min(100, Math.max(0, Math.round((100 * (to - now)) / (to - from))))
  return {
    end: timeView(end, now),
    percent,
    kind: to <= now ? 'over' : percent < SHORT_PERCENT ? 'short' : 'ample',
    over: to <= now,
    word,
  }
}

/** The newest state of each target, found by what a target is known by. */
export class TargetStates {
  readonly #states: ReadonlyMap<string, TargetState>
  constructor(latest: readonly TargetState[]) {
    this.#states = new Map(
      latest.map((s) => [key(s.observation.subject, s.observation.probe, s.observation.target), s]),
    )
  }
  of(target: DeclaredTarget): TargetState | undefined {
    return this.#states.get(key(target.subject, target.probe, target.address))
  }
}

function key(subject: string, probe: string, address: string): string {
  return `${subject}\n${probe}\n${address}`
}

/** Facts that a failed run left standing are said to be from an earlier one. */
export function factsAge(state: TargetState | undefined, group: keyof Facts): 'current' | 'earlier' | 'none' {
  if (state?.known[group] === undefined) return 'none'
  return state.observation.facts[group] === undefined ? 'earlier' : 'current'
}
