import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { PkiErrorCode, PkiPhase } from '../../pki/error.ts'
import { buildPath } from '../../pki/path.ts'
import type { PathQuestion, TrustedChain } from '../../pki/path.ts'
import type { PolicySettings } from '../../pki/pathValidation.ts'
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

  it('takes a certificate of version 1 for a CA only where it is the anchor', async () => {
    const old = await entity({ subject: 'Old', issuer: root })
    const leaf = await entity({ subject: 'x', issuer: old, profile: 'tls_server' })
    // Nobody issues such certificates any more.
    const parsed = { ...old.parsed, version: 1 as const, isCa: false, keyUsage: undefined }
    const ask = (trusted: TrustedChain) =>
      buildPath({ leaf: leaf.parsed, intermediates: [], trusted: [trusted], now: NOW })
    assert.ok(ask([parsed]).valid)
    const result = ask([parsed, root.parsed])
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'not_a_ca')
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
    invalid({ issuer, ancestors: [] }, 'path', 'unknown_critical_extension')
  })
})

describe('paths to one of several anchors', () => {
  const trust = (...anchors: readonly Entity[]) => anchors.map((anchor): TrustedChain => [anchor.parsed])
  const find = (leaf: Entity, intermediates: readonly Entity[], anchors: readonly Entity[]) =>
    buildPath({
      leaf: leaf.parsed,
      intermediates: intermediates.map(({ parsed }) => parsed),
      trusted: trust(...anchors),
      now: NOW,
    })

  it('goes over a cross-certificate where the own root is not trusted', async () => {
    const bridge = await entity({ subject: 'Bridge' })
    const cross = await entity({ subject: 'Root', issuer: bridge, key: root.key })
    const both = find(shop, [issuing, cross], [bridge, root])
    assert.equal(names(both.path), 'shop < Issuing < Root')
    const result = find(shop, [root, issuing, cross], [bridge])
    assert.ok(result.valid)
    assert.equal(names(result.path), 'shop < Issuing < Root < Bridge')
  })

  it('takes the other way when the first is not valid, and says why it is not', async () => {
    const bridge = await entity({ subject: 'Bridge' })
    const expired = await entity({ subject: 'Root', issuer: bridge, key: root.key, notAfter: NOW - DAY })
    const narrow = await entity({ subject: 'Root', issuer: bridge, key: root.key, pathLength: 0 })
    const cross = await entity({ subject: 'Root', issuer: bridge, key: root.key })
    const result = find(shop, [expired, narrow, cross, issuing], [bridge])
    assert.ok(result.valid)
    assert.equal(result.path.at(-2)?.sha256, cross.parsed.sha256)
    assert.deepEqual(
      result.rejected.map(({ path, error }) => `${names(path)}: ${error.code}`),
      ['shop < Issuing < Root < Bridge: path_too_long'],
    )
    const none = find(shop, [expired, narrow, issuing], [bridge])
    assert.ok(!none.valid)
    // Of the two the one where the certificate nearer to the leaf is at fault.
    assert.deepEqual(
      none.rejected.map(({ error }) => error.code),
      ['path_too_long', 'certificate_expired'],
    )
    assert.equal(none.error, none.rejected[0]?.error)
  })

  it('tries issuers with the key identifier that the certificate names first, and refuses none for it', async () => {
    const others = await Promise.all([1, 2, 3].map(() => entity({ subject: 'Issuing', issuer: root })))
    const result = find(shop, [...others, issuing], [root])
    assert.ok(result.valid)
    assert.deepEqual(result.rejected, [])
    const lying = await entity({
      subject: 'Issuing',
      issuer: root,
      key: issuing.key,
      extensions: [extension('2.5.29.14', false, lab.octetString(Buffer.from('00', 'hex')))],
    })
    assert.ok(find(shop, [...others, lying], [root]).valid)
  })

  it('accepts a leaf that is trusted itself, and one with its name only when it has its key', async () => {
    assert.equal(names(find(root, [], [root]).path), 'Root')
    const renewed = await entity({ subject: 'Root', key: root.key })
    assert.equal(names(find(renewed, [], [root]).path), 'Root < Root')
    const impostor = find(await entity({ subject: 'Root' }), [], [root])
    assert.ok(!impostor.valid)
    assert.equal(impostor.error.code, 'signature_invalid')
  })

  it('does not take an intermediate for an anchor', () => {
    const result = find(shop, [issuing, root], [])
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'issuer_not_found')
    assert.equal(names(result.path), 'shop < Issuing < Root')
    assert.match(result.error.message, /CN=Root: .*is not trusted/)
  })

  it('tells of the anchor whose key fits, not of another with its name', async () => {
    const expired = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, notAfter: NOW - DAY })
    const impostors = await Promise.all([1, 2].map(() => entity({ subject: 'Issuing' })))
    const [first, second] = impostors
    assert.ok(first !== undefined && second !== undefined)
    const result = find(shop, [], [first, expired, second])
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'certificate_expired')
    assert.equal(result.rejected.length, 3)
  })

  it('looks no further than ten intermediates', async () => {
    const chain: Entity[] = [await entity({ subject: 'CA 0', issuer: root })]
    for (let i = 1; i <= 10; i++)
      chain.push(await entity({ subject: `CA ${i}`, issuer: chain[i - 1] ?? root }))
    const leaf = async (below: number) =>
      entity({ subject: 'deep', issuer: chain[below] ?? root, profile: 'tls_server' })
    assert.equal(find(await leaf(9), chain, [root]).path.length, 12)
    const result = find(await leaf(10), chain, [root])
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'path_too_long')
  })

  it('reports a bounded number of rejected paths', async () => {
    const anchors = await Promise.all(Array.from({ length: 40 }, () => entity({ subject: 'Issuing' })))
    const result = find(shop, [], anchors)
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'signature_invalid')
    assert.equal(result.rejected.length, 32)
  })
})

