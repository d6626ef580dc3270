// What can be wrong with a responder and its answers.
import { X509Certificate } from 'node:crypto'
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import { onlyAt } from '../changes.ts'
import {
  answerOcsp,
  generateKey,
  issueCertificate,
  ocspError,
  type Issuer,
  type OcspAnswer,
  type OcspError,
  type OcspStatus,
} from '../issue.ts'
import type { OcspAsked, OcspChange } from '../ocspResponder.ts'
import type { Reply } from '../reply.ts'
import { ocspFault, ocspReplyFault, type AuthorityParts, type CaFault, type FaultTools } from './fault.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Milliseconds: longer than clients wait for a responder (2 s). */
const SLOWNESS = 2_200

/** CRLReason (RFC 5280 section 5.3.1) that the lab gives nobody. */
const PRIVILEGE_WITHDRAWN = 9
/** No answer at all. */
const MISSING = new Uint8Array()

const OCSP_NO_CHECK = '1.3.6.1.5.5.7.48.1.5'
const SHA256 = '2.16.840.1.101.3.4.2.1'

type Single = OcspAnswer['answers'][number]

/** Changes every single answer. */
function each(change: (single: Single, asked: OcspAsked) => Single): OcspChange {
  return (answer, asked) => ({ ...answer, answers: answer.answers.map((single) => change(single, asked)) })
}

/** Moves an answer in time, by so many milliseconds; its end by others. */
function shifted(by: number, endBy = 0): OcspChange {
  return (answer) => ({
    ...answer,
    producedAt: answer.producedAt + by,
    answers: answer.answers.map((single) => ({
      ...single,
      thisUpdate: single.thisUpdate + by,
      ...(single.nextUpdate === undefined ? {} : { nextUpdate: single.nextUpdate + endBy }),
    })),
  })
}

function refusing(error: OcspError): OcspChange {
  return () => ocspError(error)
}

/** Another signer, whose certificate the CA issues for it; what differs from a right one is said. */
async function signerOf(
  ca: AuthorityParts,
  tools: FaultTools,
  { by = ca, lifetime = 30 * DAY_MS, profile = 'ocsp_signer', changes = {} }: SignerChanges,
): Promise<OcspChange> {
  const now = tools.now()
  const { der, key } = await by.authority.issue({
    username: `ocsp-${ca.id}`,
    profile,
    notBefore: now - HOUR_MS,
    notAfter: now + lifetime,
    who: tools.login(ADMINISTRATORS.securityOfficer),
    changes,
  })
  return (answer) => ({ ...answer, signer: { certificate: der, key } })
}

type Order = Parameters<AuthorityParts['authority']['issue']>[0]

interface SignerChanges extends Pick<Partial<Order>, 'profile' | 'changes'> {
  readonly by?: AuthorityParts
  /** Milliseconds left. */
  readonly lifetime?: number
}

/** A key that no CA has certified. */
async function stranger(now: number): Promise<Issuer> {
  const key = generateKey('p256')
  const life = { notBefore: now - HOUR_MS, notAfter: now + DAY_MS }
  const certificate = await issueCertificate({ subject: 'Stranger', profile: 'ocsp_signer', key, ...life })
  return { key, certificate }
}

/** Hex without leading zeros. */
function serialOf(certificate: Uint8Array): string {
  return new X509Certificate(certificate).serialNumber.toLowerCase().replace(/^0+(?=.)/, '')
}

function status(reply: Reply, code: number): Reply {
  return { ...reply, status: code, headers: { 'content-type': 'text/plain' }, body: new Uint8Array() }
}

/** A single answer anew: its status, and what else stands in it. */
function made(status: OcspStatus, rest: Omit<Single, 'status' | 'at' | 'reason'>): Single {
  if (status.status !== 'revoked') return { ...rest, status: status.status }
  const { at, reason } = status
  return { ...rest, status: 'revoked', at, ...(reason === undefined ? {} : { reason }) }
}

function asked({ serial, certId }: Single): Pick<Single, 'serial' | 'certId'> {
  return { serial, ...(certId && { certId }) }
}

function times({ thisUpdate, nextUpdate }: Single): Pick<Single, 'thisUpdate' | 'nextUpdate'> {
  return { thisUpdate, ...(nextUpdate === undefined ? {} : { nextUpdate }) }
}

