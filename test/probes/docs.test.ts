import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FACTS } from '../../model/facts.ts'
import { PROBE_KINDS, type ProbeKind } from '../../model/observation.ts'
import { GROUPS_OF, pageOf, probePage } from '../../scripts/probesDoc.ts'

const ROOT = new URL('../../', import.meta.url)

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8')
}

const index = read('docs/probes.md')
/** What people wrote: the page without what is generated. */
const written = new Map(
  PROBE_KINDS.map((kind) => [
    kind,
    readFileSync(pageOf(kind), 'utf8').split('<!-- begin: generated')[0] ?? '',
  ]),
)

/** Members of a union of string literals. */
function union(file: string, type: string): string[] {
  const text = new RegExp(`type ${type} =\\n((?: +(?://|\\|).*\\n)+)`).exec(read(file))?.[1] ?? ''
  const members = [...text.matchAll(/'([a-z0-9_]+)'/g)].map(([, code = '']) => code)
  assert.ok(members.length > 5, `${type} in ${file}`)
  return members
}

test('docs/probes.md explains every code of the way to the bytes, or the page of a kind does', () => {
  const pages = [index, ...written.values()].join('\n')
  const codes = [
    ...union('probes/fetch/error.ts', 'FetchCode'),
    ...union('probes/observe.ts', 'ProbeOwnCode'),
  ]
  assert.deepEqual(
    codes.filter((code) => !pages.includes(`\`${code}\``)),
    [],
  )
})

test('the page of a kind, or docs/probes.md, explains every code that the files of the kind name', () => {
  const codes = [
    ...union('probes/fetch/error.ts', 'FetchCode'),
    ...union('probes/observe.ts', 'ProbeOwnCode'),
  ]
  for (const kind of PROBE_KINDS) {
    const source = sourceOf(kind)
    const missing = codes.filter(
      (code) =>
        source.includes(`'${code}'`) &&
        ![index, written.get(kind) ?? ''].some((page) => page.includes(`\`${code}\``)),
    )
    assert.deepEqual(missing, [], `docs/probes/${kind}.md`)
  }
})

test('every kind has its page, with the same sections, and a line in docs/probes.md', () => {
  for (const kind of PROBE_KINDS) {
    assert.ok(index.includes(`| [${kind}](probes/${kind}.md) |`), kind)
    for (const section of ['Configuration', 'When facts are there', 'Failure modes'])
      assert.match(written.get(kind) ?? '', new RegExp(`^## ${section}$`, 'm'), `docs/probes/${kind}.md`)
  }
})

test('every kind says when its facts are there, and every group of facts is of some kind', () => {
  for (const kind of PROBE_KINDS) {
    const missing = GROUPS_OF[kind].filter(
      (group) => !new RegExp(`\`${group}[\`.]`).test(written.get(kind) ?? ''),
    )
    assert.deepEqual(missing, [], `docs/probes/${kind}.md`)
  }
  const known = new Set<string>(Object.values(GROUPS_OF).flat())
  // `probe` is derived from the run.
  assert.deepEqual(
    Object.keys(FACTS).filter((group) => group !== 'probe' && !known.has(group)),
    [],
    'scripts/probesDoc.ts: GROUPS_OF',
  )
})

test('what is generated in the pages has not drifted', () => {
  for (const kind of PROBE_KINDS) {
    const page = readFileSync(pageOf(kind), 'utf8')
    assert.equal(page, probePage(kind, page), `docs/probes/${kind}.md: run: npx node scripts/probesDoc.ts`)
  }
})

/** `ocsp_matrix` is probes/ocspMatrix.ts, or what is in the folder probes/ocspMatrix/. */
function sourceOf(kind: ProbeKind): string {
  const name = kind.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const files = globSync([`probes/${name}.ts`, `probes/${name}/**/*.ts`], { cwd: ROOT.pathname })
  return files.map(read).join('\n')
}
