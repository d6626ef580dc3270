import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTimestamp } from '../../../model/time.ts'
import { parseCertificate } from '../../../pki/certificate.ts'
import { issuedBy, knownCertificates } from '../../../probes/crl/knownCertificates.ts'
import { RecordedMemory } from '../../../probes/memory.ts'
import { NO_LEDGER } from '../../../probes/reconciliation/ledger.ts'
import { DAY, declared, entity, NOW } from '../pki.ts'
import { issuedEvent, ledgerOf, revokedEvent } from '../reconciliation/heard.ts'

const root = await entity({ subject: 'Root' })
const below = await entity({ subject: 'Issuing 1', issuer: root })
const issuer = declared('root', root)

test('of the certificates at hand those count that the authority issued, and not itself', () => {
  const certificates = [root.certificate, below.certificate].map((der) => parseCertificate(der))
  const [own] = issuedBy(issuer.certificate, [issuer.certificate, ...certificates.slice(1)])
  assert.equal(own?.serial, certificates[1]?.serial)
  assert.equal(own?.notAfter, NOW + 30 * DAY)
  assert.equal(issuedBy(issuer.certificate, [issuer.certificate]).length, 0)
})

test('what services were seen to have is known too, of this authority only', () => {
  const name = issuer.certificate.subject.text
  const served = [
    { issuer: name, serial: 'aa', notAfter: toTimestamp(NOW) },
    { issuer: 'CN=Other', serial: 'bb', notAfter: toTimestamp(NOW) },
    { issuer: name, serial: 'cc' },
  ]
  const targets = served.map((_, i) => ({
    subject: `service_tls_health[s${i},prod]`,
    probe: 'tls' as const,
    address: `s${i}:443`,
  }))
  const memory = new RecordedMemory(targets)
  served.forEach((certificate, i) => {
    const { subject, probe, address: target } = targets[i] ?? { subject: '', probe: 'tls', address: '' }
    const run = { vantage: 'test', start: toTimestamp(NOW), duration: 1, artifacts: [] }
    memory.remember({ ...run, subject, probe, target, outcome: 'success', facts: { certificate } })
  })
  const known = knownCertificates({ issuer, issued: [{ serial: 'dd', notAfter: 5 }] }, memory, NO_LEDGER)
  assert.deepEqual(
    [...known],
    [
      ['dd', 5],
      ['aa', NOW],
    ],
  )
  const unverified = knownCertificates({ issuer: undefined, issued: [] }, memory, NO_LEDGER)
  assert.equal(unverified.size, 0)
})

test('what the log says is revoked is known, where the log says when it expires', () => {
  const events = [issuedEvent('aa', NOW, NOW + DAY), revokedEvent('aa', NOW), revokedEvent('bb', NOW)]
  const ledger = ledgerOf([...events, issuedEvent('cc', NOW, NOW + DAY)])
  const own = { issuer: { ...issuer, id: 'issuing-1' }, issued: [] }
  assert.deepEqual([...knownCertificates(own, new RecordedMemory([]), ledger)], [['aa', NOW + DAY]])
})
