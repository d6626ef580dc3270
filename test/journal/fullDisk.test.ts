import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { JournalError } from '../../journal/error.ts'
import { openTestJournal, numbered, numberOf, readAll } from './support.ts'
import { makeBench, open, verify } from './bench.ts'
import type { Operation } from './memoryDisk.ts'

const HOUR = 3_600_000
const isStorage = (error: unknown) => error instanceof JournalError && error.code === 'storage'

function systemError(code: 'ENOSPC' | 'EIO' | 'EROFS'): Error {
  return Object.assign(new Error(`${code}: the disk refuses`), { code })
}

describe('a disk that refuses', () => {
  for (const code of ['ENOSPC', 'EIO', 'EROFS'] as const)
    for (const operation of ['write', 'sync'] as const)
      test(`${code} at ${operation}: append rejects, nothing acknowledged is lost, and it goes on when the disk does`, async (t) => {
        const bench = await makeBench(t)
        const journal = await open(bench)
        await journal.append([numbered(1)])
        bench.disk.before = (op, path) => {
          if (op === operation && path.endsWith('.pending')) throw systemError(code)
        }
        await assert.rejects(journal.append([numbered(2)]), {
          code: 'storage',
          message: new RegExp(String.raw`\.pending: the disk refused: ${code}: the disk refuses`),
        })
        assert.equal(journal.state, 'failing')
        await assert.rejects(journal.append([numbered(3)]), isStorage)
        assert.deepEqual((await readAll(journal)).map(numberOf), [undefined, 1])
        bench.disk.before = () => undefined
        await journal.append([numbered(4)])
        assert.equal(journal.state, 'open')
        assert.deepEqual((await readAll(journal)).map(numberOf), [undefined, 1, 4])
        await journal.close()
        assert.equal((await verify(bench)).fault, undefined)
        const again = await open(bench)
        assert.deepEqual((await readAll(again)).map(numberOf), [undefined, 1, 4])
        await again.close()
      })

  test('a disk that takes half of a write: the half is cut off', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    const { disk } = bench
    const openFile = disk.open.bind(disk)
    let refuse = false
    disk.open = async (path) => {
      const file = await openFile(path)
      return {
        ...file,
        write: async (bytes, position) => {
          if (!refuse) {
            await file.write(bytes, position)
            return
          }
          await file.write(bytes.subarray(0, bytes.length / 2), position)
          throw systemError('ENOSPC')
        },
      }
    }
    await journal.close()
    const failing = await open(bench)
    await failing.append([numbered(1)])
    refuse = true
    await assert.rejects(failing.append([numbered(2), numbered(3), numbered(4)]), isStorage)
    refuse = false
    await failing.append([numbered(5)])
    assert.deepEqual((await readAll(failing)).map(numberOf), [undefined, 1, 5])
    await failing.close()
    assert.equal((await verify(bench)).fault, undefined)
  })

  test('a seal mark that cannot be written takes nothing from the record before it', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    let writes = 0
    bench.disk.before = (op) => {
      if (op === 'write' && ++writes === 2) throw systemError('ENOSPC')
    }
    await journal.append([numbered(1)])
    const report = await verify(bench)
    assert.equal(report.fault, undefined)
    assert.equal(report.size, 2)
    await journal.append([numbered(2)])
    assert.deepEqual((await readAll(journal)).map(numberOf), [undefined, 1, 2])
    await journal.close()
    assert.deepEqual((await verify(bench)).notes, [])
  })

  test('a record is not acknowledged before the artifact that it names, and the artifact waits for the disk', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    const artifact = await journal.putArtifact({ mediaType: 'text/plain', bytes: Buffer.from('evidence') })
    bench.disk.before = (op, path) => {
      if (op === 'write' && path.endsWith('.pack')) throw systemError('ENOSPC')
    }
    await assert.rejects(journal.append([numbered(1)]), isStorage)
    bench.disk.before = () => undefined
    assert.equal(Buffer.from((await journal.getArtifact(artifact.digest)) ?? []).toString(), 'evidence')
    await journal.append([numbered(1)])
    await journal.close()
    assert.equal((await verify(bench)).artifacts, 1)
  })

  test('refuses large artifacts with an error, and takes them later', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    const artifact = { mediaType: 'application/pkix-crl', bytes: Buffer.alloc(100_000, 1) }
    bench.disk.before = () => {
      throw systemError('ENOSPC')
    }
    await assert.rejects(journal.putArtifact(artifact), isStorage)
    bench.disk.before = () => undefined
    const { digest } = await journal.putArtifact(artifact)
    assert.equal((await journal.getArtifact(digest))?.length, 100_000)
    await journal.close()
  })

  const background: readonly (readonly [string, Operation, RegExp])[] = [
    ['compressing a segment', 'replace', /\.zst$/],
    ['writing a full tile', 'replace', /tile\/0\/000$/],
  ]
  for (const [name, operation, path] of background)
    test(`${name} is tried again, and reported meanwhile`, async (t) => {
      const bench = await makeBench(t)
      const errors: JournalError[] = []
      const journal = await openTestJournal(bench.place, {
        disk: bench.disk,
        now: bench.clock.now,
        onError: (error) => errors.push(error),
      })
      bench.disk.before = (op, file) => {
        if (op === operation && path.test(file)) throw systemError('ENOSPC')
      }
      for (let i = 1; i < 258; i++) await journal.append([numbered(i)])
      bench.clock.ms += HOUR
      await journal.append([numbered(258)])
      await journal.append([numbered(259)])
      assert.ok(errors.length > 0 && errors.every(isStorage))
      bench.disk.before = () => undefined
      await journal.append([numbered(260)])
      await journal.close()
      assert.equal((await verify(bench)).fault, undefined)
      assert.deepEqual([...bench.disk.files.keys()].filter((file) => path.test(file)).length, 1)
    })

  test('publishing rejects while the disk refuses, and the old checkpoint stays', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    const before = journal.checkpoint
    await journal.append([numbered(1)])
    bench.disk.before = (op) => {
      if (op === 'replace') throw systemError('EROFS')
    }
    await assert.rejects(journal.publish(), isStorage)
    assert.equal(journal.checkpoint, before)
    assert.equal((await verify(bench)).fault, undefined)
    await assert.rejects(journal.close(), isStorage)
    bench.disk.before = () => undefined
    const again = await open(bench)
    assert.equal(again.checkpoint.size, 2)
    await again.close()
  })

  test('gives the directory free though closing failed', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    await journal.append([numbered(1)])
    bench.disk.before = () => {
      throw systemError('EIO')
    }
    await assert.rejects(journal.close(), isStorage)
    bench.disk.before = () => undefined
    await (await open(bench)).close()
  })

  test('refuses more than may wait, and says so', async (t) => {
    const bench = await makeBench(t)
    const journal = await openTestJournal(bench.place, { disk: bench.disk, sealInterval: 60_000 })
    const release = Promise.withResolvers<undefined>()
    const { disk } = bench
    const openFile = disk.open.bind(disk)
    disk.open = async (path) => {
      await release.promise
      return await openFile(path)
    }
    bench.clock.ms += HOUR
    const long = (i: number) => {
      const record = numbered(i)
      return { ...record, body: { ...record.body, detail: 'x'.repeat(900_000) } } as typeof record
    }
    const waiting: Promise<unknown>[] = []
    let refused: unknown
    for (let i = 0; i < 90 && refused === undefined; i++)
      waiting.push(
        journal.append([long(i)]).catch((error: unknown) => {
          refused = error
        }),
      )
    await new Promise(setImmediate)
    assert.ok(refused instanceof JournalError && refused.code === 'overloaded')
    release.resolve(undefined)
    await Promise.all(waiting)
    await journal.close()
  })
})
