// An issuing CA with all that belongs to it: OCSP responder, distribution point, canary certificate.
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import { generateRsaKey } from './ceremony.ts'
import { DistributionPoint } from './distributionPoint.ts'
import { ADMINISTRATORS } from './ejbcaEvents.ts'
import type { AuthorityParts } from './faults/fault.ts'
import { generateKey } from './issue.ts'
import type { OcspResponder } from './ocspResponder.ts'
import type { Repository } from './repository.ts'

const DAY_MS = 86_400_000
/** Milliseconds. Nothing renews the responder's certificate: it must outlive the lab. */
const SIGNER_LIFETIME_MS = 365 * DAY_MS

/** CRLReasons (RFC 5280 section 5.3.1) that the history goes through: keyCompromise, affiliationChanged, superseded, cessationOfOperation. */
const REASONS = [1, 3, 4, 5] as const

export interface IssuingCa extends AuthorityParts {
  /** Certificates (DER) that were revoked before the lab began, and would still be valid. */
  readonly history: readonly Uint8Array[]
}

/** Gives an issuing CA its responder's certificate, its canary and its first CRL. */
export async function openIssuingCa(options: {
  authority: IssuingAuthority
  responder: OcspResponder
  repository: Repository
  now: Clock
  pastAge: number
  /** Certificates that were issued and revoked before the lab began. */
  history: number
  who: string
  onCrl: (number: bigint, who: string) => void
}): Promise<IssuingCa> {
  const { authority, responder, now, who, onCrl } = options
  const { id, issuer } = authority
  const order = { notBefore: now(), notAfter: now() + SIGNER_LIFETIME_MS, who }
  // An RSA CA gets an RSA signer: there are clients that verify nothing else.
  const isRsa = issuer.key.publicKey.asymmetricKeyType === 'rsa'
  const signer = await authority.issue({
    ...order,
    username: `ocsp-${id}`,
    profile: 'ocsp_signer',
    key: isRsa ? await generateRsaKey() : generateKey('p256'),
  })
  responder.serve(authority, { certificate: signer.der, key: signer.key })
  const canary = await authority.issue({ ...order, username: `canary-${id}`, profile: 'tls_client' })
  const history = await issueHistory(authority, options.history, now(), who)
  const distributionPoint = new DistributionPoint({
    ...options,
    onPublished: (by) => onCrl(authority.crlNumber, by),
  })
  await distributionPoint.open(ADMINISTRATORS.scheduler)
  return {
    id,
    authority,
    responder,
    distributionPoint,
    canary: canary.der,
    history,
    crlNumber: () => authority.crlNumber,
  }
}

/** One a day was revoked, most lately the day before yesterday: no CRL of the lab, however old, is from before. */
async function issueHistory(
  authority: IssuingAuthority,
  count: number,
  now: number,
  who: string,
): Promise<readonly Uint8Array[]> {
  const certificates: Uint8Array[] = []
  for (let n = 0; n < count; n++) {
    const at = now - (n + 2) * DAY_MS
    const { der, serial } = await authority.issue({
      username: `retired-${n}`,
      profile: 'tls_client',
      notBefore: at - 30 * DAY_MS,
      notAfter: now + 90 * DAY_MS,
      who,
    })
    authority.revoke(serial, REASONS[n % REASONS.length] ?? 0, who, at)
    certificates.push(der)
  }
  return certificates
}
