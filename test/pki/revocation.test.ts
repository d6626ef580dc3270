import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension, issueCrl } from '../../lab/issue.ts'
import type { CrlRequest, RevokedEntry } from '../../lab/issue.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { Crl } from '../../pki/crl.ts'
import { checkPathRevocation } from '../../pki/revocation.ts'
import type { RevocationStatus } from '../../pki/revocation.ts'
import { DAY, HOUR, NOW, entity } from './support.ts'
import type { Entity } from './support.ts'

// What PKITS does not ask: its 79 tests of revocation are in pkits.test.ts.

const root = await entity({ subject: 'Root' })
const issuing = await entity({ subject: 'Issuing', issuer: root })
const CRL_URL = 'http://crl.example.org/1.crl'
const shop = await entity({ subject: 'shop', issuer: issuing, profile: 'tls_server', crlUrl: CRL_URL })

/** Of `issuing`, an hour old, for a day, unless told otherwise. */
async function crl(changes: Partial<CrlRequest> = {}): Promise<Crl> {
  const der = await issueCrl({
    issuer: issuing,
    number: 1n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [],
    ...changes,
  })
  return parseCrl(der)
}

function ofShop(reason?: number, more?: Partial<RevokedEntry>): RevokedEntry[] {
  const { serial } = shop.parsed
  return [{ serial, at: NOW - DAY, ...(reason === undefined ? {} : { reason }), ...more }]
}

/** Of `shop` below `issuing` below `root`. */
function statusOf(
  crls: readonly Crl[],
  others: readonly Entity[] = [],
  leaf: Entity = shop,
): RevocationStatus {
  const [first] = checkPathRevocation({
    path: [leaf.parsed, issuing.parsed, root.parsed],
    crls,
    intermediates: others.map(({ parsed }) => parsed),
    now: NOW,
  })
  assert.ok(first !== undefined)
  return first.status
}

function verdict(...question: Parameters<typeof statusOf>): string {
  const status = statusOf(...question)
  return status.status === 'undetermined' ? `undetermined ${status.error.code}` : status.status
}

const uri = (url: string) => lab.contextPrimitive(6, Buffer.from(url))
const directory = (certificate: Entity) => lab.context(4, Buffer.from(certificate.parsed.subject.der))
const yes = (n: number) => lab.contextPrimitive(n, Uint8Array.of(0xff))
const scope = (...fields: readonly Uint8Array[]) => extension('2.5.29.28', true, lab.sequence(...fields))
const at = (...names: readonly Uint8Array[]) => lab.context(0, lab.context(0, ...names))
const reasons = (n: number, ...bits: readonly number[]) =>
  lab.contextPrimitive(n, lab.contentsOf(lab.namedBits(bits)))
const points = (...list: readonly Uint8Array[]) => extension('2.5.29.31', false, lab.sequence(...list))

describe('revocation of a path', () => {
  it('answers for each certificate but the anchor', async () => {
    const ofRoot = await crl({ issuer: root, revoked: [{ serial: issuing.parsed.serial, at: NOW - DAY }] })
    const answers = checkPathRevocation({
      path: [shop.parsed, issuing.parsed, root.parsed],
      crls: [await crl(), ofRoot],
      intermediates: [],
      now: NOW,
    })
    assert.deepEqual(
      answers.map(({ certificate, status }) => `${certificate.subject.text} ${status.status}`),
      ['CN=shop good', 'CN=Issuing revoked'],
    )
  })

  it('says when and why a certificate was revoked', async () => {
    const status = statusOf([await crl({ revoked: ofShop(4) })])
    assert.ok(status.status === 'revoked')
    assert.equal(status.revokedAt, NOW - DAY)
    assert.equal(status.reason, 'superseded')
    assert.match(status.error.message, /CN=shop: .* revoked at 2026-11-21T05:10:00.000Z \(superseded\)/)
    const plain = statusOf([await crl({ revoked: ofShop() })])
    assert.ok(plain.status === 'revoked' && plain.reason === undefined)
  })

  it('is undetermined, never good, without a list that can be used, and says what was wrong with the best', async () => {
    const stranger = await entity({ subject: 'Issuing', issuer: root })
    const old = await crl({ thisUpdate: NOW - 2 * DAY, nextUpdate: NOW - 1 })
    const forged = await crl({ issuer: { ...stranger, certificate: issuing.certificate } })
    assert.equal(verdict([]), 'undetermined crl_not_found')
    assert.equal(verdict([await crl({ issuer: root })]), 'undetermined crl_not_found')
    assert.equal(verdict([await crl({ nextUpdate: undefined })]), 'undetermined crl_next_update_missing')
    assert.equal(verdict([await crl({ thisUpdate: NOW + HOUR })]), 'undetermined crl_not_yet_valid')
    assert.equal(verdict([await crl({ deltaBase: 1n, number: 2n })]), 'undetermined crl_not_found')
    assert.equal(verdict([old]), 'undetermined crl_expired')
    assert.equal(verdict([forged]), 'undetermined key_identifier_mismatch')
    assert.equal(verdict([old, forged]), 'undetermined crl_expired')
    const early = await crl({ thisUpdate: NOW + HOUR })
    assert.equal(verdict([early, forged]), 'undetermined crl_not_yet_valid')
    assert.equal(verdict([old, forged, await crl()]), 'good')
  })

  it('believes the newer of two lists, and the older while the newer cannot be used', async () => {
    const older = await crl({ revoked: ofShop(6), thisUpdate: NOW - 2 * HOUR })
    const newer = await crl({ number: 2n })
    assert.equal(verdict([older, newer]), 'good')
    assert.equal(verdict([newer, older]), 'good')
    const future = await crl({ number: 2n, thisUpdate: NOW + HOUR })
    assert.equal(verdict([older, future]), 'revoked')
  })
})

