/** What a finding is about, named like a control-plane asset: `ca_crl[issuing-1]`, `service_cert[shop,tls_server]`. */
export const SUBJECT_KINDS = [
  'ca_crl',
  'ocsp_responder_status',
  'intermediate_ca_cert',
  'service_cert',
  'deployed_service_cert',
  'service_tls_health',
  'audit_log',
  'ca_server',
  'control_plane',
  'scheduled_job',
  'pki_sla_snapshot',
  'pki_governance',
  'monitor',
] as const
export type SubjectKind = (typeof SUBJECT_KINDS)[number]

export interface Subject {
  readonly kind: SubjectKind
  /** Partition keys in order, for example service and environment. */
  readonly keys: readonly string[]
}

/** Characters of an id. */
const MAX_ID = 63

/** The subject that a vigil itself is: `monitor[vigil.example.org_zone-a]`. `origin` is its name in its journal. */
export function monitorSubject(origin: string): string {
  return formatSubject({ kind: 'monitor', keys: [origin.replaceAll('/', '_').slice(0, MAX_ID)] })
}

/** Ids in the inventory: they become parts of subjects, metric labels and file names. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export function formatSubject(subject: Subject): string {
  return subject.keys.length === 0 ? subject.kind : `${subject.kind}[${subject.keys.join(',')}]`
}

/** undefined when the text is not a subject. */
export function parseSubject(text: string): Subject | undefined {
  const match = /^([a-z_]+)(?:\[([^[\]]+)\])?$/.exec(text)
  if (match === null) return undefined
  const kind = SUBJECT_KINDS.find((k) => k === match[1])
  if (kind === undefined) return undefined
  const keys = match[2] === undefined ? [] : match[2].split(',')
  return keys.every((k) => ID_PATTERN.test(k)) ? { kind, keys } : undefined
}
