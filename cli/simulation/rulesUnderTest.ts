import type { RuleEngineOptions } from '../../rules/engine.ts'
import { checkPacks, type Pack } from '../../rules/pack.ts'
import type { LoadedConfig } from '../load.ts'
import { packMistakes, readPacks, withoutPlace } from '../packs.ts'
import { rulesOf } from '../rulesOf.ts'

/** What a simulation is about. */
export interface RulesUnderTest {
  readonly inForce: RuleEngineOptions
  /** The packs under test alone: those that were named or, if none was, those in force. */
  readonly tested: RuleEngineOptions
  /** Everything that would be in force with them. */
  readonly then: RuleEngineOptions
  /** Rules of `then` that are not under test. */
  readonly kept: ReadonlySet<string>
}

/**
 * A pack takes the place of one in force with the same id; with `only`, of all of them. Overrides and waivers of the configuration hold for the
 * rules that are left. Throws CommandError(usage).
 */
export function rulesUnderTest(
  loaded: LoadedConfig,
  { names, only }: { readonly names: readonly string[]; readonly only: boolean },
): RulesUnderTest {
  const inForce = rulesOf(loaded)
  if (names.length === 0) return { inForce, tested: inForce, then: inForce, kept: new Set() }
  const named = readPacks(names)
  const ids = new Set(named.map(({ id }) => id))
  const others = only ? [] : inForce.packs.filter(({ id }) => !ids.has(id))
  const then = withPacks(inForce, [...others, ...named])
  const problems = checkPacks(then.packs, then.parameters)
  if (problems.length > 0) throw packMistakes(problems.map(withoutPlace))
  const kept = new Set(others.flatMap((pack) => pack.rules.map(({ id }) => id)))
  return { inForce, tested: withPacks(inForce, named), then, kept }
}

function withPacks(options: RuleEngineOptions, packs: readonly Pack[]): RuleEngineOptions {
  const rules = new Set(packs.flatMap((pack) => pack.rules.map(({ id }) => id)))
  const parameters = Object.entries(options.parameters).filter(([id]) => rules.has(id))
  return { ...options, packs, parameters: Object.fromEntries(parameters) }
}
