import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { describe, it } from 'node:test'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { extension, issueCrl } from '../../lab/issue.ts'
import type { CrlRequest } from '../../lab/issue.ts'
import { checkCrlTimes, crlFacts, parseCrl, verifyCrl } from '../../pki/crl.ts'
import type { Crl } from '../../pki/crl.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { DAY, HOUR, NOW, entity, flip, recorded, recordedCertificate, refused } from './support.ts'

const ca = await entity({ subject: 'Test CA', organization: 'Example' })
const issue = (request: Partial<CrlRequest> = {}): Promise<Uint8Array> =>
  issueCrl({
    issuer: ca,
    number: 7n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [
      { serial: '1', at: NOW - DAY },
      { serial: '7f', at: NOW - DAY, reason: 1 },
      { serial: '80', at: Date.UTC(2055, 0, 1), reason: 4 },
      { serial: 'a1b2c3d4e5f60718293a4b5c6d7e8f901020304', at: NOW - 2 * DAY, reason: 9 },
    ],
    ...request,
  })
const small = await issue()

describe('CRLs recorded from EJBCA', () => {
  const issuer = recordedCertificate('issuing-ca.pem')
  const files = ['issuing_crl.crl', 'issuing_deltacrl.crl', 'issuing_part1.crl', 'issuing_part1_delta.crl']
  for (const file of files) {
    it(`verifies ${file}, and not under another CA`, () => {
      const crl = parseCrl(recorded(file))
      verifyCrl(crl, issuer)
      // The partitioned CRLs were made half a minute later, which the clock tolerance covers.
      checkCrlTimes(crl, NOW)
      assert.equal(crl.isDelta, file.includes('delta'))
      refused(() => verifyCrl(crl, recordedCertificate('ca.pem')), 'path', 'issuer_mismatch')
    })
  }

  it('reads the facts', () => {
    const crl = parseCrl(recorded('issuing_crl.crl'))
    assert.deepEqual(crlFacts(crl), {
      issuer: 'C=SE,O=Example PKI,CN=Issuing CA 1',
      number: '5',
      thisUpdate: '2026-11-22T05:03:06.000Z',
      nextUpdate: '2026-11-23T05:03:05.000Z',
      entries: 1,
      isDelta: false,
      signatureAlgorithm: 'ECDSA-SHA256',
      signatureStrength: 128,
      quantumSafe: false,
      size: 301,
      sha256: crl.sha256,
    })
    assert.deepEqual(crl.find('3236c1ebc332cb8ac6f8f663b344af9810f37a65'), {
      serial: '3236c1ebc332cb8ac6f8f663b344af9810f37a65',
      revokedAt: Date.parse('2026-11-22T05:02:08Z'),
      reason: 'keyCompromise',
      invalidityDate: undefined,
      certificateIssuer: undefined,
    })
    assert.equal(crl.find('235d03a218ae7c7002d2e40e611eabb78a133b82'), undefined)
    assert.equal(parseCrl(recorded('issuing_deltacrl.crl')).baseNumber, 2n)
  })

  it('is expired a day later, and not yet valid an hour before', () => {
    const crl = parseCrl(recorded('issuing_crl.crl'))
    refused(() => checkCrlTimes(crl, NOW + DAY), 'time', 'crl_expired')
    refused(() => checkCrlTimes(crl, NOW - HOUR), 'time', 'crl_not_yet_valid')
  })
})

