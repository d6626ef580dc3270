import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { certctl } from '../../../collectors/formats/certctl.ts'
import { dogtag } from '../../../collectors/formats/dogtag.ts'
import { jsonFormat } from '../../../collectors/formats/json.ts'
import { heldCertificate } from '../../../collectors/formats/heldCertificate.ts'
import type { Format } from '../../../collectors/format.ts'
import { jsonMapping } from '../../../model/logSource.ts'
import { Deeds, type Deed } from '../../../probes/reconciliation/deeds.ts'
import type { AuthorityLedger } from '../../../probes/reconciliation/ledger.ts'
import { fixture, one, parsed } from '../../collectors/parsing.ts'
import { ledgerOf } from './heard.ts'

const AUTHORITIES = [{ id: 'issuing-1', subject: 'CN=Issuing CA 1' }]

/** What the ledger has of a log, where all of it is of `issuing-1`. */
async function heard(
  format: Format,
  text: string | Uint8Array,
  json?: z.infer<typeof jsonMapping>,
): Promise<AuthorityLedger | undefined> {
  const events = await parsed(format, text, { authorities: AUTHORITIES })
  return ledgerOf(events, 0, json === undefined ? [] : [{ id: 'log', json }]).of('issuing-1')
}

function told(ledger: AuthorityLedger | undefined): string[] {
  return (['issued', 'revoked', 'crls'] as const).filter((what) => (ledger?.toldFrom(what) ?? NaN) < Infinity)
}

const revokedAt = (
  ledger: AuthorityLedger | undefined,
  serial: string,
): number | undefined | 'not issued' => {
  const row = ledger?.certificates.find(serial)
  return row === undefined ? 'not issued' : ledger?.certificates.revokedAt(row)
}

const dogtagLine = (event: string, attributes: string): string =>
  `0.main - [22/Nov/2026:05:00:07 UTC] [14] [6] [AuditEvent=${event}][SubjectID=caadmin][Outcome=Success]${attributes} text\n`

describe('a log of Dogtag', () => {
  it('tells of certificates that are issued and revoked, not of CRLs', async () => {
    const ledger = await heard(dogtag([]), fixture('dogtag-sample/ca_audit'))
    assert.equal(revokedAt(ledger, '7d3f'), Date.UTC(2026, 10, 22, 5, 3, 7))
    assert.deepEqual(told(ledger), ['issued', 'revoked'])
    assert.equal(ledger?.from, Date.UTC(2026, 10, 22, 5, 2, 7))
    // Serial numbers of those who log in are not issued here.
    assert.equal(revokedAt(ledger, '1f'), 'not issued')
  })

  it('tells of CRLs by their numbers once it names one', async () => {
    const ledger = await heard(dogtag([]), dogtagLine('FULL_CRL_GENERATION', '[CRLnum=17]'))
    assert.deepEqual(told(ledger), ['issued', 'revoked', 'crls'])
    assert.deepEqual([ledger?.hasCrl([], '17'), ledger?.hasCrl(['17'], '18')], [true, false])
    const without = await heard(dogtag([]), dogtagLine('FULL_CRL_GENERATION', '[Info=done]'))
    assert.equal(without, undefined)
  })

  it('does not count a request that was rejected, and ends a hold', async () => {
    const change = (type: string, approval: string): string =>
      dogtagLine(
        'CERT_STATUS_CHANGE_REQUEST_PROCESSED',
        `[ReqID=1][CertSerialNum=0x2a][RequestType=${type}][RevokeReasonNum=6][Approval=${approval}]`,
      )
    const issued = dogtagLine('CERT_REQUEST_PROCESSED', '[ReqID=1][CertSerialNum=0x2a]')
    const status = async (...lines: string[]): Promise<unknown> =>
      revokedAt(await heard(dogtag([]), lines.join('')), '2a')
    assert.equal(await status(issued, change('revoke', 'rejected')), undefined)
    assert.equal(typeof (await status(issued, change('on-hold', 'complete'))), 'number')
    assert.equal(await status(change('on-hold', 'complete'), change('off-hold', 'complete')), undefined)
    assert.equal(
      typeof (await status(change('on-hold', 'complete'), change('off-hold', 'canceled'))),
      'number',
    )
  })

  it('of an older version holds the certificate, and with it until when that is valid', async () => {
    const pem = fixture('ejbca-real/alice.pem').toString()
    const text = new X509Certificate(pem).raw.toString('base64')
    const held = heldCertificate(text)
    assert.ok(held !== undefined)
    const line = dogtagLine('CERT_REQUEST_PROCESSED', `[ReqID=7][InfoName=certificate][InfoValue=${text}]`)
    const format = dogtag([])
    const ledger = await heard(format, line)
    const row = ledger?.certificates.find(held.serial)
    assert.equal(row !== undefined && ledger?.certificates.notAfter(row), Date.parse(held.x509.not_after))
    assert.equal(format.artifacts?.(await one(format, line)).length, 1)
  })

  it('of several authorities does not say whose certificates these are', async () => {
    const authorities = [...AUTHORITIES, { id: 'issuing-2', subject: 'CN=Issuing CA 2' }]
    const events = await parsed(dogtag([]), fixture('dogtag-sample/ca_audit'), { authorities })
    assert.equal(ledgerOf(events).of('issuing-1'), undefined)
  })
})

