import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { issueCrl, ocspError, type OcspAnswer, type RevokedEntry } from '../../lab/issue.ts'
import type { Facts } from '../../model/facts.ts'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { probeOcspMatrix } from '../../probes/ocspMatrix.ts'
import type { OcspMatrixTarget, ProbeContext } from '../../probes/probe.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { respond, SHA256, type Answering, type Asked } from './responder.ts'
import { bounded, closedPort, context, failedIn, succeeded } from './support.ts'

const GOOD = 'c0ffee'
const REVOKED = 'bad'
const MINUTE = 60_000

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)
const stranger = await entity({ subject: 'Stranger', profile: 'ocsp_signer' })

function target(url: string, changes: Partial<OcspMatrixTarget> = {}): OcspMatrixTarget {
  return {
    probe: 'ocsp_matrix',
    subject: 'ocsp_responder_status[issuing-1]',
    address: url,
    interval: HOUR,
    timeout: 20_000,
    url,
    issuer,
    serial: GOOD,
    revoked: undefined,
    services: [],
    ...changes,
  }
}

type Entry = Pick<RevokedEntry, 'serial'> & Partial<RevokedEntry>

/** Knows GOOD and what is listed. */
function knowing(entries: readonly Entry[] = []): NonNullable<Answering['answer']> {
  const listed = new Map(entries.map((entry) => [entry.serial, entry]))
  return (_asked, standard) => ({
    ...standard,
    answers: standard.answers.map(({ serial, hash, thisUpdate, nextUpdate = 0 }): Single => {
      const common = { serial, ...(hash && { hash }), thisUpdate, nextUpdate }
      const entry = listed.get(serial)
      if (entry === undefined) return { ...common, status: serial === GOOD ? 'good' : 'unknown' }
      const { at = NOW - DAY, reason } = entry
      return { ...common, status: 'revoked', at, ...(reason === undefined ? {} : { reason }) }
    }),
  })
}
type Single = OcspAnswer['answers'][number]

async function look(
  t: TestContext,
  answering: Answering = {},
  changes: Partial<OcspMatrixTarget> = {},
  world: Partial<ProbeContext> = {},
): Promise<Observation> {
  const url = await respond(t, ca, { answer: knowing(), ...answering })
  return succeeded(await bounded(probeOcspMatrix, target(url, changes), world))
}

test('a responder that does everything right', async (t) => {
  const seen: Asked[] = []
  const answer = knowing([{ serial: REVOKED }])
  const { facts } = await look(t, { answer, seen: (asked) => seen.push(asked) }, { revoked: REVOKED })
  assert.deepEqual(facts.authority, { id: 'issuing-1', class: 'online' })
  assert.deepEqual(facts.addresses, { all: ['127.0.0.1'], failed: [], differing: [] })
  assert.deepEqual(facts.ocspMatrix, {
    answers: [
      'get sha1 nonce: good',
      'get sha1: good',
      'get sha256 nonce: good',
      'get sha256: good',
      'post sha1 nonce: good',
      'post sha1: good',
      'post sha256 nonce: good',
      'post sha256: good',
    ],
    post: 'good',
    getAgrees: true,
    getDiffering: [],
    sha256Agrees: true,
    nonce: 'echoed',
    encodedPath: 'same',
    plainPath: 'same',
    revoked: 'revoked',
    neverIssued: 'unknown',
    served: 0,
    servedUnanswered: [],
    caching: ['cache_control_missing', 'etag_missing', 'expires_missing', 'last_modified_missing'],
  })
  assert.equal(facts.crossCheck, undefined, 'there is no CRL to compare with')
  const gets = seen.filter(({ method }) => method === 'GET')
  assert.ok(gets.some(({ path }) => path.includes('%2F') && path.includes('%2B')))
  assert.ok(gets.some(({ path }) => path.slice('/ocsp/'.length).includes('/') && path.includes('+')))
  assert.equal(new Set(seen.map(({ nonce }) => nonce && Buffer.from(nonce).toString('hex'))).size > 4, true)
})

