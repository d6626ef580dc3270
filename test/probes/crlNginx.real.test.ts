import assert from 'node:assert/strict'
import { renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { issueCrl, toPem } from '../../lab/issue.ts'
import { probeCrl } from '../../probes/crl.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { CrlTarget } from '../../probes/probe.ts'
import { needs } from '../support/needs.ts'
import { startNginx } from '../support/nginx.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { context, crlTarget, failedIn, succeeded } from './support.ts'

// CRLs from a real nginx: its validators, its caching headers, its redirects and its compression.

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)

function crl(number: bigint): Promise<Uint8Array> {
  const revoked = Array.from({ length: 200 }, (_, i) => ({ serial: (i + 1).toString(16), at: NOW - DAY }))
  return issueCrl({ issuer: ca, number, thisUpdate: NOW - HOUR, nextUpdate: NOW + DAY, revoked })
}

const HTTP = `
  types { application/pkix-crl crl; }
  server {
    listen 127.0.0.1:PORT;
    listen 127.0.0.2:PORT;
    root ./;
    location = /moved.crl { return 301 /ca.crl; }
    location = /cached.crl { alias ca.crl; expires 1h; }
    location = /until.crl { alias ca.crl; add_header Expires 'Mon, 23 Nov 2026 08:00:00 GMT'; }
    location = /zipped.crl { alias ca.crl; gzip on; gzip_types application/pkix-crl; gzip_min_length 1; gzip_proxied any; }
    location = /text.crl { alias ca.crl; types { } default_type text/plain; }
  }
  server {
    listen 127.0.0.3:PORT;
    root ./;
    location / { return 503; }
  }
`

test('a CRL from nginx', needs('nginx'), async (t) => {
  const body = await crl(1n)
  await using nginx = await startNginx({
    http: HTTP,
    files: { 'ca.crl': body },
    processes: 'several',
  })
  const at = (name: string, host = '127.0.0.1') => crlTarget(`http://${host}:${nginx.port}/${name}`, issuer)
  const look = (target: CrlTarget) => probeCrl(target, context())

  await t.test(
    'comes with validators, and is asked for conditionally until another is published',
    async () => {
      const target = at('ca.crl')
      const memory = new RecordedMemory([target])
      const again = async () => {
        const result = await probeCrl(target, context({ memory }))
        memory.remember(result.observation)
        return { ...succeeded(result), bytes: result.artifacts.length }
      }
      const first = await again()
      assert.match(first.facts.http?.etag ?? '', /^"[0-9a-f]+-[0-9a-f]+"$/)
      assert.equal(first.facts.http?.mediaType, 'application/pkix-crl')
      assert.ok(first.facts.http.lastModified !== undefined)
      const second = await again()
      assert.deepEqual([first.bytes, second.bytes], [1, 0], 'the second answer was 304')
      assert.deepEqual(second.facts, first.facts)
      const file = join(nginx.directory, 'ca.crl')
      writeFileSync(`${file}.new`, await crl(2n))
      // nginx's validators are made of size and seconds.
      const later = Date.now() / 1000 + 2
      utimesSync(`${file}.new`, later, later)
      renameSync(`${file}.new`, file)
      const third = await again()
      assert.equal(third.facts.crl?.number, '2')
      assert.equal(third.facts.crlSeries?.previousNumber, '1')
    },
  )

  await t.test('says how long caches keep it', async () => {
    assert.equal(succeeded(await look(at('cached.crl'))).facts.http?.freshFor, HOUR)
    assert.equal(succeeded(await look(at('until.crl'))).facts.http?.freshUntil, '2026-11-23T08:00:00.000Z')
    assert.equal(succeeded(await look(at('ca.crl'))).facts.http?.freshFor, undefined)
  })

  await t.test('is followed where it moved, and has the type that nginx gives it', async () => {
    const { facts } = succeeded(await look(at('moved.crl')))
    assert.deepEqual(facts.http?.redirects, [at('ca.crl').url])
    assert.equal(succeeded(await look(at('text.crl'))).facts.http?.mediaType, 'text/plain')
  })

  await t.test('is not compressed for us', async () => {
    succeeded(await look(at('zipped.crl')))
  })

  await t.test('is asked for at every node', async () => {
    const nodes = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const target = at('ca.crl', 'crl.example')
    const names = { ...context().names, declared: new Map([['crl.example', nodes]]) }
    const { facts } = succeeded(await probeCrl(target, context({ names })))
    assert.deepEqual(facts.addresses, { all: nodes, failed: ['127.0.0.3 http_status'], differing: [] })
  })

  await t.test('is found while nginx reads its configuration again', async () => {
    const runs = Array.from({ length: 20 }, async (_, i) => {
      if (i === 5) nginx.reload()
      return await look(at('ca.crl'))
    })
    for (const result of await Promise.all(runs)) succeeded(result)
  })

  await t.test('is PEM when somebody put it there as PEM', async () => {
    writeFileSync(join(nginx.directory, 'pem.crl'), toPem(await crl(3n), 'X509 CRL'))
    failedIn(await look(at('pem.crl')), 'decode', 'pem_instead_of_der')
    failedIn(await look(at('none.crl')), 'http', 'http_status')
  })
})
