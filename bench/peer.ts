import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a peer printed; undefined when the program is not installed or failed, which is then said. */
export function output(command: string, options: readonly string[]): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, options, { encoding: 'utf8' })
  if (status === 0) return stdout
  console.error(`${command}: ${error?.message ?? stderr.trim()}`)
  return undefined
}

/** Builds bench/peers/NAME with Go. undefined where there is no Go. The program is removed with `Symbol.dispose`. */
export function goPeer(name: string): (Disposable & { readonly file: string }) | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const file = join(folder, name)
  const { status, stderr, error } = spawnSync('go', ['build', '-o', file, `./${name}`], {
    cwd: fileURLToPath(new URL('peers', import.meta.url)),
    encoding: 'utf8',
  })
  const remove = () => {
    rmSync(folder, { recursive: true })
  }
  if (status === 0) return { file, [Symbol.dispose]: remove }
  remove()
  console.error(`go: ${error?.message ?? stderr}`)
  return undefined
}
