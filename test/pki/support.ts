import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { generateKey, issueCertificate } from '../../lab/issue.ts'
import type { CertificateRequest, Issuer } from '../../lab/issue.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import type { PkiErrorCode, PkiPhase } from '../../pki/error.ts'
import { decodeCertificates } from '../../pki/pem.ts'

export const NOW = Date.parse('2026-11-22T05:10:00Z')
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Asserts that `check` throws exactly this PkiError, and returns it. */
export function refused(check: () => unknown, phase: PkiPhase, code: PkiErrorCode): PkiError {
  try {
    check()
  } catch (error) {
    assert.ok(error instanceof PkiError, `expected a PkiError, got ${String(error)}`)
    assert.equal(`${error.phase} ${error.code}`, `${phase} ${code}`, error.message)
    return error
  }
  return assert.fail(`expected ${phase} ${code}, got no error`)
}

export interface Entity extends Issuer {
  readonly parsed: Certificate
}

/** A certificate with a new P-256 key, valid from yesterday for 30 days unless told otherwise. */
export async function entity(
  request: Partial<CertificateRequest> & { readonly subject: string },
): Promise<Entity> {
  const key = request.key ?? generateKey('p256')
  const certificate = await issueCertificate({
    notBefore: NOW - DAY,
    notAfter: NOW + 30 * DAY,
    profile: 'ca',
    ...request,
    key,
  })
  return { key, certificate, parsed: parseCertificate(certificate) }
}

/** A file of test/fixtures/ejbca-real. */
export function recorded(file: string): Uint8Array {
  return readFileSync(new URL(`../fixtures/ejbca-real/${file}`, import.meta.url))
}

export function recordedCertificate(file: string): Certificate {
  const [der] = decodeCertificates(recorded(file))
  assert.ok(der !== undefined)
  return parseCertificate(der)
}

/** The same bytes with one bit changed. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}
