import type { JournalReader } from '../../journal/reader.ts'
import type { ArtifactRef, Observation } from '../../model/observation.ts'
import type { Finding } from '../../model/finding.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatInstant, fromTimestamp, toTimestamp } from '../../model/time.ts'
import { RuleEngine } from '../../rules/engine.ts'
import type { Explanation } from '../../rules/explanation.ts'
import { showValue } from '../../rules/summary.ts'
import type { Traced } from '../../rules/cel.ts'
import type { Stored } from '../../store/contract.ts'
import { closest } from '../closest.ts'
import { CommandError, EXIT } from '../exit.ts'
import type { LoadedConfig } from '../load.ts'
import { recordedRules } from '../recordedRules.ts'
import { History } from './history.ts'

export interface ExplainRequest {
  readonly reader: JournalReader
  readonly loaded: Pick<LoadedConfig, 'config' | 'watched'>
  readonly subject: string
  readonly rule: string
  /** Milliseconds; undefined: the end of the journal. */
  readonly at: number | undefined
}

/** An explanation as `--json` prints it. */
export type Explained = Awaited<ReturnType<typeof explain>>

/** Why a finding was what it was. Throws CommandError when the journal does not reach that far, or the rule is not about the subject. */
export async function explain({ reader, loaded, subject, rule, at }: ExplainRequest) {
  const history = new History(rule, subject)
  for await (const batch of reader.read()) {
    const known = batch.filter(({ recorded }) => at === undefined || fromTimestamp(recorded) <= at)
    for (const record of known) history.add(record)
    if (known.length < batch.length) break
  }
  const { configuration, last } = history
  if (configuration === undefined && last !== undefined)
    throw new CommandError(
      EXIT.usage,
      `no configuration is recorded in what is left of the journal${at === undefined ? '' : ` from before ${formatInstant(at)}`}, so nobody knows which rules were in force; vigil records it when it starts`,
    )
  if (configuration === undefined || last === undefined)
    throw new CommandError(
      EXIT.usage,
      `the journal holds nothing${at === undefined ? '' : ` from before ${formatInstant(at)}`}`,
    )
  const recorded = await recordedRules(reader, configuration)
  const engine = new RuleEngine({
    packs: recorded.packs,
    inventory: loaded.config.inventory,
    targets: loaded.watched,
    ...recorded.rules,
  })
  const now = fromTimestamp(last)
  engine.hydrate({
    now,
    latest: history.latest(),
    findings: history.decision === undefined ? [] : [history.decision],
  })
  const explanation = engine.explain(rule, subject)
  if (explanation === undefined) throw notJudged(engine, rule, subject)
  return document({
    now,
    configuration,
    explanation,
    decision: history.decision,
    observations: history.observations(),
  })
}

function notJudged(engine: RuleEngine, rule: string, subject: string): CommandError {
  const findings = engine.findings()
  const rules = [...engine.rules.keys()]
  const subjects = [...new Set(findings.map((finding) => finding.subject))]
  const own = findings.filter((finding) => finding.subject === subject).map((finding) => finding.rule)
  const guess = (word: string, words: readonly string[], otherwise: string): string => {
    const near = closest(word, words)
    return near === undefined ? otherwise : `did you mean "${near}"?`
  }
  const about = subjects.includes(subject) ? `; about ${subject} are: ${own.join(', ')}` : ''
  if (!rules.includes(rule))
    return new CommandError(
      EXIT.usage,
      `"${rule}" is no rule in force; ${guess(rule, rules, `"vigil rules list" names them${about}`)}`,
    )
  if (!subjects.includes(subject))
    return new CommandError(
      EXIT.usage,
      `"${subject}" is not watched; ${guess(subject, subjects, `known: ${subjects.join(', ')}`)}`,
    )
  return new CommandError(EXIT.usage, `${rule} is not about ${subject}; these rules are: ${own.join(', ')}`)
}

function document(input: {
  readonly now: number
  readonly configuration: SealedRecord & { readonly kind: 'configuration' }
  readonly explanation: Explanation
  readonly decision: Stored<Finding> | undefined
  readonly observations: ReadonlyMap<string, Stored<Observation>>
}) {
  const { now, configuration, explanation, decision, observations } = input
  const { rule, version, date } = explanation
  const day = (ms: number): string | null => (Number.isFinite(ms) ? formatInstant(ms) : null)
  return {
    rule: rule.id,
    subject: decision?.subject ?? '',
    asOf: toTimestamp(now),
    state: decision?.state ?? 'unknown',
    since: decision?.since ?? null,
    decision: decision?.id ?? null,
    summary: decision?.summary ?? `${rule.title}: nothing has been decided yet`,
    severity: rule.severity,
    verdict: explanation.verdict,
    reason: explanation.reason,
    waiver: explanation.waiver ?? null,
    title: rule.title,
    rationale: rule.rationale,
    source: rule.source,
    pack: rule.pack,
    configuration: configuration.id,
    effective: { from: day(rule.effective.from), until: day(rule.effective.until) },
    judgedBy: { what: rule.judgedBy, date: date === undefined ? null : formatInstant(date) },
    timing: { for: explanation.settings.for, unknownFor: explanation.settings.unknownFor },
    parameters: Object.entries(version.origins).map(([name, { origin, from, until }]) => ({
      name,
      value: version.written[name] ?? null,
      origin,
      from: from === undefined ? null : formatInstant(from),
      until: until === undefined ? null : formatInstant(until),
    })),
    target: explanation.target ?? null,
    facts: explanation.facts,
    traces: explanation.traces.map(({ name, parts }) => ({ name, parts: parts.map(partDocument) })),
    targets: explanation.targets.map(({ address, verdict, reason, observation }) => ({
      address,
      verdict,
      reason,
      evidence: observation === undefined ? null : evidence(observation, observations.get(observation)),
    })),
    remediation: rule.remediation ?? null,
    runbook: rule.runbook ?? null,
  }
}

function partDocument({ source, depth, outcome }: Traced) {
  switch (outcome.kind) {
    case 'value':
      return { source, depth, value: showValue(outcome.value) }
    case 'missing':
      return { source, depth, missing: `${outcome.read.group}.${outcome.read.name}` }
    case 'error':
      return { source, depth, error: outcome.message }
  }
}

function evidence(
  record: string,
  observation: Stored<Observation> | undefined,
): { record: string; observed: string | null; artifacts: readonly ArtifactRef[] } {
  return { record, observed: observation?.start ?? null, artifacts: observation?.artifacts ?? [] }
}
