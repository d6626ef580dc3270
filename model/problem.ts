/** One mistake in a file that people write (configuration, rule pack): where it is, and what to do about it. */
export interface Problem {
  /** '' when the mistake is in the configuration, whose file and line the caller knows from the path. */
  readonly file: string
  /** From 1; undefined when the file could not be read at all, or is not ours to locate. */
  readonly line: number | undefined
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `vigil.yaml:12: inventory.services[0].endpoint: expected host:port` */
export function formatProblem(problem: Problem): string {
  const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return [where, formatPath(problem.path), problem.message].filter((part) => part !== '').join(': ')
}

/** `inventory.services[0].endpoint` */
export function formatPath(path: Problem['path']): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('')
}

/** In the order of the file. */
export function byLine(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
}
