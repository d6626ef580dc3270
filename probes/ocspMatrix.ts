import type { FactsOf } from '../model/facts.ts'
import { buildOcspRequest, MAX_GET } from '../pki/ocspRequest.ts'
import { addressFacts, lookAtEveryAddress, type Look } from './addresses.ts'
import { authorityFacts, observe } from './observe.ts'
import { lookOf } from './ocsp.ts'
import { inquireOcsp, NONCE_SIZE, plainGetUrl, type OcspForm, type OcspInquiry } from './ocspInquiry.ts'
import { Asking } from './ocspMatrix/asking.ts'
import { crossCheck, shuffled } from './ocspMatrix/revocations.ts'
import {
  differingGets,
  nameOf,
  outcomeOf,
  PLAIN_GET,
  PLAIN_POST,
  takesNonce,
  wayFacts,
  WAYS,
  type Answers,
} from './ocspMatrix/ways.ts'
import type { OcspMatrixTarget, Probe, ProbeContext } from './probe.ts'

/** The plainest question at all addresses has half of the run's time. */
const ADDRESSES_SHARE = 2
/** Served certificates that one run asks about; of more, others each time. */
const MAX_SERVED = 8
/** Octets of a serial number that was never issued: nobody could have guessed it. */
const SERIAL_SIZE = 16
/** Tries to draw octets whose base64 has both `/` and `+`, as one of four has. */
const MAX_DRAWS = 100

interface MatrixLook extends Look {
  readonly inquiry: OcspInquiry
}

/**
 * Asks one responder in every way that clients do: GET and POST, CertIDs by SHA-1 and SHA-256, with and without nonce, paths with `/` and `+`, every
 * address; about a certificate that must be good, a revoked one, one that was never issued, and those that services serve; and compares what
 * it says with the CRLs of the authority. It fails only when no address gives a good answer to the plainest question.
 */
export const probeOcspMatrix: Probe<OcspMatrixTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    using half = deadline.share(ADDRESSES_SHARE)
    const { hostname } = new URL(target.url)
    const found = await lookAtEveryAddress<MatrixLook>(hostname, context, half, async (address, share) => {
      const form = { ...PLAIN_POST, nonce: undefined }
      const inquiry = await inquireOcsp({ ...target, address, form }, context, share)
      return { ...lookOf(inquiry), inquiry }
    })
    const good = found.looks.filter(({ error }) => error === undefined)
    const [first, ...others] = good
    const facts = {
      ...authorityFacts(target.issuer),
      addresses: addressFacts(found, first?.version),
    }
    if (first === undefined) {
      const [failed] = found.looks
      const artifacts = failed?.inquiry.artifacts ?? []
      return { facts, error: failed?.error ?? found.error, artifacts }
    }
    const asking = new Asking(target, context, deadline, first.address)
    const ocspMatrix = {
      ...(await askInEveryWay(asking, first.inquiry, others)),
      ...(await askAboutOthers(asking)),
    }
    const checked = await crossCheck(asking)
    return {
      facts: { ...facts, ocspMatrix, ...(checked && { crossCheck: checked }) },
      error: undefined,
      artifacts: asking.evidence,
    }
  })

/** About the certificate that must be good; `plain` is what came of the plainest question. */
async function askInEveryWay(
  asking: Asking,
  plain: OcspInquiry,
  others: readonly { readonly address: string }[],
): Promise<FactsOf<'ocspMatrix'>> {
  const { target, context } = asking
  const answers = new Map<string, OcspInquiry>([[nameOf(PLAIN_POST), plain]])
  for (const way of WAYS.filter((one) => !answers.has(nameOf(one)))) {
    const nonce = way.withNonce ? context.random(NONCE_SIZE) : undefined
    const form = { ...way, nonce }
    if (!isAsked(asking, target.serial, form)) continue
    const inquiry = await asking.ask(target.serial, form)
    if (inquiry !== undefined) answers.set(nameOf(way), inquiry)
  }
  const elsewhere = new Map<string, OcspInquiry>()
  for (const { address } of others) {
    const inquiry = await asking.ask(target.serial, { ...PLAIN_GET, nonce: undefined }, address)
    if (inquiry !== undefined) elsewhere.set(address, inquiry)
  }
  for (const { inquiry } of differingGets(answers)) asking.keep(inquiry)
  for (const inquiry of elsewhere.values()) if (outcomeOf(inquiry) !== outcomeOf(plain)) asking.keep(inquiry)
  return { ...wayFacts(answers, elsewhere, context.now()), ...(await askByPaths(asking, answers)) }
}

/**
 * A question that is too long for GET is asked by POST alone, as clients do (RFC 5019 section 5, RFC 9919 section 6). What percent-encoding adds is
 * not counted: it is another length each time.
 */
function isAsked({ target }: Asking, serial: string, { transport, hash, nonce }: OcspForm): boolean {
  if (transport === 'post') return true
  const request = buildOcspRequest({ serial, issuer: target.issuer.certificate, nonce, hash })
  return plainGetUrl(target.url, request).length <= MAX_GET
}

