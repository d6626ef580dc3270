import { constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem } from '../../model/problem.ts'
import { CommandError, EXIT } from '../exit.ts'
import { loadConfig } from '../load.ts'

/** Files below a directory, by name. */
export type Files = ReadonlyMap<string, string>

/** What is there already is somebody's work. */
export type Existing = 'keep' | 'replace'

/**
 * Writes a configuration with its files, after it was loaded as `vigil run` loads it: what certificates say can make this fail, and never a
 * broken file. Throws CommandError.
 */
export function writeConfiguration(directory: string, files: Files, existing: Existing): void {
  const taken = [...files.keys()].filter((name) => existsSync(join(directory, name)))
  if (existing === 'keep' && taken.length > 0) {
    const message = `${directory} already has ${taken.join(', ')}: name another --directory, or --force to replace them`
    throw new CommandError(EXIT.usage, message)
  }
  mkdirSync(directory, { recursive: true })
  const draft = mkdtempSync(join(directory, '.vigil-init-'))
  try {
    for (const name of files.keys()) mkdirSync(join(draft, name, '..'), { recursive: true })
    for (const [name, text] of files) writeFileSync(join(draft, name), text)
    checkDraft(join(draft, 'vigil.yaml'))
    for (const name of files.keys()) {
      mkdirSync(join(directory, name, '..'), { recursive: true })
      // Between the question above and now somebody may have come.
      const mode = existing === 'keep' ? constants.COPYFILE_EXCL : 0
      copyFileSync(join(draft, name), join(directory, name), mode)
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function checkDraft(file: string): void {
  const loaded = loadConfig(file, {})
  if (loaded.ok) return
  const lines = loaded.problems.map((problem) => `  ${formatProblem({ ...problem, file: 'vigil.yaml' })}`)
  throw new CommandError(
    EXIT.failed,
    `what was found does not make a configuration that vigil takes; nothing was written:\n${lines.join('\n')}`,
  )
}
