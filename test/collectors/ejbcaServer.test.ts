import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { SERVER_LINES } from '../../collectors/formats/ejbcaServer.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { counts, fixture, one, parsed } from './parsing.ts'

const issuing = { id: 'issuing-1', subject: 'C=SE,O=Example PKI,CN=Issuing CA 1' }
const DN = 'CN=Issuing CA 1,O=Example PKI,C=SE'

function line(category: string, text: string, level = 'INFO'): Promise<AuditEvent> {
  const record = `2026-11-22 05:01:17,145 ${level}  [${category}] (default task-2) ${text}`
  return one(ejbca, record, { authorities: [issuing] })
}

describe('a line of server.log', () => {
  it('about a denied right says who, and what for: the audit log does not', async () => {
    const { event, user, pki } = await line(
      'org.cesecore.authorization.AuthorizationSessionBean',
      'Authorization failed for CN=mallory,O=x of type java.lang.String for resource /a of type org.cesecore.authentication.tokens.X509CertificateAuthenticationToken for resource /ca_functionality/create_crl',
    )
    assert.deepEqual(
      [event.code, event.outcome, event.category, event.type],
      ['authorization_denied', 'failure', ['iam'], ['denied']],
    )
    assert.equal(
      user?.name,
      'CN=mallory,O=x of type java.lang.String for resource /a',
      'all that a user may have put',
    )
    assert.equal(pki?.details?.['resource'], '/ca_functionality/create_crl')
  })

  it('about a CRL that was not made names the CA as the inventory does', async () => {
    const crl = 'org.ejbca.core.ejb.crl.PublishingCrlSessionBean'
    const inactive = await line(
      crl,
      'CA IssuingCA1, -73217329 is not active. CRL can not be created. Status is 5.',
    )
    assert.deepEqual(
      [inactive.event.code, inactive.event.outcome, inactive.pki?.caId, inactive.pki?.caName],
      ['crl_ca_inactive', 'failure', 'issuing-1', 'IssuingCA1'],
    )
    assert.equal(inactive.pki?.details?.['status'], '5')
    const offline = await line(
      'org.cesecore.certificates.crl.CrlCreateSessionBean',
      `CA token is offline for CA '${DN}'.`,
    )
    assert.deepEqual(
      [offline.event.code, offline.pki?.caId, offline.pki?.caSubject],
      ['crl_token_offline', 'issuing-1', DN],
    )
  })

  it('about a CRL that was fetched has its number and partition', async () => {
    const store = 'org.cesecore.certificates.crl.CrlStoreSessionBean'
    const full = await line(store, `Retrieved CRL from issuer '${DN}', with CRL number 7.`)
    assert.deepEqual(
      [full.event.code, full.pki?.crlNumber, full.pki?.details?.['partition']],
      ['crl_fetched', '7', undefined],
    )
    const partition = await line(
      store,
      `Retrieved CRL from issuer '${DN}', with CRL number 2. CRL partition: 3`,
    )
    assert.equal(partition.pki?.details?.['partition'], '3')
  })

  it('about background work that was postponed is a failure, for one CA is enough to stop all', async () => {
    const { event } = await line(
      'org.ejbca.core.ejb.services.ServiceSessionBean',
      'Worker execution has been postponed.: org.cesecore.keys.token.CryptoTokenOfflineException: x',
      'ERROR',
    )
    assert.deepEqual([event.code, event.outcome], ['service_postponed', 'failure'])
    assert.match(event.reason ?? '', /CryptoTokenOfflineException/)
  })

  it('about an OCSP request has serial number and client', async () => {
    const { event, source, pki } = await line(
      'org.ejbca.core.ejb.ocsp.OcspResponseGeneratorSessionBean',
      'Received OCSP request for certificate with serNo: 3236c1ebc332cb8ac6f8f663b344af9810f37a65, and issuerNameHash: 708ac4e2. Client ip 192.0.2.7. X-Forwarded-For: null',
    )
    assert.deepEqual(
      [event.code, source?.ip, pki?.serial],
      ['ocsp_request', '192.0.2.7', '3236c1ebc332cb8ac6f8f663b344af9810f37a65'],
    )
  })

  it('of the OCSP transaction log is taken apart, though a semicolon is missing in it', async () => {
    const recorded =
      '03448b087f0000015984c330228f8957;1;0;0"127.0.0.1";"0";"0";0;"2026-11-22 05:05:42.930+0000";31;1;0;0;0;0;0;0;0;"CN=ManagementCA,O=EJBCA Sample,C=SE";' +
      '708ac4e20094b581898cb1116b9210a7a0f3ea41;8a39ffe7d4c9d918805d2650c8f9be13b197a34f;"CN=ManagementCA,O=EJBCA Sample,C=SE";1.3.14.3.2.26;3236c1ebc332cb8ac6f8f663b344af9810f37a65;1;1;'
    const logger = 'org.cesecore.certificates.ocsp.logging.TransactionLogger'
    const { event, source, pki } = await line(logger, recorded, 'DEBUG')
    assert.deepEqual([event.code, event.outcome, source?.ip], ['ocsp_transaction', 'success', '127.0.0.1'])
    assert.equal(pki?.serial, '3236c1ebc332cb8ac6f8f663b344af9810f37a65')
    assert.equal(pki.details?.['certificateStatus'], '1')
    assert.equal(pki.details['issuerKeyHash'], '8a39ffe7d4c9d918805d2650c8f9be13b197a34f')
    const refused = await line(logger, recorded.replace(';1;0;0"', ';1;6;0"'), 'DEBUG')
    assert.deepEqual([refused.event.code, refused.event.outcome], ['ocsp_transaction', 'failure'])
  })

  it('of the OCSP audit log gives its ids, and keeps request and answer in the record', async () => {
    const text =
      'SESSION_ID:ab;LOG ID:2;"2026-11-22 05:05:42.930+0000";TIME TO PROCESS:12;\\nOCSP REQUEST:\\n"3042";\\nOCSP RESPONSE:\\n"30030a0106";\\nSTATUS:6'
    const { event, pki } = await line('org.cesecore.certificates.ocsp.logging.AuditLogger', text, 'DEBUG')
    assert.deepEqual([event.code, event.outcome, pki?.details?.['status']], ['ocsp_audit', 'failure', '6'])
    assert.ok(event.original.includes('"30030a0106"'))
  })

  it('with a text that is not known is kept under its category alone', async () => {
    const { event, message } = await line(
      'org.cesecore.authorization.AuthorizationSessionBean',
      'Accès refusé',
      'ERROR',
    )
    assert.deepEqual([event.code, event.outcome, event.type], [undefined, 'unknown', ['error']])
    assert.equal(message, 'Accès refusé')
  })

  it('has the time of the server where its zone is configured, summer and winter', async () => {
    const at = async (local: string, timeZone: string): Promise<string> =>
      (await one(ejbca, `${local} INFO  [a.b] (c) d`, { timeZone }))['@timestamp']
    assert.equal(await at('2026-11-22 05:01:17,145', 'Europe/Stockholm'), '2026-11-22T04:01:17.145Z')
    assert.equal(await at('2026-07-22 05:01:17,145', 'Europe/Stockholm'), '2026-07-22T03:01:17.145Z')
    assert.equal(
      await at('2026-10-25 02:30:00,000', 'Europe/Stockholm'),
      '2026-10-25T00:30:00.000Z',
      'the first of two',
    )
    assert.equal(
      await at('2026-03-29 02:30:00,000', 'Europe/Stockholm'),
      '2026-03-29T01:30:00.000Z',
      'an hour that never was',
    )
    assert.equal(await at('2026-11-22 05:01:17,145', 'Asia/Kathmandu'), '2026-11-21T23:16:17.145Z')
  })

  it('costs time only in proportion to its length', async () => {
    const started = process.cpuUsage()
    for (const { category } of SERVER_LINES)
      for (const piece of [" of type x for resource y';", 'CA a, 1 is ', '"', ';0"', 'x'])
        await line(category, piece.repeat(20_000))
    assert.ok(process.cpuUsage(started).user < 4_000_000, 'more than linear')
  })
})

describe('the recorded server.log', () => {
  it('says by code what its lines mean', async () => {
    const events = await parsed(ejbca, fixture('ejbca-real/server.log'))
    const codes = events.flatMap((e) =>
      e.event.code === undefined ? [] : [{ ...e, event: { ...e.event, action: e.event.code } }],
    )
    assert.deepEqual(counts(codes), { 'enrolment_refused failure': 1, 'token_new success': 1 })
  })
})
