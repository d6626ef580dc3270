import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { PkiErrorCode, PkiPhase } from '../../pki/error.ts'
import { buildPath } from '../../pki/path.ts'
import type { PathQuestion } from '../../pki/path.ts'
import { DAY, NOW, entity, recordedCertificate } from './support.ts'
import type { Entity } from './support.ts'

const root = await entity({ subject: 'Root' })
const issuing = await entity({ subject: 'Issuing', issuer: root })
const shop = await entity({
  subject: 'shop',
  issuer: issuing,
  profile: 'tls_server',
  dns: ['shop.example.org'],
})

/** From the leaf to `issuing` below `root`, unless told otherwise. */
function question(changes: {
  leaf?: Entity
  sent?: readonly Entity[]
  issuer?: Entity
  ancestors?: readonly Entity[]
  now?: number
}): PathQuestion {
  const { leaf = shop, sent = [], issuer = issuing, ancestors = [root], now = NOW } = changes
  const parsed = (entities: readonly Entity[]) => entities.map((e) => e.parsed)
  return {
    leaf: leaf.parsed,
    intermediates: parsed(sent),
    trusted: [[issuer.parsed, ...parsed(ancestors)]],
    now,
  }
}

function names(path: readonly Certificate[]): string {
  return path.map(({ subject }) => subject.text.replace('CN=', '')).join(' < ')
}

function valid(changes: Parameters<typeof question>[0]): string {
  const result = buildPath(question(changes))
  assert.ok(result.valid, result.valid ? '' : result.error.message)
  return names(result.path)
}

function invalid(changes: Parameters<typeof question>[0], phase: PkiPhase, code: PkiErrorCode): string {
  const result = buildPath(question(changes))
  assert.ok(!result.valid)
  assert.equal(`${result.error.phase} ${result.error.code}`, `${phase} ${code}`, result.error.message)
  return names(result.path)
}

const usage = (...bits: readonly number[]) => extension('2.5.29.15', true, lab.namedBits(bits))

describe('paths to the declared issuer', () => {
  it('goes from the leaf over the declared issuer to the anchor', () => {
    assert.equal(valid({}), 'shop < Issuing < Root')
    assert.equal(valid({ sent: [root, issuing] }), 'shop < Issuing < Root')
  })

  it('ends at the issuer when that is the anchor', () => {
    assert.equal(valid({ ancestors: [] }), 'shop < Issuing')
  })

  it('takes intermediates below the declared issuer from what was sent, in any order', async () => {
    assert.equal(valid({ issuer: root, ancestors: [], sent: [issuing] }), 'shop < Issuing < Root')
    const sub = await entity({ subject: 'Sub', issuer: issuing })
    const leaf = await entity({ subject: 'deep', issuer: sub, profile: 'tls_server' })
    const sent = [root, sub, shop, issuing]
    assert.equal(valid({ leaf, issuer: root, ancestors: [], sent }), 'deep < Sub < Issuing < Root')
    assert.equal(valid({ leaf, sent }), 'deep < Sub < Issuing < Root')
  })

  it('tries every certificate with the right name until a path is valid', async () => {
    const expired = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, notAfter: NOW - DAY })
    const otherKey = await entity({ subject: 'Issuing', issuer: root })
    const sent = [otherKey, expired, issuing]
    assert.equal(valid({ issuer: root, ancestors: [], sent }), 'shop < Issuing < Root')
    const path = invalid(
      { issuer: root, ancestors: [], sent: [otherKey, expired] },
      'path',
      'certificate_expired',
    )
    assert.equal(path, 'shop < Issuing < Root')
  })

  it('accepts the path of certificates recorded from EJBCA, at its time', () => {
    const [leaf, issuer, ca] = ['alice.pem', 'issuing-ca.pem', 'ca.pem'].map(recordedCertificate)
    assert.ok(leaf !== undefined && issuer !== undefined && ca !== undefined)
    const result = buildPath({ leaf, intermediates: [], trusted: [[issuer, ca]], now: NOW })
    assert.ok(result.valid)
  })
})

