import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseLog } from '../../collectors/parse.ts'
import { loadConfig } from '../../cli/load.ts'
import { EventReplay } from '../../cli/replay/eventReplay.ts'
import { differencesIn, replay, type ReplayReport } from '../../cli/replay/replay.ts'
import { openHistory } from '../../journal/epochs.ts'
import { verifyJournal } from '../../journal/verify.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Finding } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { formatRecordId, parseRecordId, type Position } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'
import { DAY, NOW } from '../probes/pki.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'
import { forge } from './forgery.ts'
import { sendCrl, startSmallVigil } from './smallVigil.ts'

const RULE = 'crl_next_update_reasonable'

/** What lasts longer than the policy allows is found, then allowed by a reload; vigil is started again; the CRL is renewed. */
async function eventfulJournal(t: TestContext): Promise<string> {
  let served: 'recent' | 'lasting' | 'renewed' = 'recent'
  const { directory, stack, failing } = await startSmallVigil(t, {
    serve: (crls) => (_, response) => sendCrl(response, crls[served]),
  })
  const file = join(directory, 'vigil.yaml')
  served = 'lasting'
  await failing(RULE)
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(
      'parameters: {}',
      'parameters: { crl_next_update_reasonable: { max_lifetime: 90d } }',
    ),
  )
  assert.deepEqual(await stack.reload(() => loadConfig(file, {})), [])
  await failing()
  await stack.stop()

  served = 'renewed'
  const again = await startVigil(loadedFrom(file))
  for await (const batch of again.journal.follow(undefined, AbortSignal.timeout(30_000)))
    if (batch.some((record) => isRun(record) && record.body.facts.crl?.number === '3')) break
  await again.stop()
  return join(directory, 'journal')
}

function isRun(record: SealedRecord): record is SealedRecord & { readonly kind: 'observation' } {
  return record.kind === 'observation' && record.body.probe === 'crl'
}

/** The one record that is wanted; `change` makes another of it. */
function only(
  isWanted: (record: SealedRecord) => boolean,
  change: (record: SealedRecord) => NewRecord,
): { readonly alter: (record: SealedRecord) => NewRecord; readonly id: () => string } {
  let id = ''
  return {
    id: () => id,
    alter: (record) => {
      if (id !== '' || !isWanted(record)) return record
      id = record.id
      return change(record)
    },
  }
}

const isFailure = (record: SealedRecord): boolean =>
  record.kind === 'decision' && record.body.rule === RULE && record.body.state === 'fail'

function decisionWith(record: SealedRecord, change: Partial<Finding>): NewRecord {
  assert.ok(record.kind === 'decision')
  return { ...record, body: { ...record.body, ...change } }
}

