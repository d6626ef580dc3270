import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FAULTS } from '../../lab/faults/table.ts'
import { DEFAULT_LIFETIMES } from '../../lab/lifetimes.ts'
import { LabError } from '../../lab/error.ts'
import {
  askOcsp,
  assertHealthy,
  DAY,
  fetchCrl,
  handshake,
  hexSerial,
  HOUR,
  startTestLab,
  testLab,
  type TestLab,
} from './support.ts'

// One lab for all rows: what is repaired must leave nothing behind for the next one.
const directory = mkdtempSync(join(tmpdir(), 'vigil-lab-test-'))
let running: TestLab
before(async () => {
  running = await startTestLab({ directory })
})
after(async () => {
  await running.lab.close()
  rmSync(directory, { recursive: true, force: true })
})

const GOOD = 0
const REVOKED = 1

/** How each fault looks from outside while it is on. The others are seen by a monitor in test/failures. */
const SYMPTOMS: Readonly<
  Record<string, { target: string; seen: (running: TestLab, before: Before) => Promise<void> }>
> = {
  'crl-stale': {
    target: 'issuing-1',
    seen: async ({ lab, clock, timers }) => {
      for (const run of timers) run()
      await lab.refreshCrls()
      const crl = await fetchCrl(lab, 'issuing-1')
      assert.equal(crl.signatureValid, true)
      assert.ok(clock.now - crl.thisUpdate >= DEFAULT_LIFETIMES.staleCrl)
      assert.ok(clock.now < crl.nextUpdate, 'old, but not expired')
      assert.equal(crl.number, 1n)
      const other = await fetchCrl(lab, 'issuing-2')
      assert.ok(clock.now - other.thisUpdate < 2000)
    },
  },
  'ocsp-down': {
    target: 'issuing-2',
    seen: async ({ lab }) => {
      await assert.rejects(askOcsp(lab, 'issuing-2', '1234'), { code: 'ECONNREFUSED' })
      assert.equal((await askOcsp(lab, 'issuing-1', '1234')).status, 2)
    },
  },
  'cert-near-expiry': {
    target: 'payments',
    seen: async ({ lab, clock }, before) => {
      const { certificate, authorized } = await handshake(lab, 'payments')
      assert.equal(authorized, true, 'still valid')
      const left = certificate.validToDate.getTime() - clock.now
      assert.ok(left > 0 && left <= 5 * DAY, `${left} ms left`)
      const lifetime = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
      assert.equal(lifetime, DEFAULT_LIFETIMES.service)
      assert.notEqual(certificate.serialNumber, before.serial)
      assert.equal((await askOcsp(lab, 'issuing-2', hexSerial(certificate))).status, GOOD)
    },
  },
  'wrong-certificate': {
    target: 'shop',
    seen: async ({ lab }) => {
      const { certificate, authorized, error } = await handshake(lab, 'shop')
      assert.equal(authorized, false)
      assert.equal(error, 'ERR_TLS_CERT_ALTNAME_INVALID')
      assert.equal(certificate.checkHost('mail-gateway.lab.test'), 'mail-gateway.lab.test')
    },
  },
  'revoked-served': {
    target: 'mail-gateway',
    seen: async ({ lab }, before) => {
      const { certificate } = await handshake(lab, 'mail-gateway')
      assert.equal(certificate.serialNumber, before.serial)
      const answer = await askOcsp(lab, 'issuing-1', hexSerial(certificate))
      assert.equal(answer.status, REVOKED)
      assert.equal(answer.verified, true)
      assert.deepEqual((await fetchCrl(lab, 'issuing-1')).serials, [hexSerial(certificate)])
    },
  },
}

interface Before {
  readonly serial: string
}

test('every symptom is one of a fault', () => {
  const ids = FAULTS.map(({ id }) => id)
  assert.deepEqual(
    Object.keys(SYMPTOMS).filter((id) => !ids.includes(id)),
    [],
  )
})

