import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import type { TestContext } from 'node:test'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { contentOf, history } from './contents.ts'
import { storeContract } from './contract.ts'
import { FakeJournal, audit, tick } from './records.ts'

storeContract('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-store-'))
  return {
    open: () => openSqliteStore({ file: join(directory, 'vigil.db') }),
    remove: () => rm(directory, { recursive: true }),
  }
})

async function newFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-store-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'vigil.db')
}

it('says how it found the file, and keeps it from other users', async (t) => {
  const file = await newFile(t)
  const first = await openSqliteStore({ file })
  assert.equal(first.opened, 'new')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(`${file}-wal`).mode & 0o777, 0o600)
  await first.close()
  const second = await openSqliteStore({ file })
  assert.equal(second.opened, 'existing')
  await second.close()
  assert.equal(existsSync(`${file}-wal`), false, 'a closed store is one file')
})

it('takes a file that was killed before its schema was written as new', async (t) => {
  const file = await newFile(t)
  writeFileSync(file, '')
  const store = await openSqliteStore({ file })
  assert.equal(store.opened, 'new')
  await store.close()
})

for (const version of [0, 999])
  it(`drops a file of schema version ${version}, to be rebuilt from the journal`, async (t) => {
    const file = await newFile(t)
    const old = await openSqliteStore({ file })
    await old.apply(new FakeJournal().seal(audit()))
    await old.close()
    const database = new DatabaseSync(file)
    database.exec(`PRAGMA user_version = ${version}; CREATE TABLE relic (a);`)
    database.close()

    const store = await openSqliteStore({ file })
    assert.equal(store.opened, 'recreated')
    assert.equal(await store.position(), undefined)
    assert.deepEqual(await store.auditEvents({ limit: 9 }), [])
    await store.apply(new FakeJournal().seal(audit()))
    await store.close()
    const again = await openSqliteStore({ file })
    assert.equal(again.opened, 'existing')
    await again.close()
  })

it("does not touch another application's database", async (t) => {
  const file = await newFile(t)
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1);')
  database.close()
  await assert.rejects(openSqliteStore({ file }), { name: 'StoreError', code: 'foreign_file' })
  const still = new DatabaseSync(file)
  assert.equal(still.prepare('SELECT count(*) AS n FROM theirs').get()?.['n'], 1)
  still.close()
})

it('does not touch a file that is no database', async (t) => {
  const file = await newFile(t)
  const notes = 'my notes, which are not a database\n'.repeat(200)
  writeFileSync(file, notes)
  await assert.rejects(openSqliteStore({ file }), { name: 'StoreError', code: 'foreign_file' })
  assert.equal(readFileSync(file, 'utf8'), notes)
})

it('names the file that it can not open', async (t) => {
  const file = join(await newFile(t), 'missing', 'vigil.db')
  await assert.rejects(openSqliteStore({ file }), { code: 'io', message: /missing/ })
})

it('rejects while another process holds the database, and applies the same batch afterwards', async (t) => {
  const file = await newFile(t)
  const store = await openSqliteStore({ file, busyTimeout: 20 })
  t.after(() => store.close())
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const batch = new FakeJournal().seal(audit())
  await assert.rejects(store.apply(batch), { name: 'StoreError', code: 'busy', message: /vigil\.db.*locked/ })
  assert.equal(await store.position(), undefined)
  other.exec('ROLLBACK')
  other.close()
  await store.apply(batch)
  assert.equal((await store.auditEvents({ limit: 9 })).length, 1)
})

it('rejects when there is no space left, with nothing half-applied', async (t) => {
  const file = await newFile(t)
  const small = await openSqliteStore({ file, maxPages: 60 })
  const journal = new FakeJournal()
  const applied = journal.seal(audit(), tick)
  await small.apply(applied)
  const before = await contentOf(small)
  const large = journal.seal(...Array.from({ length: 400 }, (_, i) => audit({ offset: 200 + i * 100 })))
  await assert.rejects(small.apply(large), { name: 'StoreError', code: 'full' })
  assert.deepEqual(await contentOf(small), before)
  await small.close()

  const roomy = await openSqliteStore({ file })
  t.after(() => roomy.close())
  await roomy.apply(large)
  assert.equal((await roomy.auditEvents({ limit: 999 })).length, 401)
})

it('answers with an error when its file was damaged', async (t) => {
  const file = await newFile(t)
  const store = await openSqliteStore({ file })
  await store.apply(history(40))
  await store.close()
  const bytes = readFileSync(file)
  bytes.fill(0x5a, 4096, bytes.length)
  writeFileSync(file, bytes)
  const damaged = await openSqliteStore({ file })
  t.after(() => damaged.close())
  await assert.rejects(damaged.findings(), {
    name: 'StoreError',
    code: 'corrupt',
    message: /remove the file, the next start rebuilds it/,
  })
})

it('after kill -9 while applying it holds what was acknowledged, and goes on to what a fresh rebuild holds', async (t) => {
  const file = await newFile(t)
  const records = history(60)
  const fresh = await openSqliteStore({ file: `${file}-fresh` })
  await fresh.apply(records)
  const expected = await contentOf(fresh)
  await fresh.close()

  for (let kills = 0; kills < 8; kills++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'applyForever.ts'), file, '60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let acknowledged = ''
    let left = 2 + kills * 3
    for await (const line of createInterface(child.stdout)) {
      acknowledged = line
      if (--left === 0) child.kill('SIGKILL')
    }
    await exited
    const store = await openSqliteStore({ file })
    const position = await store.position()
    await store.close()
    const [entry = NaN, n = NaN] = acknowledged.split('/').map(Number)
    assert.ok(
      position !== undefined && (position.entry - entry || position.n - n) >= 0,
      'nothing acknowledged is lost',
    )
  }

  const store = await openSqliteStore({ file })
  t.after(() => store.close())
  await store.apply(records)
  assert.deepEqual(await contentOf(store), expected)
})