/**
 * GET with `/` and `+` in the base64. They come from the nonce; where the responder takes none, from the serial number of a certificate that does
 * not exist, since that of the good one cannot be chosen.
 */
async function askByPaths(asking: Asking, answers: Answers): Promise<FactsOf<'ocspMatrix'>> {
  const { target, context } = asking
  const question = takesNonce(answers)
    ? draw(asking, () => ({ serial: target.serial, nonce: context.random(NONCE_SIZE) }))
    : draw(asking, () => ({ serial: neverIssued(context), nonce: undefined }))
  if (question === undefined) return {}
  const { serial, nonce } = question
  const byPost = await asking.ask(serial, { ...PLAIN_POST, nonce })
  if (byPost === undefined) return {}
  const outcome = async (transport: OcspForm['transport']): Promise<string | undefined> => {
    const inquiry = await asking.ask(serial, { transport, hash: 'sha1', nonce })
    if (inquiry === undefined) return undefined
    const got = outcomeOf(inquiry)
    return got === outcomeOf(byPost) ? 'same' : got
  }
  const encodedPath = await outcome('get')
  const plainPath = await outcome('get_plain')
  return {
    ...(encodedPath === undefined ? {} : { encodedPath }),
    ...(plainPath === undefined ? {} : { plainPath }),
  }
}

type Drawn = Pick<OcspForm, 'nonce'> & { readonly serial: string }

/** undefined: it cannot be asked by GET, or chance does not want it. */
function draw(asking: Asking, make: () => Drawn): Drawn | undefined {
  for (let i = 0; i < MAX_DRAWS; i++) {
    const drawn = make()
    const form = { transport: 'get', hash: 'sha1', nonce: drawn.nonce } as const
    if (!isAsked(asking, drawn.serial, form)) return undefined
    const request = buildOcspRequest({ ...drawn, issuer: asking.target.issuer.certificate, hash: 'sha1' })
    const base64 = Buffer.from(request.der).toString('base64')
    if (base64.includes('/') && base64.includes('+')) return drawn
  }
  return undefined
}

/** A positive serial number of 16 octets, lower-case hex. */
function neverIssued({ random }: ProbeContext): string {
  const octets = Buffer.from(random(SERIAL_SIZE))
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40
  return octets.toString('hex')
}

/** About a revoked certificate, one that does not exist, and those that are served. */
async function askAboutOthers(asking: Asking): Promise<FactsOf<'ocspMatrix'>> {
  const { target, context } = asking
  const revoked = target.revoked === undefined ? undefined : await asking.ask(target.revoked)
  const unknown = await asking.ask(neverIssued(context))
  if (revoked !== undefined && outcomeOf(revoked) !== 'revoked') asking.keep(revoked)
  if (unknown?.facts?.status === 'good') asking.keep(unknown)

  const unanswered: string[] = []
  const served = servedCertificates(target, context)
  for (const serial of served) {
    const inquiry = await asking.ask(serial)
    if (inquiry === undefined || isAnswered(inquiry)) continue
    unanswered.push(`${serial}: ${outcomeOf(inquiry)}`)
    asking.keep(inquiry)
  }
  return {
    ...(revoked === undefined ? {} : { revoked: outcomeOf(revoked) }),
    ...(unknown === undefined ? {} : { neverIssued: outcomeOf(unknown), ...formOf(unknown) }),
    served: served.length,
    servedUnanswered: unanswered.toSorted(),
  }
}

function isAnswered({ facts }: OcspInquiry): boolean {
  return facts?.status === 'good' || facts?.status === 'revoked'
}

/** RFC 6960 4.4.8: what a responder says that answers `revoked` about certificates that do not exist. */
function formOf({ facts, lints }: OcspInquiry): Pick<FactsOf<'ocspMatrix'>, 'neverIssuedForm'> {
  if (facts?.status !== 'revoked') return {}
  return {
    neverIssuedForm: lints.some(({ id, outcome }) => id === 'ocsp_not_issued_form' && outcome === 'pass'),
  }
}

/** Serial numbers of what services were last seen to serve: those that had no answer the last time first, then others at random. */
function servedCertificates(target: OcspMatrixTarget, context: ProbeContext): readonly string[] {
  const services = new Set(target.services)
  const serials = new Set<string>()
  for (const { subject, facts } of context.memory.all('tls')) {
    const { certificate, tls } = facts
    if (!services.has(subject) || tls?.issuedDirectly !== true || certificate?.serial === undefined) continue
    serials.add(certificate.serial)
  }
  const before = context.memory.of(target)?.ocspMatrix?.servedUnanswered ?? []
  const known = new Set(before.map((item) => item.slice(0, item.indexOf(':'))))
  const [first, rest] = [
    [...serials].filter((serial) => known.has(serial)),
    [...serials].filter((serial) => !known.has(serial)),
  ]
  return [...first, ...shuffled(rest, context.random)].slice(0, MAX_SERVED)
}
