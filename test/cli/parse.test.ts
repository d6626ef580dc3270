import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { readable } from '../../collectors/sources/gunzip.ts'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseRecords } from '../../collectors/parse.ts'
import { fixture } from '../collectors/parsing.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const directory = temporaryDirectory()
after(() => directory[Symbol.dispose]())

const path = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const AUDIT = fixture('ejbca-real/audit.log')

function file(name: string, content: string | Uint8Array): string {
  const made = join(directory.path, name)
  writeFileSync(made, content)
  return made
}

test('--json prints one event a line, from a file, from standard input and from gzip alike', async () => {
  const whole = await vigil(['parse', 'ejbca', path('ejbca-real/audit.log'), '--json'])
  assert.equal(whole.code, 0)
  assert.equal(whole.stderr, '')
  const lines = whole.stdout.trimEnd().split('\n')
  assert.equal(lines.length, 193)
  for (const line of lines) assert.equal(inJson(line, 'event.dataset'), 'ejbca.audit')
  const piped = await vigil(['parse', 'ejbca', '-', '--json'], { input: AUDIT })
  const unpacked = await vigil(['parse', 'ejbca', file('audit.log.1.gz', gzipSync(AUDIT)), '--json'])
  assert.deepEqual([piped.stdout, unpacked.stdout], [whole.stdout, whole.stdout])
})

test('what is not understood is printed too, named with its line, and ends with 1', async () => {
  const log = file(
    'odd.log',
    `${AUDIT.toString()}2026-11-22 05:01:08+00:00;half\nmore of it\n${'\0'.repeat(20)}\n`,
  )
  const { code, stdout, stderr } = await vigil(['parse', 'ejbca', log, '--json'])
  assert.equal(code, 1)
  assert.equal(stdout.trimEnd().split('\n').length, 195)
  const line = AUDIT.toString().split('\n').length
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    `${log}:${line}: not an audit message of EJBCA`,
    `${log}:${line + 2}: nul: 21 octets, nearly all of them NUL`,
  ])
})

test('people see one line an event, whatever stands in it', async () => {
  const log = file(
    'evil.log',
    '2026-11-22 05:01:08+00:00;CA_USERAUTH;FAILURE;CA;EJBCA;\u001b[31m;1;;bob;msg=a\n\tb\n',
  )
  const { code, stdout } = await vigil(['parse', 'ejbca', log])
  assert.equal(code, 0)
  assert.doesNotMatch(stdout, /\u001b/)
  assert.match(stdout, /^2026-11-22T05:01:08\.000Z {2}CA_USERAUTH {2}failure .* a b\n$/)
})

test('signatures, time zones and mappings are given on the command line', async () => {
  const key = ['--signing-key', path('dogtag-sample/signer.pub.pem')]
  const signed = await vigil(['parse', 'dogtag', path('dogtag-sample/ca_audit'), '--json', ...key])
  assert.equal(inJson(signed.stdout.trimEnd().split('\n').at(-1) ?? '', 'pki.signature'), 'verified')
  const mapping = file('mapping.yaml', 'time: t\naction: a\n')
  const json = file('x.json', '{"t":"2026-11-22T05:00:00","a":"sign"}')
  const read = await vigil([
    'parse',
    'json',
    json,
    '--mapping',
    mapping,
    '--timezone',
    'Europe/Stockholm',
    '--json',
  ])
  assert.equal(inJson(read.stdout, '@timestamp'), '2026-11-22T04:00:00.000Z')
})

test('what is asked wrongly ends with 2, what can not be read with 3', async () => {
  const bad = file('bad.yaml', 'time: t\nacton: a\n')
  for (const [args, message] of [
    [['nope', 'x'], /Allowed choices are ejbca, ejbca-csv, dogtag, .*\bjson/],
    [['json', 'x'], /--mapping is needed/],
    [['json', 'x', '--mapping', bad], /action: .*\n.*acton/],
    [['ejbca', 'x', '--timezone', 'Mars/Olympus'], /expected a time zone/],
    [['dogtag', 'x', '--signing-key', bad], /expected a certificate or a public key/],
  ] as const) {
    const { code, stderr } = await vigil(['parse', ...args])
    assert.equal(code, 2, stderr)
    assert.match(stderr, message)
  }
  assert.equal((await vigil(['parse', 'ejbca', directory.path])).code, 3)
  assert.equal((await vigil(['parse', 'ejbca', join(directory.path, 'nothing')])).code, 3)
  const cut = file('cut.gz', gzipSync(AUDIT).subarray(0, 5000))
  const torn = await vigil(['parse', 'ejbca', cut, '--json'])
  assert.equal(torn.code, 3)
  assert.ok(torn.stdout.length > 0, 'what came before is printed')
})

test('a log of any size, with lines of any length, is read in flat memory', async () => {
  const piece = Buffer.from(AUDIT)
  const long = Buffer.alloc(1024 * 1024, 'x')
  async function* log(): AsyncGenerator<Uint8Array> {
    yield piece
    for (let i = 0; i < 100; i++) yield long
    yield Buffer.from('\n')
    for (let i = 0; i < 600; i++) yield piece
    await Promise.resolve()
  }
  const before = process.memoryUsage.rss()
  let [events, peak] = [0, 0]
  const options = { format: ejbca, source: 'x', now: () => 0 }
  for await (const batch of parseRecords(readable(log()), options)) {
    events += batch.length
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  // The long line goes on the last record, whose beginning is kept.
  assert.equal(events, 601 * 193 + 1)
  assert.ok(peak - before < 200 * 1024 * 1024, `${peak - before} octets more`)
})
