import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { PkiErrorCode, PkiPhase } from '../../pki/error.ts'
import { buildPath, findPaths } from '../../pki/path.ts'
import type { PathQuestion, TrustedChain } from '../../pki/path.ts'
import { validatePath } from '../../pki/pathValidation.ts'
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

describe('all paths', () => {
  it('are found over every certificate of an authority, up to as many as are wanted', async () => {
    const again = await entity({ subject: 'Issuing', issuer: root, key: issuing.key })
    const over = await entity({ subject: 'Issuing', issuer: root, key: issuing.key, notAfter: NOW - DAY })
    const asked = { leaf: shop.parsed, trusted: [[root.parsed]] as const, now: NOW }
    const intermediates = [over, again, issuing].map(({ parsed }) => parsed)
    const { valid: paths, rejected } = findPaths({ ...asked, intermediates }, 8)
    const through = paths.map(([, issuer]) => intermediates.findIndex((one) => one === issuer))
    assert.deepEqual(through.sort(), [1, 2])
    assert.deepEqual(
      rejected.map(({ error }) => error.code),
      ['certificate_expired'],
    )
    assert.equal(findPaths({ ...asked, intermediates }, 1).valid.length, 1)
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
    assert.ok(!ask([{ ...parsed, version: 3 }]).valid)
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

  it('never lets a CA below have a longer path than one above, the anchor among them', async () => {
    const chain = async (...lengths: readonly (number | undefined)[]) => {
      const cas: Entity[] = []
      for (const [i, pathLength] of lengths.entries()) {
        const issuer = cas.at(-1)
        cas.push(
          await entity({
            subject: `CA ${i}`,
            ...(issuer === undefined ? {} : { issuer }),
            ...(pathLength === undefined ? {} : { pathLength }),
          }),
        )
      }
      const [anchor, ...others] = cas
      const last = cas.at(-1)
      assert.ok(anchor !== undefined && last !== undefined)
      const leaf = await entity({ subject: 'x', issuer: last, profile: 'tls_server' })
      const result = buildPath({
        leaf: leaf.parsed,
        intermediates: others.map(({ parsed }) => parsed),
        trusted: [[anchor.parsed]],
        now: NOW,
      })
      return result.valid ? 'valid' : result.error.message.replace(/:.*/, '')
    }
    assert.equal(await chain(0), 'valid')
    assert.equal(await chain(0, undefined), 'certificate CN=CA 1')
    assert.equal(await chain(1, undefined), 'valid')
    assert.equal(await chain(undefined, 1, 5, undefined), 'certificate CN=CA 3')
    assert.equal(await chain(undefined, 2, 5, undefined), 'valid')
    assert.equal(await chain(5, 5, 0, undefined), 'certificate CN=CA 3')
  })

  it('names a certificate without subject by its serial number', async () => {
    const leaf = await entity({
      subject: 'x',
      name: lab.sequence(),
      issuer: issuing,
      profile: 'tls_server',
      dns: ['a.example'],
      notAfter: NOW - DAY,
    })
    const result = buildPath(question({ leaf }))
    assert.ok(!result.valid)
    assert.ok(result.error.message.startsWith(`certificate with serial ${leaf.parsed.serial}: `))
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
    const itself = find(root, [], [root])
    assert.ok(itself.valid)
    assert.equal(names(itself.path), 'Root')
    const renewed = await entity({ subject: 'Root', key: root.key })
    assert.equal(names(find(renewed, [], [root]).path), 'Root < Root')
    const impostor = find(await entity({ subject: 'Root' }), [], [root])
    assert.ok(!impostor.valid)
    assert.equal(impostor.error.code, 'signature_invalid')
  })

  it('says of a trusted leaf why it is not valid', async () => {
    const expired = await entity({ subject: 'Root', notAfter: NOW - DAY })
    const result = find(expired, [], [root, expired])
    assert.ok(!result.valid)
    assert.equal(names(result.path), 'Root')
    assert.deepEqual(
      result.rejected.map(({ path, error }) => `${names(path)}: ${error.code}`),
      ['Root: certificate_expired', 'Root < Root: signature_invalid'],
    )
  })

  it('takes the second chain that a trusted leaf begins when the first is not valid', async () => {
    const other = await entity({ subject: 'Other' })
    const result = buildPath({
      leaf: issuing.parsed,
      intermediates: [],
      trusted: [
        [issuing.parsed, other.parsed],
        [issuing.parsed, root.parsed],
      ],
      now: NOW,
    })
    assert.ok(result.valid)
    assert.equal(names(result.path), 'Issuing < Root')
    assert.deepEqual(
      result.rejected.map(({ error }) => error.code),
      ['issuer_mismatch'],
    )
  })

  it('says once of every issuer by name that it did not sign', async () => {
    const [anchor, sent] = await Promise.all([1, 2].map(() => entity({ subject: 'Issuing' })))
    assert.ok(anchor !== undefined && sent !== undefined)
    const codes = (intermediates: readonly Entity[]) =>
      find(shop, intermediates, [anchor]).rejected.map(({ error }) => error.code)
    assert.deepEqual(codes([anchor]), ['signature_invalid'])
    assert.deepEqual(codes([sent]), ['signature_invalid', 'signature_invalid'])
  })

  it('tries each certificate once, however often it comes', async () => {
    const impostor = await entity({ subject: 'Issuing', issuer: root })
    const result = find(shop, [impostor, impostor, root], [root])
    assert.deepEqual(
      result.rejected.map(({ path, error }) => `${names(path)}: ${error.code}`),
      ['shop < Issuing: signature_invalid'],
    )
  })

  it('prefers issuers that are valid now, and key identifiers that match to those that are missing', async () => {
    const make = (changes: Partial<Parameters<typeof entity>[0]> = {}) =>
      entity({ subject: 'Issuing', issuer: root, key: issuing.key, ...changes })
    const chosen = (intermediates: readonly Certificate[]) => {
      const result = buildPath({
        leaf: shop.parsed,
        intermediates,
        trusted: [[root.parsed]],
        now: NOW,
      })
      assert.ok(result.valid)
      assert.deepEqual(result.rejected, [])
      return result.path[1]
    }
    const future = await make({ notBefore: NOW + DAY })
    const past = await make({ notAfter: NOW - DAY })
    assert.equal(chosen([future.parsed, past.parsed, issuing.parsed]), issuing.parsed)
    const { parsed: other } = await make()
    const withoutKeyId = { ...other, subjectKeyId: undefined }
    const withOtherKeyId = { ...(await make()).parsed, subjectKeyId: '00' }
    assert.equal(chosen([withOtherKeyId, withoutKeyId]), withoutKeyId)
    assert.equal(chosen([withoutKeyId, issuing.parsed]), issuing.parsed)
    assert.equal(chosen([withOtherKeyId, withoutKeyId, issuing.parsed]), issuing.parsed)
  })

  it('goes over two CAs that share a key', async () => {
    const first = await entity({ subject: 'First', issuer: root })
    const second = await entity({ subject: 'Second', issuer: first, key: first.key })
    const leaf = await entity({ subject: 'x', issuer: second, profile: 'tls_server' })
    assert.equal(names(find(leaf, [first, second], [root]).path), 'x < Second < First < Root')
  })

  it('looks at 512 of the certificates that it gets', () => {
    const many = Array.from({ length: 511 }, () => shop)
    assert.ok(find(shop, [...many, issuing], [root]).valid)
    assert.ok(!find(shop, [...many, shop, issuing], [root]).valid)
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
    assert.equal(`${result.error.phase} ${result.error.code}`, 'path path_too_long')
  })

  it('reports a bounded number of rejected paths', async () => {
    const anchors = await Promise.all(Array.from({ length: 40 }, () => entity({ subject: 'Issuing' })))
    const result = find(shop, [], anchors)
    assert.ok(!result.valid)
    assert.equal(result.error.code, 'signature_invalid')
    assert.equal(result.rejected.length, 32)
  })
})

describe('the validation of a path', () => {
  it('hides no error but what the certificates are refused for', () => {
    const inputs = {
      now: NOW,
      policies: {},
      checkSignature: () => {
        throw new TypeError('a mistake of ours')
      },
    }
    assert.throws(() => validatePath([shop.parsed, issuing.parsed], inputs), TypeError)
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
    const { rejected } = buildPath(question({ leaf, sent }))
    assert.equal(rejected.filter(({ error }) => error.code === 'too_many_paths').length, 1)
    assert.ok(user + system < 1_000_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})