describe('paths that are not valid (RFC 5280 6.1)', () => {
  it('says that nobody issued the leaf', async () => {
    const other = await entity({ subject: 'Other' })
    assert.equal(invalid({ issuer: other, ancestors: [] }, 'path', 'issuer_not_found'), 'shop')
    assert.equal(invalid({ issuer: root, ancestors: [] }, 'path', 'issuer_not_found'), 'shop')
  })

  it('refuses the right name with the wrong key', async () => {
    const impostor = await entity({ subject: 'Issuing', issuer: root })
    invalid({ issuer: impostor }, 'signature', 'signature_invalid')
    invalid({ ancestors: [await entity({ subject: 'Root' })] }, 'signature', 'signature_invalid')
  })

  it('refuses an ancestor that is not the issuer of the declared one', async () => {
    invalid({ ancestors: [await entity({ subject: 'Other' })] }, 'path', 'issuer_mismatch')
  })

  it('refuses certificates outside their validity: leaf, issuer, and anchor', async () => {
    const { notBefore, notAfter } = shop.parsed
    valid({ now: notBefore })
    valid({ now: notAfter })
    invalid({ now: notBefore - 1 }, 'path', 'certificate_not_yet_valid')
    invalid({ now: notAfter + 1 }, 'path', 'certificate_expired')
    const short = { notAfter: NOW - 1000 }
    const oldIssuer = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, ...short })
    invalid({ issuer: oldIssuer }, 'path', 'certificate_expired')
    const oldRoot = await entity({ subject: 'Root', key: root.key, ...short })
    invalid({ ancestors: [oldRoot] }, 'path', 'certificate_expired')
  })

  it('refuses an issuer that is not a CA, or may not sign certificates', async () => {
    const notCa = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, profile: 'tls_server' })
    invalid({ issuer: notCa }, 'path', 'not_a_ca')
    const noSign = await entity({
      subject: 'Issuing',
      issuer: root,
      key: issuing.key,
      extensions: [usage(0, 6)],
    })
    invalid({ issuer: noSign }, 'path', 'cert_sign_missing')
  })

  it('refuses a leaf that plays the intermediate', async () => {
    const forged = await entity({ subject: 'bank.example', issuer: shop, profile: 'tls_server' })
    const result = invalid({ leaf: forged, sent: [shop] }, 'path', 'not_a_ca')
    assert.equal(result, 'bank.example < shop < Issuing < Root')
  })

  it('holds path lengths, in which self-issued certificates do not count', async () => {
    const short = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, pathLength: 0 })
    valid({ issuer: short })
    const sub = await entity({ subject: 'Sub', issuer: issuing })
    const leaf = await entity({ subject: 'deep', issuer: sub, profile: 'tls_server' })
    valid({ leaf, sent: [sub] })
    invalid({ leaf, sent: [sub], issuer: short }, 'path', 'path_too_long')
    const rollover = await entity({ subject: 'Issuing', issuer: issuing })
    const newLeaf = await entity({ subject: 'new', issuer: rollover, profile: 'tls_server' })
    assert.equal(valid({ leaf: newLeaf, sent: [rollover], issuer: short }), 'new < Issuing < Issuing < Root')
  })

  it('refuses critical extensions that are not understood, in leaf and issuer', async () => {
    const unknown = { extensions: [extension('1.2.3.4', true, lab.nullValue())] }
    const leaf = await entity({ subject: 'x', issuer: issuing, profile: 'tls_server', ...unknown })
    invalid({ leaf }, 'path', 'unknown_critical_extension')
    const issuer = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, ...unknown })
    invalid({ issuer }, 'path', 'unknown_critical_extension')
  })

  it('agrees with pkijs', async () => {
    const always = { notBefore: Date.UTC(2020), notAfter: Date.UTC(2049) }
    const anchor = await entity({ subject: 'A', ...always })
    // Without path lengths: pkijs lets a CA with pathLenConstraint 0 have a CA below, which OpenSSL refuses as we do.
    const ca = await entity({ subject: 'B', issuer: anchor, ...always })
    const ee = await entity({ subject: 'D', issuer: ca, profile: 'tls_server', ...always })
    const impostor = await entity({ subject: 'B', issuer: anchor, ...always })
    const leaves = [
      ee,
      await entity({ subject: 'F', issuer: ee, profile: 'tls_server', ...always }),
      await entity({ subject: 'G', issuer: impostor, profile: 'tls_server', ...always }),
      await entity({
        subject: 'H',
        issuer: ca,
        profile: 'tls_server',
        notBefore: Date.UTC(2020),
        notAfter: Date.UTC(2021),
      }),
    ]
    const of = (e: Entity) => pkijs.Certificate.fromBER(Uint8Array.from(e.certificate))
    const verdicts: boolean[] = []
    for (const leaf of leaves) {
      const ours = buildPath(question({ leaf, sent: [ee], issuer: ca, ancestors: [anchor] })).valid
      const certs = [of(anchor), of(ca), of(ee), of(leaf)]
      const engine = new pkijs.CertificateChainValidationEngine({
        trustedCerts: [of(anchor)],
        certs,
        checkDate: new Date(NOW),
      })
      const theirs = (await engine.verify()).result
      assert.equal(ours, theirs, leaf.parsed.subject.text)
      verdicts.push(ours)
    }
    assert.deepEqual(verdicts, [true, false, false, false])
  })
})

