import { execFile } from 'node:child_process'
import type { TestOptions } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { findProgram } from './needs.ts'

/** Milliseconds. */
const TIMEOUT = 60_000

/** VIGIL_PINT, one on the PATH, or the one that test/services/pint.sh built. */
function find(): string | undefined {
  return process.env['VIGIL_PINT'] ?? findProgram('pint', 'pint/pint')
}

/** Skipped with the reason where there is none, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsPint(): TestOptions {
  if (find() !== undefined || process.env['VIGIL_REQUIRE'] === 'all') return {}
  return { skip: 'pint is not installed (test/services/pint.sh builds it)' }
}

/** All that it printed. Rejects with that when it fails. */
export async function runPint(args: readonly string[]): Promise<string> {
  const program = find()
  if (program === undefined) throw new Error('no pint: run test/services/pint.sh')
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: TIMEOUT })
    return stdout + stderr
  } catch (error) {
    const printed = printedSchema.safeParse(error).data
    throw new Error(`pint ${args.join(' ')}: ${printed?.stdout ?? ''}${printed?.stderr ?? ''}`, {
      cause: error,
    })
  }
}
const printedSchema = z.object({ stdout: z.string(), stderr: z.string() })
