import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openJournal } from '../../journal/journal.ts'
import { toTimestamp } from '../../model/time.ts'
import { drill } from '../../cli/restore.ts'
import { needs } from '../support/needs.ts'
import { inJson, spawnVigil, temporaryDirectory, vigil } from '../support/vigil.ts'

/** An object store's client: `put DIR NAME` and `get DIR NAME`. While DIR/hang is there, it takes what comes and stores nothing. */
const CLIENT = `
import { copyFileSync, createReadStream, createWriteStream, existsSync, renameSync, writeFileSync } from 'node:fs'
const [, , verb, directory, name] = process.argv
const file = directory + '/' + name
if (verb === 'get') createReadStream(file).on('error', () => process.exit(7)).pipe(process.stdout)
else if (existsSync(directory + '/hang')) {
  process.stdin.resume()
  writeFileSync(directory + '/hanging', '')
  setInterval(() => undefined, 1000)
} else process.stdin.pipe(createWriteStream(file + '.part')).on('finish', () => renameSync(file + '.part', file))
`

class World implements Disposable {
  readonly #directory = temporaryDirectory()
  readonly path = this.#directory.path
  readonly config = ['-c', this.at('vigil.yaml')]
  readonly put: readonly string[]
  readonly get: readonly string[]

  constructor() {
    writeFileSync(this.at('client.mjs'), CLIENT)
    mkdirSync(this.at('store'))
    const client = (verb: string): string[] => [
      process.execPath,
      this.at('client.mjs'),
      verb,
      this.at('store'),
      '{name}',
    ]
    this.put = client('put')
    this.get = client('get')
    const commands = { to_command: this.put, from_command: this.get }
    writeFileSync(
      this.at('vigil.yaml'),
      `inventory: {}\nbackup: ${JSON.stringify(commands)}\nrestore_drill: { directory: scratch }\n`,
    )
  }

  at(...names: string[]): string {
    return join(this.#directory.path, ...names)
  }

  async journal(records: number, directory = 'journal', origin = 'vigil.local'): Promise<void> {
    const journal = await openJournal({
      directory: this.at(directory),
      origin,
      keyFile: this.at(`${directory}.key`),
      now: Date.now,
      random: randomBytes,
      sealInterval: 0,
    })
    for (let i = 0; i < records; i++)
      await journal.append([{ kind: 'tick', time: toTimestamp(Date.now()), body: { reason: 'interval' } }])
    await journal.close()
  }

  objects(): readonly string[] {
    return readdirSync(this.at('store')).toSorted()
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]()
  }
}

test('a backup goes through a program, its drill is left beside the journal, and it is restored', async () => {
  using world = new World()
  await world.journal(300)
  const done = await vigil(['backup', ...world.config])
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /300 entries|30\d entries/)
  assert.match(done.stdout, /\nsent 2 objects, \d+ octets\n$/)
  assert.equal(world.objects().length, 2)
  const drilled = await vigil(['restore-drill', ...world.config])
  assert.equal(drilled.code, 0, drilled.stderr)
  assert.match(drilled.stdout, /authenticated, 30\d entries/)
  assert.deepEqual(readdirSync(world.at('scratch')), [], 'nothing is left of it')
  const outcome = readFileSync(world.at('journal.backups', 'drill.json'), 'utf8')
  assert.equal(typeof inJson(outcome, 'succeeded.at'), 'string')
  assert.equal(inJson(outcome, 'failed'), undefined)

  rmSync(world.at('journal'), { recursive: true })
  const restored = await vigil(['restore', ...world.config, '--from-command', '--', ...world.get])
  assert.equal(restored.code, 0, restored.stderr)
  assert.match(restored.stdout, /epoch \d+ begins after \d+; store made from 30\d records/)
  assert.equal(existsSync(world.at('journal.fetched')), false)
  // What comes after goes there too, with the epoch before it.
  assert.equal((await vigil(['backup', ...world.config])).code, 0)
  const again = await vigil(['restore-drill', ...world.config])
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stdout, /epoch \d+ authenticated.*; epoch \d+ authenticated/)
})