describe('policies of a path (RFC 5280 6.1)', () => {
  const policies = (...oids: readonly string[]) =>
    extension('2.5.29.32', false, lab.sequence(...oids.map((oid) => lab.sequence(lab.oid(oid)))))
  const required = extension('2.5.29.36', true, lab.sequence(lab.contextPrimitive(0, Uint8Array.of(0))))
  const mapping = (from: string, to: string) =>
    extension('2.5.29.33', true, lab.sequence(lab.sequence(lab.oid(from), lab.oid(to))))
  const ask = (settings: PolicySettings, path: readonly Entity[]): string => {
    const [leaf, ca, anchor] = path.map(({ parsed }) => parsed)
    assert.ok(leaf !== undefined && ca !== undefined && anchor !== undefined)
    const result = buildPath({
      leaf,
      intermediates: [],
      trusted: [[ca, anchor]],
      now: NOW,
      policies: settings,
    })
    return result.valid ? [...result.policies].sort().join(' ') : result.error.code
  }
  const below = (issuer: Entity, extensions: readonly Uint8Array[]) =>
    entity({ subject: 'p', issuer, profile: 'tls_server', extensions })
  const ca = async (...extensions: readonly Uint8Array[]) =>
    entity({ subject: 'CA', issuer: root, extensions })

  it('says which remain, in the words of the anchor, and refuses a path without any only where one is required', async () => {
    const mapped = await ca(policies('1.2.3', '1.2.4'), mapping('1.2.3', '1.2.9'))
    const leaf = await below(mapped, [policies('1.2.9', '1.2.4')])
    const path = [leaf, mapped, root]
    assert.equal(ask({}, path), '1.2.3 1.2.4')
    assert.equal(ask({ initialPolicies: new Set(['1.2.3', '1.2.5']) }, path), '1.2.3')
    assert.equal(ask({ inhibitPolicyMapping: true }, path), '1.2.4')
    const other = { initialPolicies: new Set(['1.2.9']) }
    assert.equal(ask(other, path), '')
    assert.equal(ask({ ...other, requireExplicitPolicy: true }, path), 'policy_missing')
    assert.equal(ask({ requireExplicitPolicy: true }, [shop, issuing, root]), 'policy_missing')
  })

  it('holds what a CA requires, the anchor too', async () => {
    const strict = await ca(policies('1.2.3'), required)
    assert.equal(ask({}, [await below(strict, [policies('1.2.3')]), strict, root]), '1.2.3')
    assert.equal(ask({}, [await below(strict, [policies('1.2.4')]), strict, root]), 'policy_missing')
    // The last certificate of a path may require one for itself (6.1.5 (b)).
    assert.equal(ask({}, [await below(issuing, [required]), issuing, root]), 'policy_missing')
    const anchor = await entity({ subject: 'A', extensions: [required, policies('1.2.5')] })
    const under = await entity({ subject: 'B', issuer: anchor, extensions: [policies('1.2.3')] })
    // What the anchor itself asserts does not count.
    assert.equal(ask({}, [await below(under, [policies('1.2.3')]), under, anchor]), '1.2.3')
    assert.equal(ask({}, [await below(under, []), under, anchor]), 'policy_missing')
  })

  it('refuses critical policies with a qualifier that it does not understand', async () => {
    const qualified = (critical: boolean, qualifier: string) =>
      extension(
        '2.5.29.32',
        critical,
        lab.sequence(
          lab.sequence(lab.oid('1.2.3'), lab.sequence(lab.sequence(lab.oid(qualifier), lab.ia5String('x')))),
        ),
      )
    const verdict = async (value: Uint8Array) => ask({}, [await below(issuing, [value]), issuing, root])
    assert.equal(await verdict(qualified(true, '1.3.6.1.5.5.7.2.1')), '')
    assert.equal(await verdict(qualified(false, '1.2.3.4')), '')
    assert.equal(await verdict(qualified(true, '1.2.3.4')), 'unknown_critical_extension')
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
    // Everybody certifies everybody: 8! ways, none of which leads anywhere.
    const entities = await Promise.all(Array.from({ length: 8 }, () => entity({ subject: 'Loop' })))
    const [first] = entities
    assert.ok(first !== undefined)
    const sent = await Promise.all(
      entities.flatMap(({ key }) => entities.map((issuer) => entity({ subject: 'Loop', issuer, key }))),
    )
    const leaf = await entity({ subject: 'x', issuer: first, profile: 'tls_server' })
    const start = process.cpuUsage()
    invalid({ leaf, sent }, 'path', 'too_many_paths')
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 1_000_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})
