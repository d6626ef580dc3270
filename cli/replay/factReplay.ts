import { isDeepStrictEqual } from 'node:util'
import type { JournalReader } from '../../journal/reader.ts'
import type { Facts } from '../../model/facts.ts'
import type { Observation, ProbeKind } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatRecordId, parseRecordId, type RecordId } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { acceptStatement, statementFacts } from '../../probes/attestations.ts'
import { derive, isOnTheWay, type Derived, type Evidence } from '../../probes/derive.ts'
import type { Target } from '../../probes/probe.ts'
import type { RecordedConfiguration } from './recordedConfiguration.ts'

/** Differences that are named; more are counted. */
const MAX_NAMED = 100

/** A fact, or the failure of a run, that is not what follows from the artifacts. */
export interface FactDifference {
  readonly record: RecordId
  readonly subject: string
  readonly probe: ProbeKind
  readonly target: string
  /** `crl.entries`, or `error`. */
  readonly fact: string
  readonly recorded: unknown
  readonly recomputed: unknown
}

interface KindCounts {
  /** Full observations. Runs that only repeat one have the same facts by the format. */
  observations: number
  /** Decoded and verified again. */
  recomputed: number
  /** Single facts that were compared. */
  facts: number
  /** Observations with something that differs. */
  different: number
  /** Of a kind that keeps nothing to recompute it from, or of a target that no configuration names. */
  notRecomputable: number
  /** The artifact is not there: only its digest was kept, or it was taken out. */
  notKept: number
}

export interface FactReport {
  readonly kinds: Readonly<Partial<Record<ProbeKind, Readonly<KindCounts>>>>
  readonly different: number
  readonly differences: readonly FactDifference[]
}

/** Kinds of which something can be recomputed. */
const DERIVED: ReadonlySet<ProbeKind> = new Set(['crl', 'ocsp', 'tls', 'ca', 'attestation'])

interface Repeatable {
  readonly body: Observation
  readonly before: Facts | undefined
  /** Milliseconds. */
  readonly until: number
}

/** Decodes and verifies what observations kept. It grows with the targets. */
export class FactReplay {
  readonly #reader: Pick<JournalReader, 'getArtifact'>
  #isWhole = true
  readonly #delegations = new Delegations()
  /** Every group of facts as the newest run of a target left it. */
  readonly #known = new Map<string, Facts>()
  /** Good runs that may be repeated, and until when what they saw was good: the newest of each target. */
  readonly #repeatable = new Map<RecordId, Repeatable>()
  readonly #newest = new Map<string, RecordId>()
  #targets: ReadonlyMap<string, Target> = new Map()
  #configuration: RecordedConfiguration | undefined
  readonly #kinds: Partial<Record<ProbeKind, KindCounts>> = {}
  readonly #differences: FactDifference[] = []
  #different = 0

  constructor(reader: Pick<JournalReader, 'getArtifact'>) {
    this.#reader = reader
  }

  /** Before the oldest record that is there were others: what was known of a target before its oldest run is not. */
  beginLate(): void {
    this.#isWhole = false
  }

  /** From here on; undefined: it cannot be used. */
  configure(configuration: RecordedConfiguration | undefined): void {
    this.#configuration = configuration
    const targets = configuration?.targets ?? []
    this.#targets = new Map(targets.map((target) => [keyOf({ ...target, target: target.address }), target]))
  }

  async add(record: SealedRecord & { readonly kind: 'observation' }): Promise<void> {
    const { body, id } = record
    const key = keyOf(body)
    const before = this.#known.get(key)
    this.#known.set(key, { ...before, ...body.facts })
    const superseded = this.#newest.get(key)
    if (superseded !== undefined) this.#repeatable.delete(superseded)
    const counts = this.#countsOf(body.probe)
    counts.observations++
    if (!DERIVED.has(body.probe)) {
      counts.notRecomputable++
      return
    }
    const until = body.outcome === 'success' ? endOf(body.facts) : undefined
    if (until !== undefined) {
      this.#newest.set(key, id)
      this.#repeatable.set(id, { body, before, until })
    }
    const compared = await this.#compare(body, before)
    if (typeof compared === 'string') {
      counts[compared]++
      return
    }
    counts.recomputed++
    counts.facts += compared.facts
    if (compared.found.length > 0) this.#differs(id, body, compared.found)
  }

  /** Runs that repeat an observation have its facts; but what had ended by then was not well any more. */
  async repeat(record: SealedRecord & { readonly kind: 'unchanged' }): Promise<void> {
    const own = parseRecordId(record.id)
    if (own === undefined) return
    for (const [entry, n, offset, duration] of record.body.items) {
      const start = fromTimestamp(record.time) + offset
      const repeated = this.#repeatable.get(formatRecordId(own.origin, own.epoch, { entry, n }))
      if (repeated === undefined || start <= repeated.until) continue
      const body = { ...repeated.body, start: toTimestamp(start), duration }
      const compared = await this.#compare(body, repeated.before)
      if (typeof compared === 'string') continue
      const failure = compared.found.filter(({ fact }) => fact === 'error')
      if (failure.length > 0) this.#differs(record.id, body, failure)
    }
  }

