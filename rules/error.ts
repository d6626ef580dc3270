import { formatProblem, type Problem } from '../model/problem.ts'

type RulesErrorCode = 'pack_unreadable' | 'pack_invalid' | 'parameters_invalid'

/** A pack that cannot be used. Holds every mistake that was found, not only the first. */
export class RulesError extends Error {
  override readonly name = 'RulesError'
  readonly code: RulesErrorCode
  readonly problems: readonly Problem[]

  constructor(code: RulesErrorCode, problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options)
    this.code = code
    this.problems = problems
  }
}
