// What can be wrong with a service and the certificate that is deployed on it.
import { generateKeyPairSync } from 'node:crypto'
import { onlyAt } from '../changes.ts'
import { credentialsOf, type Deployment, type PresentationChange } from '../deployment.ts'
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import * as der from '../der.ts'
import {
  answerOcsp,
  extension,
  generateKey,
  issueCertificate,
  type CertificateRequest,
  type OcspStatus,
} from '../issue.ts'
import type { Presentation } from '../tlsService.ts'
import { serviceFault, type FaultTools, type Named, type ServiceFault } from './fault.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** OpenSSL's security level 0: keys and protocols that it would refuse otherwise. */
const ANYTHING = 'DEFAULT:@SECLEVEL=0'

/** Extended key usage: id-kp-OCSPSigning alone (RFC 6960 section 4.2.2.2). */
const OCSP_SIGNING = extension('2.5.29.37', false, der.sequence(der.oid('1.3.6.1.5.5.7.3.9')))

type Odd = Parameters<Deployment['deployOdd']>[0]

/** The service gets a certificate that is issued otherwise; ended by a rotation. */
function oddCertificate(
  { id, title }: Named,
  odd: (service: Deployment, tools: FaultTools) => Odd | Promise<Odd>,
): ServiceFault {
  return {
    id,
    title,
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: async (service, tools) =>
      service.deployOdd(await odd(service, tools), tools.login(ADMINISTRATORS.registrationOfficer)),
  }
}

/** Another certificate for the name and key of the service's issuing CA. */
function recertified(
  { authority }: Deployment,
  { certify }: FaultTools,
  changes: Partial<CertificateRequest> & { readonly notAfter: number },
): Promise<Uint8Array> {
  return certify({ subject: authority.subject, key: authority.issuer.key, pathLength: 0, ...changes })
}

/** A staple about the served certificate that is made otherwise. */
function staple(
  { authority, own }: Deployment,
  about: (now: number) => OcspStatus & { readonly thisUpdate: number; readonly nextUpdate: number },
  now: () => number,
): PresentationChange {
  return (presentation) => ({
    ...presentation,
    staple: () => {
      const answer = { ...about(now()), serial: own.serial }
      return answerOcsp({ issuer: authority.issuer, producedAt: answer.thisUpdate, answers: [answer] })
    },
  })
}

