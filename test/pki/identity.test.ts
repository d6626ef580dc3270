import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { matchesIdentity } from '../../pki/identity.ts'
import { formatIp, formatSubnet, parseIp } from '../../pki/ip.ts'
import { entity } from './support.ts'

const server = await entity({
  subject: 'cn.example.org',
  profile: 'tls_server',
  dns: [
    'shop.example.org',
    '*.api.example.org',
    'UPPER.example.org',
    'f*o.example.org',
    '*',
    '*.*.example.net',
    '10.0.0.9',
  ],
  ip: ['10.0.0.1', '2001:db8::1'],
})

const MATCHES = [
  'shop.example.org',
  'SHOP.example.ORG',
  'shop.example.org.',
  'v1.api.example.org',
  'upper.example.org',
  '10.0.0.1',
  '2001:db8:0:0::1',
  '2001:DB8::0.0.0.1',
  '[2001:db8::1]',
  'xn--bcher-kva.api.example.org',
  'bücher.api.example.org',
]

const OTHERS = [
  'cn.example.org',
  'example.org',
  'api.example.org',
  'a.b.api.example.org',
  '*.api.example.org',
  'foo.example.org',
  'localhost',
  'a.b.example.net',
  '10.0.0.2',
  '10.0.0.9',
  '10.0.0.01',
  '::ffff:10.0.0.1',
  '2001:db8::2',
  'shop.example.org..',
  '.api.example.org',
  '-.api.example.org',
  'shop.example.org\0.evil.example',
  '',
  '.',
]

describe('identity of a service (RFC 9525)', () => {
  for (const host of MATCHES) {
    it(`finds ${host}`, () => assert.ok(matchesIdentity(server.parsed, host)))
  }
  for (const host of OTHERS) {
    it(`does not find ${JSON.stringify(host)}`, () => assert.ok(!matchesIdentity(server.parsed, host)))
  }

  it('agrees with node:crypto wherever both have a say', () => {
    const node = new X509Certificate(server.certificate)
    const options = { subject: 'never', wildcards: true, partialWildcards: false } as const
    for (const host of MATCHES.filter((h) => /^[\x21-\x7e]+$/.test(h) && !h.startsWith('['))) {
      const found = isIP(host) > 0 ? node.checkIP(host) : node.checkHost(host.replace(/\.$/, ''), options)
      assert.ok(found !== undefined, host)
    }
    for (const host of OTHERS.filter((h) => /^[a-z0-9.:]+$/.test(h) && h !== '10.0.0.9')) {
      // OpenSSL reads a leading dot as "any subdomain"; and node takes 10.0.0.01 for a name.
      if (host.startsWith('.') || host === '10.0.0.01') continue
      assert.equal(isIP(host) > 0 ? node.checkIP(host) : node.checkHost(host, options), undefined, host)
    }
  })
})

describe('IP addresses', () => {
  it('reads and writes what URL does', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const octets = parseIp(text)
        assert.ok(octets !== undefined)
        assert.equal(`[${formatIp(octets)}]`, new URL(`http://[${text}]/`).hostname)
        assert.deepEqual(parseIp(formatIp(octets)), octets)
      }),
    )
    fc.assert(
      fc.property(fc.ipV4(), (text) => assert.equal(formatIp(parseIp(text) ?? new Uint8Array()), text)),
    )
  })

  it('writes a subnet with its prefix, and a mask with gaps as it is', () => {
    for (const [address, mask, text] of [
      ['10.0.0.0', '255.0.0.0', '10.0.0.0/8'],
      ['0.0.0.0', '0.0.0.0', '0.0.0.0/0'],
      ['192.0.2.1', '255.255.255.255', '192.0.2.1/32'],
      ['10.0.0.0', '255.0.255.0', '10.0.0.0/255.0.255.0'],
      ['2001:db8::', 'ffff:ffff:8000::', '2001:db8::/33'],
    ] as const) {
      const octets = Buffer.concat([address, mask].map((part) => parseIp(part) ?? assert.fail(part)))
      assert.equal(formatSubnet(octets), text)
    }
  })

  it('refuses what node:net refuses', () => {
    const parts = fc.array(
      fc.constantFrom('1', '0', ':', '::', '.', 'ffff', '10.0.0.1', '256', 'g', '%eth0', ''),
      {
        maxLength: 12,
      },
    )
    fc.assert(
      fc.property(parts, (words) => {
        const text = words.join('')
        const zoned = text.includes('%')
        assert.equal(parseIp(text) !== undefined, isIP(text) > 0 && !zoned, text)
      }),
      { numRuns: 2000 },
    )
  })
})
