import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inJson, spawnVigil, temporaryDirectory, vigil } from '../support/vigil.ts'

// The README's first command, as its user runs it. Its own exit code says whether every step really happened.
test(
  'the demo tells its story to the end and leaves evidence that verifies',
  { timeout: 180_000 },
  async (t) => {
    using directory = temporaryDirectory()
    const keep = join(directory.path, 'out')
    const env = { XDG_STATE_HOME: join(directory.path, 'state') }
    const started = performance.now()
    const { code, stdout, stderr } = await vigil(['demo', '--once', '--keep', keep], { env })
    const seconds = (performance.now() - started) / 1000
    assert.equal(code, 0, stdout + stderr)
    assert.doesNotMatch(stdout, /no observation yet/)
    t.diagnostic(`${seconds.toFixed(1)} s`)

    for (const told of [
      ' rules pass, on ',
      'A CRL goes stale',
      'A certificate is near its expiry',
      'What happened',
    ])
      assert.ok(stdout.includes(told), told)
    for (const name of ['vigil.db', 'report.html', 'report.json'])
      assert.ok(statSync(join(keep, name)).size > 0, name)
    if (process.env['VIGIL_REQUIRE'] !== undefined) assert.ok(existsSync(join(keep, 'report.pdf')))

    const verified = await vigil([
      'verify',
      join(keep, 'journal'),
      '--trust',
      join(keep, 'vkey'),
      '--replay',
      '--json',
    ])
    assert.equal(verified.code, 0, verified.stdout)
    for (const kind of ['epoch', 'configuration', 'tick', 'observation', 'audit', 'decision', 'action'])
      assert.ok(Number(inJson(verified.stdout, `records.${kind}`)) > 0, kind)
    const report = readFileSync(join(keep, 'report.json'), 'utf8')
    assert.deepEqual(
      [0, 1].map((i) => inJson(report, `remediation.items.${i}.outcome`)),
      ['verified', 'verified'],
    )

    const again = await vigil(['demo', '--once', '--keep', keep], { env })
    assert.equal(again.code, 2, 'evidence of two demos is never mixed')
  },
)

test(
  'a demo that nobody reads any more (Ctrl-C ends `tee` too) leaves nothing',
  { timeout: 60_000 },
  async () => {
    for (const signals of [[], ['SIGINT']] as const) {
      using directory = temporaryDirectory()
      const env = { TMPDIR: directory.path, XDG_STATE_HOME: join(directory.path, 'state') }
      const demo = spawnVigil(['demo', '--once'], { env })
      let told = ''
      demo.stdout?.setEncoding('utf8').on('data', (text: string) => {
        told += text
        if (!told.includes('page and metrics on')) return
        demo.stdout?.destroy()
        for (const signal of signals) demo.kill(signal)
      })
      const code = await new Promise((resolve) => demo.on('exit', resolve))
      assert.equal(code, 130, told)
      assert.deepEqual(
        readdirSync(directory.path).filter((name) => name.startsWith('vigil-')),
        [],
      )
    }
  },
)

test('a demo that is interrupted ends at once and leaves nothing', { timeout: 60_000 }, async () => {
  using directory = temporaryDirectory()
  const env = { TMPDIR: directory.path, XDG_STATE_HOME: join(directory.path, 'state') }
  const demo = spawnVigil(['demo', '--once'], { env })
  let told = ''
  let interrupted = 0
  demo.stdout?.setEncoding('utf8').on('data', (text: string) => {
    told += text
    if (interrupted > 0 || !told.includes('A CRL goes stale')) return
    interrupted = performance.now()
    demo.kill('SIGINT')
  })
  const code = await new Promise((resolve) => demo.on('close', resolve))
  assert.equal(code, 130, told)
  // Its steps wait for up to 45 s.
  assert.ok(performance.now() - interrupted < 20_000)
  assert.deepEqual(
    readdirSync(directory.path).filter((name) => name.startsWith('vigil-')),
    [],
  )
})