describe('a log of JSON', () => {
  const mapping = (actions: Record<string, { means?: Deed['kind'] }>, more: object = {}) =>
    jsonMapping.parse({
      ...{ time: 't', action: 'op', serial: 'sn', revocation_reason: 'why', fingerprint: 'fp' },
      ...{ crl_number: 'crl', certificate: 'pem', actions },
      ...more,
    })
  const full = mapping({
    sign: { means: 'issued' },
    revoke: { means: 'revoked' },
    crl: { means: 'crl_issued' },
  })
  const line = (op: string, rest: object): string =>
    `${JSON.stringify({ t: '2026-11-22T05:00:00Z', op, ...rest })}\n`
  const says = (json: z.infer<typeof jsonMapping>, ...lines: string[]) =>
    heard(jsonFormat(json), lines.join(''), json)

  it('tells what its configuration says that its events mean', async () => {
    const fp = 'AB:'.repeat(20).slice(0, -1)
    const ledger = await says(
      full,
      line('sign', { sn: '2A' }),
      line('sign', { sn: '2b' }),
      line('revoke', { sn: '2a', why: 'KEY_COMPROMISE' }),
      line('crl', { fp }),
      line('look', { sn: '2c' }),
    )
    assert.equal(typeof revokedAt(ledger, '2a'), 'number')
    assert.deepEqual([revokedAt(ledger, '2b'), revokedAt(ledger, '2c')], [undefined, 'not issued'])
    assert.deepEqual([ledger?.hasCrl(['ab'.repeat(20)], undefined), ledger?.hasCrl([], '1')], [true, false])
    assert.deepEqual(told(ledger), ['issued', 'revoked', 'crls'])
  })

  it('tells nothing of what no event of it means', async () => {
    const json = mapping({ revoke: { means: 'revoked' } })
    assert.deepEqual(told(await says(json, line('revoke', { sn: '2a' }))), ['revoked'])
    const nothing = mapping({ revoke: {} })
    assert.equal(await says(nothing, line('revoke', { sn: '2a' })), undefined)
  })

  it('ends a hold, and does not count what failed, where it says so', async () => {
    const hold = [line('revoke', { sn: '2a', why: 6 }), line('revoke', { sn: '2a', why: 'removeFromCRL' })]
    assert.equal(revokedAt(await says(full, ...hold), '2a'), undefined)
    const json = mapping({ revoke: { means: 'revoked' } }, { outcome: { field: 'ok', success: ['true'] } })
    assert.equal(await says(json, line('revoke', { sn: '2a', ok: false })), undefined)
    assert.equal(typeof revokedAt(await says(json, line('revoke', { sn: '2a', ok: true })), '2a'), 'number')
  })

  it('is that of the authority which issued the certificate in it, if that is known', async () => {
    const pem = fixture('ejbca-real/alice.pem').toString()
    const format = jsonFormat(full)
    const issuer = heldCertificate(pem)?.x509.issuer.distinguished_name ?? ''
    const caIdOf = async (text: string, subject: string): Promise<string | undefined> =>
      (await one(format, text, { authorities: [{ id: 'issuing-1', subject }] })).pki?.caId
    assert.equal(await caIdOf(line('sign', { pem }), issuer), 'issuing-1')
    assert.equal(await caIdOf(line('sign', { pem }), 'CN=another'), undefined)
    assert.equal(await caIdOf(line('revoke', { sn: '2a' }), 'CN=any'), 'issuing-1')
  })
})

describe('a log of certctl', () => {
  it('tells what certctl did, and not that nobody else did', async () => {
    const rows = z
      .object({ data: z.array(z.unknown()) })
      .parse(JSON.parse(fixture('certctl-real/audit-list.json').toString())).data
    const ledger = await heard(certctl, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    assert.equal(typeof revokedAt(ledger, '14e18999c2ea1f112650de5b9473246a5e79d957'), 'number')
    const renewed = ledger?.certificates.find('4763f68d3f93dc2f14837dac97957009fe29f31f')
    assert.equal(
      renewed !== undefined && ledger?.certificates.notAfter(renewed),
      Date.parse('2027-02-20T05:04:01Z'),
    )
    assert.deepEqual(told(ledger), [])
  })
})

it('events of a log are read as its own format says, and names of JSON are no members of objects', () => {
  const json = jsonMapping.parse({ time: 't', action: 'op', actions: { CERT_REVOKED: { means: 'issued' } } })
  const deeds = new Deeds([{ id: 'own', json }])
  const event = (source: string, action: string): Deed['kind'] | undefined =>
    deeds.of({
      '@timestamp': '2026-11-22T05:00:00.000Z',
      event: {
        action,
        outcome: 'success',
        category: [],
        type: [],
        module: 'ejbca',
        dataset: '',
        original: '',
      },
      position: { source, fingerprint: '', offset: 0, end: 1 },
    })?.kind
  assert.deepEqual([event('own', 'CERT_REVOKED'), event('ejbca', 'CERT_REVOKED')], ['issued', 'revoked'])
  for (const name of ['constructor', '__proto__', 'toString'])
    assert.deepEqual([event('own', name), event('ejbca', name)], [undefined, undefined])
  assert.ok(deeds.actions.includes('CERT_REQUEST_PROCESSED'))
  assert.equal(new Set(deeds.actions).size, deeds.actions.length)
})
