import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyJournal } from '../../../journal/verify.ts'
import type { ProbeResult } from '../../../model/observation.ts'
import { openTestJournal, numbered } from '../support.ts'
import { copyOf, killedAfter, startFollowed, type Followed } from './support.ts'

const HOUR = 3_600_000

function codeOf({ observation }: ProbeResult): string {
  return observation.error === undefined ? 'success' : `${observation.error.phase} ${observation.error.code}`
}

/** The mirror verifies, with the followed log's own key, and covers so many entries. */
async function assertMirrors(f: Followed, size: number): Promise<void> {
  const report = await verifyJournal(f.mirrorDirectory, { trust: await f.trust() })
  assert.deepEqual([report.verdict, report.fault, report.published], ['authenticated', undefined, size])
}

async function treeOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  return names
    .filter((name) => name.isFile() && name.name !== 'lock')
    .map((name) => join(name.parentPath, name.name).slice(directory.length + 1))
    .toSorted()
}

async function contentOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const files = await treeOf(directory).catch(() => [])
  return new Map(
    await Promise.all(files.map(async (f) => [f, await readFile(join(directory, f), 'base64')] as const)),
  )
}

test('a journal is mirrored as it grows, and the mirror is one that verifies', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  const first = await f.look()
  assert.equal(codeOf(first), 'success')
  assert.deepEqual(first.observation.facts.follow, {
    log: f.journal.checkpoint.origin,
    size: f.journal.checkpoint.size,
    root: f.journal.checkpoint.root,
    grown: '2026-11-22T06:44:00.000Z',
    behind: 0,
    forked: false,
    rolledBack: false,
  })
  await assertMirrors(f, f.journal.checkpoint.size)

  f.clock.ms += 2 * HOUR
  const small = await f.journal.putArtifact({ mediaType: 'text/plain', bytes: Buffer.from('small') })
  const large = await f.journal.putArtifact({ mediaType: 'text/plain', bytes: randomBytes(100_000) })
  const body = {
    by: 'test',
    product: 'test',
    artifacts: [small, large].map((a, i) => ({ ...a, name: `${i}` })),
  }
  await f.journal.append([{ kind: 'configuration', time: '2026-11-22T08:44:00.000Z', body }])
  // Over the end of a bundle and of a tile.
  await f.grow(300)
  assert.equal(codeOf(await f.look()), 'success')
  await assertMirrors(f, f.journal.checkpoint.size)
  // What is published is there octet for octet; the checkpoint has cosignatures besides.
  const [theirs, ours] = await Promise.all([contentOf(f.directory), contentOf(f.mirrorDirectory)])
  for (const [path, octets] of ours)
    if (path === 'checkpoint') assert.ok(octets.length > (theirs.get(path)?.length ?? 0))
    else if (!path.startsWith('tile/0/000.p') && !path.startsWith('tile/entries/000.p'))
      assert.equal(octets, theirs.get(path), path)
  assert.ok([...ours.keys()].some((path) => path.startsWith('segments/') && path.endsWith('.zst')))
})

test('what was taken over is cosigned, and the cosignature anchors the journal elsewhere', async (t) => {
  const f = await startFollowed(t)
  await f.grow(5)
  await f.look()
  const { size } = f.journal.checkpoint
  await f.grow(2)
  const known = [{ name: 'kept', text: await readFile(join(f.mirrorDirectory, 'checkpoint'), 'utf8') }]
  const report = await verifyJournal(f.directory, { trust: await f.trust(), known })
  assert.equal(report.verdict, 'authenticated')
  assert.deepEqual(
    report.anchors.map(({ kind, by, size: covered, time }) => ({ kind, by, covered, time })),
    [
      { kind: 'kept', by: 'kept', covered: size, time: undefined },
      { kind: 'cosignature', by: 'follower.test', covered: size, time: '2026-11-22T06:44:00.000Z' },
    ],
  )
  assert.equal(report.unanchored, 2)
})

