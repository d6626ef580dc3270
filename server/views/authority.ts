import type { Inventory } from '../../model/config.ts'
import type { FactGroup } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import type { ProbeKind } from '../../model/observation.ts'
import { parseSubject, type SubjectKind } from '../../model/subject.ts'
import type { TargetState } from '../../store/contract.ts'
import type { DeclaredTarget } from '../metrics.ts'
import { number, octets, subjectPath, visible } from './format.ts'
import { factsAge, lifeView, runView, type TargetStates } from './target.ts'
import { count, stateView, worst } from './verdict.ts'

interface EndpointsInput {
  readonly targets: readonly DeclaredTarget[]
  readonly findings: readonly Finding[]
  readonly now: number
}

/** An authority's certificate, CRLs and responders. */
export function authorityView(
  authority: Inventory['authorities'][number],
  { targets, findings, now }: EndpointsInput,
  states: TargetStates,
) {
  const endpoints = AUTHORITY_ROWS.flatMap(({ probe, kind, title, group, facts }) => {
    const subject = `${kind}[${authority.id}]`
    const judged = findings.filter((f) => f.subject === subject)
    return targets
      .filter((t) => t.probe === probe && t.subject === subject)
      .map((t) => ({
        probe: title,
        // What stands for no place of its own needs none.
        address: NOWHERE.has(probe) ? '' : t.address,
        subject,
        subjectPath: subjectPath(subject),
        // A finding names the target that decided; one that passes does so at all of them.
        verdict: stateView(
          worst(judged.filter((f) => f.state === 'pass' || (f.target ?? t.address) === t.address)),
        ),
        hasLife: probe !== 'crl_set',
        run: runView(t, states.of(t), now),
        earlier: factsAge(states.of(t), group) === 'earlier',
        ...facts(states.of(t), now),
      }))
  })
  return { id: authority.id, class: authority.class, issuer: authority.issuer ?? null, endpoints }
}

interface EndpointFacts {
  readonly content: string | null
  readonly detail: string
  readonly life: ReturnType<typeof lifeView>
}

interface AuthorityRow {
  readonly probe: ProbeKind
  readonly kind: SubjectKind
  readonly title: string
  readonly group: FactGroup
  readonly facts: (state: TargetState | undefined, now: number) => EndpointFacts
}

/** What is shown of an authority. `ocsp_matrix` asks the responder that has its row already, and is judged in it. */
const AUTHORITY_ROWS: readonly AuthorityRow[] = [
  { probe: 'ca', kind: 'intermediate_ca_cert', title: 'Certificate', group: 'certificate', facts: caFacts },
  { probe: 'crl', kind: 'ca_crl', title: 'CRL', group: 'crl', facts: crlFacts },
  { probe: 'crl_set', kind: 'ca_crl', title: 'CRLs together', group: 'crlSet', facts: crlSetFacts },
  { probe: 'ocsp', kind: 'ocsp_responder_status', title: 'OCSP', group: 'ocsp', facts: ocspFacts },
]
const NOWHERE: ReadonlySet<ProbeKind> = new Set(['ca', 'crl_set'])

function caFacts(state: TargetState | undefined, now: number): EndpointFacts {
  const { certificate, aia } = state?.known ?? {}
  const { subject, keyAlgorithm, notBefore, notAfter } = certificate ?? {}
  const published = aia?.urls?.length ?? 0
  return {
    content: subject === undefined ? null : visible(subject, 300),
    detail: [
      keyAlgorithm === undefined ? [] : [visible(keyAlgorithm, 40)],
      published === 0
        ? []
        : [`published at ${number(aia?.good?.length ?? 0)} of ${count(published, 'place')}`],
    ]
      .flat()
      .join(', '),
    life: lifeView(notBefore, notAfter, 'expired', now),
  }
}

function crlSetFacts(state: TargetState | undefined): EndpointFacts {
  const { addresses, missing, differing } = state?.known.crlSet ?? {}
  const problems = [
    missing === undefined || missing.length === 0 ? [] : [`${number(missing.length)} missing`],
    differing === undefined || differing.length === 0 ? [] : [`${number(differing.length)} not the newest`],
  ].flat()
  return {
    content: addresses === undefined ? null : count(addresses, 'CRL'),
    detail: problems.join(', '),
    life: null,
  }
}

function crlFacts(state: TargetState | undefined, now: number): EndpointFacts {
  const crl = state?.known.crl
  return {
    content: crl?.entries === undefined ? null : `${number(crl.entries)} revoked`,
    detail: [
      crl?.number === undefined ? [] : [`number ${visible(crl.number, 50)}`],
      crl?.size === undefined ? [] : [octets(crl.size)],
    ]
      .flat()
      .join(', '),
    life: lifeView(crl?.thisUpdate, crl?.nextUpdate, 'overdue', now),
  }
}

function ocspFacts(state: TargetState | undefined, now: number): EndpointFacts {
  const ocsp = state?.known.ocsp
  // A status counts only as the newest run gave it.
  const status = state?.observation.facts.ocsp?.status
  return {
    content: status !== undefined ? visible(status, 20) : state === undefined ? null : 'no status',
    detail: ocsp?.serial === undefined ? '' : `serial ${visible(ocsp.serial, 50)}`,
    life: lifeView(ocsp?.thisUpdate, ocsp?.nextUpdate, 'overdue', now),
  }
}

/** A CA server or control plane, and what it says of itself. */
export function systemView(
  system: Inventory['systems'][number],
  { targets, findings, now }: EndpointsInput,
  states: TargetStates,
) {
  const target = targets.find(({ probe, address, subject }) => {
    return probe === 'health' && address === system.url && parseSubject(subject)?.keys[0] === system.id
  })
  const state = target && states.of(target)
  const { status, version, problems } = state?.known.health ?? {}
  const subject = target?.subject ?? ''
  return {
    id: system.id,
    kind: system.kind,
    url: system.url,
    subjectPath: subjectPath(subject),
    verdict: stateView(worst(findings.filter((f) => f.subject === subject))),
    status: status === undefined ? null : visible(status, 100),
    version: visible(version ?? '', 100),
    problems: (problems ?? []).map((problem) => visible(problem, 200)),
    earlier: factsAge(state, 'health') === 'earlier',
    run: target === undefined ? null : runView(target, state, now),
  }
}
