import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { dogtag } from '../../collectors/formats/dogtag.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { counts, parsed } from '../collectors/parsing.ts'
import { testLab } from './support.ts'

const signaturesIn = (events: readonly AuditEvent[]) =>
  events.flatMap(({ pki }) => (pki?.signature === undefined ? [] : [pki.signature]))

test('the log of a clone verifies with the signing certificate from its first signature on, across its files', async (t) => {
  const { lab, clock } = await testLab(t)
  const { dogtag: ca } = lab.inventory
  const [{ log }] = ca.clones
  await lab.break('log-unsigned', ca.id)
  await lab.repair('log-unsigned', ca.id)
  clock.now += 1000
  const rotated = log.rotate()
  await lab.break('log-signed-line-changed', ca.id)
  const { publicKey } = new X509Certificate(readFileSync(ca.signingCertificateFile))
  const events = await parsed(
    dogtag([publicKey]),
    readFileSync(rotated, 'utf8') + readFileSync(log.file, 'utf8'),
  )
  assert.deepEqual(counts(events)['unparsed unknown'], undefined)
  // At its start, three certificates and a CRL; what was unsigned, and the one after it; across the files.
  assert.deepEqual(signaturesIn(events), [
    ...['unverified', 'verified', 'verified', 'verified', 'verified'],
    ...['bad', 'verified'],
    'bad',
  ])
})
