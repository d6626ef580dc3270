// Emits dist/: compiled sources, and beside them the data files that they read (templates, rule packs, styles).
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const DATA = [
  'rules/packs/*.yaml',
  'reports/templates/*',
  'server/pages/*.{hbs,css,js,svg}',
  'server/static/*',
  'model/schemas/*.json',
]

rmSync('dist', { recursive: true, force: true })
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
if (tsc.status !== 0) process.exit(tsc.status ?? 1)
for (const file of globSync(DATA)) {
  const to = join('dist', file)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(file, to)
}