test('the same in every run, but for serial numbers and nonces', async (t) => {
  const seen: string[] = []
  const url = await respond(t, ca, {
    answer: knowing(),
    seen: ({ questions }) => seen.push(...questions.map(({ serial }) => serial)),
  })
  const runs = []
  for (let i = 0; i < 2; i++) runs.push(succeeded(await probeOcspMatrix(target(url), context())).facts)
  assert.deepEqual(runs[0], runs[1])
  assert.equal(new Set(seen.filter((serial) => serial.length === 32)).size, 2, 'random each time')
})

test('a responder that does not answer GET', async (t) => {
  const { facts, artifacts } = await look(t, {
    sent: ({ method }) => (method === 'GET' ? { status: 404 } : {}),
  })
  assert.equal(facts.ocspMatrix?.getAgrees, false)
  assert.deepEqual(facts.ocspMatrix.getDiffering?.slice(0, 2), [
    'get sha1 nonce: http_404',
    'get sha1: http_404',
  ])
  assert.equal(facts.ocspMatrix.encodedPath, 'http_404')
  assert.equal(facts.ocspMatrix.caching, undefined)
  assert.deepEqual(artifacts, [])
})

test('a cache that serves an answer past its nextUpdate to GET', async (t) => {
  const old: Answering['answer'] = (asked, standard) => ({
    ...standard,
    answers: standard.answers.map((single) => ({
      ...single,
      nextUpdate: asked.method === 'GET' ? NOW - MINUTE : NOW + HOUR,
    })),
  })
  const url = await respond(t, ca, { answer: old })
  const result = await probeOcspMatrix(target(url), context())
  assert.equal(succeeded(result).facts.ocspMatrix?.getDiffering?.at(1), 'get sha1: ocsp_expired')
  assert.ok(result.artifacts.length > 0, 'the answers are kept')
})

