import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIp } from '../../../pki/ip.ts'
import {
  dnsNameFault,
  isAbsoluteUri,
  isHost,
  isInternalName,
  isMailbox,
  isNameConstraintMask,
  isReservedAddress,
  uriHost,
} from '../../../pki/lints/names.ts'

const label = (length: number): string => 'a'.repeat(length)
/** Labels that add up to this many characters with their dots. */
const nameOf = (length: number): string => `${`${label(49)}.`.repeat(5)}${label(length - 250)}`

function judge(right: readonly string[], wrong: readonly string[], check: (text: string) => boolean): void {
  for (const text of right) assert.equal(check(text), true, text)
  for (const text of wrong) assert.equal(check(text), false, text)
}

describe('syntax of names in certificates', () => {
  it('DNS names: labels of letters, digits, hyphens and underscores, a wildcard in front', () => {
    judge(
      ['example', 'www.example.com', 'WWW.EXAMPLE.COM', 'a-b.example', '_dmarc.example', '*.example.com'],
      [
        '',
        '.',
        'example.',
        '.example',
        'a..b',
        '-a.example',
        'a-.example',
        'a b.example',
        '*',
        'a.*.example',
      ],
      (name) => dnsNameFault(name) === undefined,
    )
    judge([`${label(63)}.example`, nameOf(253)], [`${label(64)}.example`, nameOf(254)], (name) => {
      return dnsNameFault(name) === undefined
    })
    judge(['xn--bcher-kva.example'], ['bücher.example', 'a\u0000.example', '*a.example'], (name) => {
      return dnsNameFault(name) === undefined
    })
  })

  it('mailboxes', () => {
    judge(
      ['ann@example.com', 'a.b+c@example.com', '"a b"@example.com', 'a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]'],
      [
        'ann',
        '@example.com',
        'ann@',
        'Ann <ann@example.com>',
        'a..b@example.com',
        'a@[x]',
        'a@*.example.com',
        'a b@c.d',
      ],
      isMailbox,
    )
  })

  it('absolute URIs, and their host', () => {
    judge(
      ['http://a.example/x?y#z', 'urn:uuid:1', 'spiffe://a/b'],
      ['', 'a', '/a', 'http:', '1a:b', 'http://a b'],
      isAbsoluteUri,
    )
    assert.equal(uriHost('http://user@a.example:8080/x'), 'a.example')
    assert.equal(uriHost('ldap://a.example?x'), 'a.example')
    assert.equal(uriHost('http://[2001:db8::1]:80/'), '[2001:db8::1]')
    assert.equal(uriHost('urn:uuid:1'), undefined)
    judge(['a.example', '192.0.2.1', '[2001:db8::1]'], ['a', '', '*.example.com', 'a..b'], isHost)
  })

  it('internal names: without a dot, or below what no public registry delegates', () => {
    judge(
      ['localhost', 'server1', 'a.local', 'a.corp', 'A.INTERNAL', 'a.home.arpa', 'a.test.'],
      ['a.example.com', 'corp.example.com', 'notlocal.com', 'a.arpa', 'a.onion'],
      isInternalName,
    )
  })

  it('addresses of special purpose, to the last of each range', () => {
    const reserved = (text: string) => isReservedAddress(parseIp(text) ?? assert.fail(text))
    judge(
      [
        '10.255.255.255',
        '172.16.0.0',
        '172.31.255.255',
        '100.127.255.255',
        '192.168.255.255',
        '224.0.0.1',
        '198.19.255.255',
      ],
      [
        '9.255.255.255',
        '11.0.0.0',
        '172.15.255.255',
        '172.32.0.0',
        '100.128.0.0',
        '192.169.0.0',
        '223.255.255.255',
        '198.20.0.0',
      ],
      reserved,
    )
    judge(
      [
        '::1',
        'fc00::',
        'fdff:ffff::',
        'fe80::1',
        'febf::',
        '2001:db8:ffff::',
        'ff02::1',
        '2002::1',
        '2001:1ff::',
      ],
      ['2600::', 'fbff::', 'fec0::', '2001:db9::', '2003::', '2001:200::', '2a00::1'],
      reserved,
    )
  })

  it('masks of ones, then zeros', () => {
    const mask = (...octets: readonly number[]) =>
      isNameConstraintMask(Uint8Array.from([10, 0, 0, 0, ...octets]))
    for (const right of [
      [0, 0, 0, 0],
      [255, 0, 0, 0],
      [255, 240, 0, 0],
      [255, 255, 255, 255],
    ])
      assert.ok(mask(...right))
    for (const wrong of [
      [0, 255, 0, 0],
      [255, 15, 0, 0],
      [254, 255, 0, 0],
      [255, 255, 255, 253],
    ])
      assert.ok(!mask(...wrong))
  })
})
