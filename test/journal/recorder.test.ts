import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { JournalError } from '../../journal/error.ts'
import { ObservationRecorder } from '../../journal/recorder.ts'
import type { Facts } from '../../model/facts.ts'
import type { Artifact, ArtifactRef, Observation, ProbeResult } from '../../model/observation.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { formatRecordId } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'
import { FakeClock } from './support.ts'

const MINUTE = 60_000

/** A journal that keeps everything in lists; each append becomes an entry. */
class ListJournal {
  readonly records: SealedRecord[] = []
  readonly kept: string[] = []
  refuse = false
  #entries = 0

  append(records: readonly NewRecord[]): Promise<readonly SealedRecord[]> {
    if (this.refuse) return Promise.reject(new JournalError('storage', 'full'))
    const entry = this.#entries++
    const sealed = records.map((record, n): SealedRecord => {
      const position = { entry, n }
      return { ...record, position, id: formatRecordId('vigil.test', 1, position), recorded: toTimestamp(0) }
    })
    this.records.push(...sealed)
    return Promise.resolve(sealed)
  }

  putArtifact({ mediaType, bytes }: Artifact): Promise<ArtifactRef> {
    const digest = createHash('sha256').update(bytes).digest('hex')
    this.kept.push(digest)
    return Promise.resolve({ digest, mediaType, size: bytes.length, kept: true })
  }
}

function makeRecorder(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new FakeClock()
  const journal = new ListJournal()
  const recorder = new ObservationRecorder({ journal, now: clock.now })
  /** Records a run now, and lets a second pass. */
  const run = async (result: ProbeResult): Promise<void> => {
    const done = recorder.record(result)
    // Looked at below; until then a rejection is no accident.
    done.catch(() => undefined)
    await new Promise(setImmediate)
    t.mock.timers.tick(1000)
    await done
  }
  return { clock, journal, recorder, run }
}

function crlRun(start: number, change: Partial<Observation> = {}, body = 'crl'): ProbeResult {
  return {
    observation: {
      subject: 'ca_crl[issuing-1]',
      probe: 'crl',
      target: 'http://127.0.0.1/a.crl',
      vantage: 'default',
      start: toTimestamp(start),
      duration: 12.4,
      outcome: 'success',
      facts: { crl: { number: '7', thisUpdate: toTimestamp(0) } },
      artifacts: [],
      ...change,
    },
    artifacts: [{ mediaType: 'application/pkix-crl', bytes: Buffer.from(body) }],
  }
}

function ocspRun(start: number, producedAt: number, change: Partial<Observation> = {}): ProbeResult {
  const facts: Facts = {
    ocsp: { status: 'good', producedAt: toTimestamp(producedAt), thisUpdate: toTimestamp(producedAt) },
  }
  const { observation } = crlRun(start, { probe: 'ocsp', target: 'http://127.0.0.1/ocsp', facts, ...change })
  const bytes = Buffer.from(`answer of ${producedAt}`)
  return { observation, artifacts: [{ mediaType: 'application/ocsp-response', bytes }] }
}

const kinds = (journal: ListJournal) => journal.records.map((r) => r.kind)
const keptFlags = (journal: ListJournal) =>
  journal.records.flatMap((r) => (r.kind === 'observation' ? r.body.artifacts.map((a) => a.kept) : []))

