import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toPem } from '../../lab/issue.ts'
import { decodeCertificates, decodePem } from '../../pki/pem.ts'
import { refused } from './support.ts'

const BYTES = Buffer.from('some bytes, any bytes!')
const PEM = toPem(BYTES, 'CERTIFICATE')

describe('PEM', () => {
  it('reads blocks of several kinds with text around them and CRLF', () => {
    const file = `subject: x\r\n${PEM.replaceAll('\n', '\r\n')}\r\n${toPem(BYTES, 'X509 CRL')}# end`
    assert.deepEqual(
      decodePem(Buffer.from(file)).map(({ label, der }) => [label, Buffer.from(der)]),
      [
        ['CERTIFICATE', BYTES],
        ['X509 CRL', BYTES],
      ],
    )
  })

  it('takes certificates from a file that holds a key too, and one certificate as DER', () => {
    assert.equal(decodeCertificates(Buffer.from(toPem(BYTES, 'PRIVATE KEY') + PEM + PEM)).length, 2)
    const der = Buffer.from('3000', 'hex')
    assert.deepEqual(decodeCertificates(der), [der])
  })

  it('refuses damaged files, saying at which line', () => {
    const damaged = [
      PEM.replace('-----END CERTIFICATE-----', ''),
      PEM.replace('END CERTIFICATE', 'END X509 CRL'),
      PEM.replace('\n', '\nProc-Type: 4,ENCRYPTED\n'),
      PEM.replace('==', '='),
      PEM.replace('c29', 'c2.'),
      toPem(Buffer.from('a'), 'CERTIFICATE').replace('YQ==', 'YR=='),
      PEM + PEM.replace('-----END CERTIFICATE-----', PEM),
      '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    ]
    for (const file of damaged) {
      assert.match(
        refused(() => decodePem(Buffer.from(file)), 'decode', 'bad_pem').message,
        /block at line \d+$/,
      )
    }
  })

  it('reads lines that end with CR, are indented, or are empty', () => {
    for (const file of [
      PEM.replaceAll('\n', '\r'),
      PEM.replaceAll('\n', ' \t\n').replace('\n', '\n\n  '),
      PEM.trimEnd(),
    ]) {
      assert.deepEqual(
        decodePem(Buffer.from(file)).map(({ der }) => Buffer.from(der)),
        [BYTES],
      )
    }
  })

  it('needs no memory for lines that say nothing', () => {
    const lines = '\n'.repeat(4_000_000)
    const file = Buffer.from(lines + PEM.replace('\n', `\n${lines}`))
    const before = process.memoryUsage().rss
    const [block, ...others] = decodePem(file)
    assert.ok(process.memoryUsage().rss - before < 32 * 1024 * 1024)
    assert.deepEqual(block === undefined ? undefined : Buffer.from(block.der), BYTES)
    assert.equal(others.length, 0)
    const damaged = file.subarray(0, -3)
    assert.match(refused(() => decodePem(damaged), 'decode', 'bad_pem').message, /block at line 4000001$/)
  })

  it('says what a file without certificates holds', () => {
    const check = (text: string) =>
      refused(() => decodeCertificates(Buffer.from(text)), 'decode', 'bad_pem').message
    assert.match(check('hello'), /got a file with neither/)
    assert.match(check(''), /got a file with neither/)
    assert.match(check(toPem(BYTES, 'X509 CRL')), /got PEM with X509 CRL/)
  })
})
