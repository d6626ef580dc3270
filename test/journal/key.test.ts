import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadOrCreateKey } from '../../journal/key.ts'

const directory = mkdtempSync(join(tmpdir(), 'vigil-key-'))
after(() => {
  rmSync(directory, { recursive: true })
})

test('a key is made once, for its owner only, and leaves nothing beside it', async () => {
  const file = join(directory, 'journal.key')
  const made = await loadOrCreateKey(file)
  const again = await loadOrCreateKey(file)
  assert.ok(made.equals(again))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['journal.key'])
})

test('a file that is not an Ed25519 key is refused, and not replaced', async () => {
  const file = join(directory, 'other.key')
  for (const text of ['', 'not a key\n']) {
    writeFileSync(file, text)
    await assert.rejects(loadOrCreateKey(file), {
      code: 'key',
      message: /expected a private key in PKCS#8 PEM/,
    })
  }
})

test('where a key cannot be made, the error says why; folders above it are made', async () => {
  const file = join(directory, 'new', 'place', 'journal.key')
  assert.ok((await loadOrCreateKey(file)).equals(await loadOrCreateKey(file)))
  writeFileSync(join(directory, 'a-file'), '')
  await assert.rejects(loadOrCreateKey(join(directory, 'a-file', 'journal.key')), {
    code: 'key',
    message: /a-file\/journal\.key: cannot be (read|created): ENOTDIR/,
  })
})
