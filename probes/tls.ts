import type { Facts, FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError } from '../model/observation.ts'
import { parseCertificate, type Certificate } from '../pki/certificate.ts'
import { certificateFacts } from '../pki/certificateFacts.ts'
import { PkiError } from '../pki/error.ts'
import { lintCertificate } from '../pki/lints/certificate.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import { matchesIdentity } from '../pki/identity.ts'
import { namesMatch } from '../pki/name.ts'
import { buildPath, type PathResult } from '../pki/path.ts'
import { inquireOcsp, type OcspInquiry } from './ocspInquiry.ts'
import { asProbeError, observe, probeError } from './observe.ts'
import type { Probe, TlsTarget } from './probe.ts'
import { shakeHands, type Handshake } from './tlsHandshake.ts'

const MEDIA_TYPE = 'application/pkix-cert'
/** RFC 5280 section 4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0'

/**
 * Shakes hands with a TLS service and judges what it serves: path to the declared issuer, purpose, identity. Then asks the issuer's responder about
 * the served certificate; that answer adds facts and never changes the outcome or the duration.
 */
export const probeTls: Probe<TlsTarget> = (target, context) =>
  observe(target, context, async ({ deadline, stopClock }) => {
    const handshake = await shakeHands(target, deadline, context)
    const now = context.now()
    const served = judgeChain(target, handshake, now)
    stopClock()
    const { issuer, ocspUrl } = target
    const { leaf, path } = served
    let inquiry: OcspInquiry | undefined
    // Only a path that verified says that this serial number is the issuer's.
    if (issuer !== undefined && ocspUrl !== undefined && leaf !== undefined && path?.valid === true) {
      inquiry = await inquireOcsp({ url: ocspUrl, issuer, serial: leaf.serial }, context, deadline)
    }
    const facts: Facts = {
      ...(target.service === undefined
        ? {}
        : { service: { ...target.service, servername: target.servername.toLowerCase() } }),
      ...served.facts,
      ...(inquiry?.facts === undefined ? {} : { ocsp: inquiry.facts }),
      ...lintsOf(served, inquiry),
    }
    // An answer that did not verify is no evidence for anything here; the ocsp probe is about the responder.
    const evidence = inquiry?.facts === undefined ? [] : inquiry.artifacts
    return { facts, error: served.error, artifacts: [...chainArtifacts(handshake), ...evidence] }
  })

/** Of the served certificate when its path verified, and of the answer about it. */
function lintsOf({ leaf, path }: Served, inquiry: OcspInquiry | undefined): Pick<Facts, 'lint'> {
  if (leaf === undefined || path?.valid !== true) return {}
  const ofLeaf = lintCertificate(leaf, { issuer: path.path[1] })
  return { lint: lintFacts([...ofLeaf, ...(inquiry?.lints ?? [])]) }
}

interface Served {
  readonly facts: Facts
  /** The first failure in the order of the phases. */
  readonly error: ProbeError | undefined
  /** undefined: none was seen, or it can't be read. */
  readonly leaf: Certificate | undefined
  /** undefined: no leaf, or no issuer is declared. */
  readonly path: PathResult | undefined
}

function judgeChain(target: TlsTarget, handshake: Handshake, now: number): Served {
  const way = handshake.error === undefined ? undefined : asProbeError(handshake.error, now)
  const [first, ...rest] = handshake.chain
  // Without a certificate nothing was agreed upon: what OpenSSL names then is what it would have liked.
  if (first === undefined) {
    return { facts: {}, error: way ?? noCertificate(), leaf: undefined, path: undefined }
  }
  const tls = connectionFacts(handshake)
  let leaf: Certificate
  try {
    leaf = parseCertificate(first)
  } catch (error) {
    return { facts: { tls }, error: way ?? asProbeError(error, now), leaf: undefined, path: undefined }
  }
  const path = judgePath(target, leaf, rest, now)
  const identityMatches = matchesIdentity(leaf, target.servername)
  return {
    facts: {
      tls: { ...tls, ...pathFacts(path, target.issuer), identityMatches },
      certificate: certificateFacts(leaf),
    },
    error: way ?? pathError(path, now) ?? purposeError(leaf) ?? identityError(leaf, target.servername),
    leaf,
    path,
  }
}

function connectionFacts(handshake: Handshake): FactsOf<'tls'> {
  const { protocol, cipher, group, chain, clientCertificateAccepted } = handshake
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(group === undefined ? {} : { group }),
    chainLength: chain.length,
    ...(clientCertificateAccepted === undefined ? {} : { clientCertificateAccepted }),
  }
}

function judgePath(
  { issuer }: TlsTarget,
  leaf: Certificate,
  rest: readonly Uint8Array[],
  now: number,
): PathResult | undefined {
  if (issuer === undefined) return undefined
  const sent = rest.flatMap((der) => {
    try {
      return [parseCertificate(der)]
    } catch (error) {
      // A certificate that can't be read can't be part of a path; what needed it says so.
      if (error instanceof PkiError) return []
      throw error
    }
  })
  return buildPath({
    leaf,
    intermediates: sent,
    trusted: [[issuer.certificate, ...issuer.ancestors]],
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
function noCertificate(): ProbeError {
  return probeError('tls', 'handshake_failed', 'expected a certificate, got none')
}

function chainArtifacts({ chain }: Handshake): Artifact[] {
  return chain.map((bytes) => ({ mediaType: MEDIA_TYPE, bytes }))
}