export const TLS_FAULTS: readonly ServiceFault[] = [
  {
    id: 'cert-near-expiry',
    title: 'The service has a certificate with little life left',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) =>
      service.deployNearExpiry(tools.nearExpiry, tools.login(ADMINISTRATORS.registrationOfficer)),
  },
  oddCertificate(
    {
      id: 'lifetime-short',
      title: 'The service has a new certificate of so few days that none would be time to act',
    },
    () => ({ lifetime: 20 * DAY_MS }),
  ),
  oddCertificate({ id: 'lifetime-too-long', title: 'The service has a certificate of 500 days' }, () => ({
    lifetime: 500 * DAY_MS,
  })),
  {
    id: 'wrong-certificate',
    title: 'The service serves the certificate of another service',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) => service.deployForeign(tools.otherService(service)),
  },
  oddCertificate(
    { id: 'wildcard-certificate', title: 'The service has a certificate for every name beside its own' },
    ({ servername }) => ({ changes: { dns: [servername.replace(/^[^.]+/, '*')] } }),
  ),
  {
    id: 'revoked-served',
    title: 'The certificate of the service is revoked and still served',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: async (service, tools) => {
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      service.revokeOwn(who)
      await tools.partsOf(service.authority.id).distributionPoint.refresh(who)
    },
  },
  {
    id: 'renewed-not-deployed',
    title: 'The certificate was renewed, and the service goes on with the old one',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) => service.renewOnly(tools.login(ADMINISTRATORS.registrationOfficer)),
  },
  {
    id: 'node-not-rotated',
    title: 'The certificate was renewed on every node but one',
    group: 'tls',
    target: 'service',
    apply: async (service, tools) => {
      const old = credentialsOf(service.own)
      const undo = await service.change(
        onlyAt<Parameters<PresentationChange>[0], never, { readonly address: string }>(
          tools.oneAddress,
          (presentation) => ({ ...presentation, ...old }),
        ),
      )
      await service.rotate(tools.login(ADMINISTRATORS.registrationOfficer))
      return undo
    },
  },
  serviceFault(
    { id: 'chain-incomplete', title: 'The service sends its certificate without that of the issuing CA' },
    () => (presentation) => ({ ...presentation, chain: [] }),
  ),
  serviceFault(
    { id: 'chain-out-of-order', title: 'The service sends the certificates of its path in the wrong order' },
    async (service, tools) => {
      const key = generateKey('p256')
      const notAfter = tools.now() + 5 * 365 * DAY_MS
      const middle = await tools.certify({ subject: 'Policy CA', key, notAfter })
      const issuing = await recertified(service, tools, {
        notAfter,
        issuer: { certificate: middle, key },
      })
      return (presentation) => ({ ...presentation, chain: [middle, issuing] })
    },
  ),
  serviceFault(
    {
      id: 'issuer-ends-first',
      title: 'The service sends a certificate of its issuing CA that ends before its own',
    },
    async (service, tools) => {
      const issuing = await recertified(service, tools, { notAfter: tools.now() + 60 * DAY_MS })
      return (presentation) => ({ ...presentation, chain: [issuing] })
    },
  ),
  serviceFault(
    {
      id: 'issuer-ends-soon',
      title: 'The service sends a certificate of its issuing CA that ends within days',
    },
    async (service, tools) => {
      const issuing = await recertified(service, tools, { notAfter: tools.now() + 5 * DAY_MS })
      return (presentation) => ({ ...presentation, chain: [issuing] })
    },
  ),
  serviceFault(
    {
      id: 'cross-certificate-ends',
      title: 'The service also sends a cross-certificate of the root that ends within days',
    },
    async (_service, tools) => {
      const key = generateKey('p256')
      const old = { subject: 'Old Root', key, notBefore: tools.now() - 365 * DAY_MS }
      const notAfter = tools.now() + 5 * DAY_MS
      const issuer = { key, certificate: await issueCertificate({ ...old, notAfter, profile: 'ca' }) }
      const cross = await tools.crossCertify(issuer, notAfter)
      return (presentation) => ({ ...presentation, chain: [...presentation.chain, cross] })
    },
  ),
  serviceFault(
    {
      id: 'issuer-signs-ocsp',
      title: 'The certificate of the issuing CA carries the purpose of an OCSP responder',
    },
    async (service, tools) => {
      const issuing = await recertified(service, tools, {
        notAfter: tools.now() + 5 * 365 * DAY_MS,
        extensions: [OCSP_SIGNING],
      })
      return (presentation) => ({ ...presentation, chain: [issuing] })
    },
  ),
  serviceFault(
    { id: 'other-root', title: 'The service serves a certificate that leads to another root' },
    async ({ servername }, tools) => {
      const life = { notBefore: tools.now() - DAY_MS, notAfter: tools.now() + 60 * DAY_MS }
      const rootKey = generateKey('p256')
      const root = await issueCertificate({ ...life, subject: 'Other Root', key: rootKey, profile: 'ca' })
      const issuer = { certificate: root, key: rootKey }
      const key = generateKey('p256')
      const certificate = await issueCertificate({
        ...life,
        subject: servername,
        dns: [servername],
        key,
        issuer,
        profile: 'tls_server',
      })
      return (presentation) => ({ ...presentation, certificate, key, chain: [root] })
    },
  ),
  serviceFault(
    { id: 'staple-missing', title: 'The service does not staple any more' },
    () => (presentation) => {
      const rest: { -readonly [K in keyof Presentation]: Presentation[K] } = { ...presentation }
      delete rest.staple
      return rest
    },
  ),
  serviceFault(
    { id: 'staple-expired', title: 'The service staples an OCSP answer that is over' },
    (service, tools) =>
      staple(
        service,
        (now) => ({ status: 'good', thisUpdate: now - 2 * HOUR_MS, nextUpdate: now - HOUR_MS }),
        tools.now,
      ),
  ),
  serviceFault({ id: 'staple-revoked', title: 'The stapled OCSP answer says revoked' }, (service, tools) =>
    staple(
      service,
      (now) => ({ status: 'revoked', at: now - HOUR_MS, thisUpdate: now, nextUpdate: now + HOUR_MS }),
      tools.now,
    ),
  ),
  serviceFault(
    { id: 'classical-key-exchange', title: 'The service agrees on keys without a hybrid post-quantum group' },
    () => (presentation) => ({ ...presentation, groups: 'X25519' }),
  ),
  serviceFault(
    { id: 'old-protocol', title: 'The service speaks TLS 1.1 and no more' },
    () => (presentation) => ({
      ...presentation,
      versions: { min: 'TLSv1.1', max: 'TLSv1.1' },
      ciphers: ANYTHING,
    }),
  ),
  {
    id: 'weak-key',
    title: 'The service has a key of RSA with 1024 bits',
    group: 'tls',
    target: 'service',
    apply: async (service, tools) => {
      const who = tools.login(ADMINISTRATORS.registrationOfficer)
      const undo = await service.change((presentation) => ({ ...presentation, ciphers: ANYTHING }))
      await service.deployOdd({ key: generateKeyPairSync('rsa', { modulusLength: 1024 }) }, who)
      return async () => {
        await service.rotate(who)
        await undo()
      }
    },
  },
  oddCertificate(
    { id: 'weak-signature', title: 'The service has a certificate that is signed over SHA-1' },
    () => ({
      changes: { digest: 'sha1' },
    }),
  ),
  oddCertificate(
    { id: 'shared-key', title: 'The service has the key of another service' },
    (service, tools) => ({
      key: tools.otherService(service).own.key,
    }),
  ),
  oddCertificate(
    { id: 'key-not-renewed', title: 'The certificate is renewed with the key of the old one' },
    (service) => ({
      key: service.own.key,
    }),
  ),
  oddCertificate(
    { id: 'certificate-unlogged', title: 'The service has a certificate that no log of its CA knows' },
    () => ({ log: 'silent' }),
  ),
  oddCertificate(
    { id: 'undeclared-crl-url', title: 'The certificate names a CRL that the inventory does not have' },
    () => ({ changes: { crlUrl: 'http://crl.elsewhere.test/1.crl' } }),
  ),
]
