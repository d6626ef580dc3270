import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import {
  JournaledLedger,
  type AuthorityLedger,
  type LoggedEvent,
} from '../../../probes/reconciliation/ledger.ts'
import { DAY, HOUR, JournalDouble, START } from '../../rules/journalDouble.ts'
import { ISSUING_1, issuedEvent, ledgerOf, logged, revokedEvent } from './heard.ts'

const EVENTS = [
  issuedEvent('2a', START, START + DAY),
  revokedEvent('2a', START + HOUR, 6),
  logged('CRL_STORED', START + HOUR, { crlNumber: '1', fingerprint: 'ab' }),
  revokedEvent('2a', START + 2 * HOUR, 8),
  issuedEvent('2b', START + 3 * HOUR, START + DAY),
  revokedEvent('2b', START + 4 * HOUR),
]

function ofIssuing1(ledger: JournaledLedger): AuthorityLedger {
  const own = ledger.of('issuing-1')
  assert.ok(own !== undefined, 'expected that the log says something of the authority')
  return own
}

function statusOf({ certificates }: AuthorityLedger, serial: string): number | undefined | 'not issued' {
  const row = certificates.find(serial)
  return row === undefined ? 'not issued' : certificates.revokedAt(row)
}

describe('what logs say', () => {
  it('is the same whether it was read from the store, heard, or both', () => {
    const states = EVENTS.map((_, split) => {
      const own = ofIssuing1(ledgerOf(EVENTS, split))
      return [own.from, own.state, statusOf(own, '2a'), statusOf(own, '2b'), own.hasCrl(['ab'], undefined)]
    })
    for (const state of states) assert.deepEqual(state, states[0])
    assert.deepEqual(states[0]?.slice(2), [undefined, START + 4 * HOUR, true])
  })

  it('is unknown until all of it was read, and of whom no log says anything', () => {
    const ledger = new JournaledLedger([ISSUING_1], [])
    ledger.addEarlier([])
    assert.equal(ledger.of('issuing-1'), undefined)
    ledger.complete()
    assert.equal(ledger.of('issuing-1'), undefined)
    assert.equal(ledgerOf(EVENTS).of('issuing-2'), undefined)
  })

  it('does not count what failed, or what another format says', () => {
    const failed = logged('CERT_CREATION', START, { serial: '2c' }, { outcome: 'failure' })
    const other = issuedEvent('2d', START, START + DAY)
    const foreign = { ...other, event: { ...other.event, module: 'json' } }
    const own = ofIssuing1(ledgerOf([...EVENTS, failed, foreign]))
    assert.deepEqual([statusOf(own, '2c'), statusOf(own, '2d')], ['not issued', 'not issued'])
  })

  it('names the record that says the newest of a certificate', () => {
    const own = ofIssuing1(ledgerOf(EVENTS))
    assert.equal(own.recordOf(own.certificates.find('2b') ?? -1), 'vigil.test/0/5/0')
  })

  it('changes its state with every event', () => {
    const states = EVENTS.map((_, i) => ofIssuing1(ledgerOf(EVENTS.slice(0, i + 1))).state)
    assert.equal(new Set(states).size, EVENTS.length)
  })

  it('goes by the order of the journal, not by that of clocks or of the store', () => {
    const events = [
      issuedEvent('2a', START, START + DAY),
      revokedEvent('2a', START + 2 * HOUR, 6),
      // The clock was put back meanwhile.
      revokedEvent('2a', START + HOUR, 8),
    ]
    const journal = new JournalDouble()
    journal.now = START + DAY
    const stored = events.map((body) => ({ ...body, ...identityOf(journal, body) }))
    for (const order of [
      [2, 1, 0],
      [1, 2, 0],
      [0, 1, 2],
    ]) {
      const ledger = new JournaledLedger([ISSUING_1], [])
      ledger.addEarlier(order.flatMap((i) => stored[i] ?? []))
      ledger.complete()
      assert.equal(statusOf(ofIssuing1(ledger), '2a'), undefined, order.join())
    }
  })

  it('counts what was said after a restore as later, and names the record in its epoch', () => {
    const stored = [
      { ...issuedEvent('2a', START, START + DAY), id: 'vigil.test/100/0/0' },
      { ...revokedEvent('2a', START + HOUR, 6), id: 'vigil.test/100/900/0' },
      { ...revokedEvent('2a', START + 2 * HOUR, 8), id: 'vigil.test/200/3/0' },
    ].map((event) => ({ ...event, recorded: event['@timestamp'] }))
    for (const events of [stored, stored.toReversed()]) {
      const ledger = new JournaledLedger([ISSUING_1], [])
      ledger.addEarlier(events)
      ledger.complete()
      const own = ofIssuing1(ledger)
      const row = own.certificates.find('2a') ?? -1
      assert.equal(statusOf(own, '2a'), undefined)
      assert.equal(own.recordOf(row), 'vigil.test/200/3/0')
      assert.equal(own.saidSince('vigil.test/100/950/0')(row), true)
    }
  })

  it('takes what a wrong clock said of the future as of when it was heard', () => {
    const journal = new JournalDouble()
    const body = revokedEvent('2a', START + 365 * DAY)
    const ledger = new JournaledLedger([ISSUING_1], [])
    ledger.apply(journal.seal({ kind: 'audit', time: body['@timestamp'], body }))
    ledger.complete()
    assert.equal(statusOf(ofIssuing1(ledger), '2a'), START)
  })

  it('does not begin before its authority, whatever a clock that was never set said', () => {
    const events = [revokedEvent('2a', 0), revokedEvent('2b', START + HOUR)]
    const own = ledgerOf(events, 0, [], { notBefore: START - DAY }).of('issuing-1')
    assert.deepEqual([own?.from, own?.toldFrom('revoked')], [START, START])
  })

  it('is whole when a log tells of what cannot be a serial number', () => {
    const own = ofIssuing1(ledgerOf([...EVENTS, issuedEvent('f'.repeat(41), START, START + DAY)]))
    assert.deepEqual([own.isFull, own.toldFrom('issued')], [false, START])
  })
})