test('a restarted follower goes on where it stood, and fetches only what is new', async (t) => {
  const f = await startFollowed(t)
  await f.grow(20)
  await f.look()
  f.clock.ms += 1000
  await f.reopenMirror()
  const idle = await f.look()
  assert.equal(idle.observation.facts.follow?.grown, '2026-11-22T06:44:00.000Z')
  assert.deepEqual(f.asked, [
    '/checkpoint',
    '/vkey',
    '/checkpoints?after=2026-11-22T06Z',
    '/checkpoints?after=2026-11-20T06Z',
  ])
  await f.grow(1)
  await f.look()
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('a rotated key is followed, because the key before hands over to it', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  await f.look()
  const [{ privateKey }, postQuantum] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ml-dsa-44')]
  await f.journal.rotateKeys([privateKey, postQuantum.privateKey], 'test')
  await writeFile(f.keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(`${f.keyFile}.ml-dsa-44`, postQuantum.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  f.clock.ms += 3_600_000
  f.journal = await openTestJournal(f, { now: f.clock.now })
  await f.grow(3)
  assert.equal(codeOf(await f.look()), 'success')
  await assertMirrors(f, f.journal.checkpoint.size)
  await f.reopenMirror()
  f.clock.ms += 3_600_000
  await f.grow(3)
  assert.equal(codeOf(await f.look()), 'success')
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('a fork is told, with both checkpoints, and stays until somebody has looked', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  const other = await copyOf(f, 'other')
  await f.grow(4)
  await f.look()
  const mine = await readFile(join(f.mirrorDirectory, 'checkpoint'), 'utf8')
  const forked = await openTestJournal({ directory: other, keyFile: f.keyFile }, { now: f.clock.now })
  t.after(() => forked.close())
  for (let i = 0; i < 6; i++) await forked.append([numbered(100 + i)])
  await forked.publish()
  f.served = other
  const before = await contentOf(f.mirrorDirectory)
  const told = await f.look()
  assert.equal(codeOf(told), 'consistency journal_forked')
  assert.equal(told.observation.facts.follow?.forked, true)
  assert.deepEqual(
    told.artifacts.map(({ bytes }) => Buffer.from(bytes).toString()),
    [mine, forked.checkpoint.text],
  )
  assert.deepEqual(await contentOf(f.mirrorDirectory), before)

  f.served = f.directory
  await f.reopenMirror()
  assert.equal(
    codeOf(await f.look()),
    'consistency journal_forked',
    'who shows both faces is not believed again',
  )
  await rm(`${f.mirrorDirectory}.fork`)
  assert.equal(codeOf(await f.look()), 'success')
})

test('segments of another history, well-formed as they are, do not get in under an honest checkpoint', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  const other = await copyOf(f, 'other')
  await f.look()
  await f.grow(4)
  const forked = await openTestJournal({ directory: other, keyFile: f.keyFile }, { now: f.clock.now })
  t.after(() => forked.close())
  for (let i = 0; i < 6; i++) await forked.append([numbered(100 + i)])
  const before = await contentOf(f.mirrorDirectory)
  f.intercept = (request, response) => {
    f.served = request.url?.startsWith('/segments/') === true ? other : f.directory
    f.serve(request, response)
  }
  assert.equal(codeOf(await f.look()), 'consistency journal_invalid')
  assert.deepEqual(await contentOf(f.mirrorDirectory), before)
})

test('a fork of the same size is told', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  const other = await copyOf(f, 'other')
  await f.grow(1)
  await f.look()
  const forked = await openTestJournal({ directory: other, keyFile: f.keyFile }, { now: f.clock.now })
  t.after(() => forked.close())
  await forked.append([numbered(100)])
  assert.equal((await forked.publish()).size, f.journal.checkpoint.size)
  f.served = other
  assert.equal(codeOf(await f.look()), 'consistency journal_forked')
})

test('a journal that was rolled back is told, and is followed again when it has caught up', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  const other = await copyOf(f, 'other')
  await f.grow(4)
  await f.look()
  f.served = other
  const told = await f.look()
  assert.equal(codeOf(told), 'consistency journal_rolled_back')
  assert.deepEqual(
    [told.observation.facts.follow?.rolledBack, told.observation.facts.follow?.size],
    [true, f.journal.checkpoint.size],
  )
  f.served = f.directory
  await f.grow(1)
  assert.equal(codeOf(await f.look()), 'success')
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('silence is no fork: what was seen stays, and does not get younger', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  await f.look()
  f.clock.ms += HOUR
  f.intercept = (_request, response) => void response.destroy()
  const told = await f.look()
  assert.equal(codeOf(told), 'http closed')
  const { size, grown, forked, rolledBack, behind } = told.observation.facts.follow ?? {}
  assert.deepEqual(
    [size, grown, forked, rolledBack, behind],
    [f.journal.checkpoint.size, '2026-11-22T06:44:00.000Z', false, false, undefined],
  )
})

test('another epoch under the same address is another journal', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  await f.look()
  const next = await startFollowed(t)
  f.served = next.directory
  next.clock.ms += HOUR
  await next.grow(9)
  const again = await openTestJournal(
    { directory: `${f.directory}-next`, keyFile: f.keyFile },
    { now: () => f.clock.ms + HOUR },
  )
  t.after(() => again.close())
  await again.append([numbered(1)])
  await again.publish()
  f.served = `${f.directory}-next`
  assert.equal(codeOf(await f.look()), 'consistency journal_replaced')
})

test('a follower that is killed at any write leaves a mirror that verifies, and goes on', async (t) => {
  const f = await startFollowed(t)
  await f.grow(250)
  await f.look()
  const before = f.journal.checkpoint.size
  f.clock.ms += 2 * HOUR
  const artifact = await f.journal.putArtifact({ mediaType: 'text/plain', bytes: randomBytes(100_000) })
  const body = { by: 'test', product: 'test', artifacts: [{ ...artifact, name: 'a' }] }
  await f.journal.append([{ kind: 'configuration', time: '2026-11-22T08:44:00.000Z', body }])
  await f.grow(10)
  f.clock.ms += 2 * HOUR
  await f.grow(3)
  const saved = `${f.mirrorDirectory}.saved`
  await cp(f.mirrorDirectory, saved, { recursive: true })
  let writes = 0
  for (; ; writes++) {
    await f.closeMirror()
    for (const ending of ['', '.incoming'])
      await rm(f.mirrorDirectory + ending, { recursive: true, force: true })
    await cp(saved, f.mirrorDirectory, { recursive: true })
    await f.reopenMirror(killedAfter(writes))
    const isDone = await f.look().then(
      ({ observation }) => observation.outcome === 'success',
      (error: unknown) => {
        assert.match(String(error), /killed/)
        return false
      },
    )
    if (isDone) break
    const report = await verifyJournal(f.mirrorDirectory, { trust: await f.trust() })
    assert.deepEqual([report.verdict, report.fault], ['authenticated', undefined], `after ${writes} writes`)
    assert.ok(report.published >= before)
    // And from there on, with a disk that works.
    await f.reopenMirror()
    assert.equal(codeOf(await f.look()), 'success')
    await assertMirrors(f, f.journal.checkpoint.size)
  }
  assert.ok(writes > 20, `${writes}`)
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('names in the list of kept checkpoints lead nowhere else', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  f.intercept = (request, response) => {
    if (request.url?.startsWith('/checkpoints?') === true || request.url === '/checkpoints')
      response.end('../../etc/passwd\n2026-11-22T06Z/../../../x\n2026-13-99T99Z\n2026-11-22T05Z.tsr.tsr\n')
    else f.serve(request, response)
  }
  assert.equal(codeOf(await f.look()), 'success')
  assert.deepEqual(
    f.asked.filter((path) => /passwd|x$|99|tsr/.test(path)),
    [],
  )
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('a timestamp that is not of its checkpoint is not kept', async (t) => {
  const f = await startFollowed(t)
  await f.grow(3)
  f.intercept = (request, response) => {
    if (request.url?.startsWith('/checkpoints') === true && !request.url.includes('Z.tsr'))
      if (/\/20/.test(request.url)) f.serve(request, response)
      else response.end('2026-11-22T06Z\n2026-11-22T06Z.tsr\n')
    else if (request.url?.endsWith('.tsr') === true) response.end(randomBytes(500))
    else f.serve(request, response)
  }
  assert.equal(codeOf(await f.look()), 'consistency journal_invalid')
  assert.ok(![...(await contentOf(f.mirrorDirectory)).keys()].some((path) => path.endsWith('.tsr')))
  await assertMirrors(f, f.journal.checkpoint.size)
})

test('what does not fit into the time of a look is had by the next ones', async (t) => {
  const f = await startFollowed(t)
  for (let hour = 0; hour < 3; hour++) {
    await f.grow(2)
    f.clock.ms += HOUR
  }
  const told = await f.look({ budget: -1 })
  assert.deepEqual(
    [codeOf(told), told.observation.facts.follow?.behind],
    ['success', f.journal.checkpoint.size],
  )
  await f.look()
  await assertMirrors(f, f.journal.checkpoint.size)
})

/** What a hostile server may put in place of a file; the rest is as it is. */
const HOSTILE: Readonly<
  Record<
    string,
    { readonly path: RegExp; readonly give: (f: Followed) => Buffer | 'endless' | 404; readonly code: string }
  >
> = {
  'an endless checkpoint': { path: /^\/checkpoint$/, give: () => 'endless', code: 'size body_too_large' },
  'an endless segment': { path: /^\/segments\//, give: () => 'endless', code: 'http timeout' },
  'a checkpoint of nobody': {
    path: /^\/checkpoint$/,
    give: (f) =>
      Buffer.from(
        f.journal.checkpoint.text.replace(
          /— .*\n/u,
          `— ${f.journal.checkpoint.origin} ${randomBytes(68).toString('base64')}\n`,
        ),
      ),
    code: 'consistency journal_invalid',
  },
  'no checkpoint': { path: /^\/checkpoint$/, give: () => 404, code: 'consistency journal_invalid' },
  'other tiles': { path: /^\/tile\/0\//, give: () => randomBytes(8192), code: 'consistency journal_invalid' },
  'no segments': { path: /^\/segments\//, give: () => 404, code: 'consistency journal_pruned' },
  'octets in place of segments': {
    path: /^\/segments\//,
    give: () => randomBytes(5000),
    code: 'consistency journal_invalid',
  },
  'other artifacts': {
    path: /^\/artifact\//,
    give: () => Buffer.from('smaLl'),
    code: 'consistency journal_invalid',
  },
  'no artifacts': { path: /^\/artifact\//, give: () => 404, code: 'consistency journal_invalid' },
  'a key more': {
    path: /^\/vkey$/,
    give: () => Buffer.from('vigil.test/other/1+00000000+AAAA\n'),
    code: 'consistency journal_invalid',
  },
}

for (const [name, { path, give, code }] of Object.entries(HOSTILE))
  test(`a hostile server: ${name}. Nothing of it gets into the mirror`, async (t) => {
    const f = await startFollowed(t)
    await f.grow(3)
    await f.look()
    const artifact = await f.journal.putArtifact({ mediaType: 'text/plain', bytes: Buffer.from('small') })
    const body = { by: 'test', product: 'test', artifacts: [{ ...artifact, name: 'a' }] }
    await f.journal.append([{ kind: 'configuration', time: '2026-11-22T06:44:00.000Z', body }])
    await f.grow(3)
    const before = await contentOf(f.mirrorDirectory)
    f.intercept = (request, response) => {
      if (!path.test(request.url ?? '')) {
        f.serve(request, response)
        return
      }
      const given = give(f)
      if (given === 404) return void response.writeHead(404).end()
      if (given !== 'endless') return void response.writeHead(200).end(given)
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', () => setTimeout(more, 5))
      }
      more()
    }
    const told = await f.look()
    assert.equal(codeOf(told), code)
    assert.deepEqual(await contentOf(f.mirrorDirectory), before)
    f.intercept = undefined
    assert.equal(codeOf(await f.look()), 'success')
    await assertMirrors(f, f.journal.checkpoint.size)
  })
