import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { chmod, cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseCheckpoint, signCheckpoint } from '../../journal/checkpoint.ts'
import { JournalError } from '../../journal/error.ts'
import { loadKey, loadPublicKey } from '../../journal/key.ts'
import { formatVerifierKey, verifierKey } from '../../journal/note.ts'
import { keySigner } from '../../journal/signer.ts'
import { verifyFiles, verifyJournal } from '../../journal/verify.ts'
import {
  FakeClock,
  loadFiles,
  makePlace,
  memorySource,
  numbered,
  openTestJournal,
  readAll,
  type Place,
} from './support.ts'

const HOUR = 3_600_000
const isKeyError = (message: RegExp) => (error: unknown) =>
  error instanceof JournalError && error.code === 'key' && message.test(error.message)

/** A place whose key file holds another Ed25519 key; the post-quantum one stays. */
async function withNewKey(place: Place): Promise<Place> {
  const keyFile = `${place.keyFile}.next`
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await cp(`${place.keyFile}.ml-dsa-44`, `${keyFile}.ml-dsa-44`)
  return { ...place, keyFile }
}

const publicKeyOf = async (place: Place) => createPublicKey(await loadKey(place.keyFile, ''))

/** Two periods: a checkpoint of an hour in each. */
async function rotated(place: Place): Promise<{ readonly next: Place; readonly firstKey: string }> {
  const clock = new FakeClock()
  const journal = await openTestJournal(place, { now: clock.now })
  const firstKey = await readFile(join(place.directory, 'vkey'), 'utf8')
  await journal.append([numbered(1)])
  await journal.publish()
  const next = await withNewKey(place)
  await journal.rotateKeys([await publicKeyOf(next)], 'jane@host')
  clock.ms += 2 * HOUR
  const again = await openTestJournal(next, { now: clock.now })
  await again.append([numbered(2)])
  await again.close()
  return { next, firstKey }
}

describe('a key that was rotated', () => {
  test('signs what comes after, and who trusts the first key trusts it', async (t) => {
    const place = await makePlace(t)
    const { next, firstKey } = await rotated(place)
    for (const trust of [firstKey, await readFile(join(place.directory, 'vkey'), 'utf8')]) {
      const report = await verifyJournal(place.directory, { trust })
      assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
      assert.equal(report.records.key, 1)
    }
    await assert.rejects(openTestJournal(place), isKeyError(/expected the key that is in force/))
    const journal = await openTestJournal(next)
    assert.equal((await readAll(journal)).filter(({ kind }) => kind === 'key').length, 1)
    // Back to a key that has signed before: its holder could sign for both periods.
    await assert.rejects(journal.rotateKeys([await publicKeyOf(place)], 'x'), isKeyError(/has not signed/))
    await journal.close()
  })

  test('may not sign what is not of its time', async (t) => {
    const place = await makePlace(t)
    await rotated(place)
    const files = await loadFiles(place.directory)
    const early = await makePlace(t)
    await cp(place.directory, early.directory, { recursive: true })
    // The newest checkpoint, signed by the old key instead.
    const [first] = [...files.keys()].filter((path) => path.startsWith('checkpoints/'))
    const { checkpoint } = parseCheckpoint(files.get('checkpoint')?.toString() ?? '')
    const oldKey = await loadKey(place.keyFile, '')
    const signer = keySigner(verifierKey(checkpoint.origin, oldKey), oldKey)
    const forged = await signCheckpoint({ ...checkpoint, root: Buffer.from(checkpoint.root, 'hex') }, signer)
    const report = await verifyFiles(memorySource(new Map(files).set('checkpoint', Buffer.from(forged.text))))
    assert.equal(report.verdict, 'broken')
    assert.match(report.fault?.expected ?? '', /in force at \d+ entries/)

    // A key that nobody handed over to, and one that only a stranger did.
    const stranger = generateKeyPairSync('ed25519').privateKey
    const line = formatVerifierKey(verifierKey(checkpoint.origin, stranger))
    const vkey = files.get('vkey')?.toString() ?? ''
    const announced = await verifyFiles(
      memorySource(new Map(files).set('vkey', Buffer.from(`${vkey}${line}\n`))),
    )
    assert.equal(announced.verdict, 'self_consistent')
    assert.match(announced.notes.join(), /is announced, no record hands over to it/)
    const twice = await verifyFiles(
      memorySource(
        new Map(files).set('vkey', Buffer.from(vkey.split('\n').toSpliced(2, 0, line).join('\n'))),
      ),
    )
    assert.equal(twice.fault?.file, 'vkey')

    // Without its post-quantum signature, a checkpoint of an hour is broken.
    const text = files.get(first ?? '')?.toString() ?? ''
    const stripped = text.trimEnd().split('\n').slice(0, -1).join('\n') + '\n'
    const weak = await verifyFiles(memorySource(new Map(files).set(first ?? '', Buffer.from(stripped))))
    assert.deepEqual([weak.fault?.file, weak.fault?.location], [first, 'signatures'])
  })

  test('that was announced only, by a process that died then, changes nothing', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const next = await withNewKey(place)
    const before = await readFile(join(place.directory, 'vkey'), 'utf8')
    await journal.close()
    const name = before.slice(0, before.indexOf('+'))
    const announced = `${before}${formatVerifierKey(verifierKey(name, await publicKeyOf(next)))}\n`
    await writeFile(join(place.directory, 'vkey'), announced)
    await assert.rejects(openTestJournal(next), isKeyError(/in force/))
    const again = await openTestJournal(place)
    await again.append([numbered(1)])
    await again.rotateKeys([await publicKeyOf(next)], 'jane@host')
    await (await openTestJournal(next)).close()
    assert.equal((await verifyJournal(place.directory, { trust: before })).verdict, 'authenticated')
  })
})