describe('what logs say of more certificates than there is room for', () => {
  const issued = (serial: string, day: number, days: number) =>
    issuedEvent(serial, START + day * DAY, START + (day + days) * DAY)
  const EXPIRED = [
    issued('1', 0, 1),
    issued('2', 0, 400),
    revokedEvent('1', START + HOUR),
    issued('3', 1, 400),
  ]

  it('forgets those that expired a week ago, and tells from then on', () => {
    const own = ofIssuing1(ledgerOf([...EXPIRED, issued('4', 9, 400)], 0, [], {}, 3))
    assert.deepEqual(
      ['1', '2', '3', '4'].map((serial) => own.certificates.find(serial) !== undefined),
      [false, true, true, true],
    )
    assert.equal(statusOf(own, '4'), undefined)
    assert.deepEqual([own.toldFrom('revoked'), own.toldFrom('issued')], [START + HOUR, START])
    assert.equal(own.isFull, false)
  })

  it('is full when none has, and tells only what is newer than what it could not take', () => {
    const own = ofIssuing1(
      ledgerOf([...EXPIRED, issued('4', 2, 400), revokedEvent('5', START + 3 * DAY)], 0, [], {}, 3),
    )
    assert.deepEqual([own.isFull, own.certificates.find('4')], [true, undefined])
    assert.deepEqual([own.toldFrom('issued'), own.toldFrom('revoked')], [START + 3 * DAY, START + 3 * DAY])
  })
})

function identityOf(journal: JournalDouble, body: AuditEvent): Pick<LoggedEvent, 'id' | 'recorded'> {
  const [record] = journal.seal({ kind: 'audit', time: body['@timestamp'], body })
  assert.ok(record !== undefined)
  return { id: record.id, recorded: record.recorded }
}
