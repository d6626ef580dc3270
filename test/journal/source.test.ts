import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { directorySource, mayHaveMissed } from '../../journal/verify/source.ts'

test('a directory is listed while full tiles take the place of partial ones, and none of both is missed', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-source-'))
  t.after(() => rm(directory, { recursive: true }))
  const full = join(directory, 'tile/0/000')
  const partial = `${full}.p`
  const fill = async (): Promise<void> => {
    await mkdir(partial, { recursive: true })
    await Promise.all([7, 100, 255].map((width) => writeFile(join(partial, String(width)), '')))
    await rm(full, { force: true })
  }
  await fill()
  const state = { writing: true }
  const writing = (async () => {
    while (state.writing) {
      await writeFile(full, '')
      await rm(partial, { recursive: true })
      await fill()
    }
  })()
  try {
    const source = directorySource(directory)
    for (let round = 0; round < 1500; round++) {
      const paths = (await source.list()).map(({ path }) => path)
      assert.equal(new Set(paths).size, paths.length)
      assert.ok(paths.includes('tile/0/000') || paths.includes('tile/0/000.p/255'), String(round))
    }
  } finally {
    state.writing = false
    await writing
  }
})

test('what was taken out meanwhile, and a key that came, call for another look; a file that got its name does not', () => {
  const before = [
    { path: 'artifacts/aa.tmp', size: 5 },
    { path: 'segments/00000000.pending', size: 9 },
    { path: 'segments/00000001.zst', size: 9 },
    { path: 'vkey', size: 100 },
  ]
  const changed = (path: string, size: number | undefined) =>
    before.flatMap((file) => (file.path !== path ? [file] : size === undefined ? [] : [{ path, size }]))
  assert.equal(mayHaveMissed(before, changed('artifacts/aa.tmp', undefined)), false)
  assert.equal(mayHaveMissed(before, changed('segments/00000000.pending', undefined)), false)
  assert.equal(mayHaveMissed(before, changed('segments/00000001.zst', undefined)), true)
  assert.equal(mayHaveMissed(before, changed('segments/00000001.zst', 8)), true)
  assert.equal(mayHaveMissed(before, changed('vkey', 200)), true)
})
