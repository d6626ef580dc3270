import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { exportPeriod } from '../../journal/archive/export.ts'
import { verifyArchive, type ArchiveReport } from '../../journal/archive/verify.ts'
import { backUp } from '../../journal/backup.ts'
import { directoryTarget } from '../../journal/backupDirectory.ts'
import { cosignCheckpoint, parseCheckpoint, signCheckpoint } from '../../journal/checkpoint.ts'
import { nodeDisk } from '../../journal/disk.ts'
import { JournalError } from '../../journal/error.ts'
import { loadKey, loadOrCreateKey } from '../../journal/key.ts'
import { parseVerifierKeys, verifierKey } from '../../journal/note.ts'
import { decodeExtra, encodeExtra } from '../../journal/proof/evidence.ts'
import { formatProof, parseProof, type InclusionProof } from '../../journal/proof/format.ts'
import { proveConsistency, proveRecord } from '../../journal/proof/prove.ts'
import { verifyProof, type ProofReport } from '../../journal/proof/verify.ts'
import { planPrune } from '../../journal/retention/plan.ts'
import { retain } from '../../journal/retention/retain.ts'
import { keySigner } from '../../journal/signer.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { toTimestamp } from '../../model/time.ts'
import { FakeClock, makePlace, numbered, openTestJournal, ORIGIN, type Place } from './support.ts'

const DAY = 86_400_000

/** A journal that has changed both keys, then the Ed25519 key once more: a day and an entry, or more, under each. */
interface Rotated extends Place {
  readonly clock: FakeClock
  /** Text of the verifier key that it began with. */
  readonly firstKey: string
  /** Of each period: the checkpoint that was kept, and the key files. */
  readonly checkpoints: readonly string[]
  readonly keyFiles: readonly string[]
}

async function publicKeys(keyFile: string) {
  return [
    createPublicKey(await loadOrCreateKey(keyFile, 'ed25519')),
    createPublicKey(await loadOrCreateKey(`${keyFile}.ml-dsa-44`, 'ml-dsa-44')),
  ]
}

async function rotated(t: Pick<TestContext, 'after'>): Promise<Rotated> {
  const place = await makePlace(t)
  const clock = new FakeClock()
  const keyFiles = [place.keyFile, `${place.keyFile}.2`, `${place.keyFile}.3`]
  const checkpoints: string[] = []
  for (const [period, keyFile] of keyFiles.entries()) {
    const journal = await openTestJournal({ ...place, keyFile }, { now: clock.now })
    for (let i = 0; i < 3; i++) await journal.append([numbered(10 * period + i, clock.ms)])
    await journal.finishSegment()
    checkpoints.push(journal.checkpoint.text)
    const next = keyFiles[period + 1]
    if (next === undefined) {
      await journal.close()
      break
    }
    // The second time the post-quantum key stays.
    if (period === 1) await writeFile(`${next}.ml-dsa-44`, await readFile(`${keyFile}.ml-dsa-44`))
    await journal.rotateKeys(await publicKeys(next), 'jane@host')
    clock.ms += DAY
  }
  const vkey = await readFile(join(place.directory, 'vkey'), 'utf8')
  const [firstKey = ''] = vkey.split('\n')
  return { ...place, keyFile: keyFiles[2] ?? '', clock, firstKey, checkpoints, keyFiles }
}

const first = (firstKey: string) => parseVerifierKeys(firstKey)

async function archived(
  { directory, clock, firstKey }: Rotated,
  from: number,
  to: number,
): Promise<ArchiveReport> {
  const out = `${directory}.archive`
  const start = clock.ms - 2 * DAY
  const filters = { from: toTimestamp(start + from), to: toTimestamp(start + to), kinds: [], subject: null }
  await exportPeriod(nodeDisk, directory, filters, out)
  return await verifyArchive(createReadStream(out), { trust: firstKey })
}

