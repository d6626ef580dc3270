import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { dogtag } from '../../collectors/formats/dogtag.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { READ_AT, counts, fixture, one, parsed } from './parsing.ts'

const SAMPLE = fixture('dogtag-sample/ca_audit')
const SIGNER = createPublicKey(fixture('dogtag-sample/signer.pub.pem'))
const HEAD = '0.main - [22/Nov/2026:05:00:07 UTC] [14] [6] '
const plain = dogtag([])

const signatures = (events: readonly AuditEvent[]): (string | undefined)[] =>
  events.filter((e) => e.event.action === 'AUDIT_LOG_SIGNING').map((e) => e.pki?.signature)

describe('the sample of a signed audit log', async () => {
  const events = await parsed(dogtag([SIGNER]), SAMPLE)

  it('has 12 records, all understood', () => {
    assert.deepEqual(counts(events), {
      'ACCESS_SESSION_ESTABLISH success': 1,
      'AUDIT_LOG_SIGNING success': 2,
      'AUDIT_LOG_SIGNING unknown': 1,
      'AUDIT_LOG_STARTUP success': 1,
      'AUTH success': 1,
      'AUTHZ success': 1,
      'CERT_REQUEST_PROCESSED success': 1,
      'CERT_STATUS_CHANGE_REQUEST_PROCESSED success': 1,
      'FULL_CRL_GENERATION failure': 1,
      'OCSP_GENERATION failure': 1,
      'ROLE_ASSUME success': 1,
    })
    for (const { event } of events) assert.ok(event.category.length > 0, event.action)
  })

  it('gives who, from where, with which certificate, and why it failed', () => {
    const by = (action: string): AuditEvent | undefined => events.find((e) => e.event.action === action)
    const session = by('ACCESS_SESSION_ESTABLISH')
    assert.deepEqual(
      [session?.['@timestamp'], session?.user?.name, session?.source?.ip, session?.pki?.serial],
      ['2026-11-22T05:01:07.000Z', 'UID=caadmin,O=EXAMPLE', '192.0.2.10', '1f'],
    )
    assert.equal(session?.pki?.details?.['IssuerDN'], 'CN=CA Signing Certificate,O=EXAMPLE')
    assert.equal(by('CERT_STATUS_CHANGE_REQUEST_PROCESSED')?.pki?.revocationReason, 1)
    assert.equal(by('FULL_CRL_GENERATION')?.event.reason, 'HSM token not available')
    assert.equal(by('ROLE_ASSUME')?.pki?.details?.['Role'], 'Administrators, Certificate Manager Agents')
  })

  it('is verified from its first signature on', async () => {
    assert.deepEqual(signatures(events), ['unverified', 'verified', 'verified'])
    assert.deepEqual(signatures(await parsed(plain, SAMPLE)), ['unverified', 'unverified', 'unverified'])
  })

  it('shows a line that was changed, removed or added in the segment it was in, and not in the next', async () => {
    const text = SAMPLE.toString()
    const lines = text.split('\n')
    const altered = {
      changed: text.replace('Op=revoke', 'Op=read'),
      removed: [...lines.slice(0, 3), ...lines.slice(4)].join('\n'),
      added: [...lines.slice(0, 4), lines[3], ...lines.slice(4)].join('\n'),
    }
    for (const [what, log] of Object.entries(altered)) {
      const judged = await parsed(dogtag([SIGNER]), log)
      assert.deepEqual(signatures(judged), ['unverified', 'bad', 'verified'], what)
      assert.equal(judged.find((e) => e.pki?.signature === 'bad')?.event.outcome, 'failure')
    }
  })

  it('is bad where another key signed', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    assert.deepEqual(signatures(await parsed(dogtag([publicKey]), SAMPLE)), ['unverified', 'bad', 'bad'])
  })
})

/** A log as Dogtag signs it: each signature covers the one before it and the lines since. */
function signedLog(key: KeyObject, segments: readonly (readonly string[])[]): string[] {
  const digest = key.asymmetricKeyType === 'ec' ? 'sha256' : null
  let covered = ''
  return segments.flatMap((lines) => {
    covered += lines.map((line) => `${line}\n`).join('')
    const signature = sign(digest, Buffer.from(covered), key).toString('base64')
    const line = `${HEAD}[AuditEvent=AUDIT_LOG_SIGNING][SubjectID=$System$][Outcome=Success] signature of audit buffer just flushed: sig: ${signature}`
    covered = `${line}\n`
    return [...lines, line]
  })
}

