import assert from 'node:assert/strict'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CommandError } from '../../cli/exit.ts'
import { exitCodeOf, type Inspection } from '../../cli/inspect/document.ts'
import { lookAtFiles } from '../../cli/inspect/files.ts'
import { lookAt } from '../../cli/inspect/look.ts'
import { lookAtPair, type PairMode } from '../../cli/inspect/pairFiles.ts'
import type { Question } from '../../cli/inspect/question.ts'
import { issueCrl, toPem, type CrlRequest, type RevokedEntry } from '../../lab/issue.ts'
import { DAY, HOUR, NOW, entity, type Entity } from '../pki/support.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { AROUND, outcome, unasked } from './inspections.ts'

function listOf(issuer: Entity, request: Partial<CrlRequest>): Promise<Uint8Array> {
  const usual = { number: 1n, thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR, revoked: [] }
  return issueCrl({ issuer, ...usual, ...request })
}

/** More octets than are read at a time. */
const MANY: readonly RevokedEntry[] = Array.from({ length: 8000 }, (_, i) => ({
  serial: (0x10000000000000000000000000000000n + BigInt(i)).toString(16),
  at: NOW - DAY + i * 1000,
  ...(i % 3 === 0 ? {} : { reason: i % 3 === 1 ? 1 : 4 }),
}))

function plain(inspection: Inspection): unknown {
  return JSON.parse(JSON.stringify(inspection))
}

test('a CRL that streams from its file says the same as one in memory', async () => {
  using directory = temporaryDirectory()
  const ca = await entity({ subject: 'CA' })
  const list = await listOf(ca, { revoked: MANY })
  assert.ok(list.length > 256 * 1024)
  const question = unasked({ issuers: [ca.parsed], serial: MANY[7777]?.serial })
  const inMemory = lookAt('crl', list, question)
  assert.deepEqual(inMemory.map(outcome), ['valid'])
  assert.equal(inMemory[0]?.facts['entries'], 8000)
  for (const [name, octets] of [
    ['list.crl', list],
    ['list.pem', toPem(list, 'X509 CRL')],
  ] as const) {
    const file = join(directory.path, name)
    writeFileSync(file, octets)
    const { document } = await lookAtFiles('crl', [file], question, AROUND)
    assert.deepEqual(plain(document), plain(inMemory[0]), name)
  }
})

test('a list that ends in the middle, or goes on behind its end, is malformed when it streams too', async () => {
  using directory = temporaryDirectory()
  const ca = await entity({ subject: 'CA' })
  const list = await listOf(ca, { revoked: MANY })
  const judged = async (octets: Uint8Array): Promise<string> => {
    const file = join(directory.path, 'list.crl')
    writeFileSync(file, octets)
    const { document } = await lookAtFiles('crl', [file], unasked({ issuers: [ca.parsed] }), AROUND)
    assert.equal(document.facts['size'], octets.length)
    return outcome(document)
  }
  assert.equal(await judged(list.subarray(0, -1000)), 'malformed decode truncated')
  assert.equal(await judged(Buffer.concat([list, Buffer.alloc(1)])), 'malformed decode trailing_bytes')
  const changed = Uint8Array.from(list)
  changed[200_000] = (changed[200_000] ?? 0) ^ 1
  assert.notEqual(await judged(changed), 'valid')
})

test('a file that changes while it is read cannot be read, whatever it says then', async () => {
  using directory = temporaryDirectory()
  const ca = await entity({ subject: 'CA' })
  const file = join(directory.path, 'list.crl')
  const [listed, empty] = [await listOf(ca, { revoked: MANY }), await listOf(ca, { number: 2n })]
  const question = unasked({ issuers: [ca.parsed], serial: MANY[7777]?.serial })
  for (const changed of [empty, Buffer.from(listed).fill(0, 1000, listed.length), Buffer.alloc(0)]) {
    writeFileSync(file, listed)
    utimesSync(file, 0, 0)
    const change = (done: number): void => {
      if (done === listed.length) writeFileSync(file, changed)
    }
    await assert.rejects(
      lookAtFiles('crl', [file], question, { ...AROUND, onProgress: change }),
      (error) => error instanceof CommandError && error.exitCode === 3 && /changed while/.test(error.message),
    )
  }
})

test('how far the reading is goes to whoever watches', async () => {
  using directory = temporaryDirectory()
  const ca = await entity({ subject: 'CA' })
  const list = await listOf(ca, { revoked: MANY })
  const file = join(directory.path, 'list.crl')
  writeFileSync(file, list)
  const seen: [number, number][] = []
  const onProgress = (done: number, total: number): void => void seen.push([done, total])
  await lookAtFiles('crl', [file], unasked(), { ...AROUND, onProgress })
  assert.deepEqual(seen.at(-1), [list.length, list.length])
  assert.ok(seen.length > 1)
})

