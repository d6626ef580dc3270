import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Changes, onlyAt } from '../../lab/changes.ts'

const TAKEN = Symbol('taken')

interface Draft {
  readonly words: readonly string[]
}

const adds =
  (word: string) =>
  ({ words }: Draft): Draft => ({ words: [...words, word] })

type End = Uint8Array | typeof TAKEN
interface Node {
  readonly address: string
}

function changes(): Changes<Draft, End, Node> {
  return new Changes()
}

const HERE = { address: '127.0.0.1' }

test('each change is made to what the one before it gave, until it is taken back', async () => {
  const all = changes()
  const undo = all.add(adds('one'))
  all.add((draft) => Promise.resolve(adds('two')(draft)))
  assert.deepEqual(await all.apply({ words: [] }, HERE), { words: ['one', 'two'] })
  undo()
  undo()
  assert.deepEqual(await all.apply({ words: [] }, HERE), { words: ['two'] })
})

test('the same change may be on twice, and is taken back once at a time', async () => {
  const all = changes()
  const change = adds('again')
  const undo = all.add(change)
  all.add(change)
  assert.deepEqual(await all.apply({ words: [] }, HERE), { words: ['again', 'again'] })
  undo()
  assert.deepEqual(await all.apply({ words: [] }, HERE), { words: ['again'] })
})

test('octets, or the sign that all is done, end the drafting', async () => {
  for (const end of [Uint8Array.of(1), TAKEN] as const) {
    const all = changes()
    all.add(() => end)
    all.add(() => assert.fail('nothing is left to change'))
    assert.equal(await all.apply({ words: [] }, HERE), end)
  }
})

test('a change on one node leaves the others alone', async () => {
  const all = changes()
  all.add(onlyAt<Draft, End, Node>('127.0.0.2', adds('there')))
  assert.deepEqual(await all.apply({ words: [] }, HERE), { words: [] })
  assert.deepEqual(await all.apply({ words: [] }, { address: '127.0.0.2' }), { words: ['there'] })
})
