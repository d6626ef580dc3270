import assert from 'node:assert/strict'
import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CurrentFile } from '../../cli/currentFile.ts'
import { temporaryDirectory } from '../support/vigil.ts'

test('a file is what it holds now, and what it last held while it cannot be had', () => {
  using directory = temporaryDirectory()
  const name = join(directory.path, 'prober.pem')
  const file = new CurrentFile(name, 'first')
  assert.equal(file.text, 'first')
  writeFileSync(name, 'second')
  assert.equal(file.text, 'second')
  rmSync(name)
  assert.equal(file.text, 'second')
  writeFileSync(name, '')
  truncateSync(name, 2 * 1024 * 1024)
  assert.equal(file.text, 'second')
  writeFileSync(name, 'third')
  assert.equal(file.text, 'third')
})
