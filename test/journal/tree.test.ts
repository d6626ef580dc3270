import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EdgeTree, leafHash, nodeHash, TILE_WIDTH } from '../../journal/tree.ts'

// The leaves and roots that Certificate Transparency implementations test with (RFC 6962 section 2.1 hashing).
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

/** The definition in RFC 9162 section 2.1.1, word for word. */
function merkleTreeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] ?? assert.fail()
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return nodeHash(merkleTreeHash(leaves.slice(0, k)), merkleTreeHash(leaves.slice(k)))
}

const leafAt = (i: number) => leafHash(Buffer.from(`leaf ${i}`))

describe('Merkle tree', () => {
  test('gives the known roots of sizes 0 to 8', () => {
    const tree = new EdgeTree()
    assert.equal(tree.root().toString('hex'), ROOTS[0])
    for (const [i, leaf] of LEAVES.entries()) {
      tree.append(leafHash(Buffer.from(leaf, 'hex')))
      assert.equal(tree.root().toString('hex'), ROOTS[i + 1], `size ${i + 1}`)
    }
  })

  test('gives the root of the recursive definition at every size around full tiles', () => {
    const tree = new EdgeTree()
    const leaves: Buffer[] = []
    for (let size = 1; size <= 2 * TILE_WIDTH + 20; size++) {
      leaves.push(leafAt(size))
      tree.append(leafAt(size))
      if (size < 40 || size % TILE_WIDTH < 12 || size % TILE_WIDTH > 250)
        assert.deepEqual(tree.root(), merkleTreeHash(leaves), `size ${size}`)
    }
  })

  test('hands out every full tile once, with the hashes of the level below', () => {
    const tree = new EdgeTree()
    const tiles = []
    for (let i = 0; i < TILE_WIDTH ** 2; i++) tiles.push(...tree.append(leafAt(i)))
    assert.equal(tiles.filter((t) => t.level === 0).length, TILE_WIDTH)
    assert.deepEqual(tiles.at(-1)?.level, 1)
    assert.deepEqual(tiles.at(-1)?.index, 0)
    const rootOfFirst = merkleTreeHash(Array.from({ length: TILE_WIDTH }, (_, i) => leafAt(i)))
    assert.deepEqual(tiles.at(-1)?.bytes.subarray(0, 32), rootOfFirst)
    assert.equal(tree.partials()[2]?.length, 32)
  })

  test('goes on from its right edge as if it had never stopped', () => {
    const tree = new EdgeTree()
    for (let i = 0; i < 700; i++) tree.append(leafAt(i))
    const restored = EdgeTree.restore(700, tree.partials())
    for (let i = 700; i < 900; i++) {
      tree.append(leafAt(i))
      restored.append(leafAt(i))
    }
    assert.deepEqual(restored.root(), tree.root())
    assert.equal(restored.size, 900)
  })
})