describe('scope of a CRL (RFC 5280 6.3.3 (b))', () => {
  it('takes a list of another distribution point for none', async () => {
    const here = scope(at(uri('http://other.example/'), uri(CRL_URL)))
    const elsewhere = scope(at(uri('http://crl.example.org/2.crl')))
    assert.equal(verdict([await crl({ extensions: [here] })]), 'good')
    assert.equal(verdict([await crl({ extensions: [elsewhere] })]), 'undetermined crl_not_found')
    const anywhere = await entity({ subject: 'y', issuer: issuing, profile: 'tls_server' })
    assert.equal(verdict([await crl({ extensions: [here] })], [], anywhere), 'undetermined crl_not_found')
    const byName = await crl({ extensions: [scope(at(directory(issuing)))] })
    assert.equal(verdict([byName], [], anywhere), 'good')
    assert.equal(verdict([byName]), 'good')
  })

  it('reads names that are relative to the issuer', async () => {
    const rdn = (text: string) => lab.sequence(lab.oid('2.5.4.3'), lab.utf8String(text))
    const relative = (text: string) => lab.context(0, lab.context(1, rdn(text)))
    const name = lab.sequence(
      lab.set(lab.sequence(lab.oid('2.5.4.3'), lab.utf8String('Issuing'))),
      lab.set(rdn('Part 1')),
    )
    const leaf = await entity({
      subject: 'y',
      issuer: issuing,
      profile: 'tls_server',
      extensions: [points(lab.sequence(relative('part 1')))],
    })
    assert.equal(verdict([await crl({ extensions: [scope(relative('Part 1'))] })], [], leaf), 'good')
    assert.equal(verdict([await crl({ extensions: [scope(at(lab.context(4, name)))] })], [], leaf), 'good')
    const other = await crl({ extensions: [scope(relative('Part 2'))] })
    assert.equal(verdict([other], [], leaf), 'undetermined crl_not_found')
  })

  it('tells lists for end entities, CAs and attribute certificates apart', async () => {
    assert.equal(verdict([await crl({ extensions: [scope(yes(1))] })]), 'good')
    assert.equal(verdict([await crl({ extensions: [scope(yes(2))] })]), 'undetermined crl_not_found')
    assert.equal(verdict([await crl({ extensions: [scope(yes(5))] })]), 'undetermined crl_not_found')
    const sub = await entity({ subject: 'Sub', issuer: issuing })
    assert.equal(verdict([await crl({ extensions: [scope(yes(2))] })], [], sub), 'good')
    assert.equal(verdict([await crl({ extensions: [scope(yes(1))] })], [], sub), 'undetermined crl_not_found')
  })

  it('wants lists for all reasons, but one that lists the certificate is enough', async () => {
    const compromise = await crl({ extensions: [scope(reasons(3, 1, 2, 8))] })
    const others = await crl({ extensions: [scope(reasons(3, 3, 4, 5, 6, 7))] })
    assert.equal(verdict([compromise, others]), 'good')
    const status = statusOf([compromise])
    assert.ok(status.status === 'undetermined')
    assert.equal(status.error.code, 'reasons_not_covered')
    assert.match(
      status.error.message,
      /none for affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn/,
    )
    const revoking = await crl({ extensions: [scope(reasons(3, 1))], revoked: ofShop(1) })
    assert.equal(verdict([revoking]), 'revoked')
    // The distribution point of a certificate limits the reasons as well.
    const limited = await entity({
      subject: 'y',
      issuer: issuing,
      profile: 'tls_server',
      extensions: [points(lab.sequence(at(uri(CRL_URL)), reasons(1, 1, 2)))],
    })
    const here = await crl({ extensions: [scope(at(uri(CRL_URL)))] })
    assert.equal(verdict([here], [], limited), 'undetermined reasons_not_covered')
    assert.equal(verdict([here, await crl()], [], limited), 'good')
  })
})

