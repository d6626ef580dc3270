import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../model/config.ts'
import type { Target } from '../../probes/probe.ts'
import { answersFor, hostOf, targetsOf } from '../../probes/targets.ts'
import { declared, entity } from './pki.ts'

const issuing = declared('issuing-1', await entity({ subject: 'Issuing 1' }))

function targets(inventory: unknown, probes: unknown = {}): Target[] {
  return targetsOf({
    config: configSchema.parse({ inventory, probes }),
    authorities: new Map([['issuing-1', issuing]]),
    issued: new Map(),
    knownGood: new Map([['good.pem', 'beef']]),
    certificateFiles: new Map([['shop.pem', '/etc/vigil/shop.pem']]),
    anchors: new Map(),
    credentials: new Map([
      ['c.pem', { text: 'CERTIFICATE' }],
      ['k.pem', { text: 'KEY' }],
    ]),
  })
}

const authority = {
  id: 'issuing-1',
  certificate: 'i.pem',
  crl: [{ url: 'http://crl.example/1.crl' }],
  ocsp: [{ url: 'http://ocsp.example/', certificate: 'good.pem' }],
}

test('an authority gives a target for each CRL and each responder', () => {
  const [crl, ocsp, ...rest] = targets({ authorities: [authority] })
  const schedule = { interval: 60_000, timeout: 10_000 }
  assert.deepEqual(crl, {
    probe: 'crl',
    subject: 'ca_crl[issuing-1]',
    address: 'http://crl.example/1.crl',
    url: 'http://crl.example/1.crl',
    ...schedule,
    issuer: issuing,
    distribution: {
      url: 'http://crl.example/1.crl',
      series: 'http://crl.example/1.crl',
      urls: ['http://crl.example/1.crl'],
      deltaUrls: [],
      partition: undefined,
      isDelta: false,
      schedule: undefined,
    },
    issued: [],
  })
  assert.deepEqual(ocsp, {
    probe: 'ocsp',
    subject: 'ocsp_responder_status[issuing-1]',
    address: 'http://ocsp.example/',
    url: 'http://ocsp.example/',
    ...schedule,
    issuer: issuing,
    serial: 'beef',
  })
  assert.deepEqual(rest, [])
})

test('a service gives a target with its issuer’s responder and its credentials', () => {
  const service = {
    id: 'shop',
    environment: 'test',
    endpoint: '[2001:db8::1]:8443',
    servername: 'shop.example',
    issuer: 'issuing-1',
    owner: 'team',
    starttls: 'smtp',
    certificate: 'shop.pem',
    client: { certificate_file: 'c.pem', key_file: 'k.pem' },
  }
  const found = targets({ authorities: [authority], services: [service] }).at(-1)
  assert.deepEqual(found, {
    probe: 'tls',
    subject: 'service_tls_health[shop,test]',
    address: '[2001:db8::1]:8443',
    interval: 60_000,
    timeout: 10_000,
    host: '2001:db8::1',
    port: 8443,
    servername: 'shop.example',
    startTls: 'smtp',
    service: { id: 'shop', environment: 'test', owner: 'team' },
    issuer: issuing,
    ocspUrl: 'http://ocsp.example/',
    locations: { crl: ['http://crl.example/1.crl'], ocsp: ['http://ocsp.example/'], caIssuers: [] },
    certificateFile: '/etc/vigil/shop.pem',
    client: { certificate: 'CERTIFICATE', key: 'KEY' },
  })
})

test('the server name is the endpoint’s host unless declared', () => {
  const service = { id: 'shop', endpoint: 'shop.example:443', issuer: 'issuing-1' }
  const found = targets({ authorities: [{ ...authority, ocsp: [] }], services: [service] }).at(-1)
  assert.ok(found?.probe === 'tls')
  assert.deepEqual([found.servername, found.ocspUrl, found.client], ['shop.example', undefined, undefined])
})

test('each kind may have its own interval and timeout', () => {
  const probes = { interval: '5m', timeout: '3s', ocsp: { interval: '30s' }, crl: { timeout: '20s' } }
  const schedules = targets({ authorities: [authority] }, probes).map((t) => [t.probe, t.interval, t.timeout])
  assert.deepEqual(schedules, [
    ['crl', 300_000, 20_000],
    ['ocsp', 30_000, 3_000],
  ])
})

test('the same URL is probed once; the same responder about two certificates is two targets', () => {
  const url = 'http://ocsp.example/'
  const ocsp = [
    { url, serial: '01' },
    { url, certificate: 'good.pem' },
    { url, serial: '0001' },
  ]
  const crl = [...authority.crl, ...authority.crl]
  const addresses = targets({ authorities: [{ ...authority, crl, ocsp }] }).map((t) => t.address)
  assert.deepEqual(addresses, ['http://crl.example/1.crl', `${url}#1`, `${url}#beef`])
})

test('a reference that the loader let through is its mistake', () => {
  assert.throws(() => targets({ authorities: [{ ...authority, id: 'other' }] }), RangeError)
})

test('a service’s target answers for its endpoint, its health and its deployed certificate', () => {
  const service = { id: 'shop', endpoint: 'shop.example:443', issuer: 'issuing-1' }
  const found = targets({ authorities: [authority], services: [service] })
  const answering = (name: string): string[] => found.filter((t) => answersFor(t, name)).map((t) => t.probe)
  assert.deepEqual(answering('shop.example:443'), ['tls'])
  assert.deepEqual(answering('service_tls_health[shop,prod]'), ['tls'])
  assert.deepEqual(answering('deployed_service_cert[shop,prod]'), ['tls'])
  assert.deepEqual(answering('ca_crl[issuing-1]'), ['crl'])
  assert.deepEqual(answering('deployed_service_cert[shop,test]'), [])
})

test('the host of a target has a port', () => {
  const service = { id: 'shop', endpoint: 'Shop.example:443', issuer: 'issuing-1' }
  const crl = [{ url: 'https://CRL.example/x' }, { url: 'http://[::1]:8080/x' }]
  const found = targets({ authorities: [{ ...authority, crl }], services: [service] })
  assert.deepEqual(found.map(hostOf), ['crl.example:443', '::1:8080', 'ocsp.example:80', 'shop.example:443'])
})
