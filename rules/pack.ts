import type { Severity } from '../model/finding.ts'
import { parseLocatedYaml, type LocatedYaml } from '../model/locatedYaml.ts'
import type { ProbeKind } from '../model/observation.ts'
import { byLine, type Problem } from '../model/problem.ts'
import type { SubjectKind } from '../model/subject.ts'
import {
  RuleEnvironment,
  type FactRead,
  type Compiled,
  type Expression,
  type ExpressionProblem,
} from './cel.ts'
import { RulesError } from './error.ts'
import { FACT_GROUPS, makeValueClass, type ValueClass } from './factValues.ts'
import {
  ATTESTATION_DIRECTORY,
  PACK_SCHEMA,
  packSchema,
  type JUDGED_BY,
  type PackDocument,
  type RuleDocument,
} from './packSchema.ts'
import {
  fits,
  resolveSettings,
  scheduleProblem,
  TIMING_PARAMETERS,
  typeOfSchedule,
  type ParameterOverrides,
  type Parametrized,
  type Schedule,
} from './parameters.ts'
import { compileSummary, type Summary } from './summary.ts'
import { z } from 'zod'

/** A policy: one condition over facts, and everything that a reader of its verdict needs to know. */
export interface Rule extends Parametrized {
  readonly id: string
  readonly pack: string
  readonly title: string
  readonly rationale: string
  readonly source: RuleDocument['source']
  /** Which date decides between its editions, as written. */
  readonly judgedBy: (typeof JUDGED_BY)[number]
  /** The fact that holds this date; undefined: the present does. */
  readonly datedBy: FactRead | undefined
  readonly appliesTo: {
    readonly subjects: readonly SubjectKind[]
    readonly class: 'online' | 'offline' | undefined
    readonly needs: 'ocsp' | 'crl' | undefined
    readonly tags: readonly string[] | undefined
  }
  /** Kind of the signed statement that it is judged by; undefined: by what probes observe. */
  readonly attestation: string | undefined
  /** Kind of probe that it is judged by; undefined: the main one of its subjects. */
  readonly probe: ProbeKind | undefined
  readonly parameterClass: ValueClass
  readonly given: Expression | undefined
  readonly when: Expression | undefined
  readonly condition: Expression
  readonly summary: Summary
  /** As findings show it: of an advisory rule always info. */
  readonly severity: Severity
  readonly remediation: string | undefined
  /** Page under docs/. */
  readonly runbook: string | undefined
  readonly promql: RuleDocument['promql']
  /** Where it stands in the pack's file. */
  readonly line: number
}

export interface Pack {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly rules: readonly Rule[]
  /** Where it was read from, and its text as it stands: the journal keeps it as an artifact. */
  readonly file: string
  readonly text: string
}

/** Largest pack that is read, in characters. */
const MAX_PACK = 1024 * 1024

/** Reads and type-checks a pack. Throws RulesError(pack_invalid) with every mistake, each with line, key and fix. */
export function parsePack(text: string, file: string): Pack {
  if (text.length > MAX_PACK) {
    const message = `expected at most ${MAX_PACK} characters, got ${text.length}: is this a rule pack?`
    throw new RulesError('pack_invalid', [{ file, line: undefined, path: [], message }])
  }
  const parsed = parseLocatedYaml(text, file)
  if (!parsed.ok) throw new RulesError('pack_invalid', parsed.problems)
  const other = otherSchema(parsed.yaml)
  if (other !== undefined) throw new RulesError('pack_invalid', [other])
  const checked = packSchema.safeParse(parsed.yaml.value, { reportInput: true })
  if (!checked.success) {
    const problems = checked.error.issues.flatMap((issue) => explain(issue, parsed.yaml))
    throw new RulesError('pack_invalid', byLine(problems))
  }
  const compiler = new PackCompiler(parsed.yaml, checked.data)
  const rules = compiler.compile()
  if (compiler.problems.length > 0) throw new RulesError('pack_invalid', byLine(compiler.problems))
  const { id, version, title } = checked.data
  return { id, version, title, rules, file, text }
}

