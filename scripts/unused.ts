// Exports that no other file imports are dead or should be private.
import analyze from 'ts-unused-exports'

const unused = analyze('./tsconfig.json', [
  '--ignoreFiles=^(scripts|test|bench|eslint)',
  '--excludePathsFromReport=node_modules;types',
])
const rows = Object.entries(unused).flatMap(([file, names]) =>
  names.map((n) => `${file}:${String(n.location?.line ?? 1)} ${n.exportName}`),
)
for (const row of rows) console.error(`unused export: ${row}`)
if (rows.length > 0) process.exit(1)
