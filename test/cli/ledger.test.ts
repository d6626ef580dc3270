import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fillLedger } from '../../cli/ledger.ts'
import { JournaledLedger } from '../../probes/reconciliation/ledger.ts'
import type { AuditQuery } from '../../store/contract.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { issuedEvent, revokedEvent } from '../probes/reconciliation/heard.ts'
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
  const ledger = new JournaledLedger(['issuing-1', 'issuing-2'], [])
  await fillLedger(ledger, counting, new AbortController().signal)
  const own = ledger.of('issuing-1')
  assert.ok(own !== undefined)
  assert.deepEqual([own.from, own.certificates.size], [START + SECOND, MANY])
  const last = own.certificates.find(MANY.toString(16))
  assert.equal(last !== undefined && own.certificates.revokedAt(last), START + MANY * SECOND)
  assert.equal(ledger.of('issuing-2'), undefined)
  assert.ok(asked.length > 8, 'more than one page of a kind')
})

test('a ledger that could not be filled to its end says nothing', async () => {
  const ledger = new JournaledLedger(['issuing-1'], [])
  await fillLedger(ledger, { auditEvents: () => Promise.resolve([]) }, AbortSignal.abort())
  const body = issuedEvent('2a', START, START + DAY)
  ledger.apply(new JournalDouble().seal({ kind: 'audit', time: body['@timestamp'], body }))
  assert.equal(ledger.of('issuing-1'), undefined)
})
