import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import type { TestContext } from 'node:test'
import { ElasticsearchProjection } from '../../cli/elasticsearch.ts'
import { loadConfig } from '../../cli/load.ts'
import { createLogger } from '../../cli/logger.ts'
import { Problems } from '../../cli/problems.ts'
import { earlierEpochs, openHistory } from '../../journal/epochs.ts'
import type { Journal } from '../../journal/journal.ts'
import { formatProblem } from '../../model/problem.ts'
import type { SealedRecord } from '../../model/record.ts'
import { compareWithJournal } from '../../store/compare.ts'
import type { Store } from '../../store/contract.ts'
import { StoreError } from '../../store/error.ts'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { FakeClock, makePlace, numbered, openTestJournal } from '../journal/support.ts'
import { temporaryDirectory } from '../support/vigil.ts'

// The projection without its server: what it does to everything else. With it: elasticsearchOutage.test.ts.

const problemsOf = (): Problems => new Problems(createLogger(process.stderr, 'silent'), Date.now)

/** A store that behaves like one on a server: each call of `apply` first asks what to do. */
async function storeThat(
  t: TestContext,
  before: (batch: readonly SealedRecord[]) => Promise<void>,
): Promise<Store> {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ file: join(directory.path, 'store.db') })
  t.after(async () => {
    await store.close()
    directory[Symbol.dispose]()
  })
  return {
    ...store,
    apply: async (batch) => {
      await before(batch)
      await store.apply(batch)
    },
    close: () => Promise.resolve(),
  }
}

it('does not hold up the journal while nothing answers, says so, and ends at once', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const problems = problemsOf()
  const tried = Promise.withResolvers<undefined>()
  const projection = new ElasticsearchProjection({
    journal,
    directory: place.directory,
    problems,
    open: async (signal) => {
      try {
        return await openElasticsearchStore({ url: 'http://127.0.0.1:1', prefix: 'vigil', signal })
      } finally {
        // The problem is raised by the time that the next turn of the loop begins.
        setImmediate(() => tried.resolve(undefined))
      }
    },
  })
  await journal.append([numbered(1)])
  await tried.promise
  await journal.append([numbered(2)])
  assert.match(problems.list().join(), /^elasticsearch: http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/)
  await projection.stop()
  await journal.close()
})

it('hands on in large pieces what has gathered, and misses nothing after refusals', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const problems = problemsOf()
  const free = Promise.withResolvers<undefined>()
  const sizes: number[] = []
  let refusals = 3
  const store = await storeThat(t, async (batch) => {
    await free.promise
    if (refusals-- > 0) throw new StoreError('busy', 'too much to do')
    sizes.push(batch.length)
  })
  const projection = new ElasticsearchProjection({
    journal,
    directory: place.directory,
    problems,
    open: () => Promise.resolve(store),
    firstPause: 1,
  })
  for (let i = 0; i < 40; i++) await journal.append([numbered(i)])
  free.resolve(undefined)
  await projection.caughtUp()
  assert.deepEqual(problems.list(), [])
  assert.equal((await store.position())?.entry, journal.size - 1)
  assert.ok(sizes.length < 10, `${sizes.length} pieces for 40 entries: ${sizes.join()}`)

  await journal.append([numbered(40)])
  await projection.stop()
  assert.equal(
    (await store.position())?.entry,
    journal.size - 1,
    'what was journaled before the end gets there',
  )
  await journal.close()
})

it('ends with the reason, and nothing else ends, when the store contradicts the journal', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const problems = problemsOf()
  const store = await storeThat(t, () =>
    Promise.reject(new StoreError('conflict', 'journal and store disagree')),
  )
  const projection = new ElasticsearchProjection({
    journal,
    directory: place.directory,
    problems,
    open: () => Promise.resolve(store),
  })
  await journal.append([numbered(1)])
  await projection.caughtUp()
  assert.match(problems.list().join(), /^elasticsearch: the projection has ended.*journal and store disagree/)
  await journal.append([numbered(2)])
  await projection.stop()
  await journal.close()
})

it('goes on from where the server stands, and from the start in a new epoch', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  for (let i = 0; i < 5; i++) await journal.append([numbered(i)])
  const seen: number[] = []
  for (const epoch of [journal.epoch, journal.epoch - 1]) {
    const store = await storeThat(t, () => Promise.resolve())
    const projection = new ElasticsearchProjection({
      journal,
      directory: place.directory,
      problems: problemsOf(),
      open: () =>
        Promise.resolve({
          ...store,
          position: () => Promise.resolve({ origin: journal.origin, epoch, entry: 3, n: 0 }),
          apply: (batch) => {
            seen.push(...batch.map((r) => r.position.entry))
            return Promise.resolve()
          },
        }),
    })
    await projection.caughtUp()
    await projection.stop()
    seen.push(-1)
  }
  const all = Array.from({ length: journal.size }, (_, i) => i)
  assert.deepEqual(seen, [...all.slice(4), -1, ...all, -1])
  await journal.close()
})

