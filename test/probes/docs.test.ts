import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PROBE_KINDS } from '../../model/observation.ts'

function read(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
}

const docs = read('docs/probes.md')

test('docs/probes.md explains every code that probes themselves give', () => {
  const types = [
    /type FetchCode =\n((?: +(?:\/\/|\|).*\n)+)/.exec(read('probes/fetch/error.ts'))?.[1],
    /type ProbeOwnCode =\n((?: +(?:\/\/|\|).*\n)+)/.exec(read('probes/observe.ts'))?.[1],
  ]
  const codes = types.flatMap((type) => [...(type ?? '').matchAll(/'([a-z0-9_]+)'/g)].map(([, code]) => code))
  assert.ok(codes.length > 30)
  const missing = codes.filter((code) => !docs.includes(`\`${code}\``))
  assert.deepEqual(missing, [])
})

test('docs/probes.md has a section for every kind', () => {
  for (const kind of PROBE_KINDS) assert.match(docs, new RegExp(`^## ${kind}$`, 'm'))
})
