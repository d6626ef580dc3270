import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { largePath } from '../../journal/artifactReader.ts'
import { JournalError } from '../../journal/error.ts'
import { PackIndex } from '../../journal/pack.ts'
import { openReader } from '../../journal/reader.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { makeBench, open, verify } from './bench.ts'
import { listFiles, makePlace, numbered, openTestJournal } from './support.ts'

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

describe('artifacts', () => {
  test('are given back by digest, before and after they are written, by writer and reader', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const small = await journal.putArtifact({ mediaType: 'text/plain', bytes: Buffer.from('small') })
    const large = await journal.putArtifact({
      mediaType: 'text/plain',
      bytes: Buffer.alloc(80_000, 'large '),
    })
    const empty = await journal.putArtifact({ mediaType: 'text/plain', bytes: Buffer.alloc(0) })
    assert.deepEqual([small.size, large.size, empty.size], [5, 80_000, 0])
    assert.equal(text(await journal.getArtifact(small.digest)), 'small')
    await journal.append([numbered(1)])
    const reader = await openReader(place.directory)
    for (const source of [journal, reader]) {
      assert.equal(text(await source.getArtifact(small.digest)), 'small')
      assert.equal((await source.getArtifact(large.digest))?.length, 80_000)
      assert.equal((await source.getArtifact(empty.digest))?.length, 0)
      assert.equal(await source.getArtifact('0'.repeat(64)), undefined)
      assert.equal(await source.getArtifact('../../key.pem'), undefined)
    }
    await journal.close()
    const again = await openTestJournal(place)
    assert.equal(text(await again.getArtifact(small.digest)), 'small')
    await again.close()
  })

  test('are stored once, whatever their size', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    for (let i = 0; i < 3; i++) {
      const artifacts = [Buffer.from('same'), Buffer.alloc(70_000, 'x')].map((bytes) => ({
        mediaType: 'a/b',
        bytes,
      }))
      await Promise.all([...artifacts, ...artifacts].map((artifact) => journal.putArtifact(artifact)))
      await journal.append([numbered(i)])
    }
    await journal.close()
    const again = await openTestJournal(place)
    await again.putArtifact({ mediaType: 'a/b', bytes: Buffer.from('same') })
    await again.append([numbered(4)])
    await again.close()
    assert.equal((await verifyJournal(place.directory)).artifacts, 2)
    assert.equal((await listFiles(join(place.directory, 'artifacts'))).length, 2)
  })

  test('can be decompressed with any zstd tool, large ones from their own file', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const { digest } = await journal.putArtifact({ mediaType: 'a/b', bytes: Buffer.alloc(70_000, 'x') })
    await journal.close()
    const { zstdDecompressSync } = await import('node:zlib')
    const file = await readFile(join(place.directory, largePath(digest)))
    assert.equal(zstdDecompressSync(file).length, 70_000)
  })

  test('of many megabytes are written and read piece by piece, also out of memory that threads share', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const bytes = new Uint8Array(new SharedArrayBuffer(9_000_001)).fill(7)
    bytes.set(randomBytes(5_000_000))
    const digest = createHash('sha256').update(bytes).digest('hex')
    const ref = await journal.putArtifact({ mediaType: 'a/b', bytes, digest })
    const read = await journal.getArtifact(digest)
    assert.deepEqual(ref, { digest, mediaType: 'a/b', size: bytes.length, kept: true })
    assert.ok(read !== undefined && Buffer.from(bytes).equals(read))
    assert.equal(read.buffer.byteLength, read.length, 'its memory can be handed to another thread')
    await journal.close()
    assert.equal((await verifyJournal(place.directory)).artifacts, 1)
  })

  test('fill packs, which then get an index that can be made again', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    const digests: string[] = []
    // Incompressible, so that some 16 MiB fill the first pack.
    for (let i = 0; i < 10; i++) {
      for (let k = 0; k < 40; k++)
        digests.push((await journal.putArtifact({ mediaType: 'a/b', bytes: randomBytes(60_000) })).digest)
      await journal.append([numbered(i)])
    }
    await journal.close()
    const packs = [...bench.disk.files.keys()]
      .filter((path) => path.includes('/packs/'))
      .map((path) => path.split('/').at(-1))
    assert.deepEqual(packs.sort(), ['00000000.idx', '00000000.pack', '00000001.pack'])
    assert.equal((await verify(bench)).artifacts, 400)

    const index = [...bench.disk.files.keys()].find((path) => path.endsWith('.idx')) ?? assert.fail()
    const written = await bench.disk.read(index)
    for (const lost of [false, true]) {
      if (lost) bench.disk.files.delete(index)
      const again = await open(bench)
      for (const digest of digests) assert.equal((await again.getArtifact(digest))?.length, 60_000)
      await again.close()
      assert.deepEqual(await bench.disk.read(index), written)
    }
  })

  test('an index finds exactly what is in it, and refuses changed octets', () => {
    const items = Array.from({ length: 100 }, (_, i) => ({
      digest: randomBytes(32),
      size: i,
      offset: i * 10,
      length: 10,
    }))
    const bytes = PackIndex.of(items).encode()
    const index = PackIndex.decode(bytes)
    assert.equal(index.count, 100)
    for (const { digest, ...location } of items) assert.deepEqual(index.find(digest), location)
    assert.equal(index.find(randomBytes(32)), undefined)
    for (let at = 0; at < bytes.length; at += 13) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => PackIndex.decode(changed), JournalError)
    }
    assert.throws(() => PackIndex.decode(Buffer.alloc(5)), JournalError)
  })
})
