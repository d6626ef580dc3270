import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { parseCertificate } from '../../../pki/certificate.ts'
import { certificateFacts } from '../../../pki/certificateFacts.ts'
import type { Certificate } from '../../../pki/certificate.ts'
import { checkCrlTimes, crlFacts, parseCrl, verifyCrl } from '../../../pki/crl.ts'
import type { ReadCrl } from '../../../pki/crl.ts'
import { openCrlReader } from '../../../pki/crlStream.ts'
import { PkiError } from '../../../pki/error.ts'
import { matchesIdentity } from '../../../pki/identity.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../../pki/ocsp.ts'
import { namesMatch } from '../../../pki/name.ts'
import type { Name } from '../../../pki/name.ts'
import { decodeCertificates, decodePem } from '../../../pki/pem.ts'
import { lintCertificate } from '../../../pki/lints/certificate.ts'
import { lintCrl } from '../../../pki/lints/crl.ts'
import { lintOcsp } from '../../../pki/lints/ocsp.ts'
import { buildPath } from '../../../pki/path.ts'
import { checkPathRevocation } from '../../../pki/revocation.ts'
import { verifySignature } from '../../../pki/signature.ts'

/** One kind of input: real objects to start from, and what must hold of whatever becomes of them. */
export interface Target {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  /** Throws an AssertionError, or anything but a PkiError, when the product is wrong. Says how far the input came. */
  readonly check: (bytes: Uint8Array) => 'refused' | 'parsed' | 'verified'
}

/** When the fixtures were recorded. */
const NOW = Date.parse('2026-11-22T05:10:00Z')

