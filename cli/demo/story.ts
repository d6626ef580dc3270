import { setTimeout } from 'node:timers/promises'
import type { Lab } from '../../lab/lab.ts'
import { fromTimestamp } from '../../model/time.ts'
import { humanDuration } from '../terminal.ts'
import type { Stack } from '../stack.ts'
import { action, decision, MissedStep, type Chronicle, type Find } from './chronicle.ts'
import type { Narrator } from './narrator.ts'

/** One fault, from the switch to the end of the alert; times in ms since the epoch, as journaled. */
export interface Episode {
  readonly title: string
  readonly broken: number
  readonly detected: number
  /** The receiver has the alert. */
  readonly alerted: number
  /** The control plane took the webhook. */
  readonly accepted: number
  /** A later observation shows the repair on the wire. */
  readonly repaired: number
  /** The receiver was told that it is over. */
  readonly resolved: number
}

interface Plot {
  readonly title: string
  readonly fault: string
  /** Authority or service in the lab. */
  readonly target: string
  readonly rule: string
  readonly subject: string
}

export const PLOTS: readonly Plot[] = [
  {
    title: 'A CRL goes stale',
    fault: 'crl-stale',
    target: 'issuing-1',
    rule: 'crl_freshness_ok',
    subject: 'ca_crl[issuing-1]',
  },
  {
    title: 'A certificate is near its expiry',
    fault: 'cert-near-expiry',
    target: 'shop',
    rule: 'cert_lifetime_threshold',
    subject: 'deployed_service_cert[shop,prod]',
  },
]

/** Longest wait for one step, in ms: the story as a whole takes less than 90 s on two cores. */
const STEP_TIMEOUT = 45_000

/** How often the findings are looked at while everything is to become green, in ms. */
const LOOK = 100

/** What passes: rules, and what they were judged about. */
export interface Green {
  readonly rules: number
  readonly subjects: number
}

/** Waits until every rule passes, or does not apply, for every subject. */
export async function allGreen(stack: Pick<Stack, 'findings'>): Promise<Green> {
  const deadline = performance.now() + STEP_TIMEOUT
  for (;;) {
    const findings = stack.findings()
    const bad = findings.filter((f) => f.state !== 'pass' && f.state !== 'not_applicable')
    if (bad.length === 0) {
      const passing = findings.filter((f) => f.state === 'pass')
      const count = (name: 'rule' | 'subject'): number => new Set(passing.map((f) => f[name])).size
      return { rules: count('rule'), subjects: count('subject') }
    }
    if (performance.now() > deadline) {
      const list = bad.map((f) => `${f.rule} on ${f.subject} is ${f.state}`).join(', ')
      throw new MissedStep(`everything passes (${list})`, STEP_TIMEOUT)
    }
    // Not referenced, so that an interrupted demo does not live on for it.
    await setTimeout(LOOK, undefined, { ref: false })
  }
}

/** Switches a fault on and waits for every step of what must follow. Throws MissedStep. */
export async function play(
  plot: Plot,
  parts: { lab: Lab; chronicle: Chronicle; narrator: Narrator; now: () => number },
): Promise<Episode> {
  const { lab, chronicle, narrator, now } = parts
  const { title, fault, target, rule, subject } = plot
  narrator.heading(title)
  const wait = <T>(step: string, find: Find<T>) => chronicle.waitFor(`${title}: ${step}`, STEP_TIMEOUT, find)

  // Every wait begins before the fault does, so that nothing can be missed.
  const steps = Promise.all([
    wait('a finding', decision(rule, subject, 'fail')),
    wait('an alert', action(rule, subject, 'alert', 'sent')),
    wait('an accepted webhook', action(rule, subject, 'remediation', 'accepted')),
    wait('the repair on the wire', action(rule, subject, 'remediation', 'verified')),
    wait('the alert resolved', action(rule, subject, 'alert', 'resolved')),
  ])
  const broken = now()
  await lab.break(fault, target)
  const [finding, alert, webhook, verified, resolved] = await steps
  if (
    !lab.alerts
      .all()
      .some(
        (received) => received.labels['subject'] === subject && fromTimestamp(received.startsAt) <= alert.at,
      )
  )
    throw new MissedStep(`${title}: the receiver has the alert`, 0)
  narrator.tell(now(), 'story', `repaired ${humanDuration(verified.at - finding.at)} after it was found`)
  return {
    title,
    broken,
    detected: finding.at,
    alerted: alert.at,
    accepted: webhook.at,
    repaired: verified.at,
    resolved: resolved.at,
  }
}
