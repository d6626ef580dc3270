import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { CommandError } from '../../cli/exit.ts'
import { parseAt } from '../../cli/inspect/at.ts'
import { readAll, type Source } from '../../cli/inspect/input.ts'
import { readCrls, readIssuers } from '../../cli/inspect/given.ts'
import { combine, exitCodeOf } from '../../cli/inspect/document.ts'
import { lookAtFiles } from '../../cli/inspect/files.ts'
import { lookAt } from '../../cli/inspect/look.ts'
import { toPem } from '../../lab/issue.ts'
import { recorded, recordedCertificate, refused } from '../pki/support.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { AROUND, outcome, unasked } from './inspections.ts'

const CRL = Buffer.from(recorded('issuing_crl.crl'))
const CERTIFICATE = Buffer.from(recordedCertificate('alice.pem').der)
const PEM = toPem(CRL, 'X509 CRL')
const base64 = CRL.toString('base64')
const wrapped = base64.replace(/.{64}/g, '$&\n')

for (const [name, text] of Object.entries({
  DER: CRL,
  PEM,
  'PEM with CRLF and text around it': `Subject: x\r\n${PEM.replaceAll('\n', '\r\n')}\r\nbye\r\n`,
  'PEM behind text that begins with the octet of a SEQUENCE': `0 s:CN = shop.example.org, O = Example\n${PEM}`,
  'PEM behind a byte order mark': `\ufeff${PEM}`,
  base64,
  'base64 in lines': wrapped,
  'base64 in lines of CRLF, indented': wrapped.replaceAll('\n', '\r\n  '),
  'base64url without padding': CRL.toString('base64url'),
  'base64url with padding': base64.replaceAll('+', '-').replaceAll('/', '_'),
})) {
  test(`a CRL is read from ${name}`, () => {
    const [inspection] = lookAt('crl', Buffer.from(text), unasked())
    assert.equal(inspection?.facts['number'], '5', JSON.stringify(inspection))
    assert.equal(inspection.facts['size'], CRL.length)
  })
}

for (const [name, bytes, expected] of [
  ['an empty file', Buffer.alloc(0), 'truncated'],
  ['zeros', Buffer.alloc(100_000), 'not_der'],
  ['text', Buffer.from('<html><body>404 Not Found</body></html>'), 'not_der'],
  ['base64 of something else', Buffer.from(Buffer.from('hello world').toString('base64')), 'not_der'],
  ['base64 with a character too many', Buffer.from(`${base64}A`), 'not_der'],
  ['base64 with stray bits at its end', Buffer.from(base64.replace(/.(?===$)/, '9')), 'not_der'],
  ['base64 with a character that is none', Buffer.from(base64.replace(/.$/, '*')), 'not_der'],
  ['a CRL that ends in the middle', CRL.subarray(0, 150), 'truncated'],
  ['a CRL with an octet behind it', Buffer.concat([CRL, Buffer.alloc(1)]), 'trailing_bytes'],
  ['two CRLs one behind the other', Buffer.concat([CRL, CRL]), 'trailing_bytes'],
  ['a certificate', CERTIFICATE, 'unexpected_tag'],
  ['PEM of another kind', Buffer.from(recorded('alice.pem')), 'bad_pem'],
  ['PEM that does not end', Buffer.from(PEM.slice(0, -20)), 'bad_pem'],
  ['a length that overflows', Buffer.from('3088ffffffffffffffff', 'hex'), 'bad_length'],
] as const) {
  test(`${name} is a malformed CRL, and the document says why`, () => {
    const [inspection, ...others] = lookAt('crl', bytes, unasked())
    assert.ok(inspection !== undefined && others.length === 0)
    assert.equal(outcome(inspection), `malformed decode ${expected}`)
    assert.notEqual(inspection.error?.message, '')
    assert.equal(inspection.facts['size'], bytes.length)
    assert.equal(exitCodeOf(inspection), 1)
  })
}

