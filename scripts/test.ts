// Runs the suites, and fails when there were fewer tests than there must be or, under VIGIL_REQUIRE, when any was skipped.
// Arguments: files or globs (default: all), and --name=PATTERN.
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'

/** A glob that matches nothing passes silently in node:test; this many tests exist at least. */
const MINIMUM = 1000

// Every file is a process of its own, and many start vigil: what one has compiled, the others need not (half of their time).
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/vigil-test')

const args = process.argv.slice(2)
const name = args.find((a) => a.startsWith('--name='))?.slice('--name='.length)
const patterns = args.filter((a) => !a.startsWith('--'))
const everything = patterns.length === 0 && name === undefined
const files = globSync(
  everything ? ['test/**/*.test.ts'] : patterns.length > 0 ? patterns : ['test/**/*.test.ts'],
)

let passed = 0
let failed = 0
const skipped: string[] = []
/** A test that failed with a server still open keeps its process alive. (forceExit would cut off what the processes report.) */
const STALL_MS = 400_000
const stalled = new AbortController()
const watch = setTimeout(() => {
  console.log(`FAILED: no test has ended for ${STALL_MS / 1000} s; the files still running are stopped`)
  stalled.abort()
}, STALL_MS)

const stream = run({
  files,
  concurrency: availableParallelism(),
  timeout: 300_000,
  signal: stalled.signal,
  ...(name === undefined ? {} : { testNamePatterns: [name] }),
})
// A suite is reported as a test too: only leaves count, but a skipped suite skips all its leaves.
stream.on('test:pass', (e) => {
  watch.refresh()
  if (e.skip !== undefined) skipped.push(`${e.name}: ${String(e.skip)}`)
  else if (e.details.type !== 'suite') passed++
})
stream.on('test:fail', (e) => {
  watch.refresh()
  if (e.details.type !== 'suite') failed++
})
const reporter = stream.pipe(new spec())
reporter.pipe(process.stdout)
reporter.on('end', () => {
  setImmediate(() => {
    if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((s) => `  ${s}`).join('\n')}`)
    const problems: string[] = []
    if (stalled.signal.aborted) problems.push('stalled')
    if (failed > 0) problems.push(`${failed} failed`)
    if (files.length === 0) problems.push('no test file matches')
    if (everything && passed + skipped.length < MINIMUM)
      problems.push(`only ${passed + skipped.length} tests ran, expected at least ${MINIMUM}`)
    if (skipped.length > 0 && process.env['VIGIL_REQUIRE'] !== undefined)
      problems.push(`VIGIL_REQUIRE is set and ${skipped.length} were skipped`)
    for (const p of problems) console.log(`FAILED: ${p}`)
    console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`)
    process.exit(problems.length > 0 ? 1 : 0)
  })
})