/** What a pack of another schema says is not for us to judge, so that is all there is to say. */
function otherSchema(yaml: LocatedYaml): Problem | undefined {
  const document = z.looseObject({ schema: z.int() }).safeParse(yaml.value)
  if (!document.success || document.data.schema === PACK_SCHEMA) return undefined
  const { schema } = document.data
  const fix = schema > PACK_SCHEMA ? 'this pack needs a newer vigil' : 'this pack was made for an older vigil'
  return yaml.problem(['schema'], `expected ${PACK_SCHEMA}, got ${schema}: ${fix}`)
}

/** Mistakes that show only across packs and configuration: a rule twice, an override that fits nothing. */
export function checkPacks(packs: readonly Pack[], overrides: ParameterOverrides): readonly Problem[] {
  const problems: Problem[] = []
  const rules = new Map<string, { rule: Rule; file: string }>()
  const seen = new Map<string, string>()
  packs.forEach((pack, i) => {
    const path = ['rules', 'packs', i]
    const before = seen.get(pack.id)
    seen.set(pack.id, pack.file)
    if (before !== undefined) {
      const message = `pack ${pack.id} stands here twice (${before} and ${pack.file}): leave one out`
      problems.push({ file: '', line: undefined, path, message })
      return
    }
    for (const rule of pack.rules) {
      const first = rules.get(rule.id)
      if (first === undefined) rules.set(rule.id, { rule, file: pack.file })
      else {
        const message = `rule ${rule.id} stands at ${first.file}:${first.rule.line} and ${pack.file}:${rule.line}: rename one, or leave one pack out`
        problems.push({ file: '', line: undefined, path, message })
      }
    }
  })
  for (const [id, values] of Object.entries(overrides)) {
    const found = rules.get(id)
    if (found === undefined) {
      const message = `no such rule in the packs; known rules: ${[...rules.keys()].join(', ')}`
      problems.push({ file: '', line: undefined, path: ['rules', 'parameters', id], message })
    } else problems.push(...resolveSettings(found.rule, values).problems)
  }
  return problems
}

class PackCompiler {
  readonly problems: Problem[] = []
  readonly #yaml: LocatedYaml
  readonly #document: PackDocument

  constructor(yaml: LocatedYaml, document: PackDocument) {
    this.#yaml = yaml
    this.#document = document
  }

