import type { Inventory } from '../model/config.ts'
import { formatSubject, parseSubject, type Subject, type SubjectKind } from '../model/subject.ts'
import type { Target } from '../probes/probe.ts'
import type { Rule } from './pack.ts'

/** A target of a probe, as far as rules are concerned. */
export type WatchedTarget = Pick<Target, 'probe' | 'subject' | 'address' | 'interval'>

/** A subject that there must be findings about, and from which targets its facts come. */
export interface WatchedSubject {
  readonly subject: string
  readonly kind: SubjectKind
  /** Class of the authority that it is about; undefined for services. */
  readonly class: 'online' | 'offline' | undefined
  /** The authority (a service's issuer) has a responder that can be asked. */
  readonly ocsp: boolean
  readonly targets: readonly WatchedTarget[]
}

/** Every subject that is probed, in the order of the targets. One TLS handshake shows two of them. */
export function watchedSubjects(
  inventory: Inventory,
  targets: readonly WatchedTarget[],
): readonly WatchedSubject[] {
  const bySubject = new Map<string, { subject: Subject; targets: WatchedTarget[] }>()
  for (const target of targets) {
    for (const subject of shownBy(target)) {
      const text = formatSubject(subject)
      const known = bySubject.get(text) ?? { subject, targets: [] }
      known.targets.push(target)
      bySubject.set(text, known)
    }
  }
  return [...bySubject].map(([text, { subject, targets: own }]) => ({
    subject: text,
    kind: subject.kind,
    ...declared(inventory, subject),
    targets: own,
  }))
}

/** The health of a service and the certificate that it has deployed are judged from the same observations. */
function shownBy(target: WatchedTarget): readonly Subject[] {
  const subject = parseSubject(target.subject)
  if (subject === undefined) return []
  if (subject.kind !== 'service_tls_health') return [subject]
  return [subject, { kind: 'deployed_service_cert', keys: subject.keys }]
}

function declared(inventory: Inventory, { kind, keys }: Subject): Pick<WatchedSubject, 'class' | 'ocsp'> {
  const [first, second] = keys
  const authorityOf = (id: string | undefined) => inventory.authorities.find((other) => other.id === id)
  if (kind === 'service_tls_health' || kind === 'deployed_service_cert') {
    const service = inventory.services.find((other) => other.id === first && other.environment === second)
    return { class: undefined, ocsp: (authorityOf(service?.issuer)?.ocsp.length ?? 0) > 0 }
  }
  const authority = authorityOf(first)
  return { class: authority?.class, ocsp: (authority?.ocsp.length ?? 0) > 0 }
}

/** undefined: the rule is about other kinds of subjects. Otherwise whether it applies, and if not, why. */
export function applicability(
  rule: Rule,
  subject: WatchedSubject,
): { readonly applies: true } | { readonly applies: false; readonly reason: string } | undefined {
  const { subjects, class: required, needs } = rule.appliesTo
  if (!subjects.includes(subject.kind)) return undefined
  if (required !== undefined && required !== subject.class)
    return { applies: false, reason: `is about ${required} authorities only` }
  if (needs === 'ocsp' && !subject.ocsp) return { applies: false, reason: 'no OCSP responder is declared' }
  return { applies: true }
}
