// The key ceremony: an offline root certifies the issuing CAs and signs its long-lived CRL. Its key exists only in here.
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { COUNTRY, ORGANIZATION } from './authority.ts'
import {
  generateKey,
  issueCertificate,
  issueCrl,
  type CertificateRequest,
  type Issuer,
  type KeyPair,
} from './issue.ts'

const DAY_MS = 86_400_000
/** Backdated, so that certificates can be shown that look as if they were issued long ago. */
const CA_AGE_MS = 2 * 365 * DAY_MS
const ROOT_LIFETIME_MS = 20 * 365 * DAY_MS
const ISSUING_LIFETIME_MS = 10 * 365 * DAY_MS

export interface CeremonyResult {
  readonly root: Uint8Array
  readonly rootCrl: Uint8Array
  /** By id. */
  readonly issuing: ReadonlyMap<string, Issuer>
  readonly certify: Certify
  /** A certificate for the name and key of the root, by another one. */
  readonly crossCertify: (by: Issuer, notAfter: number) => Promise<Uint8Array>
}

/** Another ceremony of the root: a CA certificate, valid from two years ago, with what the request says otherwise. */
export type Certify = (
  request: Pick<CertificateRequest, 'subject' | 'key' | 'notAfter'> & Partial<CertificateRequest>,
) => Promise<Uint8Array>

export async function holdCeremony(options: {
  now: number
  rootCrlUrl: string
  /** Milliseconds. */
  rootCrlLifetime: number
  issuing: readonly { readonly id: string; readonly subject: string; readonly key: 'rsa' | 'p256' }[]
}): Promise<CeremonyResult> {
  const { now } = options
  const name = { organization: ORGANIZATION, country: COUNTRY }
  const rootKey = generateKey('p384')
  const root = await issueCertificate({
    ...name,
    subject: 'Root CA',
    key: rootKey,
    notBefore: now - CA_AGE_MS,
    notAfter: now - CA_AGE_MS + ROOT_LIFETIME_MS,
    profile: 'ca',
  })
  const issuing = await Promise.all(
    options.issuing.map(async ({ id, subject, key: kind }) => {
      const key = kind === 'rsa' ? await generateRsaKey() : generateKey('p256')
      const certificate = await issueCertificate({
        ...name,
        subject,
        key,
        issuer: { certificate: root, key: rootKey },
        notBefore: now - CA_AGE_MS,
        notAfter: now - CA_AGE_MS + ISSUING_LIFETIME_MS,
        profile: 'ca',
        pathLength: 0,
        crlUrl: options.rootCrlUrl,
      })
      return [id, { certificate, key }] as const
    }),
  )
  const rootCrl = await issueCrl({
    issuer: { certificate: root, key: rootKey },
    number: 1n,
    thisUpdate: now,
    nextUpdate: now + options.rootCrlLifetime,
    revoked: [],
  })
  const certify: Certify = (request) =>
    issueCertificate({
      ...name,
      issuer: { certificate: root, key: rootKey },
      notBefore: now - CA_AGE_MS,
      profile: 'ca',
      crlUrl: options.rootCrlUrl,
      ...request,
    })
  const crossCertify: CeremonyResult['crossCertify'] = (issuer, notAfter) =>
    certify({ subject: 'Root CA', key: rootKey, issuer, notAfter })
  return { root, rootCrl, issuing: new Map(issuing), certify, crossCertify }
}

/** In the thread pool, so that two are made at once and nothing waits. */
export function generateRsaKey(): Promise<KeyPair> {
  return promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
}
