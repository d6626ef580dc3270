import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Issuer as Signer } from '../../lab/issue.ts'
import { inventorySchema } from '../../model/config.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { resolveIssuers, type ResolvedIssuers } from '../../probes/issuers.ts'
import { DAY, entity, NOW } from './pki.ts'

const root = await entity({ subject: 'Root' })
const ca = await entity({ subject: 'Issuing 1', issuer: root })
const sub = await entity({ subject: 'Sub', issuer: ca })
const stranger = await entity({ subject: 'Root' })
const server = await entity({ subject: 'server', issuer: root, profile: 'tls_server' })

type Declared = Readonly<Record<string, { certificate: Signer; issuer?: string }>>

function resolve(declared: Declared, serviceIssuer = Object.keys(declared)[0] ?? ''): ResolvedIssuers {
  const inventory = inventorySchema.parse({
    authorities: Object.entries(declared).map(([id, { issuer }]) => ({
      id,
      certificate: `${id}.pem`,
      ...(issuer === undefined ? {} : { issuer }),
    })),
    services: [{ id: 'shop', endpoint: 'shop.example:443', issuer: serviceIssuer }],
  })
  const certificates = Object.entries(declared).map(
    ([id, { certificate }]) => [id, parseCertificate(certificate.certificate)] as const,
  )
  return resolveIssuers(inventory, new Map(certificates))
}

function problems(resolved: ResolvedIssuers): string[] {
  assert.equal(resolved.ok, false)
  return resolved.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

test('each authority gets those above it, up to the root', () => {
  const resolved = resolve({
    sub: { certificate: sub, issuer: 'issuing-1' },
    'issuing-1': { certificate: ca, issuer: 'root' },
    root: { certificate: root },
  })
  assert.ok(resolved.ok)
  const chain = [...resolved.issuers.values()].map(({ id, certificate, ancestors }) => [
    id,
    certificate.subject.text,
    ...ancestors.map((a) => a.subject.text),
  ])
  assert.deepEqual(chain, [
    ['sub', 'CN=Sub', 'CN=Issuing 1', 'CN=Root'],
    ['issuing-1', 'CN=Issuing 1', 'CN=Root'],
    ['root', 'CN=Root'],
  ])
})

test('an expired authority is no mistake in the configuration', async () => {
  const old = await entity({ subject: 'Old', notBefore: NOW - 9 * DAY, notAfter: NOW - DAY })
  assert.ok(resolve({ old: { certificate: old } }).ok)
})

test('an unknown issuer is named with those that are declared', () => {
  const found = problems(
    resolve({ root: { certificate: root }, a: { certificate: ca, issuer: 'rot' } }, 'shop'),
  )
  assert.deepEqual(found, [
    'inventory.authorities.1.issuer: expected the id of a declared authority (root, a), got rot',
    'inventory.services.0.issuer: expected the id of a declared authority (root, a), got shop',
  ])
})

test('a cycle is reported at each of its members, and ends', () => {
  const found = problems(
    resolve({
      a: { certificate: ca, issuer: 'b' },
      b: { certificate: root, issuer: 'a' },
      c: { certificate: sub, issuer: 'a' },
    }),
  )
  assert.equal(found.length, 2)
  assert.match(found[0] ?? '', /^inventory\.authorities\.0\.issuer: .*cycle through a/)
  assert.match(found[1] ?? '', /^inventory\.authorities\.1\.issuer: .*cycle through b/)
})

test('an issuer with another name, or another key of the same name, did not sign it', () => {
  const named = problems(resolve({ a: { certificate: sub, issuer: 'root' }, root: { certificate: root } }))
  assert.match(named[0] ?? '', /expected the authority with the subject CN=Issuing 1, got CN=Root/)
  const keyed = problems(resolve({ a: { certificate: ca, issuer: 'root' }, root: { certificate: stranger } }))
  assert.match(keyed[0] ?? '', /signature/)
})

test('a server certificate is no authority', () => {
  const found = problems(resolve({ a: { certificate: server } }))
  assert.match(found[0] ?? '', /^inventory\.authorities\.0\.certificate: expected a CA certificate/)
})

test('the same id twice', () => {
  const inventory = inventorySchema.parse({
    authorities: [
      { id: 'a', certificate: 'a.pem' },
      { id: 'a', certificate: 'b.pem' },
    ],
  })
  const found = problems(resolveIssuers(inventory, new Map()))
  assert.deepEqual(found, ['inventory.authorities.1.id: expected a new id, got a again'])
})