describe('delta CRLs of a path (RFC 5280 5.2.4)', () => {
  const delta = (changes: Partial<CrlRequest> = {}) => crl({ deltaBase: 1n, number: 2n, ...changes })

  it('adds to the complete list, and takes from it', async () => {
    const held = await crl({ revoked: ofShop(6) })
    assert.equal(verdict([await crl(), await delta({ revoked: ofShop(1) })]), 'revoked')
    assert.equal(verdict([held, await delta({ revoked: ofShop(8) })]), 'good')
    assert.equal(verdict([held, await delta()]), 'revoked')
    const newest = await delta({ number: 3n, thisUpdate: NOW - 60_000, revoked: ofShop(8) })
    assert.equal(verdict([held, await delta(), newest]), 'good')
  })

  it('is not combined when it is for another list, older, out of date or signed by somebody else', async () => {
    const complete = await crl({ number: 3n })
    const revoking = (changes: Partial<CrlRequest>) =>
      delta({ deltaBase: 3n, number: 4n, revoked: ofShop(1), ...changes })
    assert.equal(verdict([complete, await revoking({})]), 'revoked')
    const impostor = await entity({ subject: 'Issuing', issuer: root })
    const keyId = Buffer.from(issuing.parsed.subjectKeyId ?? '', 'hex')
    for (const [what, changes] of Object.entries<Partial<CrlRequest>>({
      'a later base': { deltaBase: 4n, number: 5n },
      'an earlier number': { deltaBase: 2n, number: 3n },
      'another scope': { extensions: [scope(at(uri(CRL_URL)))] },
      'past its nextUpdate': { nextUpdate: NOW - 1 },
      'another issuer': { issuer: root },
      'another key with the same identifier': {
        issuer: { ...impostor, certificate: issuing.certificate },
        extensions: [extension('2.5.29.35', false, lab.sequence(lab.contextPrimitive(0, keyId)))],
      },
      'entries of other issuers': {
        revoked: ofShop(1, { extensions: [extension('2.5.29.29', true, lab.sequence(directory(issuing)))] }),
      },
      'another key': { issuer: { ...impostor, certificate: issuing.certificate } },
    })) {
      assert.equal(verdict([complete, await revoking(changes)]), 'good', what)
    }
  })

  it('keeps a complete list in use whose successor is due', async () => {
    const old = await crl({ thisUpdate: NOW - 2 * DAY, nextUpdate: NOW - HOUR })
    assert.equal(verdict([old, await delta()]), 'good')
    assert.equal(verdict([old, await delta({ nextUpdate: NOW - 1 })]), 'undetermined crl_expired')
  })
})

