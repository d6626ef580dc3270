import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Characters of what a command says that are kept, the last ones. */
const MAX_WORDS = 2000

/**
 * Runs a command of vigil in a process of its own: it may read the whole journal, and probes must not wait for that. Resolves with its exit code, null when a
 * signal ended it, and what it said. Rejects when the signal aborts.
 */
export async function runVigil(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [launcher(), ...args], { stdio: ['ignore', 'pipe', 'pipe'], signal })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-MAX_WORDS)
    })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, said: said.trim() }
}

/** bin/ is one level up in a checkout and two in dist/. */
function launcher(): string {
  const [found] = ['../bin/vigil.js', '../../bin/vigil.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .filter((path) => existsSync(path))
  if (found === undefined) throw new Error('expected bin/vigil.js beside the program, found none')
  return found
}
