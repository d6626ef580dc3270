import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { explicit, TAG } from '../../pki/der.ts'
import { oidContent, tlv } from '../../pki/derWriter.ts'
import type { Credential } from '../fetch/credential.ts'

/** What every name of a certificate that vigil makes begins with: how they are recognised in the logs of those that were asked. */
export const STRANGER_NAME = 'pki-vigil probe'

/** Milliseconds around the present in which they are valid; clocks differ. */
const VALIDITY = 3_600_000

/** Serial numbers are these words in ASCII, always the same, so that a log that has no name in it can be searched as well. */
const SERIALS = { self_signed: 'pki-vigil-self', foreign: 'pki-vigil-foreign', authority: 'pki-vigil-ca' }

/** No type that `pki/` reads for its meaning. */
const UTF8_STRING = 0x0c
const OID = {
  commonName: '2.5.4.3',
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/**
 * A client certificate that nobody can have a reason to accept, with a new key, thrown away after the run: one that signed itself, or one of an
 * authority that was made up a moment before. Correct in every other way, so that it is refused for its origin and for nothing else.
 */
export function makeStranger(kind: 'self_signed' | 'foreign', now: number): Credential {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = commonName(kind === 'foreign' ? `${STRANGER_NAME}: foreign` : `${STRANGER_NAME}: self-signed`)
  const leaf = { name, key: keys.publicKey, serial: SERIALS[kind], extensions: CLIENT, now }
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (kind === 'self_signed') return { certificate: issue(leaf, { name, key: keys.privateKey }), key }
  const above = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const authority = { name: commonName(`${STRANGER_NAME}: foreign CA`), key: above.privateKey }
  const root = { name: authority.name, key: above.publicKey, serial: SERIALS.authority, extensions: CA, now }
  return { certificate: issue(leaf, authority) + issue(root, authority), key }
}

interface Request {
  readonly name: Uint8Array
  readonly key: KeyObject
  readonly serial: string
  readonly extensions: Uint8Array
  readonly now: number
}

/** RFC 5280 section 4.1, as PEM. */
function issue(request: Request, issuer: { readonly name: Uint8Array; readonly key: KeyObject }): string {
  const tbs = sequence(
    tlv(explicit(0), tlv(TAG.integer, Buffer.of(2))),
    tlv(TAG.integer, Buffer.from(request.serial, 'ascii')),
    ALGORITHM,
    issuer.name,
    sequence(time(request.now - VALIDITY), time(request.now + VALIDITY)),
    request.name,
    request.key.export({ type: 'spki', format: 'der' }),
    tlv(explicit(3), request.extensions),
  )
  const signature = sign('sha256', tbs, issuer.key)
  const der = sequence(tbs, ALGORITHM, tlv(TAG.bitString, Buffer.of(0), signature))
  const base64 = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
}

const ALGORITHM = sequence(oid(OID.ecdsaWithSha256))
const TRUE = tlv(TAG.boolean, Buffer.of(0xff))

const CLIENT = sequence(
  extension(OID.keyUsage, tlv(TAG.bitString, Buffer.of(7, 0x80))), // digitalSignature
  extension(OID.extendedKeyUsage, sequence(oid(OID.clientAuth))),
)
const CA = sequence(
  extension(OID.basicConstraints, sequence(TRUE)),
  extension(OID.keyUsage, tlv(TAG.bitString, Buffer.of(1, 0x06))), // keyCertSign, cRLSign
)

/** Critical, all of them. */
function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), TRUE, tlv(TAG.octetString, value))
}

function commonName(text: string): Uint8Array {
  return sequence(tlv(TAG.set, sequence(oid(OID.commonName), tlv(UTF8_STRING, Buffer.from(text)))))
}

/** UTCTime until 2049, as RFC 5280 section 4.1.2.5 wants it. */
function time(ms: number): Uint8Array {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return digits < '2050'
    ? tlv(TAG.utcTime, Buffer.from(digits.slice(2)))
    : tlv(TAG.generalizedTime, Buffer.from(digits))
}

function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return tlv(TAG.sequence, ...content)
}

function oid(dotted: string): Uint8Array {
  return tlv(TAG.oid, oidContent(dotted))
}