function fixture(path: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/${path}`, import.meta.url))
}

function certificates(path: string): Uint8Array[] {
  return decodeCertificates(fixture(path))
}

function issuerIn(path: string): Certificate {
  const [der] = certificates(path)
  assert.ok(der !== undefined)
  return parseCertificate(der)
}

/** Runs; a bounded PkiError is an answer, any other error a failure. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    assert.ok(error.message.length <= 500, 'a message is bounded')
    assert.ok((error.path ?? '').length <= 4000, 'a path is bounded')
    return undefined
  }
}

const ok = (run: () => void): boolean =>
  attempt(() => {
    run()
    return true
  }) === true

/** What verified is, octet for octet, something that the issuer really signed. */
function assertGenuine(tbs: Uint8Array, genuine: ReadonlySet<string>): void {
  assert.ok(genuine.has(Buffer.from(tbs).toString('hex')), 'nothing verifies but what was signed')
}

const hexSet = (list: readonly Uint8Array[]): Set<string> =>
  new Set(list.map((b) => Buffer.from(b).toString('hex')))

/** Files of PKITS whose extensions EJBCA's lack: policies, constraints, distribution points, deltas, indirect CRLs. */
const INTERESTING =
  /^(nameConstraints|inhibit|requireExplicit|P1Mapping|Policies|distributionPoint|onlySome|onlyContains|indirectCRL|deltaCRL|UserNotice|CPS|UID|DSA|Unknown|Negative|Long)/

function pkits(folder: 'certs' | 'crls'): Uint8Array[] {
  return readdirSync(new URL(`../../fixtures/pkits/${folder}`, import.meta.url))
    .filter((name) => INTERESTING.test(name))
    .map((name) => fixture(`pkits/${folder}/${name}`))
}

const root = issuerIn('ejbca-real/ca.pem')
const issuing = issuerIn('ejbca-real/issuing-ca.pem')
const anchor = parseCertificate(fixture('pkits/certs/TrustAnchorRootCertificate.crt'))
const pkitsCertificates = pkits('certs').flatMap((der) => attempt(() => parseCertificate(der)) ?? [])
const pkitsCrls = pkits('crls').flatMap((der) => attempt(() => parseCrl(der)) ?? [])
const issuers = [root, issuing, anchor, ...pkitsCertificates.filter(({ isCa }) => isCa)]
const issuersOf = ({ issuer }: { readonly issuer: Name }): Certificate[] =>
  issuers.filter(({ subject }) => namesMatch(subject, issuer))

function certificateTarget(): Target {
  const seeds = [
    root.der,
    issuing.der,
    ...certificates('ejbca-real/alice.pem'),
    ...pkitsCertificates.map(({ der }) => der),
  ]
  const genuine = hexSet(seeds.map((der) => parseCertificate(der).tbs))
  return {
    name: 'certificate',
    seeds,
    check(bytes) {
      attempt(() => parseCertificate(bytes, { ber: true }))
      const certificate = attempt(() => parseCertificate(bytes))
      if (certificate === undefined) return 'refused'
      certificateFacts(certificate)
      matchesIdentity(certificate, 'shop.example')
      matchesIdentity(certificate, '192.0.2.1')
      attempt(() => certificate.publicKey)
      const [issuer] = issuersOf(certificate)
      lintCertificate(certificate, issuer === undefined ? {} : { issuer })
      const path = buildPath({
        leaf: certificate,
        intermediates: [certificate, ...pkitsCertificates.slice(0, 40), issuing],
        trusted: [[root], [anchor]],
        now: NOW,
      })
      checkPathRevocation({
        path: path.path,
        crls: pkitsCrls.slice(0, 20),
        intermediates: [certificate],
        now: NOW,
      })
      if (!issuersOf(certificate).some((by) => ok(() => { verifySignature(certificate, by, 'certificate') }))) return 'parsed' // prettier-ignore
      assertGenuine(certificate.tbs, genuine)
      return 'verified'
    },
  }
}

/** What a CRL says, or how it is refused, does not depend on the pieces in which it arrives. */
function assertSameInPieces(bytes: Uint8Array): void {
  const outcome = (read: () => ReadCrl): string => {
    try {
      const { issuer, number, thisUpdate, nextUpdate, entries, reasons, size, notes, unknownCritical } =
        read()
      const facts = { issuer: issuer.text, number: String(number), thisUpdate, nextUpdate, entries, reasons }
      return JSON.stringify({ ...facts, size, notes, unknownCritical })
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      return error.message
    }
  }
  const inPieces = outcome(() => {
    const reader = openCrlReader({
      index: true,
      readAt: (offset, length) => bytes.subarray(offset, offset + length),
    })
    const size = 1 + ((bytes[bytes.length >> 1] ?? 0) % 61)
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    return reader.finish()
  })
  assert.equal(
    inPieces,
    outcome(() => parseCrl(bytes)),
  )
}

function crlTarget(): Target {
  const recorded = ['issuing_crl', 'issuing_deltacrl', 'issuing_part1', 'issuing_part1_delta']
  const seeds = [
    ...recorded.map((name) => fixture(`ejbca-real/${name}.crl`)),
    ...pkitsCrls.map(({ der }) => der),
  ]
  const genuine = hexSet(seeds.map((der) => parseCrl(der).tbs))
  return {
    name: 'crl',
    seeds,
    check(bytes) {
      attempt(() => parseCrl(bytes, { ber: true }))
      const crl = attempt(() => parseCrl(bytes))
      assertSameInPieces(bytes)
      if (crl === undefined) return 'refused'
      crlFacts(crl)
      attempt(() => {
        checkCrlTimes(crl, NOW)
      })
      attempt(() => crl.find('1'))
      const [issuer] = issuersOf(crl)
      lintCrl(crl, issuer === undefined ? {} : { issuer })
      if (!issuersOf(crl).some((by) => ok(() => { verifyCrl(crl, by) }))) return 'parsed' // prettier-ignore
      assertGenuine(crl.tbs, genuine)
      return 'verified'
    },
  }
}

function ocspTarget(): Target {
  const seeds = ['ocsp_alice_resp', 'ocsp_unknown_resp'].map((name) => fixture(`ejbca-real/${name}.der`))
  const genuine = hexSet(seeds.map((der) => parseOcspResponse(der).tbs))
  return {
    name: 'ocsp',
    seeds: [...seeds, fixture('ejbca-real/ocsp_unauthorized_resp.der')],
    check(bytes) {
      attempt(() => parseOcspResponse(bytes, { ber: true }))
      const response = attempt(() => parseOcspResponse(bytes))
      if (response === undefined) return 'refused'
      lintOcsp(response, { issuer: issuing })
      const verified = [root, issuing].flatMap(
        (issuer) => attempt(() => verifyOcspResponse(response, { issuer, now: NOW })) ?? [],
      )
      for (const answer of verified) {
        ocspFacts(answer, { timely: ok(() => { checkOcspTimes(answer, NOW) }) }) // prettier-ignore
        assertGenuine(response.tbs, genuine)
      }
      return verified.length > 0 ? 'verified' : 'parsed'
    },
  }
}

function pemTarget(): Target {
  return {
    name: 'pem',
    seeds: ['ca.pem', 'alice.pem'].map((file) => fixture(`ejbca-real/${file}`)),
    check(bytes) {
      const blocks = attempt(() => decodePem(bytes))
      attempt(() => decodeCertificates(bytes))
      return blocks === undefined ? 'refused' : 'parsed'
    },
  }
}

export const TARGETS: readonly Target[] = [certificateTarget(), crlTarget(), ocspTarget(), pemTarget()]
