import type { Inventory } from '../model/config.ts'
import type { ProbeKind } from '../model/observation.ts'
import { formatSubject, type SubjectKind } from '../model/subject.ts'
import type { Rule } from './pack.ts'

/** Something that a probe looks at for a subject. */
export interface WatchedTarget {
  readonly probe: ProbeKind
  /** Subject that observations of it carry. */
  readonly observedAs: string
  /** `target` of its observations: URL or host:port. */
  readonly target: string
}

/** A subject that the inventory declares, and from which targets its facts come. */
export interface WatchedSubject {
  readonly subject: string
  readonly kind: SubjectKind
  /** Class of the authority that it is about; undefined for services. */
  readonly class: 'online' | 'offline' | undefined
  /** The authority (a service's issuer) has a responder that can be asked. */
  readonly ocsp: boolean
  readonly targets: readonly WatchedTarget[]
}

/** Every subject that there must be a finding about, in the order of the inventory. */
export function watchedSubjects(inventory: Inventory): readonly WatchedSubject[] {
  const subjects: WatchedSubject[] = []
  for (const authority of inventory.authorities) {
    const common = { class: authority.class, ocsp: authority.ocsp.length > 0 }
    const watch = (kind: SubjectKind, probe: ProbeKind, urls: readonly string[]): void => {
      if (urls.length === 0) return
      const subject = formatSubject({ kind, keys: [authority.id] })
      const targets = [...new Set(urls)].map((target) => ({ probe, observedAs: subject, target }))
      subjects.push({ ...common, subject, kind, targets })
    }
    watch(
      'ca_crl',
      'crl',
      authority.crl.map((point) => point.url),
    )
    watch(
      'ocsp_responder_status',
      'ocsp',
      authority.ocsp.map((responder) => responder.url),
    )
  }
  for (const service of inventory.services) {
    const keys = [service.id, service.environment]
    const observedAs = formatSubject({ kind: 'service_tls_health', keys })
    const targets: readonly WatchedTarget[] = [{ probe: 'tls', observedAs, target: service.endpoint }]
    const issuer = inventory.authorities.find((authority) => authority.id === service.issuer)
    const common = { class: undefined, ocsp: (issuer?.ocsp.length ?? 0) > 0, targets }
    subjects.push({ ...common, subject: observedAs, kind: 'service_tls_health' })
    // The same handshake shows the health of the service and the certificate that is deployed.
    const kind = 'deployed_service_cert'
    subjects.push({ ...common, subject: formatSubject({ kind, keys }), kind })
  }
  return subjects
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
