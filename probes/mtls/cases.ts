import type { FactsOf } from '../../model/facts.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { Credential } from '../fetch/credential.ts'
import { identityFacts, leafOf } from '../prober.ts'
import { makeStranger } from './strangers.ts'

/** With what a service is asked, in this order: what the valid certificate gets tells what the others get. */
export const CASES = ['valid', 'without', 'foreign', 'selfSigned', 'expired', 'revoked'] as const
export type CaseName = (typeof CASES)[number]
export type CredentialName = Exclude<CaseName, 'without'>
export type Credentials = Readonly<Partial<Record<CredentialName, Credential>>>

/** One question of a run. */
export interface Case {
  readonly name: CaseName
  /** undefined: without a certificate. */
  readonly credential: Credential | undefined
}

export interface Cases {
  /** Those that can be asked. */
  readonly asked: readonly Case[]
  /** Those for which there is no credential, or none that would show anything. */
  readonly notApplicable: readonly CaseName[]
  readonly prober: FactsOf<'prober'>
}

/**
 * What a run asks. An expired certificate that is still valid, or a revoked one that has expired, would be judged for another reason than the one
 * that is asked about, so these cases then do not apply. That a certificate is revoked is the operator's word. Throws FetchError(tls) for a credential that is none.
 */
export function casesOf(credentials: Credentials, now: number): Cases {
  const all = { ...strangers(now), ...credentials }
  const held = CASES.flatMap((name): Held[] => {
    if (name === 'without') return []
    const credential = all[name]
    return credential === undefined ? [] : [{ name, credential, certificate: leafOf(credential, name) }]
  })
  const usable = held.filter(({ name, certificate }) => isMeant(name, certificate, now))
  const possible: readonly Case[] = [{ name: 'without', credential: undefined }, ...usable]
  const asked = CASES.flatMap((name) => possible.filter((one) => one.name === name))
  return {
    asked: asked.map(({ name, credential }) => ({ name, credential })),
    notApplicable: CASES.filter((name) => !asked.some((one) => one.name === name)),
    prober: proberFacts(
      held,
      held.filter(({ name }) => credentials[name] !== undefined),
    ),
  }
}

function strangers(now: number): Pick<Record<CredentialName, Credential>, 'foreign' | 'selfSigned'> {
  return { foreign: makeStranger('foreign', now), selfSigned: makeStranger('self_signed', now) }
}

function isMeant(name: CaseName, { notBefore, notAfter }: Certificate, now: number): boolean {
  if (name === 'expired') return notAfter < now
  return notBefore <= now && now <= notAfter
}

interface Held {
  readonly name: CredentialName
  readonly credential: Credential
  readonly certificate: Certificate
}

/** `notAfter` is when the first of the operator's certificates ends that must be valid. */
function proberFacts(shown: readonly Held[], given: readonly Held[]): FactsOf<'prober'> {
  const [first] = given
    .filter(({ name }) => name !== 'expired')
    .toSorted((a, b) => a.certificate.notAfter - b.certificate.notAfter)
  return {
    configured: first !== undefined,
    ...(first === undefined ? {} : identityFacts(first.certificate)),
    certificates: shown.map(
      ({ name, certificate }) => `${name} ${certificate.serial} ${certificate.subject.text}`,
    ),
  }
}
