import { spawnSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Compiles files, named from the root of the project, and all that they import: the product runs as it is installed. Returns the folder in
 * which they have the same names, with `.js`. Throws what tsc says.
 */
export function compile(files: readonly string[], folder: string): string {
  const config = join(folder, 'tsconfig.json')
  const compiled = join(folder, 'compiled')
  const options = {
    noEmit: false,
    rootDir: ROOT,
    outDir: compiled,
    allowImportingTsExtensions: false,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  const include = files.map((file) => join(ROOT, file))
  const content = { extends: join(ROOT, 'tsconfig.json'), compilerOptions: options, include }
  writeFileSync(config, JSON.stringify(content))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stdout)
  writeFileSync(join(compiled, 'package.json'), '{"type":"module"}')
  symlinkSync(join(ROOT, 'node_modules'), join(compiled, 'node_modules'))
  return compiled
}
