import type { Incident } from '../../alerts/incident.ts'
import type { Action } from '../../model/action.ts'
import type { Inventory } from '../../model/config.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import type { Stored, StoredAction, TargetState } from '../../store/contract.ts'
import type { DeclaredTarget } from '../metrics.ts'
import { storeLag, unpublishedEntries } from '../status.ts'
import type { RetentionStatus, Status } from '../status.ts'
import { authorityView, systemView } from './authority.ts'
import { number, subjectPath, timeView, visible } from './format.ts'
import { TargetStates, factsAge, isUnseen, lifeView, runView } from './target.ts'
import { byUrgency, headline, stateView, tally, worst } from './verdict.ts'

/** Rows of one table; what is cut off is counted. */
const MAX_ROWS = 500
const RECENT_ACTIONS = 15

interface StateInput {
  readonly inventory: Pick<Inventory, 'authorities' | 'services' | 'systems'>
  readonly targets: readonly DeclaredTarget[]
  readonly latest: readonly TargetState[]
  readonly findings: readonly Stored<Finding>[]
  readonly actions: readonly StoredAction[]
  readonly incidents: readonly Incident[]
  readonly status: Status
  readonly now: number
}

/** The page about everything. */
export function statePage(input: StateInput) {
  const { findings, actions, status, now } = input
  const sorted = findings.toSorted(byUrgency)
  const attention = sorted.filter((f) => f.state !== 'pass' && f.state !== 'not_applicable')
  const states = new TargetStates(input.latest)
  const unseen = input.targets.filter((t) => isUnseen(t, states.of(t), now)).length
  return {
    headline: headline(findings, unseen),
    tally: tally(findings),
    problems: status.problems.map((p) => visible(p, 500)),
    attention: rows(attention, (f) => findingRow(f, now)),
    rest: rows(
      sorted.filter((f) => !attention.includes(f)),
      (f) => findingRow(f, now),
    ),
    authorities: input.inventory.authorities.map((a) => authorityView(a, input, states)),
    services: rows(
      input.inventory.services
        .map((s) => serviceView(s, input, states))
        .sort((a, b) => a.endsAt - b.endsAt || (a.id < b.id ? -1 : 1)),
      (s) => s,
    ),
    systems: input.inventory.systems.map((s) => systemView(s, input, states)),
    incidents: rows(
      input.incidents.filter((i) => i.state !== 'closed'),
      (i) => incidentRow(i, now),
    ),
    actions: actionsView(actions, now),
    journal: { ...journalView(status, now), ...backupView(input.latest, now) },
  }
}

function rows<T, V>(all: readonly T[], view: (row: T) => V) {
  return { rows: all.slice(0, MAX_ROWS).map(view), more: Math.max(0, all.length - MAX_ROWS) }
}

export function findingRow(finding: Stored<Finding>, now: number) {
  return {
    state: stateView(finding.state),
    severity: finding.severity,
    rule: finding.rule,
    subject: finding.subject,
    subjectPath: subjectPath(finding.subject),
    target: finding.target ?? null,
    summary: visible(finding.summary, 500),
    since: timeView(finding.since, now),
    parameters: Object.entries(finding.parameters).map(([name, value]) => `${name} ${value}`),
    waiver: waiverView(finding, now),
    decision: finding.id,
    evidence: finding.evidence,
  }
}

function waiverView({ waiver }: Finding, now: number) {
  if (waiver === undefined) return null
  const { owner, reason, expires } = waiver
  return { owner: visible(owner, 200), reason: visible(reason, 500), expires: timeView(expires, now) }
}

function serviceView(
  service: Inventory['services'][number],
  { targets, findings, now }: StateInput,
  states: TargetStates,
) {
  const keys = `[${service.id},${service.environment}]`
  const subject = `service_tls_health${keys}`
  const target = targets.find((t) => t.probe === 'tls' && t.subject === subject)
  const state = target === undefined ? undefined : states.of(target)
  const certificate = state?.known.certificate
  const judged = findings.filter((f) => f.subject === subject || f.subject === `deployed_service_cert${keys}`)
  return {
    id: service.id,
    environment: service.environment,
    owner: visible(service.owner, 200),
    endpoint: service.endpoint,
    subjectPath: subjectPath(subject),
    verdict: stateView(worst(judged)),
    run: target === undefined ? null : runView(target, state, now),
    life: lifeView(certificate?.notBefore, certificate?.notAfter, 'expired', now),
    earlier: factsAge(state, 'certificate') === 'earlier',
    certificate:
      certificate === undefined
        ? null
        : {
            subject: visible(certificate.subject ?? '', 300),
            issuer: visible(certificate.issuer ?? '', 300),
            serial: visible(certificate.serial ?? '', 80),
            key: visible(certificate.keyAlgorithm ?? '', 40),
          },
    revocation: visible(state?.observation.facts.ocsp?.status ?? '', 20),
    protocol: visible(state?.observation.facts.tls?.protocol ?? '', 20),
    endsAt: certificate?.notAfter === undefined ? 0 : Date.parse(certificate.notAfter),
  }
}

