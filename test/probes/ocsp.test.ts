import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ocspError, type OcspAnswer } from '../../lab/issue.ts'
import type { ProbeResult } from '../../model/observation.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { probeOcsp } from '../../probes/ocsp.ts'
import { declared, entity, HOUR, NOW } from './pki.ts'
import { respond, type Answering, type Asked } from './responder.ts'
import {
  bounded,
  closedPort,
  context,
  failedIn,
  impatient,
  listen,
  ocspTarget,
  serveRaw,
  succeeded,
} from './support.ts'

const ca = await entity({ subject: 'Issuing 1' })
const delegate = await entity({ subject: 'Responder', issuer: ca, profile: 'ocsp_signer' })
const stranger = await entity({ subject: 'Stranger', profile: 'ocsp_signer' })
const issuer = declared('issuing-1', ca)

async function probe(t: TestContext, answering: Answering = {}): Promise<ProbeResult> {
  return bounded(probeOcsp, ocspTarget(await respond(t, ca, answering), issuer, 'c0ffee'))
}

/** Changes every single answer. */
function each(change: Partial<OcspAnswer['answers'][number]>): NonNullable<Answering['answer']> {
  return (_asked, standard) => ({
    ...standard,
    answers: standard.answers.map((answer) => ({ ...answer, ...change }) as typeof answer),
  })
}

test('a good answer gives its status, the authority and the bytes as evidence', async (t) => {
  const result = await probe(t)
  const { facts } = succeeded(result)
  assert.equal(facts.ocsp?.status, 'good')
  assert.equal(facts.ocsp.serial, 'c0ffee')
  assert.equal(facts.ocsp.nonceEchoed, true)
  assert.deepEqual(facts.authority, { id: 'issuing-1', class: 'online' })
  assert.deepEqual(
    result.artifacts.map((a) => a.mediaType),
    ['application/ocsp-response'],
  )
})

test('the question has a CertID by SHA-1 and a nonce of 32 octets, another one each time', async (t) => {
  const seen: Asked[] = []
  const url = await respond(t, ca, { seen: (asked) => seen.push(asked) })
  for (let i = 0; i < 2; i++) succeeded(await probeOcsp(ocspTarget(url, issuer, 'c0ffee'), context()))
  assert.deepEqual(
    seen.map(({ nonce, questions }) => [nonce?.length, questions.map((q) => q.hashAlgorithm)]),
    [
      [32, ['1.3.14.3.2.26']],
      [32, ['1.3.14.3.2.26']],
    ],
  )
  assert.notDeepEqual(seen[0]?.nonce, seen[1]?.nonce)
})

test('revoked is a fact, not a failure of the responder', async (t) => {
  const { facts } = succeeded(
    await probe(t, { answer: each({ status: 'revoked', at: NOW - HOUR, reason: 1 }) }),
  )
  assert.equal(facts.ocsp?.status, 'revoked')
  assert.equal(facts.ocsp.reason, 'keyCompromise')
})

test('a delegated responder is accepted, a foreign one is not', async (t) => {
  succeeded(await probe(t, { answer: (_, standard) => ({ ...standard, signer: delegate }) }))
  const foreign = await probe(t, { answer: (_, standard) => ({ ...standard, signer: stranger }) })
  failedIn(foreign, 'path', 'responder_not_authorized')
})

test("the lints of a verified answer and of a delegate's certificate are facts", async (t) => {
  const kinds = ({ observation }: ProbeResult) =>
    observation.facts.lint?.judged?.map((line) => line.replace(/ .*/, ''))
  const own = await probe(t, { answer: each({ thisUpdate: NOW + 1000 }) })
  assert.deepEqual(kinds(own), ['ocsp'])
  assert.deepEqual(own.observation.facts.lint?.failed?.slice(0, 1), [
    'ocsp_this_update_not_after_produced_at',
  ])
  const delegated = await probe(t, { answer: (_, standard) => ({ ...standard, signer: delegate }) })
  assert.deepEqual(kinds(delegated), ['certificate', 'ocsp'])
  const foreign = await probe(t, { answer: (_, standard) => ({ ...standard, signer: stranger }) })
  assert.equal(kinds(foreign), undefined)
})

test('a responder without nonce is reported, not refused', async (t) => {
  const result = await probe(t, {
    answer: (_, { issuer, answers, producedAt }) => ({ issuer, answers, producedAt }),
  })
  assert.equal(succeeded(result).facts.ocsp?.nonceEchoed, false)
})

