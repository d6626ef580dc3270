import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLogger } from '../../cli/logger.ts'
import { fillLedger } from '../../cli/ledger.ts'
import { Problems } from '../../cli/problems.ts'
import { JournaledLedger } from '../../probes/reconciliation/ledger.ts'
import type { AuditQuery } from '../../store/contract.ts'
import { StoreError, isTransientStoreError } from '../../store/error.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { ISSUING_1, issuedEvent, revokedEvent } from '../probes/reconciliation/heard.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { DAY, JournalDouble, SECOND, START } from '../rules/journalDouble.ts'

/** More than a page of each kind. */
const MANY = 1500

test('what the logs said before the start is there after it, page by page', async () => {
  using directory = temporaryDirectory()
  await using opened = new AsyncDisposableStack()
  const store = await openSqliteStore({ file: join(directory.path, 'vigil.db') })
  opened.defer(() => store.close())
  const journal = new JournalDouble()
  journal.now = START + DAY
  for (let i = 1; i <= MANY; i++) {
    const serial = i.toString(16)
    const events = [
      issuedEvent(serial, START + i * SECOND, START + DAY),
      revokedEvent(serial, START + i * SECOND),
    ]
    await store.apply(
      journal.seal(...events.map((body) => ({ kind: 'audit' as const, time: body['@timestamp'], body }))),
    )
  }
  const asked: AuditQuery[] = []
  const counting = {
    auditEvents: (query: AuditQuery) => {
      asked.push(query)
      return store.auditEvents(query)
    },
  }
  const ledger = new JournaledLedger([ISSUING_1, { ...ISSUING_1, id: 'issuing-2' }], [])
  await fillLedger(ledger, counting, { signal: new AbortController().signal, persist: (work) => work() })
  const own = ledger.of('issuing-1')
  assert.ok(own !== undefined)
  assert.deepEqual([own.from, own.certificates.size], [START + SECOND, MANY])
  const last = own.certificates.find(MANY.toString(16))
  assert.equal(last !== undefined && own.certificates.revokedAt(last), START + MANY * SECOND)
  assert.equal(ledger.of('issuing-2'), undefined)
  assert.ok(asked.length > 8, 'more than one page of a kind')
})

test('a ledger that could not be filled to its end says nothing', async () => {
  const ledger = new JournaledLedger([ISSUING_1], [])
  const nothing = { auditEvents: () => Promise.resolve([]) }
  await fillLedger(ledger, nothing, { signal: AbortSignal.abort(), persist: (work) => work() })
  const body = issuedEvent('2a', START, START + DAY)
  ledger.apply(new JournalDouble().seal({ kind: 'audit', time: body['@timestamp'], body }))
  assert.equal(ledger.of('issuing-1'), undefined)
})

test('a store that is busy is asked again, and what is given up says nothing', async () => {
  const body = issuedEvent('2a', START, START + DAY)
  const [record] = new JournalDouble().seal({ kind: 'audit', time: body['@timestamp'], body })
  assert.ok(record?.kind === 'audit')
  const stored = { ...record.body, id: record.id, recorded: record.recorded }
  let refusals = 3
  const store = {
    auditEvents: ({ action }: AuditQuery) => {
      if (refusals-- > 0) return Promise.reject(new StoreError('busy', 'locked'))
      return Promise.resolve(action === 'CERT_CREATION' ? [stored] : [])
    },
  }
  const problems = new Problems(createLogger(process.stderr, 'silent'), Date.now)
  const filled = async (signal: AbortSignal, pause: () => void): Promise<JournaledLedger> => {
    const ledger = new JournaledLedger([ISSUING_1], [])
    const pausing = (): Promise<void> => {
      pause()
      return Promise.resolve()
    }
    await fillLedger(ledger, store, {
      signal,
      persist: (work) =>
        problems.until('ledger', work, pausing, { signal, isTransient: isTransientStoreError }),
    })
    return ledger
  }
  let pauses = 0
  const ledger = await filled(new AbortController().signal, () => {
    pauses++
  })
  assert.deepEqual([pauses, problems.list()], [3, []])
  assert.equal(ledger.of('issuing-1')?.certificates.size, 1)

  refusals = Infinity
  const stop = new AbortController()
  assert.equal((await filled(stop.signal, () => stop.abort())).of('issuing-1'), undefined)
})