for (const { id, target: kind } of FAULTS.filter(({ id }) => id in SYMPTOMS)) {
  test(`${id} is seen from outside, and repair ends it`, async () => {
    const symptom = SYMPTOMS[id]
    assert.ok(symptom)
    const { lab } = running
    const { target, seen } = symptom
    const switched: string[] = []
    lab.events.removeAllListeners('fault').on('fault', (event) => {
      switched.push(`${event.fault} ${event.target} ${event.state}`)
    })
    const serial = kind === 'service' ? (await handshake(lab, target)).certificate.serialNumber : ''

    await lab.break(id, target)
    assert.deepEqual(
      lab.faults().map(({ fault, target: at }) => [fault, at]),
      [[id, target]],
    )
    await seen(running, { serial })
    await lab.break(id, target)
    await seen(running, { serial })

    await lab.repair(id, target)
    assert.deepEqual(lab.faults(), [])
    await assertRepaired(running, kind === 'service' ? target : undefined)
    await lab.repair(id, target)
    assert.deepEqual(switched, [`${id} ${target} on`, `${id} ${target} off`])
  })
}

async function assertRepaired({ lab, clock }: TestLab, service?: string): Promise<void> {
  for (const id of ['issuing-1', 'issuing-2']) {
    const crl = await fetchCrl(lab, id)
    assert.ok(clock.now - crl.thisUpdate < 2000)
    assert.equal((await askOcsp(lab, id, '1234')).verified, true)
  }
  if (service === undefined) return
  await assertHealthy(lab, service)
  const { certificate } = await handshake(lab, service)
  assert.ok(certificate.validToDate.getTime() - clock.now > 30 * DAY)
  const issuer = lab.inventory.services.find(({ id }) => id === service)?.issuer ?? ''
  assert.equal((await askOcsp(lab, issuer, hexSerial(certificate))).status, GOOD)
}

test('without an old CRL a stopped CA serves the last one, which grows old', async (t) => {
  const { lab, clock } = await testLab(t, { lifetimes: { staleCrl: 0, crl: 2 * HOUR } })
  const first = await fetchCrl(lab, 'issuing-2')
  assert.equal(first.number, 1n)
  await lab.break('crl-stale', 'issuing-2')
  clock.now += 3 * HOUR
  await lab.refreshCrls()
  const stale = await fetchCrl(lab, 'issuing-2')
  assert.equal(stale.number, 1n)
  assert.ok(stale.nextUpdate < clock.now)
  assert.equal((await fetchCrl(lab, 'issuing-1')).number, 2n)
})

test('a certificate revoked while publishing has stopped is on no CRL, only OCSP knows', async (t) => {
  const { lab } = await testLab(t)
  await lab.break('crl-stale', 'issuing-1')
  await lab.break('revoked-served', 'shop')
  const { certificate } = await handshake(lab, 'shop')
  assert.deepEqual((await fetchCrl(lab, 'issuing-1')).serials, [])
  assert.equal((await askOcsp(lab, 'issuing-1', hexSerial(certificate))).status, REVOKED)
  await lab.repair('crl-stale', 'issuing-1')
  assert.deepEqual((await fetchCrl(lab, 'issuing-1')).serials, [hexSerial(certificate)])
})

test('what cannot be broken is refused by name', async (t) => {
  const { lab } = await testLab(t)
  const refused = (code: string) => (error: unknown) => error instanceof LabError && error.code === code
  await assert.rejects(lab.break('meteor', 'shop'), refused('unknown_fault'))
  await assert.rejects(lab.break('crl-stale', 'shop'), refused('unknown_target'))
  await assert.rejects(lab.break('wrong-certificate', 'issuing-1'), refused('unknown_target'))
  await assert.rejects(lab.repair('crl-stale', 'root'), refused('unknown_target'))
  await lab.break('wrong-certificate', 'shop')
  await assert.rejects(lab.break('cert-near-expiry', 'shop'), refused('conflict'))
  await lab.break('cert-near-expiry', 'payments')
  await lab.close()
  await assert.rejects(lab.break('crl-stale', 'issuing-1'), refused('closed'))
})