test('what was recorded over faults, a reload and a restart follows from the evidence; what was written otherwise afterwards does not, and is named', async (t) => {
  const journal = await eventfulJournal(t)
  const trust = readFileSync(join(journal, 'vkey'), 'utf8')

  await t.test('as it was', async () => {
    const { code, stdout, stderr } = await vigil([
      ...['verify', journal, '--trust', join(journal, 'vkey')],
      ...['--replay', '--json'],
    ])
    assert.equal(stderr, '')
    assert.equal(code, 0, stdout)
    const of = (path: string): unknown => inJson(stdout, `replay.${path}`)
    assert.deepEqual(of('notes'), [])
    assert.equal(of('decisions.starts'), 2)
    assert.equal(of('decisions.reloads'), 1)
    const compared = of('decisions.compared')
    assert.ok(typeof compared === 'number' && compared > 50, String(compared))
    assert.equal(of('decisions.same'), compared)
    assert.equal(of('decisions.unjudged'), 0)
    assert.equal(of('facts.kinds.crl.recomputed'), of('facts.kinds.crl.observations'))
    assert.equal(of('facts.kinds.ca.recomputed'), of('facts.kinds.ca.observations'))
    assert.equal(of('facts.different'), 0)
  })

  const forged = async (
    name: string,
    { alter, id }: ReturnType<typeof only>,
  ): Promise<{ report: ReplayReport; id: string }> => {
    const into = `${journal}-${name}`
    await forge(journal, { into, keyFile: `${journal}.key` }, alter)
    assert.notEqual(id(), '', 'nothing was altered')
    const { verdict, size } = await verifyJournal(into, { trust })
    assert.equal(verdict, 'authenticated')
    const report = await replay(await openHistory(into), { size, onProgress: () => undefined })
    assert.ok(differencesIn(report) > 0)
    return { report, id: id() }
  }

  await t.test('facts that the CRL does not have', async () => {
    const { report, id } = await forged(
      'facts',
      only(
        (record) => isRun(record) && record.body.facts.crl?.number === '2',
        (record) => {
          assert.ok(isRun(record))
          const { facts } = record.body
          const crl = { ...facts.crl, nextUpdate: facts.crl?.thisUpdate ?? '' }
          return { ...record, body: { ...record.body, facts: { ...facts, crl } } }
        },
      ),
    )
    const { different, differences } = report.facts
    assert.equal(different, 1)
    assert.deepEqual(
      differences.map(({ record, fact }) => [record, fact]),
      [[id, 'crl.nextUpdate']],
    )
    // By such facts nothing would have failed.
    assert.ok(report.decisions.differences.some((one) => one.kind === 'extra' && one.rule === RULE))
  })

  await t.test('a good run of a time when the CRL had ended', async () => {
    let seen: Position | undefined
    const { report, id } = await forged(
      'ended',
      only(
        (record) => {
          if (isRun(record)) seen ??= record.position
          return record.kind === 'tick' && seen !== undefined
        },
        () => ({
          kind: 'unchanged',
          time: toTimestamp(NOW + 60 * DAY),
          body: { items: [[seen?.entry ?? 0, seen?.n ?? 0, 0, 5]] },
        }),
      ),
    )
    assert.deepEqual(
      report.facts.differences.map(({ record, probe, fact, recorded }) => [record, probe, fact, recorded]),
      [[id, 'crl', 'error', undefined]],
    )
  })

  await t.test('what is left of a journal whose beginning is gone', async () => {
    const reader = await openHistory(journal)
    async function* lateRecords(): AsyncGenerator<readonly SealedRecord[]> {
      for await (const batch of reader.read()) {
        // Only what says that nothing was before.
        if (batch[0]?.kind !== 'epoch') yield batch
      }
    }
    const late = { epoch: reader.epoch, read: lateRecords, getArtifact: reader.getArtifact.bind(reader) }
    const report = await replay(late, { size: Infinity, onProgress: () => undefined })
    assert.equal(differencesIn(report), 0, JSON.stringify(report))
    assert.equal(report.notes.length, 1)
    assert.equal(report.decisions.compared, 0)
    assert.ok(report.decisions.unjudged > 0)
    const { crl } = report.facts.kinds
    assert.ok(crl !== undefined && crl.recomputed > 0 && crl.recomputed === crl.observations)
  })

  await t.test('a decision that is told again before its record goes', async () => {
    const reader = await openHistory(journal)
    let standing: SealedRecord | undefined
    let stops = 0
    async function* records(): AsyncGenerator<readonly SealedRecord[]> {
      for await (const batch of reader.read()) {
        const first = batch.at(-1)
        standing ??= batch.find(
          (one) =>
            one.kind === 'decision' && one.body.rule === 'crl_freshness_ok' && one.body.state === 'pass',
        )
        const isStop = first?.kind === 'tick' && first.body.reason === 'stop'
        if (isStop && standing !== undefined) {
          stops++
          const { origin, epoch, entry } = parseRecordId(first.id) ?? assert.fail(first.id)
          const position = { entry, n: batch.length }
          const id = formatRecordId(origin, epoch, position)
          yield [...batch, { ...standing, id, position, recorded: first.recorded }]
        } else yield batch
      }
    }
    const told = { epoch: reader.epoch, read: records, getArtifact: reader.getArtifact.bind(reader) }
    const report = await replay(told, { size: Infinity, onProgress: () => undefined })
    assert.ok(stops > 0)
    assert.equal(differencesIn(report), 0, JSON.stringify(report.decisions))
  })

  await t.test('decisions that are told again after what is left begins', async () => {
    const reader = await openHistory(journal)
    const standing = new Map<string, SealedRecord>()
    const long = toTimestamp(NOW - 60 * DAY)
    let starts = 0
    async function* records(): AsyncGenerator<readonly SealedRecord[]> {
      for await (const batch of reader.read()) {
        for (const record of batch) {
          if (record.kind === 'configuration') starts++
          if (record.kind !== 'decision') continue
          const key = `${record.body.rule} ${record.body.subject}`
          // Those of the last run are left anyway.
          if (starts < 3) standing.set(key, { ...record, time: long, body: { ...record.body, since: long } })
          else standing.delete(key)
        }
        const [first] = batch
        if (first?.kind === 'epoch')
          yield [{ ...first, kind: 'tick', body: { reason: 'stop' }, recorded: toTimestamp(NOW - 30 * DAY) }]
        if (starts < 3 || first === undefined) continue
        const isStop = batch.some((one) => one.kind === 'tick' && one.body.reason === 'stop')
        const { origin, epoch, entry } = parseRecordId(first.id) ?? assert.fail(first.id)
        const again = [...standing.values()].map((record, i) => {
          const position = { entry, n: batch.length + i }
          return {
            ...record,
            id: formatRecordId(origin, epoch, position),
            position,
            recorded: first.recorded,
          }
        })
        yield isStop ? [...batch, ...again] : batch
      }
    }
    const left = { epoch: reader.epoch, read: records, getArtifact: reader.getArtifact.bind(reader) }
    const report = await replay(left, { size: Infinity, onProgress: () => undefined })
    assert.ok(standing.size > 20, String(standing.size))
    assert.equal(differencesIn(report), 0, JSON.stringify(report.decisions))
    assert.equal(report.decisions.unjudged, standing.size)
  })

  await t.test('a decision that says something else', async () => {
    const { report, id } = await forged(
      'verdict',
      only(isFailure, (record) => decisionWith(record, { state: 'pass' })),
    )
    assert.equal(report.decisions.differs, 1)
    assert.deepEqual(report.decisions.differences, [
      {
        kind: 'differs',
        rule: RULE,
        subject: 'ca_crl[ca]',
        record: id,
        members: [{ member: 'state', recorded: 'pass', recomputed: 'fail' }],
      },
    ])
  })

  await t.test('a decision that was left out', async () => {
    const { report } = await forged(
      'omitted',
      only(isFailure, ({ time }) => ({ kind: 'tick', time, body: { reason: 'interval' } })),
    )
    assert.deepEqual(briefly(report), [['missing', RULE, 'ca_crl[ca]']])
  })

  await t.test('a decision that nothing leads to', async () => {
    const { report, id } = await forged(
      'invented',
      only(isFailure, (record) => decisionWith(record, { subject: 'ca_crl[other]' })),
    )
    const [invented] = report.decisions.differences
    assert.equal(invented?.record, id)
    assert.deepEqual(briefly(report), [
      ['extra', RULE, 'ca_crl[other]'],
      ['missing', RULE, 'ca_crl[ca]'],
    ])
  })
})