export const OCSP_FAULTS: readonly CaFault[] = [
  {
    id: 'ocsp-down',
    title: 'The OCSP responder does not listen',
    group: 'ocsp',
    target: 'ca',
    apply: async ({ responder }) => {
      await responder.stop()
      return () => responder.start()
    },
  },
  ocspFault({ id: 'ocsp-slow', title: 'One node signs slower than clients wait' }, (_ca, { oneAddress }) =>
    onlyAt(oneAddress, async (answer, { method, request }) => {
      // What it has signed in advance, for questions without nonce, comes at once.
      if (method === 'POST' && request.nonce !== undefined)
        await new Promise((resolve) => setTimeout(resolve, SLOWNESS))
      return answer
    }),
  ),
  ocspFault(
    { id: 'ocsp-issued-unknown', title: 'The responder has lost what was issued: unknown instead of good' },
    () => each((single) => (single.status === 'good' ? { ...single, status: 'unknown' } : single)),
  ),
  ocspFault({ id: 'ocsp-try-later', title: 'Every answer is tryLater' }, () => refusing('tryLater')),
  ocspFault({ id: 'ocsp-unauthorized', title: 'Every answer is unauthorized' }, () =>
    refusing('unauthorized'),
  ),
  ocspFault({ id: 'ocsp-always-good', title: 'Good is said of serial numbers that were never issued' }, () =>
    each((single) => (single.status === 'unknown' ? { ...single, status: 'good' } : single)),
  ),
  ocspFault(
    { id: 'ocsp-one-octet', title: 'Answers have one octet, with HTTP 200' },
    () => () => Uint8Array.of(0x30),
  ),
  {
    id: 'ocsp-subset-missing',
    title: 'HTTP 404 for every certificate but the one that is asked about all the time',
    group: 'ocsp',
    target: 'ca',
    apply: ({ responder, canary }) => {
      const known = serialOf(canary)
      const undo = responder.changeAnswers((answer) =>
        answer.answers.every(({ serial }) => serial === known) ? answer : MISSING,
      )
      const undoReply = responder.changeReplies((reply) =>
        reply.body.length === 0 ? status(reply, 404) : reply,
      )
      return Promise.resolve(() => {
        undo()
        undoReply()
      })
    },
  },
  ocspFault({ id: 'ocsp-old', title: 'Answers are 30 hours old, and still valid' }, () =>
    shifted(-30 * HOUR_MS),
  ),
  ocspFault({ id: 'ocsp-without-end', title: 'Answers have no nextUpdate' }, () =>
    each((single) => made(single, { ...asked(single), thisUpdate: single.thisUpdate })),
  ),
  ocspFault({ id: 'ocsp-far-end', title: 'Answers are valid for 30 days' }, () => shifted(0, 30 * DAY_MS)),
  ocspFault(
    { id: 'ocsp-signer-ends-first', title: "The signer's certificate ends before its answers" },
    (ca, tools) => signerOf(ca, tools, { lifetime: 30 * MINUTE_MS }),
  ),
  ocspFault(
    { id: 'ocsp-signer-ends-soon', title: "The signer's certificate ends in three days" },
    (ca, tools) => signerOf(ca, tools, { lifetime: 3 * DAY_MS }),
  ),
  ocspFault({ id: 'ocsp-signer-purpose', title: 'The signer has no OCSPSigning' }, (ca, tools) =>
    signerOf(ca, tools, { profile: 'tls_client' }),
  ),
  ocspFault({ id: 'ocsp-signer-checked', title: 'The signer has no ocsp-nocheck' }, (ca, tools) =>
    signerOf(ca, tools, { changes: { without: [OCSP_NO_CHECK] } }),
  ),
  ocspFault({ id: 'ocsp-signer-foreign', title: 'Another CA has issued the signer' }, (ca, tools) =>
    signerOf(ca, tools, { by: tools.otherAuthority(ca) }),
  ),
  ocspFault({ id: 'ocsp-sha1', title: 'Answers are signed with SHA-1' }, () => (answer) => ({
    ...answer,
    digest: 'sha1',
  })),
  ocspReplyFault({ id: 'ocsp-no-get', title: 'GET gives 404' }, (reply, { request }) =>
    request.method === 'GET' ? status(reply, 404) : reply,
  ),
  ocspReplyFault(
    { id: 'ocsp-path-decoded', title: 'Something in between loses paths with / or +' },
    (reply, { request }) => (/%2[FB]/.test(request.url ?? '') ? status(reply, 404) : reply),
  ),
  ocspFault(
    { id: 'ocsp-no-sha256', title: 'CertIDs by SHA-256 are refused' },
    () =>
      (answer, { request }) =>
        request.questions.some(({ hashAlgorithm }) => hashAlgorithm === SHA256)
          ? ocspError('unauthorized')
          : answer,
  ),
  ocspFault({ id: 'ocsp-other-certificate', title: 'Answers are about another certificate' }, () =>
    each((single) => made(single, { serial: 'badbad', ...times(single) })),
  ),
  ocspFault({ id: 'ocsp-future', title: 'Answers are from the future' }, () => shifted(HOUR_MS, HOUR_MS)),
  ocspFault({ id: 'ocsp-times-swapped', title: 'thisUpdate is after producedAt' }, () => (answer) => ({
    ...answer,
    producedAt: answer.producedAt - MINUTE_MS,
  })),
  ocspFault({ id: 'ocsp-node-expired', title: 'One node has answers that are over' }, (_ca, { oneAddress }) =>
    onlyAt(oneAddress, shifted(-3 * HOUR_MS, -2 * HOUR_MS)),
  ),
  ocspFault({ id: 'ocsp-node-try-later', title: 'One node says tryLater' }, (_ca, { oneAddress }) =>
    onlyAt(oneAddress, refusing('tryLater')),
  ),
  ocspFault(
    { id: 'ocsp-no-nonce', title: 'Nonces are not echoed' },
    () =>
      ({ issuer, signer, answers, producedAt }) => ({
        issuer,
        answers,
        producedAt,
        ...(signer && { signer }),
      }),
  ),
  ocspFault(
    { id: 'ocsp-replayed', title: 'The answer to another question is replayed' },
    () => (answer) =>
      answer.nonce === undefined ? answer : { ...answer, nonce: new Uint8Array(32).fill(7) },
  ),
  ocspFault({ id: 'ocsp-signature', title: 'A bit of the signature is wrong' }, () => async (answer) => {
    // It stands last where no certificate comes along.
    const der = Uint8Array.from(await answerOcsp({ ...answer, signer: answer.issuer, certificates: [] }))
    const last = der.length - 1
    der[last] = (der[last] ?? 0) ^ 1
    return der
  }),
  ocspFault({ id: 'ocsp-stranger', title: 'A key signs that was never delegated' }, async (_ca, tools) => {
    const signer = await stranger(tools.now())
    return (answer) => ({ ...answer, signer })
  }),
  ocspReplyFault({ id: 'ocsp-withdrawn', title: 'OCSP is given up: 410 for every question' }, (reply) =>
    status(reply, 410),
  ),
  ocspFault(
    { id: 'ocsp-cache-expired', title: 'A cache answers GET with an answer that is over' },
    () => (answer, asked) =>
      asked.method === 'GET' && asked.request.nonce === undefined
        ? shifted(-3 * HOUR_MS, -2 * HOUR_MS)(answer, asked)
        : answer,
  ),
  ocspReplyFault(
    { id: 'ocsp-cached-too-long', title: 'Caches may keep answers past their end' },
    (reply, { request }) =>
      request.method === 'GET' && 'cache-control' in reply.headers
        ? {
            ...reply,
            headers: {
              ...reply.headers,
              'cache-control': 'max-age=604800, public, no-transform, must-revalidate',
            },
          }
        : reply,
  ),
  ocspFault({ id: 'ocsp-revoked-good', title: 'Revoked certificates are good by OCSP' }, () =>
    each((single) =>
      single.status === 'revoked' ? made({ status: 'good' }, { ...asked(single), ...times(single) }) : single,
    ),
  ),
  ocspFault({ id: 'ocsp-other-date', title: 'Dates of revocation differ between OCSP and CRL' }, () =>
    each((single) => (single.status === 'revoked' ? { ...single, at: single.at + HOUR_MS } : single)),
  ),
  ocspFault({ id: 'ocsp-other-reason', title: 'Reasons of revocation differ between OCSP and CRL' }, () =>
    each((single) => (single.status === 'revoked' ? { ...single, reason: PRIVILEGE_WITHDRAWN } : single)),
  ),
]
