import type { Severity } from '../model/finding.ts'
import { parseLocatedYaml, type LocatedYaml } from '../model/locatedYaml.ts'
import { byLine, type Problem } from '../model/problem.ts'
import type { SubjectKind } from '../model/subject.ts'
import { RuleEnvironment, type Compiled, type Expression, type ExpressionProblem } from './cel.ts'
import { RulesError } from './error.ts'
import { makeValueClass, type ValueClass } from './factValues.ts'
import { packSchema, type PackDocument, type RuleDocument } from './packSchema.ts'
import {
  parameterType,
  resolveSettings,
  TIMING_PARAMETERS,
  type ParameterOverrides,
  type Parametrized,
  type WrittenParameters,
} from './parameters.ts'
import { compileSummary, type Summary } from './summary.ts'
import type { z } from 'zod'

/** A policy: one condition over facts, and everything that a reader of its verdict needs to know. */
export interface Rule extends Parametrized {
  readonly id: string
  readonly pack: string
  readonly title: string
  readonly rationale: string
  readonly source: RuleDocument['source']
  readonly appliesTo: {
    readonly subjects: readonly SubjectKind[]
    readonly class: 'online' | 'offline' | undefined
    readonly needs: 'ocsp' | undefined
  }
  readonly parameters: WrittenParameters
  readonly parameterClass: ValueClass
  readonly given: Expression | undefined
  readonly condition: Expression
  readonly summary: Summary
  readonly severity: Severity
  readonly remediation: string | undefined
  /** Page under docs/. */
  readonly runbook: string | undefined
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

/** Mistakes that show only across packs and configuration: a rule twice, an override that fits nothing. */
export function checkPacks(packs: readonly Pack[], overrides: ParameterOverrides): readonly Problem[] {
  const problems: Problem[] = []
  const rules = new Map<string, { rule: Rule; file: string }>()
  for (const pack of packs) {
    for (const rule of pack.rules) {
      const first = rules.get(rule.id)
      if (first !== undefined) {
        const message = `rule ${rule.id} stands in ${first.file} and ${pack.file}: rename one, or leave one pack out`
        problems.push({ file: '', line: undefined, path: ['rules', 'packs'], message })
      } else rules.set(rule.id, { rule, file: pack.file })
    }
  }
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
    const seen = new Set<string>()
    const rules: Rule[] = []
    this.#document.rules.forEach((document, index) => {
      if (seen.has(document.id))
        this.#refuse(index, 'id', `rule ${document.id} stands here twice: rename one`)
      seen.add(document.id)
      const rule = this.#compileRule(document, index)
      if (rule !== undefined) rules.push(rule)
    })
    return rules
  }

  #compileRule(document: RuleDocument, index: number): Rule | undefined {
    this.#checkMeaning(document, index)
    const parameterClass = makeValueClass()
    const types = Object.fromEntries(
      Object.entries(document.parameters).map(([name, value]) => [name, parameterType(value)]),
    )
    const environment = new RuleEnvironment(types, parameterClass)
    const condition = this.#expression(index, 'condition', environment.compileCondition(document.condition))
    const given =
      document.given === undefined
        ? undefined
        : this.#expression(index, 'given', environment.compileCondition(document.given))
    const summary = compileSummary(environment, document.summary)
    if (!summary.ok) this.#refuseAll(index, 'summary', summary.problems)
    if (condition === undefined || !summary.ok) return undefined
    return {
      id: document.id,
      pack: this.#document.id,
      title: document.title,
      rationale: document.rationale,
      source: document.source,
      appliesTo: {
        subjects: document.applies_to.subjects,
        class: document.applies_to.class,
        needs: document.applies_to.needs,
      },
      parameters: document.parameters,
      parameterClass,
      given,
      condition,
      summary: summary.summary,
      severity: document.severity,
      for: document.for,
      unknownFor: document.unknown_for,
      evidenceMaxAge: document.evidence.max_age,
      remediation: document.remediation,
      runbook: document.runbook,
    }
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
    if (document.severity === 'critical' && document.runbook === undefined)
      this.#refuse(index, 'severity', 'a critical rule pages somebody: name its runbook')
    for (const name of TIMING_PARAMETERS) {
      if (Object.hasOwn(document.parameters, name))
        this.#refuse(index, 'parameters', `${name} is a name that every rule has: rename the parameter`)
    }
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
