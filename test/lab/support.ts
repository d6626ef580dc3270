import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { fromBER, OctetString } from 'asn1js'
import {
  BasicOCSPResponse,
  Certificate,
  CertificateRevocationList,
  Extension,
  OCSPRequest,
  OCSPResponse,
} from 'pkijs'
import { request } from 'undici'
import { toPem } from '../../lab/issue.ts'
import type { LabAuthority, LabService } from '../../lab/inventory.ts'
import { startLab, type Lab, type LabOptions } from '../../lab/lab.ts'

const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-lab-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface TestLab {
  readonly lab: Lab
  /** The lab's clock; it begins at the wall clock's time, because node:tls looks at that one. */
  readonly clock: { now: number }
  /** What the CAs do on schedule. */
  readonly timers: (() => void)[]
}

/** A lab whose clock stands still, and whose schedule runs when the test says so. */
export async function testLab(t: TestContext, options: Partial<LabOptions> = {}): Promise<TestLab> {
  const started = await startTestLab({ directory: temporaryDirectory(t), ...options })
  t.after(() => started.lab.close())
  return started
}

/** For the caller to close. */
export async function startTestLab(
  options: Partial<LabOptions> & Pick<LabOptions, 'directory'>,
): Promise<TestLab> {
  const clock = { now: Date.now() }
  const timers: (() => void)[] = []
  const lab = await startLab({
    now: () => clock.now,
    every: (_ms, run) => {
      timers.push(run)
      return () => undefined
    },
    ...options,
  })
  return { lab, clock, timers }
}

export function authorityOf(lab: Lab, id: string): LabAuthority {
  const found = lab.inventory.authorities.find((authority) => authority.id === id)
  assert.ok(found, `expected the authority ${id}`)
  return found
}

function serviceOf(lab: Lab, id: string): LabService {
  const found = lab.inventory.services.find((service) => service.id === id)
  assert.ok(found, `expected the service ${id}`)
  return found
}

interface Handshake {
  readonly certificate: X509Certificate
  /** Path to the lab's root and the declared name are right, by OpenSSL's judgement. */
  readonly authorized: boolean
  readonly error: string
  /** What the service said. */
  readonly answer: string
}

/** A TLS client of Node: another judge than ours. */
export function handshake(lab: Lab, serviceId: string, options: ConnectionOptions = {}): Promise<Handshake> {
  const service = serviceOf(lab, serviceId)
  const [host = '', port = ''] = service.endpoint.split(':')
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port),
      servername: service.servername,
      ca: toPem(authorityOf(lab, 'root').certificate, 'CERTIFICATE'),
      rejectUnauthorized: false,
      ...options,
    })
    let answer = ''
    let seen: Omit<Handshake, 'answer'> | undefined
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      assert.ok(certificate)
      seen = {
        certificate,
        authorized: socket.authorized,
        error: socket.authorized ? '' : String(socket.authorizationError),
      }
      socket.write('GET / HTTP/1.1\r\n\r\n')
    })
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.once('error', reject)
    socket.once('close', () => {
      if (seen === undefined) reject(new Error('closed before the handshake was over'))
      else resolve({ ...seen, answer })
    })
  })
}

/** What a service is like that nothing is wrong with: its path, name and answer. */
export async function assertHealthy(lab: Lab, service: string): Promise<void> {
  const { chain, key } = lab.inventory.prober
  const seen = await handshake(lab, service, {
    cert: chain.map((der) => toPem(der, 'CERTIFICATE')).join(''),
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  })
  assert.equal(seen.error, '')
  assert.match(seen.answer, new RegExp(`^HTTP/1.1 200 OK[^]*\r\n\r\n${service}\n$`))
}

export function hexSerial(certificate: X509Certificate): string {
  return certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, '')
}

interface FetchedCrl {
  readonly crl: CertificateRevocationList
  readonly number: bigint
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly serials: readonly string[]
  readonly signatureValid: boolean
}

/** The authority's first CRL, or another one, as it is served, read and verified by pkijs. */
export async function fetchCrl(
  lab: Lab,
  authorityId: string,
  other: (firstUrl: string) => string = (url) => url,
): Promise<FetchedCrl> {
  const authority = authorityOf(lab, authorityId)
  const response = await request(other(authority.crlUrl), { reset: true })
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['content-type'], 'application/pkix-crl')
  return readCrl(await response.body.bytes(), authority.certificate)
}