test('only one key of each type takes over at a time, and one that is new', async (t) => {
  const place = await makePlace(t)
  const journal = await openTestJournal(place)
  const keys = ['ed25519', 'ed25519'].map(() => generateKeyPairSync('ed25519').publicKey)
  await assert.rejects(journal.rotateKeys(keys, 'x'), isKeyError(/at most one key of each type/))
  await assert.rejects(
    journal.rotateKeys([await publicKeyOf(place)], 'x'),
    isKeyError(/not in force yet, got none/),
  )
  await journal.close()
  assert.equal((await readFile(join(place.directory, 'vkey'), 'utf8')).trim().split('\n').length, 2)
})

describe('an external signing command', () => {
  /** A program that signs what it is given with a key that this process never reads. */
  async function hsm(place: Place, body?: string): Promise<{ command: string[]; publicKeyFile: string }> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const [secret, publicKeyFile, program] = ['hsm.pem', 'hsm.pub', 'sign.mjs'].map((name) =>
      join(place.directory, '..', name),
    ) as [string, string, string]
    await writeFile(secret, privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(publicKeyFile, publicKey.export({ format: 'pem', type: 'spki' }))
    await writeFile(
      program,
      body ??
        `import { readFileSync } from 'node:fs'; import { sign } from 'node:crypto'
process.stdout.write(sign(null, readFileSync(0), readFileSync(process.argv[2])))`,
    )
    await chmod(program, 0o700)
    return { command: [process.execPath, program, secret], publicKeyFile }
  }

  test('signs the checkpoints, and needs no Ed25519 key here', async (t) => {
    const place = await makePlace(t)
    const signCommand = await hsm(place)
    const journal = await openTestJournal(place, { signCommand })
    await journal.append([numbered(1)])
    await journal.close()
    await assert.rejects(readFile(place.keyFile), { code: 'ENOENT' })
    const trust = await readFile(join(place.directory, 'vkey'), 'utf8')
    assert.equal((await verifyJournal(place.directory, { trust })).verdict, 'authenticated')
  })

  test('takes over from a key file, and hands over to one again', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const trust = await readFile(join(place.directory, 'vkey'), 'utf8')
    const signCommand = await hsm(place)
    await journal.rotateKeys([await loadPublicKey(signCommand.publicKeyFile, ['ed25519'])], 'jane@host')
    await assert.rejects(openTestJournal(place), isKeyError(/in force/))
    clock.ms += 2 * HOUR
    const byCommand = await openTestJournal(place, { signCommand, now: clock.now })
    await byCommand.append([numbered(1)])
    const back = await withNewKey(place)
    await byCommand.rotateKeys([await publicKeyOf(back)], 'jane@host')
    await assert.rejects(openTestJournal(place, { signCommand }), isKeyError(/in force/))
    clock.ms += 2 * HOUR
    await (await openTestJournal(back, { now: clock.now })).close()
    const report = await verifyJournal(place.directory, { trust })
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    assert.equal(report.records.key, 2)
  })

  test('that fails, or gives something else, says so; what was appended stays', async (t) => {
    const place = await makePlace(t)
    const good = await hsm(place)
    const journal = await openTestJournal(place, { signCommand: good })
    await journal.append([numbered(1)])
    const program = good.command[1] ?? ''
    for (const [body, message] of [
      [`process.stderr.write('no token\\n'); process.exit(3)`, /got exit code 3: no token/],
      [`process.stdout.write('x'.repeat(64))`, /expected a signature by .*, got 64 octets that are not/],
      [``, /got 0 octets that are not/],
    ] as const) {
      await writeFile(program, body)
      await assert.rejects(journal.publish(), isKeyError(message))
    }
    await assert.rejects(journal.close(), isKeyError(/0 octets/))
    await hsm(place)
    const other = { ...good, publicKeyFile: join(place.directory, '..', 'hsm.pub') }
    await assert.rejects(
      openTestJournal(place, { signCommand: other }),
      isKeyError(/expected a key of this journal/),
    )
  })
})
