import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import { buildPath } from '../../pki/path.ts'
import type { PolicySettings } from '../../pki/pathValidation.ts'
import { NOW, entity } from './support.ts'
import type { Entity } from './support.ts'

const root = await entity({ subject: 'Root' })
const issuing = await entity({ subject: 'Issuing', issuer: root })
const shop = await entity({ subject: 'shop', issuer: issuing, profile: 'tls_server' })

describe('policies of a path (RFC 5280 6.1)', () => {
  const policies = (...oids: readonly string[]) =>
    extension('2.5.29.32', false, lab.sequence(...oids.map((oid) => lab.sequence(lab.oid(oid)))))
  const required = extension('2.5.29.36', true, lab.sequence(lab.contextPrimitive(0, Uint8Array.of(0))))
  const mapping = (from: string, to: string) =>
    extension('2.5.29.33', true, lab.sequence(lab.sequence(lab.oid(from), lab.oid(to))))
  const ask = (settings: PolicySettings, path: readonly Entity[]): string => {
    const [leaf, ca, ...above] = path.map(({ parsed }) => parsed)
    assert.ok(leaf !== undefined && ca !== undefined)
    const result = buildPath({
      leaf,
      intermediates: [],
      trusted: [[ca, ...above]],
      now: NOW,
      policies: settings,
    })
    if (result.valid) return [...result.policies].sort().join(' ')
    assert.equal(result.error.phase, 'path')
    return result.error.code
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

  /** policyConstraints (4.2.1.11): certificates until a policy is required [0], and until mapping is forbidden [1]. */
  const skip = (n: 0 | 1, certificates: number) =>
    extension('2.5.29.36', true, lab.sequence(lab.contextPrimitive(n, Uint8Array.of(certificates))))
  const inhibitAny = (certificates: number) =>
    extension('2.5.29.54', true, Uint8Array.of(0x02, 1, certificates))
  const any = '2.5.29.32.0'
  const sub = async (issuer: Entity, subject: string, ...extensions: readonly Uint8Array[]) =>
    entity({ subject, issuer, extensions })

  it('requires a policy after as many certificates as the CA says, self-issued ones not counted', async () => {
    const verdict = async (certificates: number, subject: string, ...more: readonly Uint8Array[]) => {
      const top = await ca(skip(0, certificates))
      const below1 = await sub(top, subject, ...more)
      return ask({}, [await below(below1, []), below1, top, root])
    }
    assert.equal(await verdict(1, 'Sub'), 'policy_missing')
    assert.equal(await verdict(2, 'Sub'), 'policy_missing')
    assert.equal(await verdict(3, 'Sub'), '')
    assert.equal(await verdict(2, 'CA'), '')
    assert.equal(await verdict(1, 'CA'), 'policy_missing')
    // One below may ask for it earlier, not later.
    assert.equal(await verdict(3, 'Sub', skip(0, 0)), 'policy_missing')
    assert.equal(await verdict(1, 'Sub', skip(0, 9)), 'policy_missing')
    // The leaf's own wish counts only when it is for itself.
    const wish = await below(issuing, [skip(0, 1)])
    assert.equal(ask({}, [wish, issuing, root]), '')
  })

  it('names the certificate that has no policy, were it not the last', async () => {
    const top = await ca(policies('1.2.3'), skip(0, 0))
    const without = await sub(top, 'Without')
    const leaf = await below(without, [policies('1.2.3')])
    const result = buildPath({
      leaf: leaf.parsed,
      intermediates: [],
      trusted: [[without.parsed, top.parsed, root.parsed]],
      now: NOW,
    })
    assert.ok(!result.valid)
    assert.match(result.error.message, /^certificate CN=Without: expected a policy/)
  })

  it('takes anyPolicy for any as long as no CA above inhibits it', async () => {
    const verdict = async (certificates: number | undefined, subject: string, settings = {}) => {
      const inhibits = certificates === undefined ? [] : [inhibitAny(certificates)]
      const top = await ca(policies('1.2.3'), ...inhibits)
      const below1 = await sub(top, subject, policies(any))
      return ask(settings, [await below(below1, [policies('1.2.3')]), below1, top, root])
    }
    assert.equal(await verdict(undefined, 'Sub'), '1.2.3')
    assert.equal(await verdict(1, 'Sub'), '1.2.3')
    assert.equal(await verdict(0, 'Sub'), '')
    assert.equal(await verdict(0, 'CA'), '1.2.3')
    assert.equal(await verdict(undefined, 'Sub', { inhibitAnyPolicy: true }), '')
    assert.equal(await verdict(undefined, 'Sub', { inhibitAnyPolicy: false }), '1.2.3')
    // The last certificate is never exempt, and a count ends where it ends.
    const last = async (certificates: number, subject: string, leaf: string) => {
      const top = await ca(policies('1.2.3'), inhibitAny(certificates))
      const middle = await sub(top, subject, policies('1.2.3'))
      const end = await entity({
        subject: leaf,
        issuer: middle,
        profile: 'tls_server',
        extensions: [policies(any)],
      })
      return ask({}, [end, middle, top, root])
    }
    assert.equal(await last(2, 'Sub', 'p'), '1.2.3')
    assert.equal(await last(1, 'Sub', 'p'), '')
    assert.equal(await last(1, 'CA', 'p'), '1.2.3')
    assert.equal(await last(0, 'Sub', 'Sub'), '')
  })

  it('follows mappings as long as no CA above inhibits them', async () => {
    const verdict = async (
      certificates: number | undefined,
      subject: string,
      settings = {},
      policy = '1.2.9',
    ) => {
      const inhibits = certificates === undefined ? [] : [skip(1, certificates)]
      const top = await ca(policies('1.2.3'), ...inhibits)
      const middle = await sub(top, subject, policies('1.2.3'))
      const maps = await sub(middle, 'Maps', policies('1.2.3'), mapping('1.2.3', '1.2.9'))
      return ask(settings, [await below(maps, [policies(policy)]), maps, middle, top, root])
    }
    // What is mapped no longer stands for itself, be the mapping followed or not.
    assert.equal(await verdict(undefined, 'Sub', {}, '1.2.3'), '')
    assert.equal(await verdict(1, 'Sub', {}, '1.2.3'), '')
    assert.equal(await verdict(undefined, 'Sub'), '1.2.3')
    assert.equal(await verdict(2, 'Sub'), '1.2.3')
    assert.equal(await verdict(1, 'Sub'), '')
    assert.equal(await verdict(1, 'CA'), '1.2.3')
    assert.equal(await verdict(0, 'CA'), '')
    assert.equal(await verdict(undefined, 'Sub', { inhibitPolicyMapping: true }), '')
  })

  it('refuses mappings from and to anyPolicy, in intermediates', async () => {
    for (const pair of [
      [any, '1.2.9'],
      ['1.2.3', any],
    ] as const) {
      const maps = await ca(policies('1.2.3'), mapping(pair[0], pair[1]))
      const path = [await below(maps, [policies('1.2.3')]), maps, root]
      assert.equal(ask({}, path), 'bad_policy_mapping')
      const second = lab.sequence(
        lab.sequence(lab.oid('1.2.3'), lab.oid('1.2.9')),
        lab.sequence(lab.oid(pair[0]), lab.oid(pair[1])),
      )
      const both = await ca(policies('1.2.3'), extension('2.5.29.33', true, second))
      assert.equal(ask({}, [await below(both, [policies('1.2.3')]), both, root]), 'bad_policy_mapping')
      // Of the anchor they say nothing.
      assert.equal(ask({}, path.slice(0, 2)), '1.2.3')
    }
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