export async function readCrl(der: Uint8Array, issuer: Uint8Array): Promise<FetchedCrl> {
  const crl = CertificateRevocationList.fromBER(Uint8Array.from(der))
  const extension = crl.crlExtensions?.extensions.find(({ extnID }) => extnID === '2.5.29.20')
  assert.ok(extension)
  return {
    crl,
    number: integerOf(extension.extnValue.valueBlock.valueHexView),
    thisUpdate: crl.thisUpdate.value.getTime(),
    nextUpdate: crl.nextUpdate?.value.getTime() ?? NaN,
    serials: (crl.revokedCertificates ?? []).map(({ userCertificate }) =>
      Buffer.from(userCertificate.valueBlock.valueHexView)
        .toString('hex')
        .replace(/^0+(?=.)/, ''),
    ),
    signatureValid: await crl.verify({ issuerCertificate: Certificate.fromBER(Uint8Array.from(issuer)) }),
  }
}

function integerOf(der: Uint8Array): bigint {
  const { result } = fromBER(Uint8Array.from(der))
  const hex = Buffer.from(result.toBER()).subarray(2).toString('hex')
  return BigInt(`0x${hex}`)
}

interface OcspQuestion {
  readonly authority: LabAuthority
  /** Hex. */
  readonly serial: string
  readonly hash?: 'SHA-1' | 'SHA-256'
  readonly nonce?: Uint8Array
}

/** Made by pkijs. */
export async function ocspRequest(question: OcspQuestion): Promise<Uint8Array> {
  const { authority, serial, hash = 'SHA-1', nonce } = question
  const ocsp = new OCSPRequest()
  await ocsp.createForCertificate(pretend(serial, authority), {
    hashAlgorithm: hash,
    issuerCertificate: Certificate.fromBER(Uint8Array.from(authority.certificate)),
  })
  if (nonce !== undefined) {
    ocsp.tbsRequest.requestExtensions = [
      new Extension({
        extnID: '1.3.6.1.5.5.7.48.1.2',
        extnValue: new OctetString({ valueHex: Uint8Array.from(nonce) }).toBER(),
      }),
    ]
  }
  return new Uint8Array(ocsp.toSchema(true).toBER())
}

/** pkijs asks about certificates; this one has the serial and the issuer that the question needs. */
function pretend(serial: string, authority: LabAuthority): Certificate {
  const certificate = Certificate.fromBER(Uint8Array.from(authority.certificate))
  certificate.issuer = certificate.subject
  certificate.serialNumber.valueBlock.valueHexView = Uint8Array.from(
    Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex'),
  )
  return certificate
}

/** certStatus of the only answer: 0 good, 1 revoked, 2 unknown. Signature and signer verified by pkijs. */
export async function readOcsp(der: Uint8Array, lab: Lab, authority: LabAuthority) {
  const response = OCSPResponse.fromBER(Uint8Array.from(der))
  const bytes = response.responseBytes?.response.valueBlock.valueHexView
  if (bytes === undefined) return { error: response.responseStatus.valueBlock.valueDec }
  const basic = BasicOCSPResponse.fromBER(Uint8Array.from(bytes))
  const trusted = [authorityOf(lab, 'root'), authority].map(({ certificate }) =>
    Certificate.fromBER(Uint8Array.from(certificate)),
  )
  const [single] = basic.tbsResponseData.responses
  assert.ok(single)
  const nonce = basic.tbsResponseData.responseExtensions?.find(
    ({ extnID }) => extnID === '1.3.6.1.5.5.7.48.1.2',
  )
  return {
    status: (single.certStatus as { idBlock: { tagNumber: number } }).idBlock.tagNumber,
    verified: await basic.verify({ trustedCerts: trusted }),
    serial: Buffer.from(single.certID.serialNumber.valueBlock.valueHexView)
      .toString('hex')
      .replace(/^0+(?=.)/, ''),
    hash: single.certID.hashAlgorithm.algorithmId,
    thisUpdate: single.thisUpdate.getTime(),
    nextUpdate: single.nextUpdate?.getTime(),
    producedAt: basic.tbsResponseData.producedAt.getTime(),
    nonce: nonce === undefined ? undefined : Buffer.from(nonce.extnValue.valueBlock.valueHexView.subarray(2)),
    signers: basic.certs?.length ?? 0,
  }
}

export async function askOcsp(lab: Lab, authorityId: string, serial: string) {
  const authority = authorityOf(lab, authorityId)
  assert.ok(authority.ocsp)
  const response = await request(authority.ocsp.url, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: await ocspRequest({ authority, serial }),
    reset: true,
  })
  assert.equal(response.statusCode, 200)
  return readOcsp(await response.body.bytes(), lab, authority)
}