test('a replayed answer fails in consistency', async (t) => {
  const result = await probe(t, {
    answer: (_, standard) => ({ ...standard, nonce: new Uint8Array(32) }),
  })
  failedIn(result, 'consistency', 'nonce_mismatch')
})

test('an answer for another serial fails in consistency and gives no facts about it', async (t) => {
  const { facts } = failedIn(
    await probe(t, { answer: each({ serial: 'bad' }) }),
    'consistency',
    'cert_id_mismatch',
  )
  assert.equal(facts.ocsp, undefined)
})

test('an expired answer keeps its dates and loses its status', async (t) => {
  const { facts } = failedIn(
    await probe(t, { answer: each({ nextUpdate: NOW - 1000 }) }),
    'time',
    'ocsp_expired',
  )
  assert.equal(facts.ocsp?.status, undefined)
  assert.equal(facts.ocsp?.nextUpdate, new Date(NOW - 1000).toISOString())
})

test('tryLater and unauthorized are named', async (t) => {
  failedIn(await probe(t, { body: ocspError('tryLater') }), 'profile', 'ocsp_try_later')
  failedIn(await probe(t, { body: ocspError('unauthorized') }), 'profile', 'ocsp_unauthorized')
})

test('a one-octet body fails in decode', async (t) => {
  failedIn(await probe(t, { body: new Uint8Array([0x30]) }), 'decode', 'truncated')
  failedIn(await probe(t, { body: new Uint8Array([0x0a]) }), 'decode', 'not_der')
  failedIn(await probe(t, { body: new Uint8Array() }), 'decode', 'truncated')
})

test('another media type or status fails in http', async (t) => {
  failedIn(await probe(t, { mediaType: 'text/html' }), 'http', 'bad_media_type')
  failedIn(await probe(t, { status: 503 }), 'http', 'http_status')
  succeeded(await probe(t, { mediaType: 'Application/OCSP-Response; charset=binary' }))
})

test('a redirected question is not asked elsewhere', async (t) => {
  const url = await serveRaw(t, 'HTTP/1.1 307 Elsewhere\nLocation: /\nContent-Length: 0\n\n')
  failedIn(await bounded(probeOcsp, ocspTarget(url, issuer, '1')), 'http', 'http_status')
})

test('an answer beyond 1 MiB is not read', async (t) => {
  const url = await serveRaw(t, 'HTTP/1.1 200 OK\nContent-Length: 1048577\n\n')
  failedIn(await bounded(probeOcsp, ocspTarget(url, issuer, '1')), 'size', 'body_too_large')
})

test('a responder that is down, or silent', async (t) => {
  const down = `http://127.0.0.1:${await closedPort()}/`
  failedIn(await bounded(probeOcsp, ocspTarget(down, issuer, '1')), 'connect', 'refused')
  const silent = `http://127.0.0.1:${await listen(t, () => undefined)}/`
  failedIn(await bounded(probeOcsp, impatient(ocspTarget(silent, issuer, '1'))), 'http', 'timeout')
})

/** A responder that has a name with several addresses. */
async function several(t: TestContext, answering: Answering, addresses: readonly string[]) {
  const url = new URL(await respond(t, ca, answering, addresses))
  url.hostname = 'ocsp.example'
  const world = { names: systemNames({ 'ocsp.example': addresses }) }
  return { target: ocspTarget(url.href, issuer, 'c0ffee'), world }
}

test('of several addresses one good answer is enough; the others are facts', async (t) => {
  const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
  const old: Answering['answer'] = (asked, standard) =>
    asked.address === '127.0.0.1' ? each({ nextUpdate: NOW - 1000 })(asked, standard) : standard
  const { target, world } = await several(t, { answer: old }, addresses)
  const { facts } = succeeded(await bounded(probeOcsp, target, world))
  assert.equal(facts.ocsp?.status, 'good')
  assert.deepEqual(facts.addresses, { all: addresses, failed: ['127.0.0.1 ocsp_expired'], differing: [] })
})

test('an address that never answers does not make the run last longer', async (t) => {
  const never = new Promise<never>(() => undefined)
  const silent: Answering['sent'] = ({ address }) => (address === '127.0.0.2' ? never : {})
  const { target, world } = await several(t, { sent: silent }, ['127.0.0.1', '127.0.0.2'])
  const { facts, duration } = succeeded(await bounded(probeOcsp, { ...target, timeout: 2_000 }, world))
  assert.deepEqual(facts.addresses?.failed, ['127.0.0.2 timeout'])
  assert.ok(duration < 2_000, `expected the time of the good answer, got ${duration} ms`)
})