describe('paths from hostile peers', () => {
  it('does not walk in circles', async () => {
    const a = await entity({ subject: 'A' })
    const b = await entity({ subject: 'B', issuer: a })
    const aByB = await entity({ subject: 'A', issuer: b, key: a.key })
    const leaf = await entity({ subject: 'x', issuer: b, profile: 'tls_server' })
    invalid({ leaf, sent: [a, b, aByB] }, 'path', 'issuer_not_found')
  })

  it('stops soon among many certificates of one name', async () => {
    const key = issuing.key
    const one = await entity({ subject: 'Loop', key })
    const sent = await Promise.all(
      Array.from({ length: 40 }, () => entity({ subject: 'Loop', issuer: one, key })),
    )
    const leaf = await entity({ subject: 'x', issuer: one, profile: 'tls_server' })
    const start = process.cpuUsage()
    const result = buildPath(question({ leaf, sent }))
    const { user, system } = process.cpuUsage(start)
    assert.equal(result.valid, false)
    assert.ok(user + system < 1_000_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})

describe('name constraints (RFC 5280 4.2.1.10)', () => {
  const dns = (name: string) => lab.contextPrimitive(2, Buffer.from(name))
  const ip = (hex: string) => lab.contextPrimitive(7, Buffer.from(hex, 'hex'))
  const email = (name: string) => lab.contextPrimitive(1, Buffer.from(name))
  const directory = (name: Uint8Array) => lab.context(4, name)
  const subtrees = (n: number, bases: readonly Uint8Array[]) =>
    bases.length === 0 ? [] : [lab.context(n, ...bases.map((base) => lab.sequence(base)))]

  async function judge(
    constraints: { permitted?: readonly Uint8Array[]; excluded?: readonly Uint8Array[]; raw?: Uint8Array },
    leaf: {
      dns?: readonly string[]
      ip?: readonly string[]
      organization?: string
      extensions?: readonly Uint8Array[]
    },
  ): Promise<string> {
    const { permitted = [], excluded = [] } = constraints
    const value = constraints.raw ?? lab.sequence(...subtrees(0, permitted), ...subtrees(1, excluded))
    const ca = await entity({
      subject: 'Constrained',
      issuer: root,
      extensions: [extension('2.5.29.30', true, value)],
    })
    const server = await entity({ subject: 'x', issuer: ca, profile: 'tls_server', ...leaf })
    const result = buildPath(question({ leaf: server, issuer: ca }))
    return result.valid ? 'valid' : result.error.code
  }

  it('permits DNS names in a domain and below', async () => {
    const permitted = [dns('example.org'), dns('example.NET')]
    for (const name of [
      'example.org',
      'a.example.org',
      'A.B.Example.Org',
      '*.example.org',
      'x.example.net',
    ]) {
      assert.equal(await judge({ permitted }, { dns: [name] }), 'valid', name)
    }
    for (const name of ['notexample.org', 'example.org.evil', 'org', '*.org', '*']) {
      assert.equal(await judge({ permitted }, { dns: [name] }), 'name_not_permitted', name)
    }
    assert.equal(await judge({ permitted }, { dns: ['example.org', 'evil.com'] }), 'name_not_permitted')
    assert.equal(await judge({ permitted }, { ip: ['10.0.0.1'] }), 'valid')
    assert.equal(
      await judge({ permitted: [dns('.example.org')] }, { dns: ['example.org'] }),
      'name_not_permitted',
    )
    assert.equal(await judge({ permitted: [dns('.example.org')] }, { dns: ['a.example.org'] }), 'valid')
    assert.equal(await judge({ permitted: [dns('')] }, { dns: ['any.example'] }), 'valid')
  })

  it('excludes DNS names in a domain, also those that a wildcard would reach', async () => {
    const excluded = [dns('secret.example.org')]
    for (const name of ['example.org', 'other.example.org', '*.other.example.org', '*.org']) {
      assert.equal(await judge({ excluded }, { dns: [name] }), 'valid', name)
    }
    for (const name of [
      'secret.example.org',
      'a.secret.example.org',
      '*.secret.example.org',
      '*.example.org',
    ]) {
      assert.equal(await judge({ excluded }, { dns: [name] }), 'name_not_permitted', name)
    }
    assert.equal(
      await judge({ permitted: [dns('example.org')], excluded }, { dns: ['secret.example.org'] }),
      'name_not_permitted',
    )
    assert.equal(await judge({ excluded: [dns('')] }, { dns: ['a.example'] }), 'name_not_permitted')
  })

  it('permits and excludes IP addresses by network', async () => {
    const permitted = [ip('0a000000ff000000')]
    assert.equal(await judge({ permitted }, { ip: ['10.200.3.4'] }), 'valid')
    assert.equal(await judge({ permitted }, { ip: ['11.0.0.1'] }), 'name_not_permitted')
    assert.equal(await judge({ permitted }, { ip: ['2001:db8::1'] }), 'name_not_permitted')
    assert.equal(await judge({ permitted }, { dns: ['a.example'] }), 'valid')
    const v6 = [ip('20010db8000000000000000000000000ffffffff000000000000000000000000')]
    assert.equal(await judge({ permitted: v6 }, { ip: ['2001:db8:1::1'] }), 'valid')
    assert.equal(await judge({ excluded: v6 }, { ip: ['2001:db8:1::1'] }), 'name_not_permitted')
    assert.equal(await judge({ excluded: v6 }, { ip: ['10.0.0.1'] }), 'valid')
  })

  it('permits directory names below one', async () => {
    const o = (name: string) => lab.set(lab.sequence(lab.oid('2.5.4.3'), lab.utf8String(name)))
    const permitted = [directory(lab.sequence(o('x')))]
    assert.equal(await judge({ permitted }, {}), 'valid')
    assert.equal(await judge({ permitted }, { organization: 'any' }), 'valid')
    assert.equal(await judge({ permitted: [directory(lab.sequence(o('y')))] }, {}), 'name_not_permitted')
    assert.equal(await judge({ excluded: permitted }, {}), 'name_not_permitted')
  })

  it('fails closed where it cannot judge', async () => {
    assert.equal(await judge({ permitted: [ip('0a000000ff00ff00')] }, { ip: ['10.0.0.1'] }), 'unsupported')
    const minimum = lab.sequence(
      lab.context(0, lab.sequence(dns('a'), lab.contextPrimitive(0, Buffer.from([1])))),
    )
    assert.equal(await judge({ raw: minimum }, { dns: ['a'] }), 'unsupported')
  })

  it('holds for every CA below, but for self-issued ones', async () => {
    const value = lab.sequence(
      ...subtrees(0, [directory(lab.sequence())]),
      ...subtrees(1, [dns('evil.example')]),
    )
    const ca = await entity({
      subject: 'Constrained',
      issuer: root,
      extensions: [extension('2.5.29.30', true, value)],
    })
    const sub = await entity({ subject: 'Sub', issuer: ca })
    const leaf = await entity({ subject: 'x', issuer: sub, profile: 'tls_server', dns: ['a.evil.example'] })
    invalid({ leaf, sent: [sub], issuer: ca }, 'path', 'name_not_permitted')
    const badSub = await entity({ subject: 'Sub', issuer: ca, dns: ['evil.example'], key: sub.key })
    const fine = await entity({ subject: 'y', issuer: sub, profile: 'tls_server', dns: ['good.example'] })
    valid({ leaf: fine, sent: [sub], issuer: ca })
    invalid({ leaf: fine, sent: [badSub], issuer: ca }, 'path', 'name_not_permitted')
    const rollover = await entity({ subject: 'Constrained', issuer: ca, dns: ['evil.example'] })
    const under = await entity({
      subject: 'z',
      issuer: rollover,
      profile: 'tls_server',
      dns: ['good.example'],
    })
    valid({ leaf: under, sent: [rollover], issuer: ca })
  })
})
