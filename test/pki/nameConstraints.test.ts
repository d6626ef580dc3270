import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import { buildPath } from '../../pki/path.ts'
import { NOW, entity } from './support.ts'
import type { Entity } from './support.ts'

const root = await entity({ subject: 'Root' })

/** Of the path from the leaf over a CA below the root. */
function verdict(leaf: Entity, intermediates: readonly Entity[], ca: Entity): string {
  const result = buildPath({
    leaf: leaf.parsed,
    intermediates: intermediates.map(({ parsed }) => parsed),
    trusted: [[ca.parsed, root.parsed]],
    now: NOW,
  })
  return result.valid ? 'valid' : result.error.code
}

describe('name constraints (RFC 5280 4.2.1.10)', () => {
  const dns = (name: string) => lab.contextPrimitive(2, Buffer.from(name))
  const ip = (hex: string) => lab.contextPrimitive(7, Buffer.from(hex, 'hex'))
  const email = (name: string) => lab.contextPrimitive(1, Buffer.from(name))
  const uri = (value: string) => lab.contextPrimitive(6, Buffer.from(value))
  const names = (...list: readonly Uint8Array[]) => extension('2.5.29.17', false, lab.sequence(...list))
  const directory = (name: Uint8Array) => lab.context(4, name)
  const subtrees = (n: number, bases: readonly Uint8Array[]) =>
    bases.length === 0 ? [] : [lab.context(n, ...bases.map((base) => lab.sequence(base)))]

  async function judge(
    constraints: { permitted?: readonly Uint8Array[]; excluded?: readonly Uint8Array[]; raw?: Uint8Array },
    leaf: {
      dns?: readonly string[]
      ip?: readonly string[]
      organization?: string
      name?: Uint8Array
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
    return verdict(server, [], ca)
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

  it('permits and excludes e-mail addresses by mailbox, host and domain', async () => {
    const at = (...addresses: readonly string[]) => ({ extensions: [names(...addresses.map(email))] })
    const cases: [base: string, address: string, within: boolean][] = [
      ['example.org', 'a@example.org', true],
      ['EXAMPLE.org', 'a@Example.ORG', true],
      ['example.org', 'a@mail.example.org', false],
      ['example.org', 'a@notexample.org', false],
      ['.example.org', 'a@mail.example.org', true],
      ['.example.org', 'a@example.org', false],
      ['a@example.org', 'a@EXAMPLE.org', true],
      ['a@example.org', 'A@example.org', false],
      ['a@example.org', 'b@example.org', false],
      ['example.org', '"x@example.com"@example.org', true],
      ['example.com', '"x@example.com"@example.org', false],
    ]
    for (const [base, address, within] of cases) {
      const title = `${address} in ${base}`
      const expected = within ? ['valid', 'name_not_permitted'] : ['name_not_permitted', 'valid']
      assert.equal(await judge({ permitted: [email(base)] }, at(address)), expected[0], title)
      assert.equal(await judge({ excluded: [email(base)] }, at(address)), expected[1], title)
    }
    assert.equal(
      await judge({ permitted: [email('example.org')] }, at('a@example.org', 'a@evil.example')),
      'name_not_permitted',
    )
    assert.equal(await judge({ permitted: [email('example.org')] }, { dns: ['a.example'] }), 'valid')
  })

  it('looks at e-mail addresses in the subject, and at internationalised mailboxes', async () => {
    const attribute = lab.sequence(lab.oid('1.2.840.113549.1.9.1'), lab.ia5String('a@example.org'))
    const subject = { name: lab.sequence(lab.set(attribute)), dns: ['a.example'] }
    assert.equal(await judge({ permitted: [email('example.org')] }, subject), 'valid')
    assert.equal(await judge({ permitted: [email('example.com')] }, subject), 'name_not_permitted')
    const mailbox = lab.context(
      0,
      lab.oid('1.3.6.1.5.5.7.8.9'),
      lab.context(0, lab.utf8String('ö@example.org')),
    )
    const international = { extensions: [names(mailbox)] }
    assert.equal(await judge({ excluded: [email('example.com')] }, international), 'valid')
    assert.equal(await judge({ excluded: [email('example.org')] }, international), 'name_not_permitted')
  })

  it('permits and excludes URIs by their host', async () => {
    const at = (value: string) => ({ extensions: [names(uri(value))] })
    const cases: [base: string, value: string, within: boolean][] = [
      ['example.org', 'http://example.org/a', true],
      ['example.org', 'https://user:secret@EXAMPLE.org:8443?x', true],
      ['example.org', 'ldap://a.example.org/', false],
      ['.example.org', 'ldap://a.example.org/', true],
      ['.example.org', 'http://example.org/', false],
      ['example.org', 'http://evil.example/@example.org', false],
      ['example.org', 'http://example.org@evil.example/', false],
      ['example.org', 'http://evil.example#@example.org', false],
    ]
    for (const [base, value, within] of cases) {
      const title = `${value} in ${base}`
      const expected = within ? ['valid', 'name_not_permitted'] : ['name_not_permitted', 'valid']
      assert.equal(await judge({ permitted: [uri(base)] }, at(value)), expected[0], title)
      assert.equal(await judge({ excluded: [uri(base)] }, at(value)), expected[1], title)
    }
    // RFC 5280: without a host's name the certificate must be rejected, whatever the constraint.
    for (const value of [
      'urn:isbn:1',
      'http://192.0.2.1/',
      'http://0x7f.1/',
      'http://3221225985/',
      'http://[::1]/',
      'http:///a',
      'http://ex%61mple.org/',
      'mailto:a@example.org',
    ]) {
      assert.equal(await judge({ permitted: [uri('example.org')] }, at(value)), 'name_not_permitted', value)
      assert.equal(await judge({ excluded: [uri('example.com')] }, at(value)), 'name_not_permitted', value)
    }
    assert.equal(await judge({ permitted: [dns('example.org')] }, at('urn:isbn:1')), 'valid')
  })

  it('fails closed where it cannot judge', async () => {
    assert.equal(await judge({ permitted: [ip('0a000000ff00ff00')] }, { ip: ['10.0.0.1'] }), 'unsupported')
    const minimum = lab.sequence(
      lab.context(0, lab.sequence(dns('a'), lab.contextPrimitive(0, Buffer.from([1])))),
    )
    assert.equal(await judge({ raw: minimum }, { dns: ['a'] }), 'unsupported')
    const principal = (text: string) =>
      lab.context(0, lab.oid('1.3.6.1.4.1.311.20.2.3'), lab.context(0, lab.utf8String(text)))
    const registered = lab.contextPrimitive(8, Buffer.from('2a03', 'hex'))
    for (const [base, name] of [
      [principal('x'), principal('a@example.org')],
      [registered, registered],
    ] as const) {
      assert.equal(await judge({ permitted: [base] }, { extensions: [names(name)] }), 'unsupported')
      assert.equal(await judge({ excluded: [base] }, { extensions: [names(name)] }), 'unsupported')
      assert.equal(await judge({ excluded: [base] }, { dns: ['a.example'] }), 'valid')
    }
    for (const address of ['nobody', '@example.com', 'a@', 'a@.']) {
      const noAddress = { extensions: [names(email(address))] }
      assert.equal(await judge({ excluded: [email('example.org')] }, noAddress), 'unsupported', address)
    }
  })

  it('fails closed for names that different readers take for different ones', async () => {
    for (const name of ['f*.example.org', 'a.*.example.org', 'secret.example.org..', '.example.org', 'a b']) {
      assert.equal(
        await judge({ excluded: [dns('secret.example.org')] }, { dns: [name] }),
        'unsupported',
        name,
      )
      assert.equal(await judge({ permitted: [dns('org')] }, { dns: [name] }), 'unsupported', name)
    }
    const mailbox = (text: string) =>
      lab.context(0, lab.oid('1.3.6.1.5.5.7.8.9'), lab.context(0, lab.utf8String(text)))
    // RFC 9598 3: the domain in A-labels. As U-labels it would evade what is excluded as A-labels.
    const international = { extensions: [names(mailbox('ö@bücher.example'))] }
    assert.equal(await judge({ excluded: [email('xn--bcher-kva.example')] }, international), 'unsupported')
    // RFC 3986 sees example.org, browsers see evil.example.
    for (const value of ['http://evil.example\\@example.org/', 'http://evil.example @example.org/']) {
      const at = { extensions: [names(uri(value))] }
      assert.equal(await judge({ permitted: [uri('example.org')] }, at), 'name_not_permitted', value)
    }
  })

  it('gives up where names and constraints are too many to compare all', async () => {
    const bases = Array.from({ length: 1000 }, (_, i) => dns(`${i}.example.org`))
    const many = { dns: Array.from({ length: 501 }, (_, i) => `${i}.example.com`) }
    assert.equal(await judge({ excluded: bases }, many), 'unsupported')
    assert.equal(await judge({ excluded: bases }, { dns: many.dns.slice(0, 498) }), 'valid')
  })

  it('refuses constraints that no name could match, which would exclude nothing', async () => {
    const withEmail = { extensions: [names(email('a@example.org'))] }
    const withUri = { extensions: [names(uri('http://example.org/'))] }
    assert.equal(await judge({ excluded: [email('@example.org')] }, withEmail), 'unsupported')
    assert.equal(await judge({ excluded: [uri('http://example.org/')] }, withUri), 'unsupported')
    for (const base of ['*.example.org', 'https://example.org', '.', 'example.org ']) {
      assert.equal(await judge({ excluded: [dns(base)] }, { dns: ['a.example.org'] }), 'unsupported', base)
      assert.equal(await judge({ permitted: [dns(base)] }, { dns: ['a.example.org'] }), 'unsupported', base)
    }
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
    assert.equal(verdict(leaf, [sub], ca), 'name_not_permitted')
    const badSub = await entity({ subject: 'Sub', issuer: ca, dns: ['evil.example'], key: sub.key })
    const fine = await entity({ subject: 'y', issuer: sub, profile: 'tls_server', dns: ['good.example'] })
    assert.equal(verdict(fine, [sub], ca), 'valid')
    assert.equal(verdict(fine, [badSub], ca), 'name_not_permitted')
    const rollover = await entity({ subject: 'Constrained', issuer: ca, dns: ['evil.example'] })
    const under = await entity({
      subject: 'z',
      issuer: rollover,
      profile: 'tls_server',
      dns: ['good.example'],
    })
    assert.equal(verdict(under, [rollover], ca), 'valid')
  })
})
