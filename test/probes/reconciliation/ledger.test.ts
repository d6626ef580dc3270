import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JournaledLedger, type AuthorityLedger } from '../../../probes/reconciliation/ledger.ts'
import { DAY, HOUR, START } from '../../rules/journalDouble.ts'
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
})
