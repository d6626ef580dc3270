import assert from 'node:assert/strict'
import { SETTINGS } from '../../cli/demo/settings.ts'
import { loadConfig, type LoadedConfig } from '../../cli/load.ts'
import { createLogger } from '../../cli/logger.ts'
import { startStack, type Stack, type StackOptions } from '../../cli/stack.ts'
import type { Lab } from '../../lab/lab.ts'
import { writeVigilYaml, type VigilYamlOptions } from '../../lab/vigilYaml.ts'
import type { Finding } from '../../model/finding.ts'

/** Longest that findings may take to change, in ms. */
const LIMIT = 30_000

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

/** Follows the journal until the findings are as expected. */
export async function untilFindings(
  stack: Stack,
  condition: (findings: readonly Finding[]) => boolean,
  what = 'as expected',
): Promise<void> {
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(LIMIT)))
    if (batch.length > 0 && condition(stack.findings())) return
  const open = stack.findings().filter((f) => f.state !== 'pass' && f.state !== 'not_applicable')
  assert.fail(
    `${what}: not within ${LIMIT} ms; ${JSON.stringify(open.map((f) => [f.rule, f.subject, f.state, f.summary]))}`,
  )
}
