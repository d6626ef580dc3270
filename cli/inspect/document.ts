import type { Certificate } from '../../pki/certificate.ts'
import { failureOf, PkiError, type PkiPhase } from '../../pki/error.ts'
import { EXIT } from '../exit.ts'

export type Kind = 'cert' | 'crl' | 'ocsp' | 'chain'

/** `unverified`: no issuer was given, or something else is missing to decide. */
export type Verdict = 'valid' | 'invalid' | 'malformed' | 'unverified'

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json | undefined }

export type FactTree = Readonly<Record<string, Json | undefined>>

/** A lint that failed. */
export interface LintFinding {
  readonly id: string
  readonly source: string
  readonly message: string
}

/** What `vigil inspect` found out about one object, and, as it stands, its JSON document; docs/inspect.md describes it. */
export interface Inspection {
  readonly kind: Kind
  readonly verdict: Verdict
  readonly error?: {
    readonly phase: PkiPhase
    readonly code: string
    readonly message: string
    /** Octets from the start of the object's DER. */
    readonly offset?: number
  }
  /** What the object says. Unless the verdict is `valid` these are claims that nobody vouches for. */
  readonly facts: FactTree
  /** Empty unless lints were asked for. */
  readonly lints: readonly LintFinding[]
}

export type Judgement = Pick<Inspection, 'verdict' | 'error'>

/** One thing that must hold; throws PkiError when it does not. */
export type Check = () => void

/** The order in which failures count: the first phase that failed is the one that is reported. */
const ORDER: readonly PkiPhase[] = ['decode', 'signature', 'path', 'profile', 'time', 'consistency']

/** Without an issuer nothing can be valid; what already fails by itself is said all the same. */
export function unverified(failures: readonly PkiError[]): Judgement {
  return { ...verdictOf(failures), verdict: 'unverified' }
}

export function failuresOf(checks: readonly Check[]): PkiError[] {
  return checks.flatMap((check) => failureOf(check) ?? [])
}

export function verdictOf(failures: readonly PkiError[]): Judgement {
  const [first] = failures.toSorted((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase))
  if (first === undefined) return { verdict: 'valid' }
  return { verdict: verdictFor(first), error: errorOf(first) }
}

/** What these say is about what vigil knows or was given, not about the object. */
const UNDECIDED: ReadonlySet<string> = new Set([
  // An algorithm that vigil does not know is no failure of the CA.
  'signature unsupported',
  // CRLs were given, but none for one of the certificates, or not for all reasons.
  'path crl_not_found',
  'path reasons_not_covered',
])

function verdictFor({ phase, code }: PkiError): Verdict {
  if (phase === 'decode') return 'malformed'
  return isUndecided({ phase, code }) ? 'unverified' : 'invalid'
}

export function isUndecided({ phase, code }: { readonly phase: string; readonly code: string }): boolean {
  return UNDECIDED.has(`${phase} ${code}`)
}

export function errorOf({ phase, code, message, offset }: PkiError): NonNullable<Inspection['error']> {
  return { phase, code, message, ...(offset === undefined ? {} : { offset }) }
}

/** What failed with one of the possible issuers. */
export interface Attempt {
  readonly issuer: Certificate
  readonly failures: readonly PkiError[]
}

/** The attempt with which the object came furthest; the first of several. undefined: there was none. */
export function furthest<T extends Attempt>(attempts: readonly T[]): T | undefined {
  const reached = ({ failures }: Attempt): number =>
    Math.min(ORDER.length, ...failures.map(({ phase }) => ORDER.indexOf(phase)))
  return attempts.toSorted((a, b) => reached(b) - reached(a))[0]
}

/** Bytes that are no such object. Throws what is no PkiError. */
export function malformed(kind: Kind, facts: FactTree, error: unknown): Inspection {
  if (!(error instanceof PkiError)) throw error
  return { kind, ...verdictOf([error]), facts, lints: [] }
}

const RANK: readonly Verdict[] = ['valid', 'unverified', 'invalid', 'malformed']

/** The document for a file that holds several objects: the worst verdict, the first error that has it, and each object's document. */
export interface Inspections extends Inspection {
  readonly objects: readonly Inspection[]
}

/** One document for however many objects there were. */
export function combine(inspections: readonly [Inspection, ...Inspection[]]): Inspection | Inspections {
  const [first, ...others] = inspections
  if (others.length === 0) return first
  const worst = others.reduce((a, b) => (RANK.indexOf(b.verdict) > RANK.indexOf(a.verdict) ? b : a), first)
  const { kind, verdict, error } = worst
  return {
    kind,
    verdict,
    ...(error === undefined ? {} : { error }),
    facts: {},
    lints: [],
    objects: inspections,
  }
}

export function exitCodeOf(document: Inspection | Inspections): number {
  const { verdict } = document
  const all = 'objects' in document ? [document, ...document.objects] : [document]
  if (verdict === 'invalid' || verdict === 'malformed' || all.some(({ lints }) => lints.length > 0))
    return EXIT.findings
  return verdict === 'unverified' ? EXIT.notAuthenticated : EXIT.ok
}
