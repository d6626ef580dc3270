import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { at, MemoryJournal } from './records.ts'

const DAY: [string, string] = ['2026-11-10T00:00', '2026-11-11T00:00']

describe('the audit trail', () => {
  it('counts by action, outcome, user and authority, most frequent first', async () => {
    const journal = new MemoryJournal()
    const pki = { caName: 'IssuingCA1' }
    const first = journal.audit(at('2026-11-10T09:00'), { action: 'CERT_CREATION', user: 'CN=ra', pki })
    const last = journal.audit(at('2026-11-10T09:01'), { action: 'CERT_CREATION', user: 'CN=ra', pki })
    journal.audit(at('2026-11-10T09:02'), {
      action: 'CRL_CREATION',
      outcome: 'failure',
      user: 'CN=worker',
      pki,
    })
    journal.audit(at('2026-11-10T09:03'), { action: 'EJBCA_STARTING', outcome: 'unknown' })
    const { audit } = await journal.report(...DAY)
    assert.equal(audit.events, 4)
    assert.deepEqual(audit.outcomes, { success: 2, failure: 1, unknown: 1 })
    assert.deepEqual(audit.actions.items[0], {
      name: 'CERT_CREATION',
      success: 2,
      failure: 0,
      unknown: 0,
      first: { time: '2026-11-10T09:00:00.000Z', record: first.id },
      last: { time: '2026-11-10T09:01:00.000Z', record: last.id },
    })
    assert.deepEqual(
      audit.users.items.map((u) => [u.name, u.success + u.failure + u.unknown]),
      [
        ['CN=ra', 2],
        [null, 1],
        ['CN=worker', 1],
      ],
    )
    assert.deepEqual(
      audit.authorities.items.map((a) => [a.name, a.success, a.failure]),
      [
        ['IssuingCA1', 2, 1],
        [null, 0, 0],
      ],
    )
    assert.deepEqual([audit.crlCreations.failures, audit.crlCreations.events.total], [1, 1])
  })

  it('knows a CA by its id, whether or not a line gives its name too', async () => {
    const journal = new MemoryJournal()
    journal.audit(at('2026-11-10T09:00'), { action: 'CERT_CREATION', pki: { caId: 'issuing-1' } })
    journal.audit(at('2026-11-10T09:01'), {
      action: 'CRL_CREATION',
      pki: { caId: 'issuing-1', caName: 'CA1' },
    })
    const { audit } = await journal.report(...DAY)
    assert.deepEqual(
      audit.authorities.items.map((a) => [a.name, a.success]),
      [['issuing-1', 2]],
    )
  })

  it('lists what auditors ask for by name, with who, when, where and the record', async () => {
    const journal = new MemoryJournal()
    const revoked = journal.audit(at('2026-11-10T09:00'), {
      action: 'CERT_REVOKED',
      user: 'CN=ra-admin',
      pki: { caName: 'IssuingCA1', serial: '32c1', username: 'bob', revocationReason: 1 },
    })
    journal.audit(at('2026-11-10T09:01'), {
      action: 'CERTPROFILE_EDITING',
      user: 'CN=ca-admin',
      pki: { profile: 'TLS-SERVER', details: { 'changed:validity': '2y' } },
    })
    journal.audit(at('2026-11-10T09:02'), { action: 'CA_USERAUTH', outcome: 'failure', user: 'mallory' })
    journal.audit(at('2026-11-10T09:02'), { action: 'CA_USERAUTH', outcome: 'success', user: 'ejbca' })
    journal.audit(at('2026-11-10T09:03'), { action: 'CRYPTOTOKEN_DEACTIVATION', pki: { key: '2037871840' } })
    journal.audit(at('2026-11-10T09:04'), { action: 'LOG_MANAGEMENT_CHANGE' })
    journal.audit(at('2026-11-10T09:05'), {
      action: 'login',
      outcome: 'failure',
      category: ['authentication'],
    })
    journal.audit(at('2026-11-10T09:06'), { action: 'policy.update', category: ['configuration'] })
    const { audit } = await journal.report(...DAY)
    assert.deepEqual(audit.revocations.events.items[0], {
      time: '2026-11-10T09:00:00.000Z',
      recorded: '2026-11-10T09:00:00.500Z',
      record: revoked.id,
      source: 'ejbca-1',
      action: 'CERT_REVOKED',
      outcome: 'success',
      user: 'CN=ra-admin',
      address: null,
      authority: 'IssuingCA1',
      profile: null,
      subject: null,
      serial: '32c1',
      username: 'bob',
      key: null,
      detail: 'reason 1',
    })
    const actions = (name: 'configuration' | 'failedAuthentications' | 'keys' | 'log') =>
      audit[name].events.items.map((e) => e.action)
    assert.deepEqual(actions('configuration'), ['CERTPROFILE_EDITING', 'policy.update'])
    assert.deepEqual(actions('failedAuthentications'), ['CA_USERAUTH', 'login'])
    assert.deepEqual(actions('keys'), ['CRYPTOTOKEN_DEACTIVATION'])
    assert.deepEqual(actions('log'), ['LOG_MANAGEMENT_CHANGE'])
  })

  it('belongs to the period by the time that the CA claims, and says what arrived late or claims the future', async () => {
    const journal = new MemoryJournal()
    journal.audit(at('2026-11-09T23:59:59.999Z'), { action: 'CERT_CREATION' }, 60_000)
    const late = journal.audit(at('2026-11-10T23:00'), { action: 'CERT_CREATION' }, 5 * 3_600_000)
    const ahead = journal.audit(at('2026-11-10T12:00'), { action: 'CERT_CREATION' }, -3_600_000)
    const { audit } = await journal.report(...DAY)
    assert.equal(audit.events, 2)
    assert.deepEqual(audit.late, {
      records: { total: 1, more: 0, items: [late.id] },
      longest: 5 * 3_600_000,
    })
    assert.deepEqual(audit.ahead, { records: { total: 1, more: 0, items: [ahead.id] }, longest: 3_600_000 })
  })

  it('names the lines that were not understood', async () => {
    const journal = new MemoryJournal()
    const line = journal.audit(at('2026-11-10T09:00'), { action: 'unparsed', outcome: 'unknown' })
    const { audit } = await journal.report(...DAY)
    assert.deepEqual(audit.unparsed.items, [line.id])
  })

  it('survives a log that invents names without end', async () => {
    const journal = new MemoryJournal()
    for (let i = 0; i < 12_000; i++)
      journal.audit(at('2026-11-10T09:00') + i, { action: 'CA_USERAUTH', outcome: 'failure', user: `u${i}` })
    const { audit } = await journal.report(...DAY)
    assert.deepEqual(audit.users.items[0]?.name, '(others)')
    assert.equal(audit.users.items[0].failure, 2000)
    assert.equal(audit.users.items.length, 100)
    assert.deepEqual(
      [audit.failedAuthentications.events.items.length, audit.failedAuthentications.events.more],
      [200, 11_800],
    )
    assert.equal(audit.failedAuthentications.failures, 12_000)
  })
})
