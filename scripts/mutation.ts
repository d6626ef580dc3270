// Mutation tests of what verifies: Stryker changes the code in one place at a time, and a test has to fail. Not in CI, since a group takes a
// quarter of an hour on two cores. Arguments: the groups (all). --file=PATH, --test=NAME: other files, other tests; may be repeated.
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'

interface Group {
  readonly mutate: readonly string[]
  /** Under `test/pki`: those that concern the files and are quick, since one runs for each mutant; the first that fails ends it. */
  readonly tests: readonly string[]
}

const GROUPS: Readonly<Record<string, Group>> = {
  der: {
    mutate: ['pki/der.ts', 'pki/derHeader.ts', 'pki/derValue.ts'],
    tests: ['der', 'ber'],
  },
  path: {
    mutate: ['pki/pathValidation.ts', 'pki/path.ts', 'pki/nameConstraints.ts'],
    // PKITS last: it is slow, and there for what the others leave over.
    tests: ['path', 'pathPolicies', 'nameConstraints', 'pkits'],
  },
  ocsp: {
    mutate: ['pki/ocsp.ts', 'pki/ocspSigner.ts', 'pki/ocspPlain.ts'],
    tests: ['ocspSigner', 'ocsp', 'ocspCorpora', 'ocspPlain'],
  },
  crl: {
    mutate: ['pki/crl.ts', 'pki/crlReader.ts', 'pki/crlScan.ts'],
    tests: ['crl', 'crlDelta', 'crlVectors', 'crlReader'],
  },
}

/** Per cent of the mutants that tests have to notice. */
const GOAL = 85
const DETECTED: ReadonlySet<string> = new Set(['Killed', 'Timeout'])
const SURVIVED: ReadonlySet<string> = new Set(['Survived', 'NoCoverage'])

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { file: { type: 'string', multiple: true }, test: { type: 'string', multiple: true } },
  })
  // The sandbox does not change from mutant to mutant: its types are stripped once.
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'vigil-mutation-cache')
  const rows: string[] = []
  for (const name of positionals.length > 0 ? positionals : Object.keys(GROUPS)) {
    const group = GROUPS[name]
    if (group === undefined) throw new Error(`expected one of ${Object.keys(GROUPS).join(', ')}, got ${name}`)
    const tests = values.test ?? group.tests
    rows.push(...(await run({ mutate: values.file ?? group.mutate, tests })))
  }
  console.log(['file  detected/mutants  score', ...rows].join('\n'))
}

async function run({ mutate, tests }: Group): Promise<string[]> {
  const results = await new Stryker({
    testRunner: 'tap',
    plugins: ['@stryker-mutator/tap-runner', new URL('ignoreMessages.ts', import.meta.url).pathname],
    ignorers: ['messages'],
    tap: { testFiles: tests.map((test) => `test/pki/${test}.test.ts`), nodeArgs: ['--test-reporter=tap'] },
    mutate: [...mutate],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    ignorePatterns: ['**', ...COPIED.map((path) => `!${path}`)],
    reporters: ['clear-text', 'progress-append-only'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    thresholds: { high: GOAL, low: GOAL, break: null },
    // Inside the tree, so that packages are found from there.
    tempDirName: '.stryker-tmp',
    cleanTempDir: 'always',
  }).runMutationTest()
  return mutate.map((file) => {
    const of = results.filter((result) => relative('', result.fileName) === file)
    const detected = of.filter(({ status }) => DETECTED.has(status)).length
    const all = detected + of.filter(({ status }) => SURVIVED.has(status)).length
    return `${file}  ${detected}/${all}  ${((100 * detected) / all).toFixed(1)} %`
  })
}

/** What the tests need; the rest of the tree is not copied. */
const COPIED = [
  'model/**',
  'pki/**',
  'lab/**',
  'probes/**',
  'test/pki/**',
  'test/fixtures/**',
  'test/support/**',
  'package.json',
  'tsconfig.json',
]

await main()