describe('signers of CRLs (RFC 5280 6.3.3 (f))', () => {
  const crlSign = extension('2.5.29.15', true, lab.namedBits([6]))

  it('may be another key of the CA, if that has a path to the same anchor', async () => {
    const signer = await entity({
      subject: 'Issuing',
      issuer: root,
      profile: 'tls_server',
      extensions: [crlSign],
    })
    const list = await crl({ issuer: signer })
    const ofRoot = await crl({ issuer: root })
    assert.equal(verdict([list, ofRoot], [signer]), 'good')
    assert.equal(verdict([list, ofRoot]), 'undetermined key_identifier_mismatch')
    // Nobody says that the signer's certificate is not revoked.
    assert.equal(verdict([list], [signer]), 'undetermined crl_signer_rejected')
    const revoking = await crl({ issuer: root, revoked: [{ serial: signer.parsed.serial, at: NOW - DAY }] })
    assert.equal(verdict([list, revoking], [signer]), 'undetermined crl_signer_rejected')
    const elsewhere = await entity({ subject: 'Issuing', extensions: [crlSign] })
    assert.equal(
      verdict([await crl({ issuer: elsewhere }), ofRoot], [elsewhere]),
      'undetermined crl_signer_rejected',
    )
    const silent = await entity({ subject: 'Issuing', issuer: root, profile: 'tls_server' })
    assert.equal(verdict([await crl({ issuer: silent }), ofRoot], [silent]), 'undetermined crl_sign_missing')
  })

  it('may speak for themselves, since nobody else does', async () => {
    const signer = await entity({
      subject: 'Issuing',
      issuer: issuing,
      profile: 'tls_server',
      extensions: [crlSign],
    })
    const list = await crl({ issuer: signer })
    assert.equal(verdict([list], [signer]), 'good')
    const confessing = await crl({
      issuer: signer,
      revoked: [{ serial: signer.parsed.serial, at: NOW - DAY }],
    })
    assert.equal(verdict([confessing], [signer]), 'undetermined crl_signer_rejected')
  })

  it('are another CRL issuer where the certificate names it and the list is indirect', async () => {
    const agent = await entity({
      subject: 'Agent',
      issuer: root,
      profile: 'tls_server',
      extensions: [crlSign],
    })
    const leaf = await entity({
      subject: 'y',
      issuer: issuing,
      profile: 'tls_server',
      serial: '0a',
      extensions: [points(lab.sequence(at(uri(CRL_URL)), lab.context(2, directory(agent))))],
    })
    const issuer = (of: Entity) => extension('2.5.29.29', true, lab.sequence(directory(of)))
    const indirect = scope(at(uri(CRL_URL)), yes(4))
    const list = (revoked: readonly RevokedEntry[], ...extensions: readonly Uint8Array[]) =>
      crl({ issuer: agent, revoked, extensions })
    const ofRoot = await crl({ issuer: root })
    const ask = (list: Crl, of: Entity = leaf) => verdict([list, ofRoot], [agent], of)
    const entry = { serial: '0a', at: NOW - DAY }
    const about = (of: Entity) => ({ ...entry, extensions: [issuer(of)] })
    assert.equal(ask(await list([], indirect)), 'good')
    assert.equal(ask(await list([about(issuing)], indirect)), 'revoked')
    // The serial number of another CA's certificate; without a certificateIssuer, that of the CRL issuer's own.
    assert.equal(ask(await list([about(root)], indirect)), 'good')
    assert.equal(ask(await list([entry], indirect)), 'good')
    // It carries forward.
    assert.equal(ask(await list([{ ...about(issuing), serial: '01' }, entry], indirect)), 'revoked')
    assert.equal(ask(await list([], scope(at(uri(CRL_URL))))), 'undetermined crl_not_found')
    // A distribution point without a name is known by its issuer.
    const nameless = await entity({
      subject: 'y',
      issuer: issuing,
      profile: 'tls_server',
      extensions: [points(lab.sequence(lab.context(2, directory(agent))))],
    })
    assert.equal(ask(await list([], scope(at(directory(agent)), yes(4))), nameless), 'good')
    assert.equal(ask(await list([], indirect), nameless), 'undetermined crl_not_found')
    // A certificate that does not name it is none of its business.
    assert.equal(ask(await list([], indirect), shop), 'undetermined crl_not_found')
  })

  it('may name other issuers in no list that does not say that it is indirect', async () => {
    const issuer = extension('2.5.29.29', true, lab.sequence(directory(root)))
    const list = await crl({ revoked: [{ serial: '01', at: NOW - DAY, extensions: [issuer] }] })
    assert.equal(verdict([list]), 'undetermined indirect_crl')
  })

  it('are not looked for without end', async () => {
    // Each agent's list is signed by all the others, whose certificates only the others' lists cover.
    const agents = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        entity({ subject: 'Issuing', issuer: issuing, serial: `${i + 10}`, extensions: [crlSign] }),
      ),
    )
    const lists = await Promise.all(
      agents.flatMap((issuer) => [1, 2, 3].map((n) => crl({ issuer, extensions: [scope(reasons(3, n))] }))),
    )
    const start = process.cpuUsage()
    assert.match(verdict(lists, agents), /^undetermined/)
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 5_000_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})
