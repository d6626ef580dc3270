import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseTilePath, tilePath, tilesOf } from '../../journal/tile.ts'

describe('tile paths', () => {
  test('are written as C2SP tlog-tiles says', () => {
    assert.equal(tilePath({ kind: 0, index: 1234067, width: 256 }), 'tile/0/x001/x234/067')
    assert.equal(tilePath({ kind: 2, index: 0, width: 1 }), 'tile/2/000.p/1')
    assert.equal(tilePath({ kind: 'entries', index: 1000, width: 255 }), 'tile/entries/x001/000.p/255')
  })

  test('are read back only as they are written', () => {
    const name = { kind: 'entries', index: 1234067, width: 17 } as const
    assert.deepEqual(parseTilePath(tilePath(name)), name)
    for (const path of [
      'tile/0/x000/001',
      'tile/0/001.p/256',
      'tile/0/001.p/0',
      'tile/0/001.p/07',
      'tile/0/001.p/300',
      'tile/7/000',
      'tile/00/000',
      'tile/0/0001',
      'tile/0/001/002',
      'tile/0/../000',
      'tile/entries/001.p/1.tmp',
    ])
      assert.equal(parseTilePath(path), undefined, path)
  })

  test('of a tree of 70,000 are those of the example in C2SP tlog-tiles', () => {
    const tiles = [...tilesOf(70_000)]
    const count = (kind: number, full: boolean) =>
      tiles.filter((t) => t.kind === kind && (t.width === 256) === full)
    assert.equal(count(0, true).length, 273)
    assert.deepEqual(count(0, false), [{ kind: 0, index: 273, width: 112 }])
    assert.equal(count(1, true).length, 1)
    assert.deepEqual(count(1, false), [{ kind: 1, index: 1, width: 17 }])
    assert.deepEqual(count(2, false), [{ kind: 2, index: 0, width: 1 }])
    assert.equal(tiles.filter((t) => t.kind === 'entries').length, 274)
  })

  test('of a tree of 256 are a full tile and one hash above it', () => {
    assert.deepEqual(
      [...tilesOf(256)],
      [
        { kind: 'entries', index: 0, width: 256 },
        { kind: 0, index: 0, width: 256 },
        { kind: 1, index: 0, width: 1 },
      ],
    )
  })
})
