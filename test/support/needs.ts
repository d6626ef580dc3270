import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TestOptions } from 'node:test'

/**
 * Options for a test that uses an installed program: skipped with the reason where it is missing.
 * Under VIGIL_REQUIRE=all (CI) nothing is skipped here: the test runs, and fails by itself.
 */
export function needs(program: string): TestOptions {
  if (findProgram(program) !== undefined || process.env['VIGIL_REQUIRE'] === 'all') return {}
  return { skip: `${program} is not installed` }
}

/** The path of a program that is installed, or of `unpacked` in the folder that the scripts in test/services/ fill. */
export function findProgram(program: string, unpacked?: string): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' })
  if (found.status === 0) return found.stdout.trim()
  if (unpacked === undefined) return undefined
  const file = join(testCache(), unpacked)
  return existsSync(file) ? file : undefined
}

/** Where the scripts in test/services/ put what they fetch or build. */
function testCache(): string {
  return (
    process.env['VIGIL_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vigil-test')
  )
}