/** Two lists in files, looked at together. */
async function pair(
  mode: PairMode,
  lists: readonly [Uint8Array, Uint8Array],
  question: Partial<Question>,
): Promise<Inspection & { readonly objects: readonly Inspection[] }> {
  using directory = temporaryDirectory()
  const files = [join(directory.path, 'a.crl'), join(directory.path, 'b.crl')] as const
  for (const [i, file] of files.entries()) writeFileSync(file, lists[i] ?? assert.fail())
  const { document } = await lookAtPair(mode, files, unasked(question), AROUND)
  return 'objects' in document ? document : assert.fail()
}

test('--diff says what was added and removed, and which date and which reason changed', async () => {
  const ca = await entity({ subject: 'CA' })
  const at = NOW - DAY
  const before = await listOf(ca, {
    revoked: [
      { serial: '0a', at },
      { serial: '0b', at, reason: 1 },
      { serial: '0c', at },
      { serial: '0d', at },
    ],
  })
  const after = await listOf(ca, {
    number: 2n,
    revoked: [
      { serial: '0d', at },
      { serial: '0b', at, reason: 4 },
      { serial: '0c', at: at + 1000 },
      { serial: '0e', at, reason: 5 },
    ],
  })
  const document = await pair('diff', [before, after], { issuers: [ca.parsed] })
  assert.equal(outcome(document), 'valid')
  assert.equal(exitCodeOf(document), 0)
  const revokedAt = new Date(at).toISOString()
  assert.deepEqual(JSON.parse(JSON.stringify(document.facts)), {
    counts: { added: 1, removed: 1, changedDate: 1, changedReason: 1 },
    added: [{ serial: 'e', revokedAt, reason: 'cessationOfOperation' }],
    removed: [{ serial: 'a', revokedAt }],
    changedDate: [{ serial: 'c', before: revokedAt, after: new Date(at + 1000).toISOString() }],
    changedReason: [{ serial: 'b', before: 'keyCompromise', after: 'superseded' }],
  })
  assert.deepEqual(
    document.objects.map(({ facts }) => facts['number']),
    ['1', '2'],
  )
})

test('--diff is as good as its lists: the worst verdict of the two, and none of a list that is malformed', async () => {
  const ca = await entity({ subject: 'CA' })
  const good = await listOf(ca, {})
  const late = await listOf(ca, { nextUpdate: NOW - 1000 })
  const issuers = [ca.parsed]
  assert.equal(outcome(await pair('diff', [late, good], { issuers })), 'invalid time crl_expired')
  assert.equal(outcome(await pair('diff', [good, good], {})), 'unverified')
  const broken = await pair('diff', [good, good.subarray(0, -1)], { issuers })
  assert.equal(outcome(broken), 'malformed decode truncated')
  assert.deepEqual(broken.objects.map(outcome), ['valid', 'malformed decode truncated'])
  const other = await listOf(await entity({ subject: 'Other CA' }), {})
  await assert.rejects(
    pair('diff', [good, other], {}),
    (error) =>
      error instanceof CommandError && error.exitCode === 2 && /two CRLs of one issuer/.test(error.message),
  )
})

test('--delta says what the list says together with its delta', async () => {
  const ca = await entity({ subject: 'CA' })
  const at = NOW - DAY
  const complete = await listOf(ca, {
    number: 4n,
    nextUpdate: NOW - 1000,
    revoked: [
      { serial: '0a', at },
      { serial: '0b', at, reason: 6 },
    ],
  })
  const delta = await listOf(ca, {
    number: 5n,
    deltaBase: 3n,
    revoked: [
      { serial: '0b', at, reason: 8 },
      { serial: '0c', at, reason: 1 },
    ],
  })
  const issuers = [ca.parsed]
  const told = async (serial: string) => {
    const document = await pair('delta', [complete, delta], { issuers, serial })
    assert.equal(outcome(document), 'valid', 'the complete list is late, the delta is not')
    assert.equal(document.facts['number'], '5')
    assert.equal(document.facts['entries'], 2)
    return JSON.parse(JSON.stringify(document.facts['lookup'])) as unknown
  }
  assert.deepEqual(await told('b'), { serial: 'b', listed: false })
  assert.deepEqual(await told('c'), {
    serial: 'c',
    listed: true,
    revokedAt: new Date(at).toISOString(),
    reason: 'keyCompromise',
  })
  const swapped = await pair('delta', [delta, await listOf(ca, { number: 6n })], { issuers })
  assert.equal(outcome(swapped), 'invalid consistency delta_mismatch')
  const impostor = await entity({ subject: 'CA' })
  const foreign = await listOf(impostor, { number: 5n, deltaBase: 3n })
  const both = await pair('delta', [complete, foreign], { issuers: [ca.parsed, impostor.parsed] })
  assert.equal(outcome(both), 'invalid consistency delta_mismatch')
})
