import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../../journal/digest.ts'
import { NamedArtifacts } from '../../journal/verify/namedArtifacts.ts'

/** More than one chunk of rows, and several tables of slots. */
const MANY = 70_000

const digestOf = (i: number): Buffer => sha256(Buffer.from(String(i)))
const artifact = (i: number) => ({
  digest: digestOf(i).toString('hex'),
  size: i * 2 ** 20,
  position: { entry: i * 2 ** 25, n: i % 1024 },
})

test('every named artifact is found again with its size and first record, and only those', () => {
  const artifacts = new NamedArtifacts()
  for (let i = 0; i < MANY; i++) assert.ok(artifacts.add(artifact(i)))
  for (let i = 0; i < MANY; i++) artifacts.add({ ...artifact(i), position: { entry: 1, n: 1 } })
  for (let i = 0; i < MANY; i += 2) assert.deepEqual(artifacts.found(digestOf(i)), artifact(i))
  assert.equal(artifacts.found(digestOf(MANY)), undefined)
  const missing = [...artifacts.missing()]
  assert.equal(missing.length, MANY / 2)
  assert.deepEqual(missing[1234], artifact(2469))
})

test('digests that begin alike are told apart', () => {
  const artifacts = new NamedArtifacts()
  const alike = [1, 2, 3].map((last) => '0'.repeat(63) + String(last))
  for (const [n, digest] of alike.entries()) artifacts.add({ digest, size: n, position: { entry: 0, n } })
  for (const [n, digest] of alike.entries())
    assert.equal(artifacts.found(Buffer.from(digest, 'hex'))?.size, n)
  assert.equal(artifacts.found(Buffer.from('0'.repeat(63) + '4', 'hex')), undefined)
})

for (const digest of ['', 'f'.repeat(63), 'F'.repeat(64), 'g'.repeat(64), '../../etc/passwd'])
  test(`"${digest}" is no digest`, () => {
    const artifacts = new NamedArtifacts()
    assert.equal(artifacts.add({ digest, size: 1, position: { entry: 0, n: 0 } }), false)
    assert.deepEqual([...artifacts.missing()], [])
  })
