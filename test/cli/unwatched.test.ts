import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unwatched } from '../../cli/unwatched.ts'
import { inventorySchema } from '../../model/config.ts'

test('M06: what nobody looks at is named, with what would change that', () => {
  const client = { certificate_file: 'c.pem', key_file: 'k.pem' }
  const service = { endpoint: 'shop.test:443', issuer: 'issuing-1', client }
  const json = { module: 'ca', time: 't', action: 'a' }
  const inventory = inventorySchema.parse({
    authorities: [
      { id: 'issuing-1', certificate: '1.pem', crl: [{ url: 'http://crl.test/1.crl' }] },
      { id: 'issuing-2', certificate: '2.pem', ocsp: [{ url: 'http://ocsp.test/', serial: '01' }] },
      { id: 'issuing-3', certificate: '3.pem' },
    ],
    services: [
      { id: 'asked', ...service, mtls: {} },
      { id: 'open', ...service, client: undefined },
      { id: 'trusted', environment: 'test', ...service },
    ],
    logs: [
      { id: 'of-one', format: 'dogtag', path: 'a', authorities: ['issuing-1'] },
      { id: 'of-two', format: 'dogtag', path: 'b', authorities: ['issuing-1', 'issuing-2'] },
      { id: 'mapped', format: 'json', path: 'c', json: { ...json, actions: { sign: { means: 'issued' } } } },
      { id: 'meaningless', format: 'json', path: 'd', json },
      { id: 'says-it', format: 'ejbca', path: 'e' },
    ],
  })
  assert.deepEqual(
    unwatched(inventory).map((line) => line.split(':')[0]),
    ['issuing-3', 'trusted (test)', 'of-two', 'mapped'],
  )
})
