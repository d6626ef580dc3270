import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../model/config.ts'

const allowedHosts = (hosts: unknown) =>
  configSchema.safeParse({ inventory: {}, server: { allowed_hosts: hosts } })

test('allowed hosts are Host headers, in lower case, none unless named', () => {
  const parsed = allowedHosts([
    'Vigil.example.org',
    'vigil.pki-vigil.svc:9480',
    '192.0.2.1:30480',
    '[2001:db8::1]:80',
  ])
  assert.deepEqual(parsed.data?.server.allowed_hosts, [
    'vigil.example.org',
    'vigil.pki-vigil.svc:9480',
    '192.0.2.1:30480',
    '[2001:db8::1]:80',
  ])
  assert.deepEqual(configSchema.parse({ inventory: {} }).server.allowed_hosts, [])
})

test('an allowed host is no pattern and no URL', () => {
  for (const host of [
    '*',
    '*.example.org',
    'https://vigil.example.org',
    'vigil.example.org/',
    '',
    '.example.org',
    'a b',
  ])
    assert.equal(allowedHosts([host]).success, false, host)
})
