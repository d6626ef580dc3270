import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CommandError } from '../../cli/exit.ts'
import { openScratch } from '../../cli/scratch.ts'
import { temporaryDirectory } from '../support/vigil.ts'

test('a scratch directory is empty at first, whatever one that was killed has left, and gone afterwards', () => {
  using parent = temporaryDirectory()
  let path = ''
  {
    using first = openScratch(parent.path, '/var/lib/vigil/journal')
    path = first.path
    using other = openScratch(parent.path, '/srv/other/journal')
    assert.notEqual(other.path, path)
  }
  assert.deepEqual(readdirSync(parent.path), [])
  mkdirSync(join(path, 'journal', 'segments'), { recursive: true })
  writeFileSync(join(path, 'store.db'), 'x')
  {
    using next = openScratch(parent.path, '/var/lib/vigil/journal')
    assert.equal(next.path, path)
    assert.deepEqual(readdirSync(path), ['lock'])
  }
  assert.equal(existsSync(path), false)
})

test('a scratch directory that is in use, or is no directory of this user, is refused', () => {
  using parent = temporaryDirectory()
  const open = () => openScratch(parent.path, 'journal')
  let path = ''
  {
    using scratch = open()
    path = scratch.path
    writeFileSync(join(path, 'half'), 'x')
    assert.throws(open, /another restore drill is under way/)
    assert.ok(existsSync(join(path, 'half')), 'and left alone')
  }
  using elsewhere = temporaryDirectory()
  writeFileSync(join(elsewhere.path, 'precious'), 'x')
  symlinkSync(elsewhere.path, path)
  assert.throws(open, (error) => error instanceof CommandError && /somebody else's/.test(error.message))
  assert.ok(existsSync(join(elsewhere.path, 'precious')))
})
