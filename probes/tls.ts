import type { Facts } from '../model/facts.ts'
import type { Artifact } from '../model/observation.ts'
import { matchesIdentity } from '../pki/identity.ts'
import { addressFacts, lookAtEveryAddress } from './addresses.ts'
import type { Deadline } from './fetch/deadline.ts'
import { inquireOcsp, type OcspInquiry } from './ocspInquiry.ts'
import { observe } from './observe.ts'
import type { Probe, ProbeContext, TlsTarget } from './probe.ts'
import { clientFacts } from './prober.ts'
import { crlStatusFacts } from './tls/crlStatus.ts'
import { keyUseFacts, locationFacts, renewalFacts } from './tls/history.ts'
import { readIssued } from './tls/issued.ts'
import { judgeHandshake, lintsOf, noCertificate, type Served } from './tls/judge.ts'
import { shakeHandsAt, type Handshake } from './tlsHandshake.ts'

const MEDIA_TYPE = 'application/pkix-cert'
const OCSP_MEDIA_TYPE = 'application/ocsp-response'
/** Other services with the same key that are looked for. */
const MAX_OTHERS = 20
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

export function serviceFacts({ service, servername, client }: TlsTarget): Pick<Facts, 'service' | 'prober'> {
  if (service === undefined) return {}
  return {
    service: { ...service, servername: servername.toLowerCase() },
    prober: clientFacts(client),
  }
}

async function lookAt(
  address: string,
  target: TlsTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<Served> {
  const handshake = await shakeHandsAt(address, target, deadline)
  const { memory, delegations } = context
  return judgeHandshake(target, handshake, { now: context.now(), before: memory.of(target), delegations })
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

function handshakeArtifacts({ chain, staple }: Handshake): Artifact[] {
  return [
    ...chain.map((bytes) => ({ mediaType: MEDIA_TYPE, bytes })),
    ...(staple === undefined ? [] : [{ mediaType: OCSP_MEDIA_TYPE, bytes: staple }]),
  ]
}