function incidentRow(incident: Incident, now: number) {
  const { id, about, root, state, severity, opened, owner, acknowledged, members } = incident
  const present = members.filter((member) => member.left === undefined)
  const symptoms = present.filter((member) => member.role === 'symptom').length
  return {
    id,
    about,
    state,
    open: state === 'open',
    severity,
    rule: root.rule,
    subject: root.subject,
    subjectPath: subjectPath(root.subject),
    findings: number(present.length),
    symptoms: symptoms === 0 ? null : number(symptoms),
    owner: owner === null ? null : visible(owner, 200),
    acknowledged: acknowledged === null ? null : visible(acknowledged.by, 200),
    opened: timeView(opened, now),
  }
}

/** Something that somebody still has to see through. */
const OPEN: readonly Action['status'][] = [
  'sent',
  'undelivered',
  'requested',
  'accepted',
  'failed',
  'ineffective',
]

/** Actions are given newest first; the newest step of each says whether it is open. */
function actionsView(actions: readonly StoredAction[], now: number) {
  const newest = new Map<string, StoredAction>()
  for (const action of actions) {
    // Incidents have a section of their own.
    if (action.kind === 'incident') continue
    const key = `${action.kind}\n${action.id}`
    if (!newest.has(key)) newest.set(key, action)
  }
  return {
    open: rows(
      [...newest.values()].filter((a) => OPEN.includes(a.status)),
      (a) => actionRow(a, now),
    ),
    // Steps of the past: none of them is open by itself.
    recent: actions.slice(0, RECENT_ACTIONS).map((a) => ({ ...actionRow(a, now), open: false })),
  }
}

function actionRow(action: StoredAction, now: number) {
  return {
    at: timeView(action.recorded, now),
    kind: action.kind,
    status: action.status,
    open: OPEN.includes(action.status),
    rule: action.rule,
    subject: action.subject,
    subjectPath: subjectPath(action.subject),
    receiver: visible(action.receiver, 200),
    detail: visible(action.detail, 500),
    record: action.record,
  }
}

function journalView(status: Status, now: number) {
  const { journal, store } = status
  return {
    origin: journal.origin,
    epoch: journal.epoch,
    size: number(journal.size),
    lastSeal: journal.lastSeal === undefined ? null : timeView(journal.lastSeal, now),
    checkpoint:
      journal.checkpoint === undefined
        ? null
        : { size: number(journal.checkpoint.size), at: timeView(journal.checkpoint.time, now) },
    unpublished: number(unpublishedEntries(status)),
    retention: status.retention === undefined ? null : retentionView(status.retention, now),
    storeLag: number(storeLag(status)),
    storePosition: store.position === undefined ? null : `${store.position.entry}/${store.position.n}`,
  }
}

/** As the probe has seen the newest backup and restore drill; null where vigil makes none. */
function backupView(latest: readonly TargetState[], now: number) {
  const facts = latest.find(({ observation }) => observation.probe === 'backup')?.observation.facts
  const { backup, drill } = facts ?? {}
  const view = (seen: FactsOf<'backup'> | FactsOf<'drill'>) => ({
    made: seen.made === undefined ? null : timeView(seen.made, now),
    due: seen.due === undefined ? null : timeView(seen.due, now),
    problem: seen.failing === true ? visible(seen.problem ?? '') : null,
  })
  return {
    backup: backup === undefined ? null : { ...view(backup), place: visible(backup.place ?? '') },
    drill: drill?.enabled === true ? view(drill) : null,
  }
}

function retentionView({ time, segments, records, artifacts }: RetentionStatus, now: number) {
  return {
    at: time === undefined ? null : timeView(time, now),
    segments: number(segments),
    records: number(records),
    artifacts: number(artifacts),
  }
}