it('begins with the oldest epoch that is kept, and goes on in the one where the server stands', async (t) => {
  const place = await makePlace(t)
  const clock = new FakeClock()
  const ids: string[] = []
  for (const isLast of [false, false, true]) {
    clock.ms += 3_600_000
    await using opened = new AsyncDisposableStack()
    const journal = await openTestJournal(place, { now: clock.now })
    opened.defer(() => journal.close())
    for (let i = 0; i < 5; i++) await journal.append([numbered(i)])
    for await (const batch of journal.read()) ids.push(...batch.map(({ id }) => id))
    if (isLast) {
      await projectsFrom(0, journal)
      await projectsFrom(7, journal)
      await projectsFrom(ids.length - 3, journal)
    } else {
      await opened.disposeAsync()
      const folder = earlierEpochs(place.directory)
      await mkdir(folder, { recursive: true })
      await rename(place.directory, join(folder, String(journal.epoch)))
    }
  }

  /** `applied`: how many records the server has. */
  async function projectsFrom(applied: number, journal: Journal): Promise<void> {
    const seen: string[] = []
    const store = await storeThat(t, (batch) => {
      seen.push(...batch.map(({ id }) => id))
      return Promise.resolve()
    })
    const history = await openHistory(place.directory)
    let left = applied
    for await (const batch of history.read()) {
      const known = batch.slice(0, left)
      left -= known.length
      if (known.length > 0) await store.apply(known)
    }
    seen.length = 0
    const problems = problemsOf()
    const projection = new ElasticsearchProjection({
      journal,
      directory: place.directory,
      problems,
      open: () => Promise.resolve(store),
    })
    await projection.caughtUp()
    await projection.stop()
    assert.deepEqual(problems.list(), [])
    assert.deepEqual(seen, ids.slice(applied))
    assert.equal(projection.applied, journal.size)
    const reference = await storeThat(t, () => Promise.resolve())
    const { compared, behind, differences } = await compareWithJournal(history.read(), store, reference)
    assert.deepEqual([behind, differences], [0, []])
    assert.ok(compared > 0)
  }
})

it('is not loaded by an installation without it', () => {
  const guard = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name.startsWith('@elastic/')) throw new Error('loaded ' + name)
      return next(name, context)
    } })`
  const stack = new URL('../../cli/stack.ts', import.meta.url)
  const { status, stderr } = spawnSync(process.execPath, [
    ...['--import', `data:text/javascript,${encodeURIComponent(guard)}`],
    ...['--input-type=module', '--eval', `await import('${stack.href}')`],
  ])
  assert.equal(status, 0, stderr.toString())
})

it('reads its configuration, and explains what is wrong with it', () => {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'vigil.yaml')
  writeFileSync(join(directory.path, 'key'), 'aWQ6a2V5\n')
  writeFileSync(join(directory.path, 'empty'), '\n')
  const load = (elasticsearch: string) => {
    writeFileSync(file, `inventory: {}\nelasticsearch: ${elasticsearch}\n`)
    const loaded = loadConfig(file, {})
    return loaded.ok ? loaded.value.elasticsearch : loaded.problems.map(formatProblem).join('\n')
  }
  assert.deepEqual(load('{ url: https://es.example:9200, api_key_file: key }'), {
    url: 'https://es.example:9200',
    prefix: 'vigil',
    credentials: { kind: 'api_key', apiKey: 'aWQ6a2V5' },
  })
  for (const [text, expected] of [
    ['{ url: "https://u:p@es.example" }', /url: expected a URL without user and password: they stand in/],
    ['{ url: https://es.example, prefix: Vigil }', /prefix: expected lower-case letters/],
    ['{ url: https://es.example, username: u }', /expected username and password_file together/],
    [
      '{ url: https://es.example, username: u, password_file: key, api_key_file: key }',
      /expected either username/,
    ],
    ['{ url: https://es.example, api_key_file: empty }', /api_key_file: empty: is empty/],
    ['{ url: https://es.example, ca_file: missing.pem }', /ca_file: missing\.pem: no such file/],
  ] as const)
    assert.match(JSON.stringify(load(text)), expected)
})

it('ends without an error although the store fails for good meanwhile', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const applying = Promise.withResolvers<undefined>()
  const fail = Promise.withResolvers<undefined>()
  const store = await storeThat(t, async () => {
    applying.resolve(undefined)
    await fail.promise
  })
  const problems = problemsOf()
  const projection = new ElasticsearchProjection({
    journal,
    directory: place.directory,
    problems,
    open: () => Promise.resolve(store),
  })
  await journal.append([numbered(1)])
  await applying.promise
  const stopped = projection.stop()
  fail.reject(new StoreError('conflict', 'another document has this id'))
  await stopped
  assert.match(problems.list().join(), /another document has this id/)
  await journal.close()
})
