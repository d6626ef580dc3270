import type { Facts, FactsOf } from '../../model/facts.ts'
import type { ProbeError } from '../../model/observation.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import { matchesIdentity } from '../../pki/identity.ts'
import { lintCertificate } from '../../pki/lints/certificate.ts'
import { lintFacts } from '../../pki/lints/facts.ts'
import { namesMatch } from '../../pki/name.ts'
import type { Delegations } from '../../pki/ocspSigner.ts'
import { buildPath, type PathResult } from '../../pki/path.ts'
import type { Look } from '../addresses.ts'
import type { OcspInquiry } from '../ocspInquiry.ts'
import { anchorOf, asProbeError, probeError } from '../observe.ts'
import type { Issuer, TlsTarget } from '../probe.ts'
import type { Handshake } from '../tlsHandshake.ts'
import { bestPathFacts, chainFacts, pathsSent, readChain, type SentChain } from './chain.ts'
import { declaredChain } from './history.ts'
import { stapleFacts } from './staple.ts'

// What a handshake shows. Pure.

/** RFC 5280 section 4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0'

/** What one address showed. */
export interface Served extends Look {
  readonly handshake: Handshake
  readonly facts: Facts
  /** undefined: none was seen, or it can't be read. */
  readonly leaf: Certificate | undefined
  /** undefined: no leaf, or no issuer is declared. */
  readonly path: PathResult | undefined
}

/** `before`: what earlier runs established of the target; `now` in milliseconds. Pure. The error is the first in the order of the phases. */
export function judgeHandshake(
  target: TlsTarget,
  handshake: Handshake,
  {
    now,
    before,
    delegations,
  }: { readonly now: number; readonly before: Facts | undefined; readonly delegations: Delegations },
): Served {
  const { issuer, servername } = target
  const way = handshake.error === undefined ? undefined : asProbeError(handshake.error, now)
  const nothing = { handshake, leaf: undefined, path: undefined, version: undefined }
  const tls = connectionFacts(handshake, before?.tls)
  let chain: SentChain | undefined
  try {
    chain = readChain(handshake.chain, issuer === undefined ? [] : declaredChain(issuer))
  } catch (error) {
    return { ...nothing, facts: { tls }, error: way ?? asProbeError(error, now) }
  }
  // Without a certificate nothing was agreed upon: what OpenSSL names then is what it would have liked.
  if (chain === undefined) return { ...nothing, facts: {}, error: way ?? noCertificate() }
  const { leaf } = chain
  const sent = issuer === undefined ? undefined : pathsSent(chain, anchorOf(issuer), now)
  const path = issuer === undefined ? undefined : judgePath(issuer, chain, now)
  const bestPath = sent && bestPathFacts(sent)
  const signer = path?.valid === true ? path.path[1] : undefined
  const { staple } = handshake
  return {
    handshake,
    leaf,
    path,
    version: path?.valid === true ? leaf.sha256 : undefined,
    facts: {
      tls: { ...tls, ...pathFacts(path, issuer), identityMatches: matchesIdentity(leaf, servername) },
      certificate: certificateFacts(leaf),
      ...(issuer === undefined || sent === undefined
        ? {}
        : { chain: chainFacts(chain, sent, anchorOf(issuer)) }),
      ...(bestPath === undefined ? {} : { path: bestPath }),
      staple: stapleFacts({ staple, leaf, signer, delegations, now, before: before?.staple }),
    },
    error: way ?? pathError(path, now) ?? purposeError(leaf) ?? identityError(leaf, servername),
  }
}

/** Of the served certificate when its path verified, and of the answer about it. */
export function lintsOf(
  { leaf, path }: Pick<Served, 'leaf' | 'path'>,
  inquiry: Pick<OcspInquiry, 'lints'> | undefined,
): Pick<Facts, 'lint'> {
  if (leaf === undefined || path?.valid !== true) return {}
  const ofLeaf = lintCertificate(leaf, { issuer: path.path[1] })
  return { lint: lintFacts([...ofLeaf, ...(inquiry?.lints ?? [])]) }
}

/** Key exchange groups of TLS 1.3 with ML-KEM, alone or in a hybrid, by the names that OpenSSL gives them. */
const QUANTUM_SAFE_GROUP = /MLKEM/i

function connectionFacts(handshake: Handshake, before: Facts['tls']): FactsOf<'tls'> {
  const { protocol, cipher, group, chain, clientCertificateAccepted } = handshake
  const quantumSafe = group !== undefined && QUANTUM_SAFE_GROUP.test(group)
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(group === undefined ? {} : { group }),
    chainLength: chain.length,
    ...(clientCertificateAccepted === undefined ? {} : { clientCertificateAccepted }),
    quantumSafe,
    quantumSafeBefore: quantumSafe || before?.quantumSafeBefore === true,
  }
}

/** The path over the declared certificates, so that a chain that lacks them is judged apart from whether the certificate is the issuer's. */
function judgePath(issuer: Issuer, { leaf, others }: SentChain, now: number): PathResult {
  return buildPath({
    leaf,
    intermediates: others,
    trusted: [declaredChain(issuer)],
    now,
  })
}

function pathFacts(path: PathResult | undefined, issuer: TlsTarget['issuer']): FactsOf<'tls'> {
  if (path === undefined || issuer === undefined) return {}
  if (path.valid) return { pathValid: true, issuedDirectly: isKeyOf(path.path[1], issuer.certificate) }
  const { code } = path.error
  // What vigil cannot verify is not established: neither a valid path nor a fault of the CA.
  return code === 'unsupported' ? { pathError: code } : { pathValid: false, pathError: code }
}

/** The same key under the same name: a renewed certificate of the issuer, or one that another CA gave it, is still the issuer. */
function isKeyOf(signer: Certificate | undefined, issuer: Certificate): boolean {
  return signer?.spkiSha256 === issuer.spkiSha256 && namesMatch(signer.subject, issuer.subject)
}

function pathError(path: PathResult | undefined, now: number): ProbeError | undefined {
  if (path === undefined || path.valid) return undefined
  const error = asProbeError(path.error, now)
  const { code } = path.error
  // Path validation is one algorithm, but an expired certificate is a matter of time, not of trust.
  const isTime = code === 'certificate_expired' || code === 'certificate_not_yet_valid'
  return isTime ? { ...error, phase: 'time' } : error
}

function purposeError({ extendedKeyUsage: usage }: Certificate): ProbeError | undefined {
  if (usage === undefined || usage.includes(SERVER_AUTH) || usage.includes(ANY_EXTENDED_KEY_USAGE)) {
    return undefined
  }
  const message = `expected extended key usage serverAuth (${SERVER_AUTH}), got ${usage.join(', ')}`
  return probeError('profile', 'server_auth_missing', message)
}

function identityError(leaf: Certificate, servername: string): ProbeError | undefined {
  if (matchesIdentity(leaf, servername)) return undefined
  const got = leaf.identities.length === 0 ? 'none' : leaf.identities.slice(0, 10).join(', ')
  return probeError('consistency', 'identity_mismatch', `expected identity ${servername}, got ${got}`)
}

/** Anonymous cipher suites are off; this is for completeness. */
export function noCertificate(): ProbeError {
  return probeError('tls', 'handshake_failed', 'expected a certificate, got none')
}