test('a backup that is killed is one of before, and the next goes on', async () => {
  using world = new World()
  await world.journal(300)
  assert.equal((await vigil(['backup', ...world.config])).code, 0)
  await world.journal(300)
  writeFileSync(world.at('store', 'hang'), '')
  const child = spawnVigil(['backup', ...world.config])
  const hanging = Promise.withResolvers<undefined>()
  const watcher = watch(world.at('store'), () => {
    if (existsSync(world.at('store', 'hanging'))) hanging.resolve(undefined)
  })
  await hanging.promise
  watcher.close()
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  rmSync(world.at('store', 'hang'))
  const before = await vigil(['restore-drill', ...world.config])
  assert.equal(before.code, 0, before.stderr)
  assert.match(before.stdout, /, 30\d entries/)
  const next = await vigil(['backup', ...world.config])
  assert.equal(next.code, 0, next.stderr)
  const after = await vigil(['restore-drill', ...world.config])
  assert.match(after.stdout, /authenticated, 60\d entries/, after.stderr)
})

test('objects that were fetched by hand are restored from their directory', needs('tar'), async () => {
  using world = new World()
  await world.journal(300)
  assert.equal((await vigil(['backup', ...world.config])).code, 0)
  const drilled = await vigil(['restore-drill', world.at('store'), '--trust', world.at('journal', 'vkey')])
  assert.equal(drilled.code, 0, drilled.stderr)
  // Or they are unpacked, in their order: then it is the directory that `vigil backup DIR` makes.
  mkdirSync(world.at('unpacked'))
  for (const name of world.objects())
    execFileSync('tar', ['-xf', world.at('store', name), '-C', world.at('unpacked')])
  const [epoch = ''] = readdirSync(world.at('unpacked')).filter((name) => /^\d+$/.test(name))
  const verified = await vigil([
    'verify',
    world.at('unpacked', epoch),
    '--trust',
    world.at('journal', 'vkey'),
  ])
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
})

test('a drill of what is no backup of this journal, or of a damaged one, fails and says so', async () => {
  using world = new World()
  await world.journal(300)
  const failed = async (message: RegExp, code: number): Promise<void> => {
    const drilled = await vigil(['restore-drill', ...world.config])
    assert.equal(drilled.code, code, drilled.stdout + drilled.stderr)
    assert.match(drilled.stderr, message)
    assert.match(
      String(inJson(readFileSync(world.at('journal.backups', 'drill.json'), 'utf8'), 'failed.why')),
      message,
    )
    assert.deepEqual(readdirSync(world.at('scratch')), [])
  }
  await failed(/vigil-backup\.tar: expected exit code 0 within 600000 ms, got exit code 7/, 3)
  // Somebody else's journal under the same name.
  await world.journal(10, 'other')
  const other = world.at('other.yaml')
  writeFileSync(other, 'inventory: {}\njournal: { directory: other, key_file: other.key }\n')
  assert.equal((await vigil(['backup', '-c', other, '--to-command', '--', ...world.put])).code, 0)
  await failed(/expected a backup of vigil\.local\/\d+, got one of vigil\.local\/\d+|does not begin with/, 1)
  assert.equal((await vigil(['backup', ...world.config])).code, 0)
  for (const bundle of world.objects().filter((name) => name.startsWith('bundle-'))) {
    const octets = readFileSync(world.at('store', bundle))
    octets[octets.length >> 1] = (octets[octets.length >> 1] ?? 0) ^ 1
    writeFileSync(world.at('store', bundle), octets)
  }
  await failed(/expected [0-9a-f]{64}, got [0-9a-f]{64} at bundle-000001/, 1)
})

test('a drill does not fill the disk', async () => {
  using world = new World()
  await world.journal(50)
  assert.equal((await vigil(['backup', world.at('copy'), ...world.config])).code, 0)
  const place = { kind: 'directory', directory: world.at('copy') } as const
  const options = {
    trust: undefined,
    scratch: world.at('scratch'),
    now: Date.now,
    onProgress: () => undefined,
  }
  await assert.rejects(
    drill(place, { ...options, free: () => Promise.resolve(1e6) }),
    /expected room for \d+ octets and \d+ that stay free, got 1000000/,
  )
  // It fills while stores are made.
  let looks = 0
  await assert.rejects(
    drill(place, { ...options, free: () => Promise.resolve(looks++ === 0 ? 1e12 : 0) }),
    /expected room for 0 octets/,
  )
  assert.deepEqual(readdirSync(world.at('scratch')), [])
})

test('a command without a place for the name is refused', async () => {
  using world = new World()
  const refused = await vigil(['backup', ...world.config, '--to-command', '--', 'cat'])
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /--to-command: expected -- PROGRAM ARGUMENTS with \{name\}/)
})
