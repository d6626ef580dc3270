import type { Finding, FindingState } from '../../model/finding.ts'

/** From what needs a person first to what needs none. */
const ORDER: readonly FindingState[] = ['fail', 'unknown', 'pending', 'pass', 'not_applicable']
const SEVERITY_ORDER = ['critical', 'warning', 'info']

/** A state as pages show it: never by colour alone. */
interface StateView {
  /** Class name; a word of ours. */
  readonly state: FindingState
  readonly sign: string
  readonly word: string
}

const VIEWS: Readonly<Record<FindingState, StateView>> = {
  fail: { state: 'fail', sign: '✕', word: 'fail' },
  unknown: { state: 'unknown', sign: '?', word: 'unknown' },
  pending: { state: 'pending', sign: '…', word: 'pending' },
  pass: { state: 'pass', sign: '✓', word: 'pass' },
  not_applicable: { state: 'not_applicable', sign: '–', word: 'not applicable' },
}

export function stateView(state: FindingState): StateView {
  return VIEWS[state]
}

/** What is not judged is unknown. */
export function worst(findings: readonly Finding[]): FindingState {
  return ORDER.find((state) => findings.some((f) => f.state === state)) ?? 'unknown'
}

/** Failing before unknown before pending, critical first, the newest first among equals. */
export function byUrgency(a: Finding, b: Finding): number {
  return (
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
    SEVERITY_ORDER.indexOf(a.severity) - SEVERITY_ORDER.indexOf(b.severity) ||
    (a.since < b.since ? 1 : a.since > b.since ? -1 : 0) ||
    (a.subject < b.subject ? -1 : 1)
  )
}

/**
 * The one line at the top: the worst that is known, in words. `unseen` is how many declared targets have not been observed lately:
 * with one of those, nothing is all well, whatever was decided about it earlier.
 */
export function headline(findings: readonly Finding[], unseen: number): { state: StateView; text: string } {
  if (findings.length === 0) return { state: stateView('unknown'), text: 'Nothing has been judged yet' }
  const state = worst(findings)
  const those = findings.filter((f) => f.state === state)
  const critical = those.filter((f) => f.severity === 'critical').length
  const checks = findings.filter((f) => f.state !== 'not_applicable').length
  const texts: Readonly<Record<FindingState, string>> = {
    fail: `${count(those.length, 'check')} ${those.length === 1 ? 'fails' : 'fail'}${critical === 0 ? '' : `, ${critical} critical`}`,
    unknown: `${count(those.length, 'check')} ${those.length === 1 ? 'has' : 'have'} no answer`,
    pending: `${count(those.length, 'check')} about to fail`,
    pass: `All ${count(checks, 'check')} pass`,
    not_applicable: 'No check applies',
  }
  if (unseen === 0 || state === 'fail' || state === 'unknown')
    return { state: stateView(state), text: texts[state] }
  return {
    state: stateView('unknown'),
    text: `${texts[state]}, but ${count(unseen, 'target')} ${unseen === 1 ? 'is' : 'are'} not being observed`,
  }
}

/** How many findings are in each state, in the order of urgency, without the empty ones. */
export function tally(findings: readonly Finding[]): { state: StateView; count: number }[] {
  return ORDER.map((state) => ({
    state: stateView(state),
    count: findings.filter((f) => f.state === state).length,
  })).filter((t) => t.count > 0)
}

export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`
}