describe('signatures', () => {
  const entry = (n: number): string =>
    `${HEAD}[AuditEvent=AUTH][SubjectID=u${n}][Outcome=Success] x\n continued ${n}`

  it('of ECDSA and ML-DSA are verified, over records of several lines', async () => {
    for (const { privateKey, publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ml-dsa-44'),
    ]) {
      const log = signedLog(privateKey, [[], [entry(1), entry(2)], [entry(3)]]).join('\n')
      assert.deepEqual(signatures(await parsed(dogtag([publicKey]), log)), [
        'unverified',
        'verified',
        'verified',
      ])
    }
  })

  it('may change their key', async () => {
    const [old, young] = [
      generateKeyPairSync('ml-dsa-44'),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ]
    const first = signedLog(old.privateKey, [[], [entry(1)]])
    const covered = `${first.at(-1)}\n${entry(2)}\n`
    const signature = sign('sha256', Buffer.from(covered), young.privateKey).toString('base64')
    const log = [
      ...first,
      entry(2),
      `${HEAD}[AuditEvent=AUDIT_LOG_SIGNING][SubjectID=$System$][Outcome=Success] sig: ${signature}`,
    ]
    const events = await parsed(dogtag([young.publicKey, old.publicKey]), log.join('\n'))
    assert.deepEqual(signatures(events), ['unverified', 'verified', 'verified'])
  })

  it('are not begun by a value that looks like one, which is marked', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ml-dsa-44')
    const fake = `${HEAD}[AuditEvent=AUTH][SubjectID=[AuditEvent=AUDIT_LOG_SIGNING] sig: AAAA][Outcome=Failure] x`
    const events = await parsed(dogtag([publicKey]), signedLog(privateKey, [[], [fake]]).join('\n'))
    assert.deepEqual(signatures(events), ['unverified', 'verified'])
    assert.equal(events[1]?.event.code, 'signature_imitated')
  })
})

describe('a line', () => {
  const at = async (time: string, timeZone?: string): Promise<string> => {
    const line = `7.a b.c-1 - [${time}] [14] [6] [AuditEvent=AUTH][SubjectID=x][Outcome=Success] y`
    return (await one(plain, line, timeZone === undefined ? {} : { timeZone }))['@timestamp']
  }

  it('has its time by the name of its zone, or by the zone that is configured', async () => {
    assert.equal(await at('22/Nov/2026:05:01:07 CET'), '2026-11-22T04:01:07.000Z')
    assert.equal(await at('22/Jul/2026:05:01:07 CEST'), '2026-07-22T03:01:07.000Z')
    assert.equal(await at('22/Nov/2026:05:01:07 GMT-05:30'), '2026-11-22T10:31:07.000Z')
    // IST is the time of India, Ireland or Israel.
    assert.equal(await at('22/Nov/2026:05:01:07 IST'), READ_AT)
    assert.equal(await at('22/Nov/2026:05:01:07 IST', 'Asia/Kolkata'), '2026-11-21T23:31:07.000Z')
  })

  it('whose time is not understood is kept with the time it was read, and as it was written', async () => {
    for (const time of ['22/listopad/2026:05:01:07 UTC', '31/Feb/2026:05:01:07 UTC'])
      assert.equal(await at(time), READ_AT, time)
    const line =
      '0.main - [22/Xxx/2026:05:01:07 UTC] [14] [6] [AuditEvent=AUTH][SubjectID=x][Outcome=Success] y'
    assert.equal((await one(plain, line)).pki?.details?.['time'], '22/Xxx/2026:05:01:07 UTC')
  })

  it('keeps brackets, line feeds and empty values in their places', async () => {
    const line = `${HEAD}[AuditEvent=CONFIG_ROLE][SubjectID=CN=a [b],O=c][Outcome=Success][Empty=][ParamNameValPairs=Scope;;x+Pem;;a\n b=] text [x=y]`
    const { user, message, pki } = await one(plain, line)
    assert.equal(user?.name, 'CN=a [b],O=c')
    assert.equal(pki?.details?.['Empty'], '')
    assert.equal(pki.details['ParamNameValPairs'], 'Scope;;x+Pem;;a\n b=')
    assert.equal(message, 'text [x=y]')
  })

  it('with an attribute twice keeps both, and takes no field from either', async () => {
    const { event, user, pki } = await one(
      plain,
      `${HEAD}[AuditEvent=AUTH][SubjectID=x][Outcome=Failure][SubjectID=y][Outcome=Success] z`,
    )
    assert.deepEqual([event.outcome, user, pki?.details?.['SubjectID#2']], ['unknown', undefined, 'y'])
  })

  it('with an unknown event keeps its name; what is no record is unparsed', async () => {
    const other = await one(plain, `${HEAD}[AuditEvent=NEW_THING][SubjectID=x][Outcome=Success]`)
    assert.deepEqual([other.event.action, other.event.category], ['NEW_THING', []])
    for (const text of ['', 'no record', HEAD, `${HEAD}[Other=x]`])
      assert.equal((await one(plain, `${text}\n`)).event.action, 'unparsed', text)
  })

  it('costs time only in proportion to its length', async () => {
    const started = process.cpuUsage()
    for (const piece of ['[a=b]', '[a=', ']', '[a=b', ' - ['])
      await one(plain, `${HEAD}[AuditEvent=AUTH]${piece.repeat(400_000 / piece.length)}`)
    assert.ok(process.cpuUsage(started).user < 3_000_000, 'more than linear')
  })
})
