import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts } from '../../model/facts.ts'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { RecordedMemory } from '../../probes/memory.ts'

const CRL = { subject: 'ca_crl[ca]', probe: 'crl', address: 'http://crl.test/ca.crl' } as const

function run(target: string, facts: Facts): Observation {
  return {
    subject: CRL.subject,
    probe: CRL.probe,
    target,
    vantage: 'default',
    start: toTimestamp(0),
    duration: 1,
    outcome: 'success',
    facts,
    artifacts: [],
  }
}

test('a group stays as the newest run that established it left it', () => {
  const memory = new RecordedMemory([CRL])
  assert.equal(memory.of(CRL), undefined)
  memory.remember(run(CRL.address, { crl: { number: '7', entries: 3 }, authority: { id: 'ca' } }))
  memory.remember(run(CRL.address, { authority: { id: 'ca' } }))
  assert.deepEqual(memory.of(CRL), { crl: { number: '7', entries: 3 }, authority: { id: 'ca' } })
  memory.remember(run(CRL.address, { crl: { number: '8' } }))
  assert.deepEqual(memory.of(CRL)?.crl, { number: '8' })
})

test('what the store knows of declared targets is remembered after a restart, and of no others', () => {
  const memory = new RecordedMemory([CRL])
  const latest = [CRL.address, 'http://crl.test/gone.crl'].map((address) => ({
    observation: { ...run(address, {}), id: 'vigil/1/1/0', recorded: toTimestamp(0) },
    lastStart: toTimestamp(0),
    lastDuration: 1,
    known: { crl: { number: '7' } },
  }))
  memory.hydrate(latest)
  assert.deepEqual(
    [...memory.all('crl')],
    [{ subject: CRL.subject, target: CRL.address, facts: { crl: { number: '7' } }, newest: {} }],
  )
  assert.deepEqual([...memory.all('tls')], [])
})

test('of the runs before the start the newest counts when it was a success, as often as it was repeated', () => {
  const memory = new RecordedMemory([CRL])
  const known = (outcome: Observation['outcome']): void => {
    const observation = { ...run(CRL.address, {}), outcome, id: 'vigil/1/1/0', recorded: toTimestamp(0) }
    memory.hydrate([{ observation, lastStart: toTimestamp(3_600_000), lastDuration: 1, known: {} }])
  }
  assert.equal(memory.lastSuccess(CRL), undefined)
  known('failure')
  assert.equal(memory.lastSuccess(CRL), undefined)
  known('success')
  assert.equal(memory.lastSuccess(CRL), 3_600_000)
})

test('who serves a key is known until another is served', () => {
  const service = { subject: 'service_tls_health[shop,prod]', probe: 'tls', address: 'shop:443' } as const
  const memory = new RecordedMemory([service])
  const serving = (spkiSha256: string): void =>
    memory.remember({ ...run(service.address, { certificate: { spkiSha256 } }), ...service })
  const holders = (key: string): readonly string[] => [...memory.servingKey(key)]
  serving('aa')
  assert.deepEqual(holders('aa'), [service.subject])
  memory.remember({ ...run(service.address, {}), ...service })
  assert.deepEqual(holders('aa'), [service.subject])
  serving('bb')
  assert.deepEqual([holders('aa'), holders('bb')], [[], [service.subject]])
})
