import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../model/config.ts'
import type { Target } from '../../probes/probe.ts'
import { answersFor, declaredHosts, hostOf, targetsOf } from '../../probes/targets.ts'
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

test('an authority gives a target for each CRL and two for each responder, and one for itself', () => {
  const [crl, ocsp, ...rest] = targets({ authorities: [authority] })
  const schedule = { interval: 60_000, timeout: 10_000 }
  assert.deepEqual(crl, {
    probe: 'crl',
    subject: 'ca_crl[issuing-1]',
    address: 'http://crl.example/1.crl',
    url: 'http://crl.example/1.crl',
    fullEvery: 3_600_000,
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
  assert.deepEqual(
    rest.map(({ probe, subject, address, interval }) => [probe, subject, address, interval]),
    [
      ['ocsp_matrix', 'ocsp_responder_status[issuing-1]', 'http://ocsp.example/', 3_600_000],
      ['ca', 'intermediate_ca_cert[issuing-1]', 'inventory:issuing-1', 3_600_000],
    ],
  )
})

test('several addresses of one authority’s CRLs give one more target, which puts them beside each other', () => {
  const crl = [
    { url: 'http://crl.example/{partition}.crl', partitions: 2 },
    { url: 'http://crl.example/all.crl', delta: { url: 'http://crl.example/delta.crl' } },
  ]
  const all = targets({ authorities: [{ ...authority, crl, ocsp: [] }] })
  const found = all.filter(({ probe }) => probe === 'crl' || probe === 'crl_set')
  assert.deepEqual(
    found.map(({ probe, address }) => [probe, address]),
    [
      ['crl', 'http://crl.example/1.crl'],
      ['crl', 'http://crl.example/2.crl'],
      ['crl', 'http://crl.example/all.crl'],
      ['crl', 'http://crl.example/delta.crl'],
      ['crl_set', 'crl_set:issuing-1'],
    ],
  )
  const set = found.at(-1)
  assert.ok(set?.probe === 'crl_set')
  assert.equal(set.declared.length, 4)
  assert.equal(hostOf(set), 'crl_set:issuing-1')
  assert.ok(answersFor(set, 'ca_crl[issuing-1]'))
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
  assert.deepEqual(schedules.slice(0, 2), [
    ['crl', 300_000, 20_000],
    ['ocsp', 30_000, 3_000],
  ])
})

test('the same URL is probed once; the same responder about two certificates is two targets, and one in the matrix', () => {
  const url = 'http://ocsp.example/'
  const ocsp = [
    { url, serial: '01' },
    { url, certificate: 'good.pem' },
    { url, serial: '0001' },
  ]
  const crl = [...authority.crl, ...authority.crl]
  const found = targets({ authorities: [{ ...authority, crl, ocsp }] })
  assert.deepEqual(
    found.filter((t) => t.probe !== 'ca').map((t) => t.address),
    ['http://crl.example/1.crl', `${url}#1`, `${url}#beef`, url],
  )
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
  assert.deepEqual(
    found.map((t) => `${t.probe} ${hostOf(t)}`),
    [
      'crl crl.example:443',
      'crl ::1:8080',
      // It talks to nobody.
      'crl_set crl_set:issuing-1',
      'ocsp ocsp.example:80',
      'ocsp_matrix ocsp.example:80',
      'ca inventory:issuing-1',
      'tls shop.example:443',
    ],
  )
  assert.deepEqual(found.flatMap(declaredHosts).toSorted(), [
    '::1:8080',
    'crl.example:443',
    'ocsp.example:80',
    'ocsp.example:80',
    'shop.example:443',
  ])
})

/** Everything that can be declared about places. */
const WHOLE = {
  authorities: [
    {
      id: 'issuing-1',
      certificate: 'i.pem',
      ca_issuers: ['http://aia.example/1.cer'],
      crl: [
        { url: 'http://crl.example/1.crl', copies: ['http://mirror.example/1.crl'] },
        { url: 'http://crl.example/p{partition}.crl', partitions: ['0', '1'] },
        { url: 'http://crl.example/2.crl', delta: { url: 'http://crl.example/2-delta.crl' } },
      ],
      ocsp: [
        { url: 'http://ocsp.example/a', certificate: 'good.pem', revoked: '0bad' },
        { url: 'http://ocsp.example/b', serial: '01' },
      ],
    },
  ],
  services: [
    {
      id: 'shop',
      endpoint: 'shop.example:443',
      issuer: 'issuing-1',
      client: { certificate_file: 'c.pem', key_file: 'k.pem' },
      mtls: {},
    },
    { id: 'shop', environment: 'test', endpoint: '[::1]:8443', issuer: 'issuing-1' },
  ],
  systems: [
    { id: 'ejbca', kind: 'ejbca', url: 'https://ca.example:8443' },
    { id: 'dagster', kind: 'dagster', url: 'http://dagster.example:3000' },
  ],
}

test('M06: every place that the inventory names is looked at by some probe', () => {
  const places = placesIn(configSchema.parse({ inventory: WHOLE }).inventory)
  assert.ok(places.length >= 12, places.join())
  const looked = new Set(
    targets(WHOLE).flatMap((t) => [
      t.address,
      ...('url' in t ? [t.url] : []),
      ...('urls' in t ? t.urls : []),
    ]),
  )
  const wanted = places.flatMap((place) =>
    place.includes('{partition}') ? ['0', '1'].map((n) => place.replace('{partition}', n)) : [place],
  )
  assert.deepEqual(
    wanted.filter((place) => !looked.has(place)),
    [],
  )
})

test('M06: no two targets are taken for each other', () => {
  const keys = targets(WHOLE).map((t) => `${t.subject} ${t.probe} ${t.address}`)
  assert.equal(new Set(keys).size, keys.length, keys.join('\n'))
  assert.deepEqual([...new Set(targets(WHOLE).map(({ probe }) => probe))].toSorted(), [
    ...['ca', 'crl', 'crl_set', 'health', 'mtls', 'ocsp', 'ocsp_matrix', 'tls'],
  ])
})

/** URLs and `host:port`, wherever they stand. */
function placesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^([a-z]+:\/\/|\[?[a-z0-9.:]+\]?:\d+$)/.test(value) ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(placesIn) : []
}

test('a service that opts in gives a target more, with the credentials that there are, read anew each time', () => {
  const files = { certificate_file: 'c.pem', key_file: 'k.pem' }
  const service = {
    ...{ id: 'shop', endpoint: 'shop.example:443', issuer: 'issuing-1' },
    ...{ client: files, mtls: { path: '/api', revoked: files } },
  }
  const current = { text: 'CERTIFICATE' }
  const [, found] = targetsOf({
    config: configSchema.parse({ inventory: { services: [service] } }),
    authorities: new Map([['issuing-1', issuing]]),
    knownGood: new Map(),
    certificateFiles: new Map(),
    issued: new Map(),
    anchors: new Map(),
    credentials: new Map([
      ['c.pem', current],
      ['k.pem', { text: 'KEY' }],
    ]),
  })
  assert.ok(found?.probe === 'mtls')
  assert.deepEqual(
    [found.subject, found.path, found.interval, Object.keys(found.credentials)],
    ['service_tls_health[shop,prod]', '/api', 86_400_000, ['valid', 'revoked']],
  )
  assert.equal(found.credentials.valid?.certificate, 'CERTIFICATE')
  current.text = 'RENEWED'
  assert.equal(found.credentials.valid.certificate, 'RENEWED')
})

test('a system gives a target about what it is to the PKI', () => {
  const kinds = ['ejbca', 'ejbca_rest', 'dogtag', 'certctl', 'dagster']
  const systems = kinds.map((kind) => ({ id: `a-${kind}`, kind, url: `https://${kind}.example/pki` }))
  const found = targets({ systems })
  assert.deepEqual(
    found.map(({ probe, subject }) => `${probe} ${subject}`),
    [
      'health ca_server[a-ejbca]',
      'health ca_server[a-ejbca_rest]',
      'health ca_server[a-dogtag]',
      'health control_plane[a-certctl]',
      'health control_plane[a-dagster]',
    ],
  )
  assert.deepEqual(found.slice(0, 1).map(hostOf), ['ejbca.example:443'])
})

const KINDS_OF_LOGS: readonly string[] = ['reconciliation', 'ocsp_revocations', 'issued', 'issuance']

test('an authority that a log tells of has its CRLs, and what its services serve, put beside the log', () => {
  const service = { id: 'shop', endpoint: 'shop.example:443', issuer: 'issuing-1' }
  const inventory = { authorities: [authority], services: [service] }
  const withLog = (log: object): string[] =>
    targets({ ...inventory, logs: [{ id: 'log', path: 'log', ...log }] })
      .filter(({ probe }) => KINDS_OF_LOGS.includes(probe))
      .map(({ probe, subject }) => `${probe} ${subject}`)
  const expected = [
    'reconciliation ca_crl[issuing-1]',
    'ocsp_revocations ocsp_responder_status[issuing-1]',
    'issued intermediate_ca_cert[issuing-1]',
    'issuance deployed_service_cert[shop,prod]',
  ]
  assert.deepEqual(withLog({ format: 'ejbca', authorities: ['issuing-1'] }), expected)
  assert.deepEqual(withLog({ format: 'ejbca' }), expected)
  assert.deepEqual(withLog({ format: 'ejbca', authorities: ['another'] }), [])
})

test('a log that does not say which authority it is about must name one, and say what its events mean', () => {
  const told = (log: object): boolean =>
    targets({ authorities: [authority], logs: [{ id: 'log', path: 'log', ...log }] }).some(
      ({ probe }) => probe === 'reconciliation',
    )
  const one = { authorities: ['issuing-1'] }
  const two = { authorities: ['issuing-1', 'another'] }
  for (const format of ['dogtag', 'certctl'])
    assert.deepEqual(
      [{}, one, two].map((more) => told({ format, ...more })),
      [false, true, false],
    )
  const json = (more: object, means?: string): object => ({
    format: 'json',
    json: { time: 't', action: 'a', actions: { x: { means } }, ...more },
  })
  assert.deepEqual(
    [{}, one, two].map((more) => told({ ...json({}, 'revoked'), ...more })),
    [false, true, false],
  )
  assert.deepEqual(
    [{}, one, two].map((more) => told({ ...json({ ca_id: 'ca' }, 'revoked'), ...more })),
    [true, true, true],
  )
  assert.equal(told({ ...json({ ca_id: 'ca' }), ...one }), false)
})
