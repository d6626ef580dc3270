import type { Inventory } from '../model/config.ts'
import type { ProbeKind } from '../model/observation.ts'
import { formatSubject, parseSubject, type Subject, type SubjectKind } from '../model/subject.ts'
import type { Target } from '../probes/probe.ts'
import type { Rule } from './pack.ts'
import { ATTESTATION_DIRECTORY } from './packSchema.ts'

/** A target of a probe, of the statements that people sign, or of an objective, as far as rules are concerned. */
export type WatchedTarget = Pick<Target, 'subject' | 'address' | 'interval'> & { readonly probe: ProbeKind }

/** Milliseconds between two looks at the statements that people have signed. */
export const ATTESTATION_INTERVAL = 60_000

/** All statements together; watched where a directory for them is configured. */
export const STATEMENTS: WatchedTarget = {
  probe: 'attestation',
  subject: 'pki_governance',
  address: ATTESTATION_DIRECTORY,
  interval: ATTESTATION_INTERVAL,
}

/** A subject that there must be findings about, and from which targets its facts come. */
export interface WatchedSubject {
  readonly subject: string
  readonly kind: SubjectKind
  /** Class of the authority that it is about; undefined for services. */
  readonly class: 'online' | 'offline' | undefined
  /** The authority (a service's issuer) has a responder that can be asked. */
  readonly ocsp: boolean
  /** It has a CRL that can be fetched. */
  readonly crl: boolean
  /** Those of its authority or service, of a service those of its issuer too; of a log those of its authorities; of the PKI as a whole all. */
  readonly tags: ReadonlySet<string>
  readonly targets: readonly WatchedTarget[]
}

/** Every subject that something is known about, in the order of the targets. One TLS handshake shows two of them. */
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
  const authorities = new Map(inventory.authorities.map((authority) => [authority.id, authority]))
  const services = new Map(
    inventory.services.map((service) => [`${service.id},${service.environment}`, service]),
  )
  return [...bySubject].map(([text, { subject, targets: own }]) => {
    const { kind, keys } = subject
    const service = SERVICE_SUBJECTS.has(kind) ? services.get(keys.join(',')) : undefined
    const isSystem = SYSTEM_SUBJECTS.has(kind)
    const system = isSystem ? inventory.systems.find(({ id }) => id === keys[0]) : undefined
    // A system may be called as an authority is.
    const authority = isSystem ? undefined : authorities.get(service?.issuer ?? keys[0] ?? '')
    return {
      subject: text,
      kind,
      class: service === undefined ? authority?.class : undefined,
      ocsp: (authority?.ocsp.length ?? 0) > 0,
      crl: (authority?.crl.length ?? 0) > 0,
      tags: tagsOf(inventory, subject, [service, system, authority]),
      targets: own,
    }
  })
}

/** A rule for what is tagged concerns the log of a tagged authority, and the PKI as a whole when anything in it is tagged. */
function tagsOf(
  { authorities, services, logs }: Inventory,
  { kind, keys: [id] }: Subject,
  declared: readonly ({ readonly tags: readonly string[] } | undefined)[],
): ReadonlySet<string> {
  const of = (tagged: typeof declared): ReadonlySet<string> =>
    new Set(tagged.flatMap((one) => one?.tags ?? []))
  if (kind === 'pki_governance') return of([...authorities, ...services])
  if (kind !== 'audit_log') return of(declared)
  const logged = new Set(logs.find((log) => log.id === id)?.authorities)
  return of(authorities.filter((authority) => logged.has(authority.id)))
}

const SYSTEM_SUBJECTS: ReadonlySet<SubjectKind> = new Set(['ca_server', 'control_plane', 'scheduled_job'])
const SERVICE_SUBJECTS: ReadonlySet<SubjectKind> = new Set(['service_tls_health', 'deployed_service_cert'])

/**
 * What statements are looked for: one target for each subject and kind of statement that a rule is judged by. A rule that nobody has signed
 * anything for is unknown from the start.
 */
