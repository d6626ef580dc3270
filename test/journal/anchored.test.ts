import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { cosignCheckpoint, parseCheckpoint } from '../../journal/checkpoint.ts'
import { FaultFound } from '../../journal/verify/fault.ts'
import { formatVerifierKey, signNote, verifierKey } from '../../journal/note.ts'
import { keySigner } from '../../journal/signer.ts'
import { formatTreeHead } from '../../journal/treeHead.ts'
import { anchorsOf } from '../../journal/verify/anchored.ts'
import { makePlace, numbered, openTestJournal } from './support.ts'

async function journalOf(t: TestContext, entries: number) {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const earlier: string[] = []
  for (let i = 0; i < entries; i++) {
    await journal.append([numbered(i)])
    earlier.push((await journal.publish()).text)
  }
  await journal.close()
  return { ...place, earlier }
}

test('a checkpoint that a follower cosigned anchors what it covers, for whoever believes the follower', async (t) => {
  const { directory, earlier } = await journalOf(t, 4)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = verifierKey('vigil.follower', publicKey, 'ed25519_cosigner')
  const text = await cosignCheckpoint(earlier[2] ?? '', keySigner(key, privateKey), Date.UTC(2026, 10, 22))
  const size = parseCheckpoint(text).checkpoint.size
  const known = [{ name: 'theirs', text }]
  const kept = { kind: 'kept', by: 'theirs', size }
  assert.deepEqual(await anchorsOf(directory, { known }), [kept])
  assert.deepEqual(await anchorsOf(directory, { known, cosigners: formatVerifierKey(key) }), [
    kept,
    { kind: 'cosignature', by: 'vigil.follower', size, time: '2026-11-22T00:00:00.000Z' },
  ])
})

test('a checkpoint that the journal does not begin with, or another one of a stranger, is no anchor', async (t) => {
  const { directory, keyFile, earlier } = await journalOf(t, 3)
  const refused = async (text: string, expected: object) =>
    await assert.rejects(anchorsOf(directory, { known: [{ name: 'theirs', text }] }), expected)
  const { origin, size } = parseCheckpoint(earlier[1] ?? '').checkpoint
  const forked = formatTreeHead({ origin, size, root: Buffer.alloc(32, 0xab) })
  const privateKey = createPrivateKey(await readFile(keyFile, 'utf8'))
  await refused(signNote(forked, origin, privateKey), { code: 'altered', message: /^theirs: / })
  const longer = formatTreeHead({ origin, size: 99, root: Buffer.alloc(32, 0xab) })
  await refused(signNote(longer, origin, privateKey), { code: 'altered', message: /at least the 99 entries/ })
  const stranger = generateKeyPairSync('ed25519').privateKey
  await assert.rejects(
    anchorsOf(directory, { known: [{ name: 'theirs', text: signNote(forked, origin, stranger) }] }),
    FaultFound,
  )
})
