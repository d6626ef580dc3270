import { resolve } from 'node:path'
import { formatPath, formatProblem, type Problem } from '../model/problem.ts'
import { RulesError } from '../rules/error.ts'
import { loadPack } from '../rules/loadPack.ts'
import { checkPacks, type Pack } from '../rules/pack.ts'
import { CommandError, EXIT } from './exit.ts'

/**
 * Packs by file, or by the name of one that comes along, as if one configuration named them. Throws CommandError(usage) with every mistake of
 * every pack.
 */
export function readPacks(names: readonly string[]): readonly Pack[] {
  const problems: Problem[] = []
  const packs = names.flatMap((name) => {
    try {
      return [loadPack(/[/\\]|\.ya?ml$/.test(name) ? resolve(name) : name)]
    } catch (error) {
      if (!(error instanceof RulesError)) throw error
      problems.push(...error.problems)
      return []
    }
  })
  // Two packs that do not go together are the mistake of neither file: the message names both.
  if (problems.length === 0) problems.push(...checkPacks(packs, {}).map(withoutPlace))
  if (problems.length === 0) return packs
  throw packMistakes(problems)
}

/** Where in a configuration it would stand, when there is none. */
export function withoutPlace({ message }: Problem): Problem {
  return { file: '', line: undefined, path: [], message }
}

export function packMistakes(problems: readonly Problem[]): CommandError {
  return new CommandError(
    EXIT.usage,
    `${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`} in rule packs:\n${problems.map((p) => `  ${formatProblem(p)}`).join('\n')}`,
    { ok: false, problems: problems.map((p) => ({ ...p, key: formatPath(p.path) })) },
  )
}