function briefly({ decisions }: ReplayReport): readonly (readonly string[])[] {
  return decisions.differences.map(({ kind, rule, subject }) => [kind, rule, subject])
}

/** An authority's log, a line of which was changed in the journal beside its raw record. */
test('an event that its raw record does not tell is named', async () => {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'vigil.yaml')
  writeFileSync(file, 'inventory: { logs: [{ id: ca, format: ejbca, path: audit.log }] }\n')
  const raw = readFileSync(new URL('../fixtures/ejbca-real/audit.log', import.meta.url))
  const parsed: AuditEvent[] = []
  for await (const batch of parseLog([raw], { format: ejbca, source: 'ca', now: () => 0 }))
    parsed.push(...batch)
  const event = parsed.find(({ user }) => user !== undefined)
  assert.ok(event)
  const events = new EventReplay()
  events.configure({ ...loadedFrom(file), attestationKeys: undefined })
  const add = (n: number, body: AuditEvent): void =>
    events.add({
      kind: 'audit',
      time: body['@timestamp'],
      body,
      id: `vigil.test/0/0/${n}`,
      position: { entry: 0, n },
      recorded: body['@timestamp'],
    })
  add(0, event)
  add(1, { ...event, user: { name: 'somebody else' } })
  add(2, { ...event, '@timestamp': '2026-11-22T00:00:00.000Z' })
  const { recomputed, different, differences } = events.end()
  assert.deepEqual([recomputed, different], [3, 2])
  assert.deepEqual(
    differences.map(({ record, member }) => [record, member]),
    [
      ['vigil.test/0/0/1', 'user.name'],
      ['vigil.test/0/0/2', '@timestamp'],
    ],
  )
})
