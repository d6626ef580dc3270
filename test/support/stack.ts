import assert from 'node:assert/strict'
import { SETTINGS } from '../../cli/demo/settings.ts'
import { loadConfig, type LoadedConfig } from '../../cli/load.ts'
import { createLogger } from '../../cli/logger.ts'
import { startStack, type Stack, type StackOptions } from '../../cli/stack.ts'
import type { Lab } from '../../lab/lab.ts'
import { writeVigilYaml, type VigilYamlOptions } from '../../lab/vigilYaml.ts'

/** What this vigil.yaml declares; it has no problem. */
export function loadedFrom(file: string): LoadedConfig {
  const loaded = loadConfig(file, {})
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return loaded.value
}

/** A whole vigil in this process. It seals often, and says nothing. */
export function startVigil(
  loaded: LoadedConfig,
  options: Partial<Pick<StackOptions, 'now' | 'stopLimit'>> = {},
): Promise<Stack> {
  return startStack({
    now: Date.now,
    logger: createLogger(process.stderr, 'silent'),
    by: 'test',
    sealInterval: 50,
    ...options,
    loaded,
  })
}

/** vigil.yaml for a lab as the demo has it, but on any free port, and with probes every second. Returns its path. */
export function writeQuickYaml(lab: Lab, options: VigilYamlOptions): Promise<string> {
  return writeVigilYaml(lab, {
    ...SETTINGS,
    server: { listen: '127.0.0.1:0' },
    probes: { interval: '1s', timeout: '800ms' },
    ...options,
  })
}
