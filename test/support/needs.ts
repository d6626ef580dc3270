import { spawnSync } from 'node:child_process'
import type { TestOptions } from 'node:test'

/**
 * Options for a test that uses an installed program: skipped with the reason where it is missing.
 * Under VIGIL_REQUIRE=all (CI) nothing is skipped here: the test runs, and fails by itself.
 */
export function needs(program: string): TestOptions {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0
  if (found || process.env['VIGIL_REQUIRE'] === 'all') return {}
  return { skip: `${program} is not installed` }
}
