// An issuing CA with all that belongs to it: OCSP responder, distribution point, canary certificate.
import type { Clock } from '../model/time.ts'
import type { IssuingAuthority } from './authority.ts'
import { generateRsaKey } from './ceremony.ts'
import { DistributionPoint } from './distributionPoint.ts'
import { ADMINISTRATORS } from './ejbcaEvents.ts'
import type { AuthorityParts } from './faults.ts'
import { generateKey } from './issue.ts'
import type { OcspResponder } from './ocspResponder.ts'
import type { Repository } from './repository.ts'

/** Milliseconds. Nothing renews the responder's certificate: it must outlive the lab. */
const SIGNER_LIFETIME_MS = 365 * 86_400_000

export interface IssuingCa extends AuthorityParts {
  readonly authority: IssuingAuthority
  readonly canary: Uint8Array
}

/** Gives an issuing CA its responder's certificate, its canary and its first CRL. */
export async function openIssuingCa(options: {
  authority: IssuingAuthority
  responder: OcspResponder
  repository: Repository
  now: Clock
  pastAge: number
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
    crlNumber: () => authority.crlNumber,
  }
}
