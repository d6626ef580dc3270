import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension, issueCrl } from '../../lab/issue.ts'
import type { CrlRequest } from '../../lab/issue.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { HeldCrl, IndexedCrl } from '../../pki/crl.ts'
import { applyDelta, checkDelta } from '../../pki/crlDelta.ts'
import { DAY, HOUR, NOW, entity, recorded, refused } from './support.ts'

const ca = await entity({ subject: 'CA' })
const issue = async (request: Partial<CrlRequest>): Promise<HeldCrl & IndexedCrl> => {
  const times = { thisUpdate: NOW - HOUR, nextUpdate: NOW + DAY }
  return parseCrl(await issueCrl({ issuer: ca, number: 5n, ...times, revoked: [], ...request }), {
    index: true,
  })
}
const at = NOW - DAY
const base = await issue({
  revoked: [
    { serial: 'a1', at, reason: 6 },
    { serial: 'a2', at, reason: 6 },
    { serial: 'a3', at, reason: 1 },
    { serial: 'a3', at, reason: 4 },
  ],
})
const delta = await issue({
  number: 9n,
  deltaBase: 5n,
  thisUpdate: NOW,
  nextUpdate: NOW + HOUR,
  revoked: [
    { serial: 'a1', at, reason: 8 },
    { serial: 'a2', at, reason: 1 },
    { serial: 'b1', at: NOW, reason: 4 },
    { serial: 'b1', at: NOW, reason: 4 },
    // Revoked and forgotten since the base: the complete CRL never had it.
    { serial: 'b2', at: NOW, reason: 8 },
  ],
})
const laterDelta = await issue({ number: 9n, deltaBase: 6n })

describe('a delta CRL', () => {
  it('changes, adds and removes entries of its base (RFC 5280 5.2.4)', () => {
    const both = applyDelta(base, delta)
    assert.equal(both.find('a1'), undefined)
    assert.equal(both.find('a2')?.reason, 'keyCompromise')
    assert.equal(both.find('a3')?.reason, 'keyCompromise')
    assert.equal(both.find('b1')?.reason, 'superseded')
    assert.equal(both.find('b2'), undefined)
    assert.equal(both.find('c1'), undefined)
    // a2, a3, b1.
    assert.equal(both.entries, 3)
    assert.equal(both.number, 9n)
    assert.equal(both.thisUpdate, NOW)
    assert.equal(both.nextUpdate, NOW + HOUR)
  })

  it('applies to a later complete CRL than its base, but to none before it and to none that knows all it says', async () => {
    checkDelta(await issue({ number: 8n }), delta)
    const missing = refused(() => applyDelta(base, laterDelta), 'consistency', 'delta_base_newer')
    assert.match(missing.message, /expected a complete CRL of number 6 or later, got number 5/)
    for (const number of [9n, 10n]) {
      const newer = await issue({ number })
      refused(() => applyDelta(newer, delta), 'consistency', 'delta_not_newer')
    }
    const unnumbered = await issue({ number: undefined })
    refused(() => applyDelta(unnumbered, delta), 'consistency', 'crl_number_missing')
  })

  it('applies only to a complete CRL of the same issuer, key and scope', async () => {
    const stranger = await entity({ subject: 'Another CA', key: ca.key })
    const again = await entity({ subject: 'CA' })
    const scope = extension('2.5.29.28', true, lab.sequence(lab.contextPrimitive(1, Buffer.from([0xff]))))
    const mismatches: readonly [HeldCrl & IndexedCrl, RegExp][] = [
      [await issue({ issuer: stranger }), /expected a delta CRL of CN=Another CA, got one of CN=CA/],
      [await issue({ issuer: again }), /expected a delta CRL with authority key identifier [0-9a-f]{40}/],
      [await issue({ extensions: [scope] }), /expected the same issuing distribution point/],
      [delta, /expected a complete CRL and a delta CRL, got a delta CRL and a delta CRL/],
    ]
    for (const [complete, message] of mismatches) {
      assert.match(
        refused(() => applyDelta(complete, delta), 'consistency', 'delta_mismatch').message,
        message,
      )
    }
    refused(() => applyDelta(base, base), 'consistency', 'delta_mismatch')
    checkDelta(
      await issue({ extensions: [scope] }),
      await issue({ number: 9n, deltaBase: 5n, extensions: [scope] }),
    )
  })

  it('of EJBCA applies to the complete CRL that it was recorded with, or says why not', () => {
    const complete = parseCrl(recorded('issuing_crl.crl'), { index: true })
    const recordedDelta = parseCrl(recorded('issuing_deltacrl.crl'), { index: true })
    assert.equal(recordedDelta.baseNumber, 2n)
    // It was made before the complete CRL, of number 5, was.
    refused(() => applyDelta(complete, recordedDelta), 'consistency', 'delta_not_newer')
    checkDelta({ ...complete, number: 2n }, recordedDelta)
  })
})