  #differs(record: RecordId, { subject, probe, target }: Observation, found: Compared['found']): void {
    this.#countsOf(probe).different++
    this.#different++
    for (const one of found)
      if (this.#differences.length < MAX_NAMED)
        this.#differences.push({ record, subject, probe, target, ...one })
  }

  end(): FactReport {
    return { kinds: this.#kinds, different: this.#different, differences: this.#differences }
  }

  #countsOf(probe: ProbeKind): KindCounts {
    return (this.#kinds[probe] ??= {
      observations: 0,
      recomputed: 0,
      facts: 0,
      different: 0,
      notRecomputable: 0,
      notKept: 0,
    })
  }

  async #evidenceOf(observation: Observation, before: Facts | undefined): Promise<Omit<Evidence, 'now'>> {
    const earlier = (digest: string): Promise<Uint8Array | undefined> => this.#reader.getArtifact(digest)
    const artifacts = []
    for (const { mediaType, digest, kept } of observation.artifacts)
      artifacts.push({ mediaType, digest, bytes: kept ? await earlier(digest) : undefined })
    return { observation, artifacts, before, earlier, delegations: this.#delegations }
  }

  /** It was judged between start and end: what is so at either is so. */
  async #compare(
    body: Observation,
    before: Facts | undefined,
  ): Promise<Compared | 'notRecomputable' | 'notKept'> {
    const evidence = await this.#evidenceOf(body, before)
    const start = fromTimestamp(body.start)
    let nearest: Compared | undefined
    for (const now of [start + body.duration, start]) {
      const derived = await this.#derive({ ...evidence, now })
      if (derived === 'notRecomputable') return derived
      if (derived === undefined) return 'notKept'
      const isKnown = this.#isWhole || evidence.before !== undefined
      const compared = compare(body, isKnown ? derived : withoutPast(derived))
      if (compared.found.length === 0) return compared
      nearest = nearest === undefined || compared.found.length < nearest.found.length ? compared : nearest
    }
    return nearest ?? 'notRecomputable'
  }

  async #derive(evidence: Evidence): Promise<Derived | 'notRecomputable' | undefined> {
    if (evidence.observation.probe === 'attestation') return this.#deriveStatement(evidence)
    const target = this.#targets.get(keyOf(evidence.observation))
    return target === undefined ? 'notRecomputable' : await derive(target, evidence)
  }

  #deriveStatement({ artifacts: [kept], now }: Evidence): Derived | 'notRecomputable' | undefined {
    const keys = this.#configuration?.attestationKeys
    // That of the directory as a whole has none.
    if (kept === undefined || keys === undefined) return 'notRecomputable'
    if (kept.bytes === undefined) return undefined
    const accepted = acceptStatement(kept.bytes, keys, now)
    const facts = typeof accepted === 'string' ? {} : { attestation: statementFacts(accepted.attestation) }
    return { facts, groups: ['attestation'], except: [], error: undefined }
  }
}

interface Compared {
  /** How many. */
  readonly facts: number
  readonly found: readonly Pick<FactDifference, 'fact' | 'recorded' | 'recomputed'>[]
}

/** What follows without what earlier runs established. */
function withoutPast(derived: Derived): Derived {
  const groups = derived.groups.filter((group) => group !== 'crlSeries')
  return { ...derived, groups, except: [...derived.except, ...OF_PAST] }
}

const OF_PAST = ['tls.quantumSafeBefore', 'staple.presentBefore'] as const

function compare({ facts, error }: Observation, derived: Derived): Compared {
  const except = new Set(derived.except)
  const [recorded, recomputed] = [facts, derived.facts].map((all) => factsIn(all, derived.groups))
  const names = [...new Set([...(recomputed?.keys() ?? []), ...(recorded?.keys() ?? [])])].filter(
    (name) => !except.has(name),
  )
  const found = names
    .map((fact) => ({ fact, recorded: recorded?.get(fact), recomputed: recomputed?.get(fact) }))
    .filter((one) => !isDeepStrictEqual(one.recorded, one.recomputed))
  const isJudged = derived.error !== 'unknown' && (error === undefined || !isOnTheWay(error))
  if (!isJudged || isDeepStrictEqual(error, derived.error)) return { facts: names.length, found }
  return {
    facts: names.length,
    found: [...found, { fact: 'error', recorded: error, recomputed: derived.error }],
  }
}

/** When the first of what a run saw ends, in milliseconds; undefined: nothing that ends. */
function endOf({ crl, ocsp, certificate }: Facts): number | undefined {
  const ends = [crl?.nextUpdate, ocsp?.nextUpdate, certificate?.notAfter].flatMap((end) => end ?? [])
  return ends.length === 0 ? undefined : Math.min(...ends.map(fromTimestamp))
}

function factsIn(facts: Facts, groups: readonly (keyof Facts)[]): ReadonlyMap<string, unknown> {
  return new Map(
    groups.flatMap((group) =>
      Object.entries(facts[group] ?? {}).map(([name, value]) => [`${group}.${name}`, value] as const),
    ),
  )
}

function keyOf({ subject, probe, target }: Pick<Observation, 'subject' | 'probe' | 'target'>): string {
  return `${probe} ${subject} ${target}`
}