export function attestationTargets(
  rules: readonly Rule[],
  inventory: Inventory,
  probed: readonly WatchedTarget[],
): readonly WatchedTarget[] {
  const subjects = new Set([
    ...probed.flatMap((target) => shownBy(target).map(formatSubject)),
    ...inventory.authorities.map(({ id }) => formatSubject({ kind: 'intermediate_ca_cert', keys: [id] })),
    ...inventory.logs.map(({ id }) => formatSubject({ kind: 'audit_log', keys: [id] })),
    'pki_governance',
  ])
  const found = new Map<string, WatchedTarget>()
  for (const { attestation, appliesTo } of rules) {
    if (attestation === undefined || attestation === ATTESTATION_DIRECTORY) continue
    for (const subject of subjects) {
      const kind = parseSubject(subject)?.kind
      if (kind === undefined || !appliesTo.subjects.includes(kind)) continue
      const target = {
        probe: 'attestation',
        subject,
        address: attestation,
        interval: ATTESTATION_INTERVAL,
      } as const
      found.set(`${subject} ${attestation}`, target)
    }
  }
  return [...found.values()]
}

/** The subjects that each rule judges and does not find to be out of its reach. */
export function judgedSubjects(
  rules: readonly Rule[],
  inventory: Inventory,
  probed: readonly WatchedTarget[],
): ReadonlyMap<string, readonly string[]> {
  const targets = [...probed, ...attestationTargets(rules, inventory, probed)]
  const subjects = watchedSubjects(inventory, targets)
  return new Map(
    rules.map((rule) => [
      rule.id,
      subjects
        .filter(
          (subject) =>
            applicability(rule, subject)?.applies === true &&
            subject.targets.some((target) => judgesBy(rule, target)),
        )
        .map(({ subject }) => subject),
    ]),
  )
}

/** Kinds of probes that stand beside the main one of their subjects. */
const SIDE_PROBES: ReadonlySet<ProbeKind> = new Set([
  'crl_set',
  'ocsp_matrix',
  'mtls',
  'reconciliation',
  'issuance',
  'deployment',
  'issued',
  'ocsp_revocations',
  'follow',
  'backup',
  'repair',
])

/** Whether a rule is judged by what this target shows: a statement of the kind that it asks for, an objective where it reads one, else a probe. */
export function judgesBy(rule: Rule, { probe, address }: WatchedTarget): boolean {
  if (probe === 'attestation') return rule.attestation === address
  if (rule.attestation !== undefined) return false
  if (rule.probe !== undefined) return rule.probe === probe
  return !SIDE_PROBES.has(probe) && readsObjective(rule) === (probe === 'slo')
}

/** The rule is about service level objectives. */
export function readsObjective(rule: Pick<Rule, 'condition' | 'when' | 'given'>): boolean {
  const reads = [rule.condition, rule.when, rule.given].flatMap((part) => part?.reads ?? [])
  return reads.some(({ group }) => group === 'slo')
}

/** The health of a service and the certificate that it has deployed are judged from the same observations. */
function shownBy(target: WatchedTarget): readonly Subject[] {
  const subject = parseSubject(target.subject)
  if (subject === undefined) return []
  if (subject.kind !== 'service_tls_health' || target.probe !== 'tls') return [subject]
  return [subject, { kind: 'deployed_service_cert', keys: subject.keys }]
}

/** undefined: the rule is about other kinds of subjects. Otherwise whether it applies, and if not, why. */
export function applicability(
  rule: Rule,
  subject: WatchedSubject,
): { readonly applies: true } | { readonly applies: false; readonly reason: string } | undefined {
  const { subjects, class: required, needs, tags } = rule.appliesTo
  if (!subjects.includes(subject.kind)) return undefined
  if (required !== undefined && required !== subject.class)
    return { applies: false, reason: `is about ${required} authorities only` }
  if (needs === 'ocsp' && !subject.ocsp) return { applies: false, reason: 'no OCSP responder is declared' }
  if (needs === 'crl' && !subject.crl) return { applies: false, reason: 'no CRL is declared' }
  if (tags !== undefined && !tags.some((tag) => subject.tags.has(tag)))
    return { applies: false, reason: `is about what is tagged ${tags.join(' or ')} in the inventory` }
  return { applies: true }
}
