import type { RuleEngineOptions } from '../rules/engine.ts'
import type { LoadedConfig } from './load.ts'

/** What a configuration has judged, and how. */
export function rulesOf({
  packs,
  config,
  watched: targets,
}: Pick<LoadedConfig, 'packs' | 'config' | 'watched'>): RuleEngineOptions {
  const { inventory, maintenance, rules } = config
  const { parameters, waivers } = rules
  return { packs, inventory, parameters, waivers, maintenance, targets }
}