describe('after its keys were rotated', () => {
  test('a journal verifies by its first keys, and each signs only in its time', async (t) => {
    const place = await rotated(t)
    const lines = (await readFile(join(place.directory, 'vkey'), 'utf8')).trim().split('\n')
    assert.deepEqual(
      parseVerifierKeys(lines.join('\n')).map(({ type }) => type),
      ['ed25519', 'ml_dsa_44_cosigner', 'ed25519', 'ml_dsa_44_cosigner', 'ed25519'],
    )
    const trust = lines.slice(0, 2).join('\n')
    const report = await verifyJournal(place.directory, { trust })
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    assert.equal(report.records.key, 3)

    // The post-quantum key of the first day is not that of the last.
    const own = `${place.keyFile}.ml-dsa-44`
    await rename(own, `${own}.kept`)
    await writeFile(own, await readFile(`${place.keyFiles[0]}.ml-dsa-44`))
    await assert.rejects(
      openTestJournal(place),
      (error) =>
        error instanceof JournalError && /expected the post-quantum key that is in force/.test(error.message),
    )
    await rename(`${own}.kept`, own)
    await (await openTestJournal(place)).close()

    // An hour's checkpoint that the wrong one of them signed is found.
    const names = (await nodeDisk.list(join(place.directory, 'checkpoints/2026'))).slice(0, 3)
    const kept = join(place.directory, 'checkpoints/2026', names[2] ?? '')
    const text = await readFile(kept, 'utf8')
    const byFirst = await keptBy(place.keyFiles[0] ?? '', text)
    await writeFile(kept, byFirst)
    const { fault } = await verifyJournal(place.directory, { trust })
    assert.match(fault?.file ?? '', /checkpoints\/2026\//)
    assert.match(fault?.expected ?? '', /in force at \d+ entries/)
  })

  test('proofs made since need only the first key', async (t) => {
    const place = await rotated(t)
    const keys = first(place.firstKey)
    for (const proof of [
      await proveRecord(nodeDisk, place.directory, { entry: 1, n: 0 }),
      await proveRecord(nodeDisk, place.directory, { entry: 9, n: 0 }),
      await proveConsistency(nodeDisk, place.directory, place.checkpoints[0] ?? ''),
      await proveConsistency(nodeDisk, place.directory, place.checkpoints[1] ?? ''),
    ]) {
      const report = verifyProof(proof, keys)
      assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    }
    const proof = parsedInclusion(await proveRecord(nodeDisk, place.directory, { entry: 1, n: 0 }))
    const extra = decodeExtra(proof.extra)
    assert.equal(extra.handOvers.length, 3)
    const without = (handOvers: readonly string[]): ProofReport =>
      verifyProof(formatProof({ ...proof, extra: encodeExtra({ ...extra, handOvers }) }), keys)
    // The last one of the chain, one in the middle of it, or all.
    for (const [left, message] of [
      [extra.handOvers.slice(0, 2), /expected a checkpoint|a checkpoint signed by/],
      [extra.handOvers.slice(2), /a checkpoint signed by/],
      [[], /a checkpoint signed by/],
    ] as const) {
      const { verdict, fault } = without(left)
      assert.equal(verdict, 'broken')
      assert.match(fault?.expected ?? '', message)
      assert.match(fault?.got ?? '', /another key of this log: trust its line of the file vkey too/)
    }
    // One of another record is none.
    assert.match(
      without([await proveRecord(nodeDisk, place.directory, { entry: 1, n: 0 })]).fault?.expected ?? '',
      /a proof of a record by which a key hands over/,
    )
    const stranger = await rotated(t)
    assert.equal(verifyProof(formatProof(proof), first(stranger.firstKey)).verdict, 'broken')
  })

  test('a proof under a checkpoint that a key signed after its time is refused', async (t) => {
    const place = await rotated(t)
    const proof = parsedInclusion(await proveRecord(nodeDisk, place.directory, { entry: 1, n: 0 }))
    const { checkpoint } = parseCheckpoint(proof.checkpoint)
    const old = await loadKey(place.keyFiles[0] ?? '', '')
    const forged = await signCheckpoint(
      { ...checkpoint, root: Buffer.from(checkpoint.root, 'hex') },
      keySigner(verifierKey(checkpoint.origin, old), old),
    )
    const { fault } = verifyProof(formatProof({ ...proof, checkpoint: forged.text }), first(place.firstKey))
    assert.match(fault?.expected ?? '', new RegExp(`in force at ${checkpoint.size} entries`))
    assert.match(fault?.got ?? '', new RegExp(first(place.firstKey)[0]?.id ?? '-'))
  })

  test('archives of each period, and across, need only the first key', async (t) => {
    const place = await rotated(t)
    for (const [from, to] of [
      [0, DAY / 2],
      [DAY, DAY + 1],
      [0, 3 * DAY],
      [2 * DAY, 3 * DAY],
    ] as const) {
      const report = await archived(place, from, to)
      assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    }
    const text = await readFile(`${place.directory}.archive`, 'utf8')
    const { handOvers } = JSON.parse((text.split('\n')[1] ?? '').slice('manifest '.length)) as {
      handOvers: string[]
    }
    assert.equal(handOvers.length, 3)
  })

  test('so it is when the records of the rotation were pruned', async (t) => {
    const place = await rotated(t)
    const basis = { by: 'auditor@host', reason: 'test' }
    const before = place.clock.ms - DAY / 2
    await retain(
      { ...place, origin: ORIGIN, now: place.clock.now, random: randomBytes, sealInterval: 0 },
      () => planPrune(nodeDisk, place.directory, { ...basis, before, kinds: [] }),
    )
    const { retention, verdict, fault } = await verifyJournal(place.directory, { trust: place.firstKey })
    assert.equal(verdict, 'authenticated', JSON.stringify(fault))
    assert.ok(retention.pruned > 6)
    const { size } = parseCheckpoint(await readFile(join(place.directory, 'checkpoint'), 'utf8')).checkpoint
    const report = verifyProof(
      await proveRecord(nodeDisk, place.directory, { entry: size - 2, n: 0 }),
      first(place.firstKey),
    )
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    assert.equal((await archived(place, 2 * DAY, 3 * DAY)).verdict, 'authenticated')
    await (await openTestJournal(place)).close()
  })

  test('a backup verifies by the first key', async (t) => {
    const place = await rotated(t)
    const copy = `${place.directory}.copy`
    await backUp(place.directory, directoryTarget(copy))
    assert.equal((await verifyJournal(copy, { trust: place.firstKey })).verdict, 'authenticated')
  })
})

function parsedInclusion(text: string): InclusionProof {
  const proof = parseProof(text)
  assert.equal(proof.kind, 'inclusion')
  return proof
}

/** A kept checkpoint whose post-quantum signature is by the key of another period. */
async function keptBy(keyFile: string, text: string): Promise<string> {
  const key = await loadKey(`${keyFile}.ml-dsa-44`, '', 'ml-dsa-44')
  const [name = ''] = text.split('\n')
  const lines = text.trimEnd().split('\n').slice(0, -1)
  return await cosignCheckpoint(
    `${lines.join('\n')}\n`,
    keySigner(verifierKey(name, key, 'ml_dsa_44_cosigner'), key),
    0,
  )
}
