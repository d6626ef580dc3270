import type { Facts, FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError } from '../model/observation.ts'
import type { Certificate } from '../pki/certificate.ts'
import { certificateFacts } from '../pki/certificateFacts.ts'
import { lintCertificate } from '../pki/lints/certificate.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import { matchesIdentity } from '../pki/identity.ts'
import { namesMatch } from '../pki/name.ts'
import { buildPath, type PathResult } from '../pki/path.ts'
import { addressFacts, lookAtEveryAddress, type Look } from './addresses.ts'
import type { Deadline } from './fetch/deadline.ts'
import { inquireOcsp, type OcspInquiry } from './ocspInquiry.ts'
import { anchorOf, asProbeError, observe, probeError } from './observe.ts'
import type { Issuer, Probe, ProbeContext, TlsTarget } from './probe.ts'
import { clientFacts } from './prober.ts'
import { bestPathFacts, chainFacts, pathsSent, readChain, type SentChain } from './tls/chain.ts'
import { crlStatusFacts } from './tls/crlStatus.ts'
import { declaredChain, keyUseFacts, locationFacts, renewalFacts } from './tls/history.ts'
import { readIssued } from './tls/issued.ts'
import { stapleFacts } from './tls/staple.ts'
import { shakeHandsAt, type Handshake } from './tlsHandshake.ts'

const MEDIA_TYPE = 'application/pkix-cert'
const OCSP_MEDIA_TYPE = 'application/ocsp-response'
/** Other services with the same key that are looked for. */
const MAX_OTHERS = 20
/** RFC 5280 section 4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0'

/**
 * Shakes hands with a TLS service at every address of its host and judges what it serves: path to the declared issuer, purpose, identity, the chain as it
 * was sent, the stapled answer. Then asks the issuer's responder and the authorities' known lists about the served certificate, and compares it with
 * what earlier runs and other services showed; that adds facts and never changes the outcome or the duration.
 */
export const probeTls: Probe<TlsTarget> = (target, context) =>
  observe(target, context, async ({ deadline, stopClock }) => {
    const looks = await lookAtEveryAddress(target.host, context, deadline, (address, share) =>
      lookAt(address, target, context, share),
    )
    stopClock()
    const service = serviceFacts(target)
    // The first that is well; else the first that served something; else the first.
    const main =
      looks.looks.find(({ error }) => error === undefined) ??
      looks.looks.find(({ leaf }) => leaf !== undefined) ??
      looks.looks[0]
    if (main === undefined) {
      return { facts: service, error: looks.error ?? noCertificate(), artifacts: [] }
    }
    const inquiry = await inquireAbout(main, target, context, deadline)
    const facts: Facts = {
      ...service,
      addresses: addressFacts(looks, main.version),
      ...main.facts,
      ...(await comparedFacts(main, looks.looks, target, context, deadline)),
      ...(inquiry?.facts === undefined ? {} : { ocsp: inquiry.facts }),
      ...lintsOf(main, inquiry),
    }
    // An answer that did not verify is no evidence for anything here; the ocsp probe is about the responder.
    const evidence = inquiry?.facts === undefined ? [] : inquiry.artifacts
    return { facts, error: main.error, artifacts: [...handshakeArtifacts(main.handshake), ...evidence] }
  })

function serviceFacts({ service, servername, client }: TlsTarget): Pick<Facts, 'service' | 'prober'> {
  if (service === undefined) return {}
  return {
    service: { ...service, servername: servername.toLowerCase() },
    prober: clientFacts(client),
  }
}

/** What one address showed. */
interface Served extends Look {
  readonly handshake: Handshake
  readonly facts: Facts
  /** undefined: none was seen, or it can't be read. */
  readonly leaf: Certificate | undefined
  /** undefined: no leaf, or no issuer is declared. */
  readonly path: PathResult | undefined
}

async function lookAt(
  address: string,
  target: TlsTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<Served> {
  const handshake = await shakeHandsAt(address, target, deadline)
  return judgeHandshake(target, handshake, context)
}

/** Pure. The error is the first in the order of the phases. */
function judgeHandshake(
  target: TlsTarget,
  handshake: Handshake,
  { now: clock, memory, delegations }: Pick<ProbeContext, 'now' | 'memory' | 'delegations'>,
): Served {
  const now = clock()
  const { issuer, servername } = target
  const way = handshake.error === undefined ? undefined : asProbeError(handshake.error, now)
  const nothing = { handshake, leaf: undefined, path: undefined, version: undefined }
  const before = memory.of(target)
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

/** Asks the issuer's responder about the served certificate. Only of a path that verified is the serial number the issuer's. */
async function inquireAbout(
  { leaf, path }: Served,
  { issuer, ocspUrl }: TlsTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<OcspInquiry | undefined> {
  if (issuer === undefined || ocspUrl === undefined || leaf === undefined || path?.valid !== true)
    return undefined
  return inquireOcsp({ url: ocspUrl, issuer, serial: leaf.serial }, context, deadline)
}

/** The served certificate beside what is known from elsewhere. Of one whose path did not verify nothing is compared: anybody could have made it. */
async function comparedFacts(
  { leaf, path }: Served,
  all: readonly Served[],
  target: TlsTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<Facts> {
  if (leaf === undefined || path?.valid !== true) return {}
  const before = context.memory.of(target) ?? {}
  const crlStatus = await crlStatusFacts(path.path, before.crlStatus, context, deadline)
  const locations = locationFacts(leaf, target.locations)
  const others = othersWith(leaf.spkiSha256, target.subject, context)
  const issued = await readIssued(target)
  const served = all.flatMap((one) =>
    one.leaf !== undefined && one.path?.valid === true && matchesIdentity(one.leaf, target.servername)
      ? [one.leaf]
      : [],
  )
  // Where a file is declared and can't be read, whether something newer was issued is not known.
  const renewal =
    issued === 'unreadable' ? undefined : renewalFacts({ served, issued, before: before.renewal })
  return {
    keyUse: keyUseFacts({ leaf, before, others }),
    ...(crlStatus === undefined ? {} : { crlStatus }),
    ...(locations === undefined ? {} : { locations }),
    ...(renewal === undefined ? {} : { renewal }),
  }
}

/** Services known to serve the key, in the order in which they were first seen to; of a wildcard's thousands only some. */
function othersWith(
  spkiSha256: string,
  subject: string,
  { memory }: Pick<ProbeContext, 'memory'>,
): readonly string[] {
  const others: string[] = []
  for (const other of memory.servingKey(spkiSha256)) {
    if (other !== subject && others.push(other) >= MAX_OTHERS) break
  }
  return others
}

/** Of the served certificate when its path verified, and of the answer about it. */
function lintsOf({ leaf, path }: Served, inquiry: OcspInquiry | undefined): Pick<Facts, 'lint'> {
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
function noCertificate(): ProbeError {
  return probeError('tls', 'handshake_failed', 'expected a certificate, got none')
}

function handshakeArtifacts({ chain, staple }: Handshake): Artifact[] {
  return [
    ...chain.map((bytes) => ({ mediaType: MEDIA_TYPE, bytes })),
    ...(staple === undefined ? [] : [{ mediaType: OCSP_MEDIA_TYPE, bytes: staple }]),
  ]
}