describe('CRLs', () => {
  it('agrees with pkijs about every field and entry', () => {
    for (const der of [small, recorded('issuing_crl.crl'), recorded('issuing_part1_delta.crl')]) {
      const crl = parseCrl(der)
      const other = pkijs.CertificateRevocationList.fromBER(Uint8Array.from(der))
      assert.equal(crl.thisUpdate, other.thisUpdate.value.getTime())
      assert.equal(crl.nextUpdate, other.nextUpdate?.value.getTime())
      assert.deepEqual(Buffer.from(crl.tbs), Buffer.from(other.tbsView))
      assert.equal(crl.entries, other.revokedCertificates?.length ?? 0)
      for (const { userCertificate, revocationDate, crlEntryExtensions } of other.revokedCertificates ?? []) {
        const serial = Buffer.from(userCertificate.valueBlock.valueHexView)
          .toString('hex')
          .replace(/^0+(?=.)/, '')
        const entry = crl.find(serial)
        assert.equal(entry?.serial, serial)
        assert.equal(entry.revokedAt, revocationDate.value.getTime())
        assert.equal(entry.reason === undefined, crlEntryExtensions === undefined)
      }
    }
  })

  it('finds serials of every length and by nothing but the whole serial', () => {
    const crl = parseCrl(small)
    assert.equal(crl.find('1')?.reason, undefined)
    assert.equal(crl.find('7f')?.reason, 'keyCompromise')
    assert.equal(crl.find('80')?.revokedAt, Date.UTC(2055, 0, 1))
    assert.equal(crl.find('a1b2c3d4e5f60718293a4b5c6d7e8f901020304')?.reason, 'privilegeWithdrawn')
    for (const serial of ['0', '2', '0080', '-80', 'a1b2c3d4e5f60718293a4b5c6d7e8f9010203', '', 'x', '80 ']) {
      assert.equal(crl.find(serial), undefined)
    }
  })

  it('accepts a CRL without entries', async () => {
    const crl = parseCrl(await issue({ revoked: [] }))
    verifyCrl(crl, ca.parsed)
    assert.equal(crl.entries, 0)
    assert.equal(crl.find('1'), undefined)
  })

  it('parses a million entries in well under a second', () => {
    const entry = Buffer.from(
      '30290211 00c0ffee00112233445566778899aabb01 170d 3236313132323035303230385a 300c300a0603551d1504030a0104'.replaceAll(
        ' ',
        '',
      ),
      'hex',
    )
    // The last octet of the serial number varies; equal ones are allowed in a CRL.
    entry[1] = entry.length - 2
    const list = Buffer.concat(Array.from({ length: 1_000_000 }, () => entry))
    const der = signedList([
      lab.integer(1n),
      ECDSA,
      issuerName(),
      lab.time(NOW),
      lab.time(NOW + DAY),
      lab.sequence(list),
    ])
    const start = process.cpuUsage()
    const crl = parseCrl(der)
    const { user, system } = process.cpuUsage(start)
    assert.equal(crl.entries, 1_000_000)
    assert.ok(user + system < 1_000_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})

describe('who may sign a CRL', () => {
  it('refuses the right name with the wrong key', async () => {
    const impostor = await entity({ subject: 'Test CA', organization: 'Example' })
    const crl = parseCrl(small)
    refused(() => verifyCrl(crl, impostor.parsed), 'path', 'key_identifier_mismatch')
    const unnamed = { ...crl, authorityKeyId: undefined }
    refused(() => verifyCrl(unnamed, impostor.parsed), 'signature', 'signature_invalid')
  })

  it('refuses a CA whose key usage does not say cRLSign', async () => {
    const usage = extension('2.5.29.15', true, lab.namedBits([5]))
    const certSignOnly = await entity({
      subject: 'Test CA',
      organization: 'Example',
      key: ca.key,
      extensions: [usage],
    })
    refused(() => verifyCrl(parseCrl(small), certSignOnly.parsed), 'path', 'crl_sign_missing')
  })

  it('accepts the issuer name in other string types and letter case', async () => {
    const other = await entity({ subject: 'TEST  ca', organization: 'example', key: ca.key })
    verifyCrl(parseCrl(small), other.parsed)
  })
})

describe('CRLs that verify but may not be used', () => {
  const refusedProfile = async (request: Partial<CrlRequest>, code: PkiErrorCode): Promise<Crl> => {
    const crl = parseCrl(await issue(request))
    refused(() => verifyCrl(crl, ca.parsed), 'profile', code)
    return crl
  }

  it('refuses an unknown critical extension, but not one that is not critical', async () => {
    const unknown = (critical: boolean) => ({ extensions: [extension('1.2.3.4', critical, lab.nullValue())] })
    await refusedProfile(unknown(true), 'unknown_critical_extension')
    verifyCrl(parseCrl(await issue(unknown(false))), ca.parsed)
  })

  it('refuses an indirect CRL by its issuing distribution point', async () => {
    const idp = lab.sequence(lab.contextPrimitive(4, Buffer.from([0xff])))
    const crl = await refusedProfile({ extensions: [extension('2.5.29.28', true, idp)] }, 'indirect_crl')
    assert.equal(crl.issuingDistributionPoint?.indirect, true)
  })

  it('refuses an indirect CRL by an entry about another CA, and unknown critical entry extensions', () => {
    const list = (extensions: Uint8Array) =>
      parseCrl(
        signedList([
          lab.integer(1n),
          ECDSA,
          issuerName(),
          lab.time(NOW),
          lab.time(NOW + DAY),
          lab.sequence(lab.sequence(lab.integer(5n), lab.time(NOW), lab.sequence(extensions))),
        ]),
      )
    const certificateIssuer = extension('2.5.29.29', true, lab.sequence(lab.context(4, issuerName())))
    refused(() => verifyCrl(list(certificateIssuer), ca.parsed), 'profile', 'indirect_crl')
    const unknown = extension('1.2.3.4', true, lab.nullValue())
    refused(() => verifyCrl(list(unknown), ca.parsed), 'profile', 'unknown_critical_extension')
    verifyCrl(list(extension('1.2.3.4', false, lab.nullValue())), ca.parsed)
    verifyCrl(list(extension('2.5.29.24', false, lab.generalizedTime(NOW))), ca.parsed)
  })

  it('recognises delta CRLs and the scope of a partition', async () => {
    const idp = lab.sequence(
      lab.context(0, lab.context(0, lab.contextPrimitive(6, Buffer.from('http://crl.example.org/p1.crl')))),
      lab.contextPrimitive(1, Buffer.from([0xff])),
      lab.contextPrimitive(3, Buffer.from('0640', 'hex')),
    )
    const der = await issue({ deltaBase: 3n, extensions: [extension('2.5.29.28', true, idp)] })
    const crl = parseCrl(der)
    verifyCrl(crl, ca.parsed)
    assert.equal(crl.isDelta, true)
    assert.equal(crl.baseNumber, 3n)
    assert.deepEqual(crl.issuingDistributionPoint, {
      name: { fullName: [{ type: 'uri', value: 'http://crl.example.org/p1.crl' }] },
      urls: ['http://crl.example.org/p1.crl'],
      onlyUserCertificates: true,
      onlyCaCertificates: false,
      onlyAttributeCertificates: false,
      onlySomeReasons: new Set(['keyCompromise']),
      indirect: false,
    })
  })
})

describe('times of a CRL', () => {
  it('allows a minute of clock difference for thisUpdate, and none for nextUpdate', async () => {
    const crl = parseCrl(await issue({ thisUpdate: NOW, nextUpdate: NOW + HOUR }))
    checkCrlTimes(crl, NOW - 60_000)
    refused(() => checkCrlTimes(crl, NOW - 60_001), 'time', 'crl_not_yet_valid')
    checkCrlTimes(crl, NOW + HOUR)
    const error = refused(() => checkCrlTimes(crl, NOW + HOUR + 1), 'time', 'crl_expired')
    assert.match(
      error.message,
      /expected nextUpdate after 2026-11-22T06:10:00.001Z, got 2026-11-22T06:10:00.000Z/,
    )
  })

  it('wants a nextUpdate', async () => {
    const crl = parseCrl(await issue({ nextUpdate: undefined }))
    refused(() => checkCrlTimes(crl, NOW), 'time', 'crl_next_update_missing')
    assert.equal('nextUpdate' in crlFacts(crl), false)
  })
})

describe('malformed CRLs', () => {
  it('never verifies after any bit of it changed', () => {
    const issuer = recordedCertificate('issuing-ca.pem')
    for (const [der, by] of [
      [recorded('issuing_crl.crl'), issuer],
      [small, ca.parsed],
    ] as const) {
      for (let bit = 0; bit < der.length * 8; bit++) {
        assert.throws(() => verifyCrl(parseCrl(flip(der, bit)), by), { name: 'PkiError' }, `bit ${bit}`)
      }
    }
  })

  it('refuses any truncation and any trailing octet', () => {
    for (let length = 0; length < small.length; length++) {
      refused(() => parseCrl(small.subarray(0, length)), 'decode', 'truncated')
    }
    refused(() => parseCrl(Buffer.concat([small, Buffer.from([0])])), 'decode', 'trailing_bytes')
  })

  it('says that a text file is no CRL', () => {
    const error = refused(() => parseCrl(Buffer.from('<html><body>Not found')), 'decode', 'not_der')
    assert.match(error.message, /^CRL: expected DER, .* got text that starts with "<html>/)
  })

  it('names the entry that is wrong', () => {
    const entries = Array.from({ length: 2000 }, (_, i) =>
      lab.sequence(lab.integer(BigInt(i)), lab.time(NOW)),
    )
    const bad: readonly [Uint8Array, PkiErrorCode, string][] = [
      [lab.sequence(Buffer.from('02020001', 'hex'), lab.time(NOW)), 'bad_integer', '.userCertificate'],
      [lab.sequence(lab.integer(1n)), 'truncated', '.revocationDate'],
      [
        lab.sequence(lab.integer(1n), lab.tlv(0x17, Buffer.from('261322050208Z'))),
        'bad_time',
        '.revocationDate',
      ],
      [
        lab.sequence(lab.integer(1n), lab.tlv(0x18, Buffer.from('00000101000000Z'))),
        'bad_time',
        '.revocationDate',
      ],
      [
        lab.sequence(lab.integer(1n), lab.tlv(0x18, Buffer.from('20261122050208.0Z'))),
        'bad_time',
        '.revocationDate',
      ],
      [
        lab.sequence(lab.integer(1n), lab.time(NOW), lab.nullValue()),
        'unexpected_tag',
        '.crlEntryExtensions',
      ],
      [reasonEntry(7), 'bad_value', '.crlEntryExtensions[0].extnValue'],
      [reasonEntry(11), 'bad_value', '.crlEntryExtensions[0].extnValue'],
      [lab.integer(1n), 'unexpected_tag', ''],
      [lab.tlv(0x30, Buffer.from('028400000001', 'hex')), 'bad_length', '.userCertificate'],
      [Buffer.from('30800000', 'hex'), 'indefinite_length', ''],
      [lab.sequence(lab.tlv(2, Buffer.alloc(42, 1)), lab.time(NOW)), 'too_large', '.userCertificate'],
    ]
    for (const [entry, code, field] of bad) {
      const list = [...entries.slice(0, 812), entry, ...entries.slice(812)]
      const der = signedList([lab.integer(1n), ECDSA, issuerName(), lab.time(NOW), lab.sequence(...list)])
      const error = refused(() => parseCrl(der), 'decode', code)
      assert.equal(error.path, `tbsCertList.revokedCertificates[812]${field}`)
    }
  })

  it('holds the rules of versions', () => {
    const rest = [ECDSA, issuerName(), lab.time(NOW), lab.time(NOW + DAY)]
    const entry = lab.sequence(reasonEntry(1))
    const number = lab.context(0, lab.sequence(extension('2.5.29.20', false, lab.integer(1n))))
    assert.equal(parseCrl(signedList(rest)).version, 1)
    assert.equal(parseCrl(signedList([lab.integer(1n), ...rest, entry, number])).version, 2)
    refused(() => parseCrl(signedList([...rest, entry])), 'decode', 'bad_version')
    refused(() => parseCrl(signedList([...rest, number])), 'decode', 'bad_version')
    refused(() => parseCrl(signedList([lab.integer(0n), ...rest])), 'decode', 'bad_version')
    refused(() => parseCrl(signedList([lab.integer(2n), ...rest])), 'decode', 'bad_version')
  })

  it('refuses duplicate extensions, a negative number, and an outer algorithm that is not the signed one', async () => {
    const twice = extension('1.2.3', false, lab.nullValue())
    await assert.rejects(async () => parseCrl(await issue({ extensions: [twice, twice] })), {
      code: 'duplicate_extension',
      path: 'tbsCertList.crlExtensions[3]',
    })
    await assert.rejects(async () => parseCrl(await issue({ number: -1n })), { code: 'bad_value' })
    const der = Buffer.from(small)
    const outer = der.lastIndexOf(Buffer.from('2a8648ce3d040302', 'hex'))
    der[outer + 7] = 3
    refused(() => parseCrl(der), 'decode', 'algorithm_mismatch')
  })
})

const ECDSA = lab.sequence(lab.oid('1.2.840.10045.4.3.2'))

function issuerName(): Uint8Array {
  return ca.parsed.subject.der
}

function reasonEntry(reason: number): Uint8Array {
  const extensions = lab.sequence(extension('2.5.29.21', false, lab.enumerated(reason)))
  return lab.sequence(lab.integer(1n), lab.time(NOW), extensions)
}

/** A CRL of exactly these fields, signed by the CA. */
function signedList(fields: readonly Uint8Array[]): Uint8Array {
  const tbs = lab.sequence(...fields)
  return lab.sequence(tbs, ECDSA, lab.bitString(sign('sha256', tbs, ca.key.privateKey)))
}