  compile(): readonly Rule[] {
    const seen = new Map<string, number>()
    const rules: Rule[] = []
    this.#document.rules.forEach((document, index) => {
      const first = seen.get(document.id)
      if (first !== undefined)
        this.#refuse(
          index,
          'id',
          `rule ${document.id} stands here and at line ${this.#lineOf(first)}: rename one`,
        )
      else seen.set(document.id, index)
      const rule = this.#compileRule(document, index)
      if (rule !== undefined) rules.push(rule)
    })
    return rules
  }

  #compileRule(document: RuleDocument, index: number): Rule | undefined {
    this.#checkMeaning(document, index)
    const parameterClass = makeValueClass()
    const types = Object.fromEntries(
      Object.entries(document.parameters).map(([name, schedule]) => [name, typeOfSchedule(schedule)]),
    )
    const environment = new RuleEnvironment(types, parameterClass)
    const condition = this.#expression(index, 'condition', environment.compileCondition(document.condition))
    const optional = (key: 'given' | 'when'): Expression | undefined => {
      const source = document[key]
      return source === undefined
        ? undefined
        : this.#expression(index, key, environment.compileCondition(source))
    }
    const given = optional('given')
    const when = optional('when')
    const summary = compileSummary(environment, document.summary)
    if (!summary.ok) this.#refuseAll(index, 'summary', summary.problems)
    if (condition === undefined || !summary.ok) return undefined
    return {
      id: document.id,
      pack: this.#document.id,
      title: document.title,
      rationale: document.rationale,
      source: document.source,
      effective: {
        from: document.effective.from ?? -Infinity,
        until: document.effective.until ?? Infinity,
      },
      judgedBy: document.judged_by,
      datedBy: datedBy(document.judged_by),
      appliesTo: {
        subjects: document.applies_to.subjects,
        class: document.applies_to.class,
        needs: document.applies_to.needs,
        tags: document.applies_to.tags,
      },
      attestation: document.evidence.attestation,
      probe: document.evidence.probe,
      parameters: document.parameters,
      parameterClass,
      given,
      when,
      condition,
      summary: summary.summary,
      severity: document.source.advisory ? 'info' : document.severity,
      for: document.for,
      unknownFor: document.unknown_for,
      evidenceMaxAge: document.evidence.max_age,
      remediation: document.remediation,
      runbook: document.runbook,
      promql: document.promql,
      line: this.#lineOf(index),
    }
  }

  #lineOf(index: number): number {
    return this.#yaml.problem(['rules', index, 'id'], '').line ?? 1
  }

  /** What the schema cannot say. */
  #checkMeaning(document: RuleDocument, index: number): void {
    const { subjects, class: required } = document.applies_to
    const other = subjects.find((kind) => !AUTHORITY_SUBJECTS.has(kind))
    if (required !== undefined && other !== undefined)
      this.#refuse(
        index,
        'applies_to',
        `only authorities have a class, ${other} is not about one: remove class`,
      )
    if (document.severity === 'critical' && !document.source.advisory && document.runbook === undefined)
      this.#refuse(index, 'severity', 'a critical rule pages somebody: name its runbook')
    for (const name of TIMING_PARAMETERS) {
      if (Object.hasOwn(document.parameters, name))
        this.#refuse(index, 'parameters', `${name} is a name that every rule has: rename the parameter`)
    }
    if (
      document.evidence.attestation === ATTESTATION_DIRECTORY &&
      !subjects.every((s) => s === 'pki_governance')
    )
      this.#refuse(index, 'applies_to', 'the directory of attestations is about pki_governance only')
    const { from, until } = document.effective
    if (from !== undefined && until !== undefined && until <= from)
      this.#refuse(index, 'effective', 'expected until after from: it is never in force')
    for (const [name, schedule] of Object.entries(document.parameters))
      this.#checkSchedule(index, name, schedule)
  }

  #checkSchedule(index: number, name: string, schedule: Schedule): void {
    const refuse = (message: string): void => {
      this.problems.push(this.#yaml.problem(['rules', index, 'parameters', name], message))
    }
    const order = scheduleProblem(schedule)
    if (order !== undefined) refuse(order)
    const type = typeOfSchedule(schedule)
    const odd = schedule.find(({ value }) => !fits(value, type))
    if (odd !== undefined)
      refuse(`expected values of one kind, got ${JSON.stringify(odd.value)} after a ${type}`)
  }

  #expression(index: number, key: string, compiled: Compiled): Expression | undefined {
    if (compiled.ok) return compiled.expression
    this.#refuseAll(index, key, compiled.problems)
    return undefined
  }

  #refuseAll(index: number, key: string, problems: readonly ExpressionProblem[]): void {
    for (const { column, message } of problems) this.#refuse(index, key, `at character ${column}: ${message}`)
  }

  #refuse(index: number, key: string, message: string): void {
    this.problems.push(this.#yaml.problem(['rules', index, key], message))
  }
}

function datedBy(judgedBy: (typeof JUDGED_BY)[number]): FactRead | undefined {
  const [name, fact = ''] = judgedBy.split('.')
  const group = FACT_GROUPS.find((g) => g === name)
  return group === undefined ? undefined : { group, name: fact }
}

const AUTHORITY_SUBJECTS: ReadonlySet<SubjectKind> = new Set([
  'ca_crl',
  'ocsp_responder_status',
  'intermediate_ca_cert',
])

function explain(issue: z.core.$ZodIssue, yaml: LocatedYaml): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => yaml.problem([...path, key], 'unknown key: check its spelling'))
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return [yaml.problem(path, `is missing: expected ${issue.expected}`)]
  return [yaml.problem(path, issue.message)]
}
