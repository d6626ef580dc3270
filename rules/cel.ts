import { Environment, EvaluationError, serialize, type ASTNode, type ParseResult } from '@marcbachmann/cel-js'
import type { FactGroup, FactType } from '../model/facts.ts'
import { CEL_FUNCTIONS } from './celFunctions.ts'
import { partsOf, type Part } from './trace.ts'
import {
  CEL_TYPES,
  FACT_GROUPS,
  GROUP_CLASSES,
  RULE_FACTS,
  type FactValues,
  type ValueClass,
} from './factValues.ts'

/** One fact that an expression reads: `crl.thisUpdate`. */
export interface FactRead {
  readonly group: FactGroup
  readonly name: string
}

export function formatRead(read: FactRead): string {
  return `${read.group}.${read.name}`
}

/** What an expression may see. Rules see facts only, and the time that the journal says. */
export interface Scope {
  readonly facts: FactValues
  /** Instance of the class that the rule's environment was made with. */
  readonly parameters: object
  readonly now: Date
  /** Plain texts that summaries may name; conditions cannot. */
  readonly texts?: Readonly<Record<TextVariable, string>>
}

const TEXT_VARIABLES = ['subject', 'target', 'error'] as const
type TextVariable = (typeof TEXT_VARIABLES)[number]

export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'missing'; readonly read: FactRead }
  | { readonly kind: 'error'; readonly message: string }

/** A parsed, type-checked expression that cannot run for long. */
export interface Expression {
  readonly source: string
  readonly type: string
  readonly reads: readonly FactRead[]
  /** True when the passing of time alone can change the outcome. */
  readonly mentionsNow: boolean
  evaluate(scope: Scope): Outcome
  /** Every part of it with its value: the whole first, then what it is made of. For people; it compiles each part anew. */
  trace(scope: Scope): readonly Traced[]
}

/** A part of an expression and what came of it. */
export interface Traced extends Part {
  readonly outcome: Outcome
}

/** Why an expression is refused; `column` counts from 1. */
export interface ExpressionProblem {
  readonly column: number
  readonly message: string
}

export type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] }

/**
 * Conditions are short. A bound on nodes and depth also bounds their run time, because macros do not nest and
 * regular expressions are refused (CEL's `matches` is a JavaScript RegExp here, which can run for ever).
 */
const LIMITS = { maxAstNodes: 300, maxDepth: 24, maxListElements: 100, maxMapEntries: 0, maxCallArguments: 4 }

/** Macros loop over their range; `bind` can double a value at each step. One of them is linear, nested ones are not. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind'])

/** Macros that make values which may be larger than those they got: one after the other they double it each time. */
const GROWING = new Set(['map', 'bind'])

let base: Environment | undefined

function baseEnvironment(): Environment {
  if (base !== undefined) return base
  base = new Environment({ unlistedVariablesAreDyn: false, enableOptionalTypes: false, limits: LIMITS })
  for (const group of FACT_GROUPS) {
    const type = `${group}_facts`
    base.registerType(type, { ctor: GROUP_CLASSES[group], fields: celFields(RULE_FACTS[group]) })
    base.registerVariable(group, type)
  }
  base.registerVariable('now', CEL_TYPES.timestamp)
  for (const [signature, work] of CEL_FUNCTIONS) base.registerFunction(signature, work)
  return base
}

function celFields(fields: Readonly<Record<string, FactType>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, CEL_TYPES[type]]))
}

/** The environments of one rule: its parameters are typed, so a misspelt one is found when the pack is loaded. */
export class RuleEnvironment {
  readonly #condition: Environment
  readonly #summary: Environment

  constructor(parameters: Readonly<Record<string, FactType>>, parameterClass: ValueClass) {
    this.#condition = baseEnvironment()
      .clone()
      .registerType('rule_parameters', { ctor: parameterClass, fields: celFields(parameters) })
      .registerVariable('parameters', 'rule_parameters')
    this.#summary = this.#condition.clone()
    for (const name of TEXT_VARIABLES) this.#summary.registerVariable(name, 'string')
  }

