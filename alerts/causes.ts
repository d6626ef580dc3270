import type { FactGroup } from '../model/facts.ts'
import type { Severity } from '../model/finding.ts'
import type { SubjectKind } from '../model/subject.ts'
import type { FactRead } from '../rules/cel.ts'
import type { Rule } from '../rules/pack.ts'
import { entityOf, authorityEntity, type Topology } from './topology.ts'
import type { Trouble } from './trouble.ts'

/** What of an authority a fact about something that it issued depends on. */
type Source = Extract<SubjectKind, 'intermediate_ca_cert' | 'ca_crl' | 'ocsp_responder_status'>

/** An explanation of a finding: it is a symptom of what is wrong with this authority. */
export interface Cause {
  /** The thing at the root: `authority[issuing-1]`. */
  readonly about: string
  /** The finding that explains it. */
  readonly trouble: Trouble
}

/**
 * Only what stops the authority from being relied on explains anything: a CRL that lives too long, or a certificate that should be renewed
 * some day, keeps nobody from verifying.
 */
const EXPLAINING: ReadonlySet<Severity> = new Set(['critical'])

const PATH_FACTS: ReadonlySet<string> = new Set(['pathValid', 'pathError'])

/** The facts that a rule reads say on what it depends; no rule has to be listed anywhere. */
export function sourcesOf(rule: Pick<Rule, 'condition' | 'given'>): readonly Source[] {
  const reads = [...rule.condition.reads, ...(rule.given?.reads ?? [])]
  return [...new Set(reads.flatMap(sourceOf))]
}

/** Groups of facts that cannot be established while this of the authority is not well. */
const SOURCE_OF: Readonly<Partial<Record<FactGroup, Source>>> = {
  ocsp: 'ocsp_responder_status',
  staple: 'ocsp_responder_status',
  crl: 'ca_crl',
  crlStatus: 'ca_crl',
  path: 'intermediate_ca_cert',
}

function sourceOf({ group, name }: FactRead): readonly Source[] {
  if (group === 'tls') return PATH_FACTS.has(name) ? ['intermediate_ca_cert'] : []
  const source = SOURCE_OF[group]
  return source === undefined ? [] : [source]
}

/** Troubles by subject of what may explain others. `due`: only what somebody must be told about does. */
export function explainingTroubles(
  troubles: Iterable<Trouble>,
  due: (trouble: Trouble) => boolean,
): ReadonlyMap<string, Trouble> {
  const bySubject = new Map<string, Trouble>()
  for (const trouble of troubles) {
    const { subject, severity } = trouble.finding
    if (!EXPLAINING.has(severity) || !subject.includes('[') || !isAuthoritys(subject) || !due(trouble))
      continue
    const known = bySubject.get(subject)
    if (known === undefined || trouble.badSince < known.badSince) bySubject.set(subject, trouble)
  }
  return bySubject
}

function isAuthoritys(subject: string): boolean {
  return entityOf(subject).startsWith('authority[')
}

/**
 * Why a finding can't be well: something that it depends on, at an authority above it, is not. Missing revocation status is explained by the
 * issuer's responder or CRL; a path that fails, or can't be built, by the certificate of an authority in it. A status that is there (revoked,
 * say) is never explained away.
 */
export function causeOf(
  trouble: Trouble,
  sources: readonly Source[],
  topology: Topology,
  explaining: ReadonlyMap<string, Trouble>,
): Cause | undefined {
  const { subject, state } = trouble.finding
  // What an authority publishes is its own; only its certificate depends on the authorities above.
  if (subject.startsWith('ca_crl[') || subject.startsWith('ocsp_responder_status[')) return undefined
  const issuers = topology.issuersOf(subject)
  for (const source of sources) {
    const isPath = source === 'intermediate_ca_cert'
    if (state !== 'unknown' && !(isPath && state === 'fail')) continue
    for (const authority of isPath ? issuers : issuers.slice(0, 1)) {
      const found = explaining.get(`${source}[${authority}]`)
      if (found !== undefined) return { about: authorityEntity(authority), trouble: found }
    }
  }
  return undefined
}

/** A symptom that shows a status of its own is not one any more. */
export function mayStaySymptom({ finding }: Trouble, sources: readonly Source[]): boolean {
  return finding.state !== 'fail' || sources.includes('intermediate_ca_cert')
}
