import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followPolicy } from '../../probes/fetch/follow.ts'

/** Is this address of an undeclared host allowed? */
function allows(address: string, networks: readonly string[] = []): boolean {
  return followPolicy({ networks, declared: [] }).allows({ host: 'aia.example', port: 80, address })
}

test('public addresses are followed', () => {
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '223.255.255.254', '2606:4700::1111'])
    assert.equal(allows(address), true, address)
})

test('what is not globally reachable is refused', () => {
  const refused = [
    // loopback, unspecified
    ...['127.0.0.1', '127.255.255.254', '::1', '0.0.0.0', '::'],
    // private
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd00::1', 'fec0::1'],
    // link-local: among them the metadata service of clouds
    ...['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254'],
    // multicast, broadcast, reserved, documentation, benchmarks
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      'ff02::1',
      '192.0.2.1',
      '198.18.0.1',
      '2001:db8::1',
      '3fff::1',
    ],
    // IPv6 that carries an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo
    ...[
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:8.8.8.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001::1',
    ],
  ]
  for (const address of refused) assert.equal(allows(address), false, address)
})

test('networks that are named are followed, and no others', () => {
  const networks = ['10.1.0.0/16', 'fd00:1::/32', '192.168.7.7/32']
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:1::9', '192.168.7.7'])
    assert.equal(allows(address, networks), true, address)
  for (const address of ['10.2.0.1', 'fd00:2::9', '192.168.7.8', '127.0.0.1'])
    assert.equal(allows(address, networks), false, address)
})

test('what is declared is followed wherever it is: its host at its ports and those of the web', () => {
  const declared = ['crl.internal:8080', '127.0.0.1:9999', 'fd00::1:2560', '[fd00::2]:443']
  const { allows: follows } = followPolicy({ networks: [], declared })
  const at = (host: string, port: number): boolean => follows({ host, port, address: '10.0.0.1' })
  assert.equal(at('crl.internal', 8080), true)
  assert.equal(at('CRL.internal.', 443), true)
  assert.equal(at('[fd00::1]', 2560), true)
  assert.equal(at('[fd00::2]', 80), true)
  assert.equal(at('crl.internal', 6379), false)
  assert.equal(at('127.0.0.1', 9200), false)
  assert.equal(at('other.internal', 80), false)
})

test('what is no network is refused when the policy is made', () => {
  for (const text of ['10.0.0.0', '10.0.0.0/33', 'crl.internal/8', '10.0.0.0/', '/8', '::/129'])
    assert.throws(() => followPolicy({ networks: [text], declared: [] }), RangeError, text)
})