test('PEM of another kind says what it is', () => {
  const [inspection] = lookAt('crl', recorded('alice.pem'), unasked())
  assert.equal(inspection?.error?.message, 'expected PEM with X509 CRL or CRL, got CERTIFICATE')
})

test('every object of a PEM file is looked at; the document is one, with the worst verdict and each object', () => {
  const bundle = [recorded('alice.pem'), recorded('issuing-ca.pem'), Buffer.from(toPem(CRL, 'CERTIFICATE'))]
  const found = lookAt('cert', Buffer.concat(bundle), unasked())
  assert.deepEqual(found.map(outcome), ['unverified', 'unverified', 'malformed decode unexpected_tag'])
  const [first, ...others] = found
  assert.ok(first !== undefined)
  const document = combine([first, ...others])
  assert.equal(outcome(document), 'malformed decode unexpected_tag')
  assert.deepEqual('objects' in document && document.objects, found)
  assert.equal(combine([first]), first)
})

function source(chunks: readonly number[], size?: number): Source {
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const length of chunks) yield Buffer.alloc(length)
  }
  return { name: 'test', size, chunks: bytes() }
}

test('no more is read than the limit, which the error names', async () => {
  assert.equal((await readAll(source([3, 4, 3]), 10)).length, 10)
  const tooLarge = async (given: Source): Promise<string> => {
    const error: unknown = await readAll(given, 10).catch((reason: unknown) => reason)
    const rethrow = (): never => {
      throw error
    }
    return refused(rethrow, 'decode', 'too_large').message
  }
  assert.equal(await tooLarge(source([10, 1])), 'expected at most 10 octets of input, got more')
  assert.equal(await tooLarge(source([], 11)), 'expected at most 10 octets of input, got 11')
})

test('what comes by a pipe and can be no CRL is not read to its end', async () => {
  let read = 0
  async function* zeros(): AsyncGenerator<Uint8Array> {
    for (; read < 100; read++) yield await Promise.resolve(Buffer.alloc(10))
  }
  const { document } = await lookAtFiles('crl', ['-'], unasked(), { ...AROUND, stdin: zeros() })
  assert.equal(outcome(document), 'malformed decode not_der')
  assert.ok(read < 10, `${read}`)
})

test('times are taken with their zone only', () => {
  assert.equal(parseAt('2026-11-22T05:15:00Z'), Date.parse('2026-11-22T05:15:00Z'))
  assert.equal(parseAt('2026-11-22T05:15Z'), Date.parse('2026-11-22T05:15:00Z'))
  assert.equal(parseAt('2026-11-22 07:15:00.5+02:00'), Date.parse('2026-11-22T05:15:00.500Z'))
  assert.equal(parseAt('2026-11-22'), Date.parse('2026-11-22T00:00:00Z'))
  for (const text of ['', 'now', '2026-11-22T05:15:00', '2026-02-30', '2026-13-01T00:00:00Z', '1790000000'])
    assert.throws(() => parseAt(text), /expected a time such as/, text)
})

test('issuers from a file without an end are too many', { skip: !existsSync('/dev/zero') }, () => {
  assert.throws(
    () => readIssuers(['/dev/zero']),
    (error) =>
      error instanceof CommandError && error.exitCode === 2 && /at most 16777216/.test(error.message),
  )
})

test('an issuer or a CRL to check against that is none is a mistake of the command line', () => {
  using directory = temporaryDirectory()
  for (const [file, message] of [
    [`${directory.path}/missing`, /missing: no such file/],
    [directory.path, /is a directory/],
    [new URL('../fixtures/ejbca-real/issuing_crl.crl', import.meta.url).pathname, /not a certificate/],
  ] as const)
    assert.throws(
      () => readIssuers([file]),
      (error) => error instanceof CommandError && error.exitCode === 2 && message.test(error.message),
    )
  assert.throws(
    () => readCrls([new URL('../fixtures/ejbca-real/ca.pem', import.meta.url).pathname]),
    /ca\.pem: not a CRL: expected PEM with X509 CRL or CRL, got CERTIFICATE/,
  )
})
