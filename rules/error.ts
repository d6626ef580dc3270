/** One mistake in a rule pack or in the parameters that override it: where it is, and what to do about it. */
export interface RuleProblem {
  /** '' when the mistake is in the configuration, whose file and line the caller knows from the path. */
  readonly file: string
  /** From 1; undefined when the file could not be read at all, or is not ours to locate. */
  readonly line: number | undefined
  readonly path: readonly (string | number)[]
  readonly message: string
}

type RulesErrorCode = 'pack_unreadable' | 'pack_invalid' | 'parameters_invalid'

/** A pack that cannot be used. Holds every mistake that was found, not only the first. */
export class RulesError extends Error {
  override readonly name = 'RulesError'
  readonly code: RulesErrorCode
  readonly problems: readonly RuleProblem[]

  constructor(code: RulesErrorCode, problems: readonly RuleProblem[], options?: ErrorOptions) {
    super(problems.map(formatRuleProblem).join('\n'), options)
    this.code = code
    this.problems = problems
  }
}

export function formatRuleProblem(problem: RuleProblem): string {
  const where = [
    problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`,
    formatPath(problem.path),
  ]
  return [...where.filter((part) => part !== ''), problem.message].join(': ')
}

function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('')
}
