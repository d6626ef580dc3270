import type { Facts } from '../model/facts.ts'
import type { Artifact, ArtifactRef, ProbeError } from '../model/observation.ts'
import { formatDuration } from '../model/time.ts'
import { addressFacts, lookAtEveryAddress, type Looks } from './addresses.ts'
import { CRL_TYPE, schemeOf } from './crl/fetch.ts'
import type { CrlContent } from './crl/judge.ts'
import { knownCertificates } from './crl/knownCertificates.ts'
import { lookAtCrl, type CrlLook } from './crl/look.ts'
import { newestOf } from './crl/newest.ts'
import { rememberValidators, validatorsOf, type Validator } from './crl/revalidation.ts'
import { comparedWith } from './crl/series.ts'
import type { Deadline } from './fetch/deadline.ts'
import { authorityFacts, observe, probeError, type Verdict } from './observe.ts'
import type { CrlTarget, Probe, ProbeContext } from './probe.ts'

/**
 * Fetches a CRL (RFC 5280 section 5) from every address of its host, verifies each against the declared issuer, judges its times, and compares the
 * newest with what was seen before. While a server says that nothing changed, it is fetched whole once in `fullEvery`.
 */
export const probeCrl: Probe<CrlTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    await using intakes = new AsyncDisposableStack()
    const found = await lookEverywhere(target, context, deadline, intakes)
    const newest = newestOf(found.looks)
    const facts = {
      ...authorityFacts(target.issuer),
      ...(isLocal(target) || found.error !== undefined
        ? {}
        : { addresses: addressFacts(found, newest?.version) }),
      ...transferOf(newest ?? found.looks.find(({ http }) => http !== undefined)),
      ...newest?.facts,
    }
    const evidence = evidenceOf(found.looks)
    if (newest?.facts === undefined) return { facts, error: errorOf(found, newest), ...evidence }
    const content = await contentOf(newest, target, context, deadline)
    if (content === undefined) return { facts, error: tooLate(deadline), ...evidence }
    return { facts: { ...facts, ...content }, error: errorOf(found, newest), ...evidence }
  })

type Found = CrlLook & { readonly address: string }

async function lookEverywhere(
  target: CrlTarget,
  context: ProbeContext,
  deadline: Deadline,
  intakes: AsyncDisposableStack,
): Promise<Looks<CrlLook>> {
  const now = context.now()
  const validators = validatorsOf(target, now)
  const known = context.memory.of(target)?.crl?.sha256
  const lookAt = (address: string, time: Deadline): Promise<CrlLook> => {
    const validator = validators.get(address)
    // What a server need not send again must be what is known.
    return lookAtCrl(
      { target, address, validator: validator?.sha256 === known ? validator : undefined },
      context,
      time,
      intakes,
    )
  }
  const found = isLocal(target)
    ? { looks: [{ ...(await lookAt('', deadline)), address: '' }], skipped: [], error: undefined }
    : await lookAtEveryAddress(new URL(target.url).hostname, context, deadline, lookAt)
  rememberValidators(target, now, newValidators(found.looks), { inFull: validators.size === 0 })
  return found
}

/** A file has no addresses. */
function isLocal(target: CrlTarget): boolean {
  return schemeOf(target.url) === 'file'
}

function newValidators(looks: readonly Found[]): Map<string, Validator> {
  return new Map(
    looks.flatMap(({ address, validator }) =>
      validator === undefined ? [] : [[address, validator] as const],
    ),
  )
}

function transferOf(look: Found | undefined): Pick<Facts, 'http'> {
  return look?.http === undefined ? {} : { http: look.http }
}

/** One good answer is a success: what other addresses do is a fact, which rules judge. */
function errorOf(found: Looks<CrlLook>, newest: Found | undefined): Verdict['error'] {
  return found.error ?? (newest ?? found.looks[0])?.error
}

/** Each CRL once, as bytes or, where nothing new came, by its name. */
function evidenceOf(looks: readonly Found[]): Pick<Verdict, 'artifacts' | 'kept'> {
  const artifacts = looks.flatMap((look) => look.artifacts)
  const seen = new Set(artifacts.map(({ digest }) => digest))
  const kept = looks.flatMap(({ facts, intake }): ArtifactRef[] => {
    const { sha256, size } = facts?.crl ?? {}
    if (intake !== undefined || sha256 === undefined || size === undefined || seen.has(sha256)) return []
    seen.add(sha256)
    return [{ digest: sha256, mediaType: CRL_TYPE, size, kept: true }]
  })
  return { artifacts: unlike(artifacts), kept }
}

function unlike(artifacts: readonly Artifact[]): readonly Artifact[] {
  return artifacts.filter(({ digest }, i) => {
    return digest === undefined || artifacts.findIndex((other) => other.digest === digest) === i
  })
}

/** What the CRL is beside those before it; of one that is known already, what was said when it was new. undefined: the time was up. */
async function contentOf(
  { intake, facts }: CrlLook,
  target: CrlTarget,
  context: ProbeContext,
  deadline: Deadline,
): Promise<CrlContent | undefined> {
  const known = context.memory.of(target)
  if (intake === undefined) {
    const { crlSeries, crlSchedule, distribution } = known ?? {}
    return {
      ...(crlSeries && { crlSeries }),
      ...(crlSchedule && { crlSchedule }),
      ...(distribution && { distribution }),
    }
  }
  const wanted = comparedWith(known, facts?.crl?.sha256 ?? '')
  const previous = wanted === undefined ? undefined : await context.artifact(wanted)
  const certificates = knownCertificates(target, context.memory, context.ledger)
  const { distribution } = target
  return intake.compare({ known, previous, certificates, distribution }, context.now(), deadline)
}

function tooLate({ limit }: Deadline): ProbeError {
  const message = `expected to compare the CRL with the one before within ${formatDuration(limit)}, got no result`
  return probeError('decode', 'parse_timeout', message)
}
