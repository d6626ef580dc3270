import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { commandFetch, commandStore } from '../../journal/backupCommand.ts'
import { JournalError } from '../../journal/error.ts'

/** A program that is this script; its name of the object is `process.argv[1]`. */
const script = (code: string): readonly string[] => [process.execPath, '-e', code, '{name}']
const LONG = 20_000
const READ = "process.stdin.resume().on('end', () => { END })"

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-program-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

const storage = (message: RegExp) => (error: unknown) =>
  error instanceof JournalError && error.code === 'storage' && message.test(error.message)

describe('a program that stores objects', () => {
  test('gets its arguments as they are, and the content on its standard input', async (t) => {
    const file = join(await place(t), 'a $(b) c')
    const code = `process.stdin.pipe(fs.createWriteStream(${JSON.stringify(file)} + process.argv[1]))`
    await commandStore(script(code), LONG).put('x;y', [Buffer.from('one '), Buffer.from('two')])
    assert.equal(await readFile(`${file}x;y`, 'utf8'), 'one two')
  })

  test('that fails is quoted with the end of what it said', async () => {
    const code = READ.replace(
      'END',
      "process.stderr.write('x'.repeat(1e6) + ' denied', () => process.exit(3))",
    )
    await assert.rejects(
      commandStore(script(code), LONG).put('name', [Buffer.from('x')]),
      storage(
        /^node[^ ]* for name: expected exit code 0 within 20000 ms, got exit code 3: x{1,300} denied$|denied$/,
      ),
    )
    const error: unknown = await commandStore(script(code), LONG)
      .put('name', [])
      .catch((reason: unknown) => reason)
    assert.ok(error instanceof JournalError && error.message.length < 500)
  })

  test('that does not read everything has stored nothing, whatever it says', async () => {
    await assert.rejects(
      commandStore(script('process.exit(0)'), LONG).put('name', [Buffer.alloc(8 * 1024 * 1024)]),
      storage(/before it had read everything/),
    )
  })

  test('that takes too long is ended, with what it said; what it started is not waited for', async () => {
    const code = `
      process.stderr.write('connecting')
      child_process.spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'], { stdio: 'inherit' })
      setInterval(() => {}, 1000)`
    const began = Date.now()
    await assert.rejects(
      commandStore(script(code), 700).put('name', []),
      storage(/within 700 ms, got end by SIGKILL/),
    )
    assert.ok(Date.now() - began < 4000)
  })

  test('that does not exist is an error', async () => {
    await assert.rejects(
      commandStore(['/nonexistent/program', '{name}'], LONG).put('name', [Buffer.from('x')]),
      storage(/ENOENT/),
    )
  })
})

describe('a program that fetches objects', () => {
  test('gives what it prints, and no more than is asked for', async (t) => {
    const file = join(await place(t), 'file')
    await commandFetch(script('process.stdout.write(process.argv[1])'), LONG)('an-object', file, 9)
    assert.equal(await readFile(file, 'utf8'), 'an-object')
    const endless = "setInterval(() => process.stdout.write('x'.repeat(1e5)), 1)"
    await assert.rejects(
      commandFetch(script(endless), LONG)('an-object', file, 1_000_000),
      storage(/expected at most 1000000 octets, got more/),
    )
    await assert.rejects(
      commandFetch(script('process.exit(1)'), LONG)('an-object', file, 9),
      storage(/exit code 1/),
    )
  })
})
