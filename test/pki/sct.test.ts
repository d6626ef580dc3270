import assert from 'node:assert/strict'
import { createHash, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { extension, issueCertificate } from '../../lab/issue.ts'
import type { KeyPair } from '../../lab/issue.ts'
import { spkiOf } from '../../lab/signing.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { verifySct } from '../../pki/sctSignature.ts'
import { keyPairOf } from './keys.ts'
import { DAY, NOW, entity, flip, refused } from './support.ts'

const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2'
const POISON = '1.3.6.1.4.1.11129.2.4.3'

const ca = await entity({ subject: 'CA' })
const leafKey = keyPairOf('P-256')
const profile = {
  subject: 'shop',
  key: leafKey,
  issuer: ca,
  serial: '5eed',
  notBefore: NOW,
  notAfter: NOW + DAY,
  profile: 'tls_server',
  dns: ['shop.example'],
} as const

interface Log {
  readonly key: KeyPair
  readonly spki: Uint8Array
  readonly id: Buffer
}

function log(type: 'P-256' | 'rsa2048' | 'ed25519'): Log {
  const key = keyPairOf(type)
  const spki = spkiOf(key.publicKey)
  return { key, spki, id: createHash('sha256').update(spki).digest() }
}

function uint(value: number | bigint, octets: number): Buffer {
  return Buffer.from(value.toString(16).padStart(octets * 2, '0'), 'hex')
}

const vector = (contents: Uint8Array, lengthOctets = 2): Buffer =>
  Buffer.concat([uint(contents.length, lengthOctets), contents])

/** A timestamp over the precertificate, as RFC 6962 3.2 says. */
function timestamp({ key, id }: Log, precertificate: Uint8Array, at: number, extensions = ''): Buffer {
  const data = Buffer.concat([
    uint(0, 1),
    uint(0, 1),
    uint(at, 8),
    uint(1, 2),
    createHash('sha256').update(ca.parsed.spki).digest(),
    vector(precertificate, 3),
    vector(Buffer.from(extensions)),
  ])
  const signature = sign('sha256', data, key.privateKey)
  const algorithms = key.publicKey.asymmetricKeyType === 'rsa' ? [4, 1] : [4, 3]
  return Buffer.concat([
    uint(0, 1),
    id,
    uint(at, 8),
    vector(Buffer.from(extensions)),
    Buffer.from(algorithms),
    vector(signature),
  ])
}

const listOf = (scts: readonly Uint8Array[]): Buffer => vector(Buffer.concat(scts.map((sct) => vector(sct))))

const withList = (list: Uint8Array): Promise<Uint8Array> =>
  issueCertificate({ ...profile, extensions: [extension(SCT_LIST, false, lab.octetString(list))] })

const logs = [log('P-256'), log('rsa2048')]
const precertificate = parseCertificate(await issueCertificate(profile)).tbs
const AT = [NOW - 5000, NOW - 4321] as const
const good = await withList(
  listOf(logs.map((l, i) => timestamp(l, precertificate, AT[i] ?? 0, 'x'.repeat(i)))),
)

describe('signed certificate timestamps', () => {
  it('are read and verified with the keys of an EC and an RSA log', () => {
    const certificate = parseCertificate(good)
    assert.deepEqual(
      certificate.scts.map((sct) => [Buffer.from(sct.logId), sct.timestamp, sct.extensions.length]),
      logs.map(({ id }, i) => [id, AT[i], i]),
    )
    assert.equal(certificateFacts(certificate).sctCount, 2)
    assert.deepEqual(certificate.unknownCritical, [])
    certificate.scts.forEach((sct, i) => {
      verifySct(sct, { certificate, issuer: ca.parsed, logKey: logs[i]?.spki ?? new Uint8Array() })
    })
  })

  it('verify with pkijs as well', async () => {
    const known = logs.map(({ id, spki }) => ({
      log_id: id.toString('base64'),
      key: Buffer.from(spki).toString('base64'),
    }))
    const ours = pkijs.Certificate.fromBER(Uint8Array.from(good))
    const issuer = pkijs.Certificate.fromBER(Uint8Array.from(ca.certificate))
    assert.deepEqual(await pkijs.verifySCTsForCertificate(ours, issuer, known), [true, true])
  })

  it('do not verify for another certificate, issuer, time or log', async () => {
    const certificate = parseCertificate(good)
    const [sct] = certificate.scts
    const [ec, rsa] = logs
    assert.ok(sct !== undefined && ec !== undefined && rsa !== undefined)
    const context = { certificate, issuer: ca.parsed, logKey: ec.spki }
    const other = { ...profile, serial: '5eee', extensions: [] }
    const otherCertificate = parseCertificate(await issueCertificate(other))
    const otherIssuer = await entity({ subject: 'CA' })
    const invalid = (check: () => void, code: PkiErrorCode = 'signature_invalid') => {
      refused(check, 'signature', code)
    }
    invalid(() => verifySct(sct, { ...context, certificate: otherCertificate }))
    invalid(() => verifySct(sct, { ...context, issuer: otherIssuer.parsed }))
    invalid(() => verifySct({ ...sct, timestamp: sct.timestamp + 1 }, context))
    invalid(() => verifySct({ ...sct, extensions: Buffer.from('y') }, context))
    for (let bit = 0; bit < sct.signature.length * 8; bit += 7) {
      invalid(() => verifySct({ ...sct, signature: flip(sct.signature, bit) }, context))
    }
    invalid(() => verifySct({ ...sct, signature: new Uint8Array() }, context))
    invalid(() => verifySct(sct, { ...context, logKey: rsa.spki }), 'key_mismatch')
    invalid(() => verifySct({ ...sct, hashAlgorithm: 2 }, context), 'unsupported')
    const edwards = log('ed25519')
    invalid(
      () => verifySct({ ...sct, logId: edwards.id }, { ...context, logKey: edwards.spki }),
      'unsupported',
    )
    const noKey = Buffer.from('x')
    const logId = createHash('sha256').update(noKey).digest()
    invalid(() => verifySct({ ...sct, logId }, { ...context, logKey: noKey }), 'unsupported')
  })

  it('of later versions are passed over', async () => {
    const list = listOf([Buffer.from('01ffff', 'hex'), ...logs.map((l) => timestamp(l, precertificate, NOW))])
    assert.equal(parseCertificate(await withList(list)).scts.length, 2)
  })

  const sct = timestamp(logs[0] ?? log('P-256'), precertificate, NOW)
  const malformed: readonly [name: string, list: Uint8Array, code: PkiErrorCode][] = [
    ['nothing', new Uint8Array(), 'truncated'],
    ['a list that ends early', listOf([sct]).subarray(0, 80), 'truncated'],
    ['octets behind the list', Buffer.concat([listOf([sct]), uint(0, 1)]), 'trailing_bytes'],
    ['an empty timestamp', listOf([new Uint8Array()]), 'truncated'],
    ['a timestamp that ends early', listOf([sct.subarray(0, -1)]), 'truncated'],
    ['octets behind a timestamp', listOf([Buffer.concat([sct, uint(0, 1)])]), 'trailing_bytes'],
    [
      'a time after the year 9999',
      listOf([Buffer.concat([sct.subarray(0, 33), uint(2n ** 63n, 8), sct.subarray(41)])]),
      'bad_time',
    ],
    ['65 timestamps', listOf(Array.from({ length: 65 }, () => sct)), 'too_many'],
  ]
  for (const [name, list, code] of malformed) {
    it(`are refused: ${name}`, async () => {
      const certificate = await withList(list)
      const error = refused(() => parseCertificate(certificate), 'decode', code)
      assert.match(error.path ?? '', /^tbsCertificate\.extensions\[\d+\]\.extnValue/)
    })
  }

  it('come after a poisoned precertificate, which no path accepts', async () => {
    const poison = extension(POISON, true, lab.nullValue())
    const certificate = parseCertificate(await issueCertificate({ ...profile, extensions: [poison] }))
    assert.deepEqual([certificate.isPrecertificate, certificate.unknownCritical], [true, [POISON]])
    assert.equal(certificateFacts(certificate).isPrecertificate, true)
    // A log signs the same for the poisoned certificate as for the final one.
    const [sct] = parseCertificate(good).scts
    assert.ok(sct !== undefined && logs[0] !== undefined)
    verifySct(sct, { certificate, issuer: ca.parsed, logKey: logs[0].spki })
  })
})
