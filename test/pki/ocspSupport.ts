import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { answerOcsp } from '../../lab/issue.ts'
import type { OcspAnswer } from '../../lab/issue.ts'
import { parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import type { VerifiedOcsp } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import type { OcspRequest } from '../../pki/ocspRequest.ts'
import type { Delegations } from '../../pki/ocspSigner.ts'
import { HOUR, NOW, entity } from './support.ts'

export const SERIAL = 'a1b2c3'
export const NONCE = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
export const ca = await entity({ subject: 'Test CA' })
export const responder = await entity({ subject: 'Responder', issuer: ca, profile: 'ocsp_signer' })
const request = buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: NONCE, hash: 'sha1' })

export const good = {
  status: 'good',
  serial: SERIAL,
  thisUpdate: NOW - HOUR,
  nextUpdate: NOW + HOUR,
} as const
export const answer = (changes: Partial<OcspAnswer> = {}): Promise<Uint8Array> =>
  answerOcsp({ issuer: ca, answers: [good], producedAt: NOW - HOUR, nonce: NONCE, ...changes })

export function verify(
  der: Uint8Array,
  question: {
    readonly request?: OcspRequest | undefined
    readonly now?: number
    readonly delegations?: Delegations
  } = {},
): VerifiedOcsp {
  return verifyOcspResponse(parseOcspResponse(der), { request, issuer: ca.parsed, now: NOW, ...question })
}

/** An answer without nonce, with these extensions in its first single response and in itself; the CA signs. */
export async function extended(
  extensions: { readonly single?: readonly Uint8Array[]; readonly response?: readonly Uint8Array[] },
  answers: OcspAnswer['answers'] = [good],
): Promise<Uint8Array> {
  const { tbs } = parseOcspResponse(await answerOcsp({ issuer: ca, answers, producedAt: NOW - HOUR }))
  const [responderId, producedAt, responses] = lab.elementsOf(tbs)
  assert.ok(responderId !== undefined && producedAt !== undefined && responses !== undefined)
  const [first, ...others] = lab.elementsOf(responses)
  const field = (list: readonly Uint8Array[] | undefined) =>
    list === undefined ? [] : [lab.context(1, lab.sequence(...list))]
  const single = lab.sequence(...lab.elementsOf(first ?? tbs), ...field(extensions.single))
  const list = lab.sequence(single, ...others)
  return signedAnswer(lab.sequence(responderId, producedAt, list, ...field(extensions.response)))
}

/** A successful answer with that ResponseData, signed by the CA. */
export function signedAnswer(tbs: Uint8Array): Uint8Array {
  const algorithm = lab.sequence(lab.oid('1.2.840.10045.4.3.2'))
  const basic = lab.sequence(tbs, algorithm, lab.bitString(sign('sha256', tbs, ca.key.privateKey)))
  const bytes = lab.sequence(lab.oid('1.3.6.1.5.5.7.48.1.1'), lab.octetString(basic))
  return lab.sequence(lab.enumerated(0), lab.context(0, bytes))
}

export function basicOf(der: Uint8Array): pkijs.BasicOCSPResponse {
  const bytes = pkijs.OCSPResponse.fromBER(Uint8Array.from(der)).responseBytes
  assert.ok(bytes !== undefined)
  return pkijs.BasicOCSPResponse.fromBER(Uint8Array.from(bytes.response.valueBlock.valueHexView))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