describe('observation recorder', () => {
  test('records the first run in full, and equal ones as items that refer to it', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    const start = clock.ms
    await run(crlRun(start))
    await run(crlRun(start + MINUTE))
    await run(crlRun(start + 2 * MINUTE, { duration: 99 }))
    assert.deepEqual(kinds(journal), ['observation', 'unchanged', 'unchanged'])
    assert.deepEqual(
      journal.records.slice(1).map(({ time, body }) => ({ time, body })),
      [
        { time: toTimestamp(start + MINUTE), body: { items: [[0, 0, 0, 12]] } },
        { time: toTimestamp(start + 2 * MINUTE), body: { items: [[0, 0, 0, 99]] } },
      ],
    )
  })

  test('takes evidence that the server said is unchanged for the same evidence', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    const first = crlRun(clock.ms)
    await run(first)
    const [digest = ''] = journal.kept
    const known = { digest, mediaType: 'application/pkix-crl', size: 3, kept: true }
    const unchanged = { ...crlRun(clock.ms + MINUTE), artifacts: [], kept: [known] }
    await run(unchanged)
    await run(crlRun(clock.ms + 2 * MINUTE))
    assert.deepEqual(kinds(journal), ['observation', 'unchanged', 'unchanged'])
    await run({ ...unchanged, kept: [{ ...known, digest: 'f'.repeat(64) }] })
    const last = journal.records.at(-1)
    assert.ok(last?.kind === 'observation')
    assert.deepEqual(last.body.artifacts, [{ ...known, digest: 'f'.repeat(64) }])
    assert.equal(journal.kept.length, 1, 'nothing was put again')
  })

  test('records in full again after the clock was set back', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    await run(crlRun(clock.ms))
    clock.ms -= 365 * 24 * 60 * MINUTE
    await run(crlRun(clock.ms))
    assert.deepEqual(kinds(journal), ['observation', 'observation'])
  })

  test('gathers the unchanged runs of a second in one record, under 40 octets each', async (t) => {
    const { clock, journal, recorder } = makeRecorder(t)
    const targets = Array.from({ length: 500 }, (_, i) => ({ target: `http://127.0.0.1/${i}.crl` }))
    await Promise.all(targets.map((target) => recorder.record(crlRun(clock.ms, target))))
    const repeats = targets.map((target, i) => recorder.record(crlRun(clock.ms + MINUTE + i, target)))
    await new Promise(setImmediate)
    t.mock.timers.tick(1000)
    await Promise.all(repeats)
    assert.equal(journal.records.length, 501)
    const last = journal.records.at(-1)
    assert.ok(last?.kind === 'unchanged')
    assert.equal(last.body.items.length, 500)
    assert.deepEqual(last.body.items[499], [499, 0, 499, 12])
    assert.ok(JSON.stringify(last.body).length < 40 * 500)
  })

  test('records in full again when outcome, error, facts or bytes differ', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    const error = { phase: 'time', code: 'expired', message: 'past nextUpdate' } as const
    const runs = [
      crlRun(clock.ms),
      crlRun(clock.ms, { facts: { crl: { number: '8' } } }),
      crlRun(clock.ms, { facts: { crl: { number: '8' } } }, 'other bytes'),
      crlRun(clock.ms, { outcome: 'failure', error }),
      crlRun(clock.ms, { outcome: 'failure', error: { ...error, code: 'future' } }),
      crlRun(clock.ms, { outcome: 'failure', error: { ...error, code: 'future' } }),
    ]
    for (const result of runs) await run(result)
    assert.deepEqual(kinds(journal), [...Array.from({ length: 5 }, () => 'observation'), 'unchanged'])
  })

  test('tells targets and vantages apart', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    await run(crlRun(clock.ms))
    await run(crlRun(clock.ms, { vantage: 'elsewhere' }))
    await run(crlRun(clock.ms, { target: 'http://127.0.0.1/b.crl' }))
    assert.deepEqual(kinds(journal), ['observation', 'observation', 'observation'])
  })

  test('keeps the bytes of an OCSP answer once an hour while only times change, and always its digest', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    for (let minute = 0; minute < 120; minute += 10) {
      await run(ocspRun(clock.ms, clock.ms))
      clock.ms += 10 * MINUTE
    }
    // The clock begins at 06:44: two answers before 07:00, six before 08:00, four after.
    const expected = Array.from({ length: 12 }, (_, i) => [0, 2, 8].includes(i))
    assert.deepEqual(keptFlags(journal), expected)
    const digests = journal.records.flatMap((r) =>
      r.kind === 'observation' ? r.body.artifacts.map((a) => a.digest) : [],
    )
    assert.equal(new Set(digests).size, 12)
  })

  test('keeps the bytes of an OCSP answer when the status changes or the run fails', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    const error = { phase: 'time', code: 'expired', message: 'past nextUpdate' } as const
    await run(ocspRun(clock.ms, 1000))
    await run(ocspRun(clock.ms, 2000))
    await run(ocspRun(clock.ms, 3000, { facts: { ocsp: { status: 'revoked' } } }))
    await run(ocspRun(clock.ms, 4000, { outcome: 'failure', error, facts: {} }))
    await run(ocspRun(clock.ms, 5000, { outcome: 'failure', error, facts: {} }))
    assert.deepEqual(keptFlags(journal), [true, false, true, true, true])
  })

  test('records in full once a day, so that no item refers to old evidence', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    await run(crlRun(clock.ms))
    clock.ms += 24 * 60 * MINUTE - 1
    await run(crlRun(clock.ms))
    clock.ms += 1
    await run(crlRun(clock.ms))
    assert.deepEqual(kinds(journal), ['observation', 'unchanged', 'observation'])
  })

  test('refers to the record even when the next run comes before it is sealed', async (t) => {
    const { clock, journal, recorder } = makeRecorder(t)
    const both = [recorder.record(crlRun(clock.ms)), recorder.record(crlRun(clock.ms + 1))]
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    t.mock.timers.tick(1000)
    await Promise.all(both)
    assert.deepEqual(kinds(journal), ['observation', 'unchanged'])
  })

  test('tells whoever recorded when the journal refuses, and records in full after that', async (t) => {
    const { clock, journal, run } = makeRecorder(t)
    await run(crlRun(clock.ms))
    journal.refuse = true
    await assert.rejects(run(crlRun(clock.ms)), JournalError)
    await assert.rejects(run(crlRun(clock.ms, { facts: {} })), JournalError)
    journal.refuse = false
    await run(crlRun(clock.ms, { facts: {} }))
    assert.deepEqual(kinds(journal), ['observation', 'observation'])
  })

  test('writes what waits when it is closed, and takes nothing after', async (t) => {
    const { clock, journal, recorder } = makeRecorder(t)
    await recorder.record(crlRun(clock.ms))
    const waiting = recorder.record(crlRun(clock.ms))
    await recorder.close()
    await waiting
    assert.deepEqual(kinds(journal), ['observation', 'unchanged'])
    await assert.rejects(recorder.record(crlRun(clock.ms)), JournalError)
  })
})