test('paths with / and + that get lost on the way', async (t) => {
  const lost = (pattern: RegExp): Answering => ({
    sent: ({ method, path, nonce }) =>
      method === 'GET' && nonce !== undefined && pattern.test(path.slice('/ocsp/'.length))
        ? { body: ocspError('malformedRequest') }
        : {},
  })
  const encoded = await look(t, lost(/%2F/))
  assert.equal(encoded.facts.ocspMatrix?.encodedPath, 'ocsp_malformed_request')
  assert.equal(encoded.facts.ocspMatrix.plainPath, 'same')
  const plain = await look(t, lost(/\//))
  assert.equal(plain.facts.ocspMatrix?.encodedPath, 'same')
  assert.equal(plain.facts.ocspMatrix.plainPath, 'ocsp_malformed_request')
})

/** A CA for which a request with a nonce of zeros has neither `/` nor `+`: one of five. */
async function unescaped(serial: string) {
  for (let i = 0; i < 200; i++) {
    const own = await entity({ subject: `Issuing ${i}` })
    const { certificate } = declared('issuing-1', own)
    const nonce = new Uint8Array(32)
    const { der } = buildOcspRequest({ serial, issuer: certificate, nonce, hash: 'sha1' })
    if (!/[/+]/.test(Buffer.from(der).toString('base64'))) return own
  }
  return assert.fail('expected a CA')
}

test('the nonce is drawn until its base64 has / and +', async (t) => {
  const serial = '10000'
  const own = await unescaped(serial)
  let draws = 0
  const random = (octets: number) => (draws++ < 20 ? new Uint8Array(octets) : randomBytes(octets))
  const paths: string[] = []
  const seen = ({ method, path }: Asked) => {
    if (method === 'GET') paths.push(path.slice('/ocsp/'.length))
  }
  const url = await respond(t, own, { answer: knowing(), seen })
  const issued = { issuer: declared('issuing-1', own), serial }
  succeeded(await bounded(probeOcspMatrix, target(url, issued), { random }))
  assert.ok(paths.some((path) => path.includes('/') && path.includes('+')))
})

test('where a nonce is refused, paths are tried with a serial number that does not exist', async (t) => {
  const paths: string[] = []
  const { facts } = await look(t, {
    sent: ({ nonce }) => (nonce === undefined ? {} : { body: ocspError('malformedRequest') }),
    seen: ({ method, path, questions }) => {
      if (method === 'GET' && questions.some(({ serial }) => serial !== GOOD)) paths.push(path)
    },
  })
  assert.equal(facts.ocspMatrix?.nonce, 'ocsp_malformed_request')
  assert.equal(facts.ocspMatrix.encodedPath, 'same')
  assert.equal(paths.length, 2)
  assert.match(paths[0] ?? '', /%2F/)
})

test('a responder that ignores nonces, and one that refuses SHA-256', async (t) => {
  const { facts } = await look(t, {
    answer: (asked, { issuer: by, answers, producedAt }) =>
      knowing()(asked, { issuer: by, answers, producedAt }),
    sent: ({ questions }) =>
      questions.some(({ hashAlgorithm }) => hashAlgorithm === SHA256)
        ? { body: ocspError('unauthorized') }
        : {},
  })
  assert.equal(facts.ocspMatrix?.nonce, 'ignored')
  assert.equal(facts.ocspMatrix.sha256Agrees, false)
  assert.equal(facts.ocspMatrix.getAgrees, true, 'GET says what POST says')
})

test('good for a serial number that was never issued, and extended revoke', async (t) => {
  const careless = await look(t, { answer: (_, standard) => standard })
  assert.equal(careless.facts.ocspMatrix?.neverIssued, 'good')
  const revoking = await look(t, {
    answer: (_, standard) => ({
      ...standard,
      answers: standard.answers.map((single) =>
        single.serial === GOOD ? single : { ...single, status: 'revoked', at: 0, reason: 6 },
      ),
    }),
  })
  assert.equal(revoking.facts.ocspMatrix?.neverIssued, 'revoked')
  assert.equal(revoking.facts.ocspMatrix.neverIssuedForm, false, 'without the extension')
})

/** What crl and tls probes have recorded. */
function remembering(
  ...observations: readonly Pick<Observation, 'subject' | 'probe' | 'target' | 'facts'>[]
) {
  const named = observations.map(({ subject, probe, target: address }) => ({ subject, probe, address }))
  const memory = new RecordedMemory(named)
  for (const one of observations)
    memory.remember({
      ...one,
      vantage: 'test',
      start: toTimestamp(NOW),
      duration: 1,
      outcome: 'success',
      artifacts: [],
    })
  return memory
}

function serving(service: string, serial: string, issuedDirectly = true) {
  const facts = { certificate: { serial }, tls: { issuedDirectly } } satisfies Facts
  const subject = `service_tls_health[${service},prod]`
  return { subject, probe: 'tls', target: `${service}:443`, facts } as const
}

test('certificates that services serve, and the responder has no status for', async (t) => {
  const memory = remembering(
    serving('shop', GOOD),
    serving('mail', 'f00d'),
    serving('foreign', 'fee', false),
    serving('other', 'dada'),
  )
  const services = ['shop', 'mail', 'foreign'].map((id) => `service_tls_health[${id},prod]`)
  const lacking: Answering['sent'] = ({ questions }) =>
    questions.some(({ serial }) => serial === 'f00d') ? { status: 404 } : {}
  const { facts } = await look(t, { sent: lacking }, { services }, { memory })
  assert.equal(facts.ocspMatrix?.served, 2)
  assert.deepEqual(facts.ocspMatrix.servedUnanswered, ['f00d: http_404'])
})

test('every address is asked; one that fails or differs is named', async (t) => {
  const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
  const url = await respond(
    t,
    ca,
    {
      answer: (asked, standard) =>
        asked.address === '127.0.0.3'
          ? knowing([{ serial: GOOD }])(asked, standard)
          : knowing()(asked, standard),
      sent: ({ address, method }) =>
        address === '127.0.0.2' && method === 'POST' ? { body: ocspError('tryLater') } : {},
    },
    addresses,
  )
  const named = new URL(url)
  named.hostname = 'ocsp.example'
  const world = { names: systemNames({ 'ocsp.example': addresses }) }
  const { facts } = succeeded(await bounded(probeOcspMatrix, target(named.href), world))
  assert.deepEqual(facts.addresses, {
    all: addresses,
    failed: ['127.0.0.2 ocsp_try_later'],
    differing: ['127.0.0.3'],
  })
  assert.deepEqual(facts.ocspMatrix?.getDiffering, ['127.0.0.3: revoked'])
})

test('no address answers: the failure of the first', async (t) => {
  const down = `http://127.0.0.1:${await closedPort()}/`
  const { facts } = failedIn(await bounded(probeOcspMatrix, target(down)), 'connect', 'refused')
  assert.deepEqual(facts.addresses?.failed, ['127.0.0.1 refused'])
  assert.equal(facts.ocspMatrix, undefined)
  const answer: Answering['answer'] = (_, standard) => ({ ...standard, signer: stranger })
  const foreign = await respond(t, ca, { answer })
  failedIn(await bounded(probeOcspMatrix, target(foreign)), 'path', 'responder_not_authorized')
})

test('a responder that falls silent leaves out what it was not asked, and the run ends in time', async (t) => {
  let asked = 0
  const never = new Promise<never>(() => undefined)
  const url = await respond(t, ca, { answer: knowing(), sent: () => (asked++ === 0 ? {} : never) })
  const { facts } = succeeded(await bounded(probeOcspMatrix, target(url, { timeout: 1_000 })))
  assert.equal(facts.ocspMatrix?.post, 'good')
  assert.equal(facts.ocspMatrix.sha256Agrees, false, 'it was asked, and did not answer')
  assert.equal(facts.ocspMatrix.neverIssued, undefined)
})

/** What the authority's CRL lists, as its probe recorded it, and where its octets are. */
async function listing(entries: readonly Entry[], thisUpdate = NOW - 2 * HOUR) {
  const der = await issueCrl({
    issuer: ca,
    number: 7n,
    thisUpdate,
    nextUpdate: NOW + DAY,
    revoked: entries.map(({ serial, at = NOW - DAY, reason }) => ({
      serial,
      at,
      ...(reason === undefined ? {} : { reason }),
    })),
  })
  const sha256 = createHash('sha256').update(der).digest('hex')
  const facts = { crl: { sha256, isDelta: false } } satisfies Facts
  const seen = { subject: 'ca_crl[issuing-1]', probe: 'crl', target: 'http://crl.test/', facts } as const
  const artifact = (digest: string) => Promise.resolve(digest === sha256 ? Uint8Array.from(der) : undefined)
  return { seen, artifact }
}

test('statuses, dates and reasons are compared with the CRL', async (t) => {
  const { seen, artifact } = await listing([
    { serial: 'a', reason: 1 },
    { serial: 'b' },
    { serial: 'c', at: NOW - 3 * DAY },
    { serial: 'd' },
  ])
  const answer = knowing([{ serial: 'a', reason: 4 }, { serial: 'c' }, { serial: 'd' }])
  const previous = { status: ['b: x'], dates: ['c: x'], reasons: ['a: x'], since: toTimestamp(NOW - DAY) }
  const before = (url: string) =>
    remembering(seen, {
      ...target(url),
      target: url,
      facts: { crossCheck: previous },
    })
  const url = await respond(t, ca, { answer })
  const world = { memory: before(url), artifact }
  const { facts } = succeeded(await bounded(probeOcspMatrix, target(url), world))
  const { compared, ...rest } = facts.crossCheck ?? {}
  assert.ok((compared ?? 0) >= 3)
  assert.deepEqual(rest, {
    status: ['b: CRL revoked, OCSP unknown'],
    dates: [`c: CRL ${toTimestamp(NOW - 3 * DAY)}, OCSP ${toTimestamp(NOW - DAY)}`],
    reasons: ['a: CRL keyCompromise, OCSP superseded'],
    since: toTimestamp(NOW - DAY),
  })
})

test('a difference is dated from the CRL that shows it, and stays so until it is gone', async (t) => {
  const { seen, artifact } = await listing([{ serial: 'b' }])
  const answering: { answer: NonNullable<Answering['answer']> } = { answer: knowing() }
  const url = await respond(t, ca, { answer: (asked, standard) => answering.answer(asked, standard) })
  const own = target(url)
  const memory = new RecordedMemory([own, { ...seen, address: seen.target }])
  const see = async (now = NOW) => {
    const observation = succeeded(await bounded(probeOcspMatrix, own, { memory, artifact, now: () => now }))
    memory.remember(observation)
    return observation.facts.crossCheck
  }
  memory.remember({
    ...seen,
    vantage: 'test',
    start: toTimestamp(NOW),
    duration: 1,
    outcome: 'success',
    artifacts: [],
  })
  const first = await see()
  assert.equal(first?.since, toTimestamp(NOW - 2 * HOUR), 'thisUpdate of the CRL')
  assert.deepEqual(await see(NOW + MINUTE), first)
  answering.answer = knowing([{ serial: 'b' }])
  const mended = await see()
  assert.deepEqual(mended, { compared: 1, status: [], dates: [], reasons: [] })
})

test('a declared revoked certificate that the CRL does not list, but for one that was revoked after it', async (t) => {
  const { seen, artifact } = await listing([])
  const world = { memory: remembering(seen), artifact }
  const see = (at: number) =>
    look(t, { answer: knowing([{ serial: REVOKED, at }]) }, { revoked: REVOKED }, world)
  const forgotten = await see(NOW - DAY)
  assert.deepEqual(forgotten.facts.crossCheck?.status, [`${REVOKED}: CRL not listed, OCSP revoked`])
  const fresh = await see(NOW - HOUR)
  assert.deepEqual(fresh.facts.crossCheck?.status, [])
})

test('what is on hold, in a CRL that is over, or of another authority is not compared', async (t) => {
  const hold = await listing([{ serial: 'b', reason: 6 }])
  const held = await look(t, {}, {}, { memory: remembering(hold.seen), artifact: hold.artifact })
  assert.equal(held.facts.crossCheck?.compared, 0)
  const over = await listing([{ serial: 'b' }], NOW - 9 * DAY)
  const later = { now: () => NOW + 2 * DAY }
  const url = await respond(t, ca, {
    answer: (_, standard) => ({
      ...standard,
      answers: standard.answers.map((single) => ({ ...single, nextUpdate: NOW + 9 * DAY })),
    }),
  })
  const world = { memory: remembering(over.seen), artifact: over.artifact, ...later }
  const result = succeeded(await bounded(probeOcspMatrix, target(url), world))
  assert.equal(result.facts.crossCheck, undefined)
  const other = { ...over.seen, subject: 'ca_crl[other]' }
  const foreign = await look(t, {}, {}, { memory: remembering(other), artifact: over.artifact })
  assert.equal(foreign.facts.crossCheck, undefined)
})

test('a CRL of 20,000 entries is read in a worker, and its entries are asked about', async (t) => {
  const entries = Array.from({ length: 20_000 }, (_, i) => ({ serial: (i + 0x100_0000).toString(16) }))
  const { seen, artifact } = await listing(entries)
  const asked = new Set<string>()
  const { facts } = await look(
    t,
    { answer: knowing(entries), seen: ({ questions }) => questions.forEach((q) => asked.add(q.serial)) },
    {},
    { memory: remembering(seen), artifact },
  )
  assert.deepEqual(facts.crossCheck, { compared: 4, status: [], dates: [], reasons: [] })
  assert.equal([...asked].filter((serial) => serial.length === 7).length, 4)
})