  compileCondition(source: string): Compiled {
    const compiled = compile(this.#condition, source)
    if (!compiled.ok || compiled.expression.type === 'bool') return compiled
    const message = `expected true or false, got ${compiled.expression.type}: compare it with something`
    return { ok: false, problems: [{ column: 1, message }] }
  }

  compileText(source: string): Compiled {
    return compile(this.#summary, source)
  }
}

function compile(env: Environment, source: string): Compiled {
  let run: ParseResult
  try {
    run = env.parse(source)
  } catch (error) {
    return { ok: false, problems: [toProblem(error)] }
  }
  const checked = run.check()
  if (!checked.valid || checked.type === undefined) return { ok: false, problems: [toProblem(checked.error)] }
  const inspection = new Inspection(env)
  inspection.visit(run.ast, 0)
  if (inspection.problems.length > 0) return { ok: false, problems: inspection.problems }
  const expression: Expression = {
    source,
    type: checked.type,
    reads: inspection.reads,
    mentionsNow: inspection.mentionsNow,
    evaluate: (scope) => evaluate(run, scope),
    trace: (scope) =>
      partsOf(run.ast).map((part) => ({ ...part, outcome: evaluate(env.parse(part.source), scope) })),
  }
  return { ok: true, expression }
}

function evaluate(run: ParseResult, scope: Scope): Outcome {
  try {
    const value: unknown = run({
      ...scope.facts,
      parameters: scope.parameters,
      now: scope.now,
      ...scope.texts,
    })
    return { kind: 'value', value }
  } catch (error) {
    // What the library does not catch: a time zone that there is not, a text that is too long.
    if (error instanceof RangeError) return { kind: 'error', message: error.message }
    if (!(error instanceof EvaluationError)) throw error
    const read = error.code === 'no_such_key' ? readOf(error.node) : undefined
    if (read !== undefined) return { kind: 'missing', read }
    return { kind: 'error', message: error.summary }
  }
}

/** The fact that a node reads, when it is of the form `group.fact`. */
function readOf(node: ASTNode | undefined): FactRead | undefined {
  if (node?.op !== '.') return undefined
  const [left, name] = node.args
  const group = left.op === 'id' ? FACT_GROUPS.find((g) => g === left.args) : undefined
  return group === undefined ? undefined : { group, name }
}

function toProblem(error: unknown): ExpressionProblem {
  if (!(error instanceof Error)) return { column: 1, message: 'not a valid expression' }
  const summary = 'summary' in error && typeof error.summary === 'string' ? error.summary : error.message
  const range = 'range' in error ? error.range : undefined
  const start =
    typeof range === 'object' && range !== null && 'start' in range && typeof range.start === 'number'
      ? range.start
      : 0
  return { column: start + 1, message: summary }
}

/** Walks a checked tree: which facts it reads, and what we do not allow. */
class Inspection {
  readonly reads: FactRead[] = []
  readonly problems: ExpressionProblem[] = []
  mentionsNow = false
  #growing = 0
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  visit(node: ASTNode, macroDepth: number): void {
    switch (node.op) {
      case 'value':
        return
      case 'id':
        this.#visitName(node, node.args)
        return
      case '.':
      case '.?': {
        const [left, name] = node.args
        const read = readOf(node)
        if (read !== undefined) {
          if (!this.reads.some((r) => r.group === read.group && r.name === read.name)) this.reads.push(read)
        } else if (left.op !== 'id' || left.args !== 'parameters') {
          this.#refuse(node, `"${name}" of this is not a fact: write group.fact or parameters.name`)
        }
        return
      }
      case 'call': {
        const [name, args] = node.args
        this.#visitCall(node, name, args, macroDepth)
        return
      }
      case 'rcall': {
        const [name, receiver, args] = node.args
        if (!(name === 'bind' && receiver.op === 'id' && receiver.args === 'cel'))
          this.visit(receiver, macroDepth)
        this.#visitCall(node, name, args, macroDepth)
        return
      }
      case 'list':
        for (const item of node.args) this.visit(item, macroDepth)
        return
      case 'map':
        this.#refuse(node, 'maps are not allowed')
        return
      case '!_':
      case '-_':
        this.visit(node.args, macroDepth)
        return
      case '?:':
        for (const part of node.args) this.visit(part, macroDepth)
        return
      case '+':
      case '-':
        this.#refuseDurationArithmetic(node, node.args)
        for (const part of node.args) this.visit(part, macroDepth)
        return
      case '[]':
      case '[?]':
      case '||':
      case '&&':
      case '!=':
      case '==':
      case 'in':
      case '*':
      case '/':
      case '%':
      case '<':
      case '<=':
      case '>':
      case '>=':
        for (const part of node.args) this.visit(part, macroDepth)
        return
    }
  }

  #visitName(node: ASTNode, name: string): void {
    if (name === 'now') this.mentionsNow = true
    else if (name === 'parameters' || FACT_GROUPS.some((g) => g === name))
      this.#refuse(node, `"${name}" is a group: name one of its members`)
  }

  #visitCall(node: ASTNode, name: string, args: readonly ASTNode[], macroDepth: number): void {
    if (name === 'matches') this.#refuse(node, 'matches() is not allowed: its run time has no bound')
    if (name === 'duration' || name === 'timestamp') this.#checkLiteral(node, name, args)
    const depth = MACROS.has(name) ? macroDepth + 1 : macroDepth
    if (depth > 1 && MACROS.has(name))
      this.#refuse(node, `${name}() inside another macro is not allowed: their run time multiplies`)
    else if (GROWING.has(name) && ++this.#growing === 2)
      this.#refuse(node, 'map() or bind() a second time is not allowed: what they make can double each time')
    for (const arg of args) this.visit(arg, depth)
  }

  /** `duration("7d")` passes the type check and fails at evaluation, so literals are tried now. */
  #checkLiteral(node: ASTNode, name: string, args: readonly ASTNode[]): void {
    const [literal] = args
    if (literal?.op !== 'value') {
      this.#refuse(node, `${name}() takes a literal here: make the value a parameter instead`)
      return
    }
    try {
      this.#env.evaluate(serialize(node))
    } catch {
      const example = name === 'duration' ? '"24h" (units h, m, s, ms)' : '"2026-01-31T00:00:00Z"'
      this.#refuse(node, `${name}(${serialize(literal)}) is not valid, expected for example ${example}`)
    }
  }

  /**
   * The library adds and subtracts two durations wrongly when one is negative and has a fraction of a second.
   * Times plus or minus a duration, and the difference of two times, are exact.
   */
  #refuseDurationArithmetic(node: ASTNode, sides: readonly ASTNode[]): void {
    const types = sides.map((side) => this.#env.check(serialize(side)).type)
    if (types.every((type) => type === CEL_TYPES.duration))
      this.#refuse(node, 'two durations cannot be added or subtracted: add the duration to a time instead')
  }

  #refuse(node: ASTNode, message: string): void {
    this.problems.push({ column: node.start + 1, message })
  }
}
