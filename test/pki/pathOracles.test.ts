import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { extension, generateKey, issueCrl } from '../../lab/issue.ts'
import { parseCrl } from '../../pki/crl.ts'
import { failureOf } from '../../pki/error.ts'
import { namesMatch } from '../../pki/name.ts'
import { buildPath } from '../../pki/path.ts'
import { checkPathRevocation } from '../../pki/revocation.ts'
import { verifySignature } from '../../pki/signature.ts'
import { needs } from '../support/needs.ts'
import { DAY, HOUR, NOW, entity } from './support.ts'
import type { Entity } from './support.ts'

// Second opinions about generated paths: OpenSSL about everything, Node about single links, pkijs about a few.

/** What may be said, or be wrong, at one place in a path. */
interface Spec {
  readonly isCa: boolean
  readonly keyCertSign: boolean
  readonly validity: 'now' | 'past' | 'future'
  /** Signed with the key that it claims, or with another. */
  readonly signature: 'right' | 'wrong'
  readonly selfIssued: boolean
  readonly unknownCritical: boolean
  readonly pathLength: number | undefined
  readonly policies: readonly string[] | undefined
  readonly mappings: readonly (readonly [string, string])[]
  readonly requireExplicit: number | undefined
  readonly inhibitMapping: number | undefined
  readonly inhibitAny: number | undefined
  readonly permitted: readonly string[]
  readonly excluded: readonly string[]
  readonly revocation: 'good' | 'revoked' | 'held' | 'released'
  /** The list of this CA. */
  readonly list: 'current' | 'expired' | 'missing' | 'expired with delta'
}

const ANY_POLICY = '2.5.29.32.0'
const NAMED = ['1.2.3.1', '1.2.3.2']
const named = fc.constantFrom(...NAMED)
/** Mostly `usual`: of a path in which everything is odd, only the first oddity is seen. */
const mostly = <T>(usual: T, ...odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 25, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const rarely = <T>(odd: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(odd, { nil: undefined, freq: 7 })
const maybe = <T>(arbitrary: fc.Arbitrary<readonly T[]>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant([]) }, { weight: 1, arbitrary })
const dnsBase = fc.constantFrom('example.org', 'a.example.org', 'org', 'other.example')
const skip = fc.nat({ max: 2 })

const spec: fc.Arbitrary<Spec> = fc.record({
  isCa: mostly(true, false),
  keyCertSign: mostly(true, false),
  validity: mostly<Spec['validity']>('now', 'past', 'future'),
  signature: mostly<Spec['signature']>('right', 'wrong'),
  selfIssued: mostly(false, true, true, true),
  unknownCritical: mostly(false, true),
  pathLength: rarely(fc.nat({ max: 2 })),
  policies: fc.option(fc.uniqueArray(fc.constantFrom(...NAMED, ANY_POLICY), { minLength: 1 }), {
    nil: undefined,
    freq: 6,
  }),
  mappings: maybe(fc.array(fc.tuple(named, named), { minLength: 1, maxLength: 2 })),
  requireExplicit: rarely(skip),
  inhibitMapping: rarely(skip),
  inhibitAny: rarely(skip),
  permitted: maybe(fc.array(dnsBase, { minLength: 1, maxLength: 2 })),
  excluded: maybe(fc.array(dnsBase, { minLength: 1, maxLength: 2 })),
  revocation: mostly<Spec['revocation']>('good', 'revoked', 'held', 'released'),
  list: mostly<Spec['list']>('current', 'expired', 'missing', 'expired with delta', 'expired with delta'),
})

const question = fc.record({
  /** Anchor first; the last one is the leaf. */
  specs: fc.array(spec, { minLength: 2, maxLength: 5 }),
  dns: fc.constantFrom('www.example.org', 'x.a.example.org', 'other.example'),
  initialPolicies: fc.option(named, { nil: undefined }),
  requireExplicitPolicy: mostly(false, true),
  inhibitPolicyMapping: mostly(false, true),
  inhibitAnyPolicy: mostly(false, true),
})
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never

/** Keys are made once: what they are is not in question. */
const keys = Array.from({ length: 6 }, () => generateKey('p256'))
const strangersKey = generateKey('p256')

function extensionsOf(own: Spec, place: 'anchor' | 'ca' | 'leaf'): Uint8Array[] {
  const list: Uint8Array[] = []
  const number = (n: number, value: number | undefined) =>
    value === undefined ? [] : [lab.contextPrimitive(n, Uint8Array.of(value))]
  const subtrees = (n: number, bases: readonly string[]) =>
    bases.length === 0
      ? []
      : [lab.context(n, ...bases.map((base) => lab.sequence(lab.contextPrimitive(2, Buffer.from(base)))))]
  if (own.unknownCritical) list.push(extension('1.2.3.4', true, lab.nullValue()))
  // OpenSSL takes no policies from the anchor, ours takes its constraints.
  if (place !== 'anchor' && own.policies !== undefined) {
    const policies = own.policies.map((policy) => lab.sequence(lab.oid(policy)))
    list.push(extension('2.5.29.32', false, lab.sequence(...policies)))
  }
  if (place === 'ca' && own.mappings.length > 0) {
    const pairs = own.mappings.map(([from, to]) => lab.sequence(lab.oid(from), lab.oid(to)))
    list.push(extension('2.5.29.33', true, lab.sequence(...pairs)))
  }
  if (place === 'ca' && (own.requireExplicit ?? own.inhibitMapping) !== undefined) {
    const fields = [...number(0, own.requireExplicit), ...number(1, own.inhibitMapping)]
    list.push(extension('2.5.29.36', true, lab.sequence(...fields)))
  }
  if (place === 'ca' && own.inhibitAny !== undefined) {
    list.push(extension('2.5.29.54', true, lab.integer(BigInt(own.inhibitAny))))
  }
  if (place !== 'leaf' && own.permitted.length + own.excluded.length > 0) {
    const value = lab.sequence(...subtrees(0, own.permitted), ...subtrees(1, own.excluded))
    list.push(extension('2.5.29.30', true, value))
  }
  if (place !== 'leaf' && !own.keyCertSign) list.push(extension('2.5.29.15', true, lab.namedBits([6])))
  return list
}

interface Chain {
  /** Anchor first. */
  readonly entities: readonly Entity[]
  readonly crls: readonly Uint8Array[]
}

async function build({ specs, dns }: Question): Promise<Chain> {
  const entities: Entity[] = []
  const crls: Uint8Array[] = []
  for (const [i, own] of specs.entries()) {
    const above = entities.at(-1)
    const key = keys[i]
    assert.ok(key !== undefined)
    const isLeaf = i === specs.length - 1
    const signingKey = own.signature === 'right' ? above?.key : strangersKey
    const issuer = above === undefined || signingKey === undefined ? undefined : { ...above, key: signingKey }
    const times = {
      now: { notBefore: NOW - DAY, notAfter: NOW + DAY },
      past: { notBefore: NOW - 2 * DAY, notAfter: NOW - DAY },
      future: { notBefore: NOW + DAY, notAfter: NOW + 2 * DAY },
    }[own.validity]
    const one = await entity({
      subject: isLeaf ? 'leaf' : own.selfIssued && above !== undefined ? commonName(above) : `CA ${i}`,
      key,
      serial: `${10 + i}`,
      profile: isLeaf || !own.isCa ? 'tls_server' : 'ca',
      ...times,
      ...(issuer === undefined ? {} : { issuer }),
      ...(own.pathLength === undefined || isLeaf || !own.isCa ? {} : { pathLength: own.pathLength }),
      ...(isLeaf ? { dns: [dns] } : {}),
      extensions: extensionsOf(own, above === undefined ? 'anchor' : isLeaf ? 'leaf' : 'ca'),
    })
    entities.push(one)
    if (above !== undefined) crls.push(...(await listsOf(above, specs[i - 1], own, one)))
  }
  return { entities, crls }
}

function commonName({ parsed }: Entity): string {
  return parsed.subject.text.replace('CN=', '')
}

/** The CRLs of one CA, about the one certificate below it. */
async function listsOf(
  issuer: Entity,
  { list }: Pick<Spec, 'list'> = { list: 'current' },
  { revocation }: Spec,
  { parsed: { serial } }: Entity,
): Promise<Uint8Array[]> {
  if (list === 'missing') return []
  const entry = { serial, at: NOW - DAY }
  const complete = revocation === 'good' ? [] : [{ ...entry, reason: revocation === 'revoked' ? 1 : 6 }]
  const inForce = list === 'current' ? NOW + DAY : NOW - HOUR
  const base = { issuer, number: 1n, thisUpdate: NOW - 2 * HOUR, nextUpdate: inForce, revoked: complete }
  const delta = {
    ...base,
    number: 2n,
    deltaBase: 1n,
    nextUpdate: NOW + DAY,
    revoked: revocation === 'released' ? [{ ...entry, reason: 8 }] : [],
  }
  const withDelta = list === 'expired with delta' || revocation === 'released'
  const freshest = extension(
    '2.5.29.46',
    false,
    lab.sequence(lab.sequence(lab.context(0, lab.context(0, uri)))),
  )
  return [
    await issueCrl({ ...base, extensions: withDelta ? [freshest] : [] }),
    ...(withDelta ? [await issueCrl(delta)] : []),
  ]
}
const uri = lab.contextPrimitive(6, Buffer.from('http://delta.example/'))

function ours({ entities, crls }: Chain, asked: Question): string {
  const parsed = entities.map((one) => one.parsed)
  const [anchor, ...rest] = parsed
  const leaf = rest.pop()
  assert.ok(anchor !== undefined && leaf !== undefined)
  const result = buildPath({
    leaf,
    intermediates: rest,
    trusted: [[anchor]],
    now: NOW,
    policies: {
      ...asked,
      initialPolicies: new Set([asked.initialPolicies ?? ANY_POLICY]),
    },
  })
  if (!result.valid) return result.error.code
  const answers = checkPathRevocation({
    path: result.path,
    crls: crls.map((der) => parseCrl(der)),
    intermediates: rest,
    now: NOW,
  })
  for (const { status } of answers) if (status.status !== 'good') return status.error.code
  return 'valid'
}

function pem(label: string, ders: readonly Uint8Array[]): string {
  return ders
    .map((der) => {
      const lines = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
      return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
    })
    .join('')
}

describe('OpenSSL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-paths-'))
  after(() => {
    rmSync(folder, { recursive: true })
  })

  function theirs({ entities, crls }: Chain, asked: Question): { valid: boolean; output: string } {
    const ders = entities.map(({ certificate }) => certificate)
    const write = (name: string, label: string, list: readonly Uint8Array[]) => {
      writeFileSync(join(folder, name), pem(label, list))
      return name
    }
    const { status, stdout, stderr } = spawnSync(
      'openssl',
      [
        'verify',
        ...['-attime', `${NOW / 1000}`, '-policy_check', '-crl_check_all', '-extended_crl', '-use_deltas'],
        ...['-policy', asked.initialPolicies ?? ANY_POLICY],
        ...(asked.requireExplicitPolicy ? ['-explicit_policy'] : []),
        ...(asked.inhibitPolicyMapping ? ['-inhibit_map'] : []),
        ...(asked.inhibitAnyPolicy ? ['-inhibit_any'] : []),
        ...['-CAfile', write('anchor.pem', 'CERTIFICATE', ders.slice(0, 1)), '-no-CApath', '-no-CAstore'],
        ...(ders.length < 3 ? [] : ['-untrusted', write('others.pem', 'CERTIFICATE', ders.slice(1, -1))]),
        ...(crls.length === 0 ? [] : ['-CRLfile', write('crls.pem', 'X509 CRL', crls)]),
        write('leaf.pem', 'CERTIFICATE', ders.slice(-1)),
      ],
      { cwd: folder, encoding: 'utf8' },
    )
    return { valid: status === 0, output: stdout + stderr }
  }

  it('has the same verdict about generated paths', needs('openssl'), async () => {
    const verdicts = new Map<string, number>()
    const property = fc.asyncProperty(question, async (asked) => {
      const chain = await build(asked)
      const verdict = ours(chain, asked)
      const opinion = theirs(chain, asked)
      assert.equal(verdict === 'valid', opinion.valid, `ours: ${verdict}, theirs: ${opinion.output}`)
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    })
    await fc.assert(property, { numRuns: 100, seed: 5280 })
    assert.ok((verdicts.get('valid') ?? 0) > 20 && verdicts.size > 8, JSON.stringify([...verdicts]))
  })
})

describe('Node', () => {
  it('says the same of who issued and who signed what', async () => {
    const outcomes = new Set<string>()
    const property = fc.asyncProperty(question, async (asked) => {
      const { entities } = await build(asked)
      for (const { certificate, parsed } of entities) {
        const theirs = new X509Certificate(certificate)
        for (const issuer of entities) {
          const other = new X509Certificate(issuer.certificate)
          const signed = failureOf(() => verifySignature(parsed, issuer.parsed, 'certificate')) === undefined
          assert.equal(signed, theirs.verify(other.publicKey))
          const { subject, subjectKeyId, keyUsage } = issuer.parsed
          const issued =
            namesMatch(parsed.issuer, subject) &&
            parsed.authorityKeyId === subjectKeyId &&
            keyUsage?.has('keyCertSign') === true
          assert.equal(issued, theirs.checkIssued(other))
          outcomes.add(`${signed} ${issued}`)
        }
      }
    })
    await fc.assert(property, { numRuns: 60, seed: 5280 })
    assert.ok(outcomes.size > 2, [...outcomes].join(', '))
  })
})

describe('pkijs', () => {
  it('has the same verdict about single defects', async () => {
    const always = { notBefore: Date.UTC(2020), notAfter: Date.UTC(2049) }
    const anchor = await entity({ subject: 'A', ...always })
    // Without path lengths: pkijs lets a CA with pathLenConstraint 0 have a CA below, which OpenSSL refuses as we do.
    const ca = await entity({ subject: 'B', issuer: anchor, ...always })
    const leaf = (subject: string, issuer: Entity, times = always) =>
      entity({ subject, issuer, profile: 'tls_server', ...times })
    const ee = await leaf('D', ca)
    const impostor = await entity({ subject: 'B', issuer: anchor, ...always })
    const of = (e: Entity) => pkijs.Certificate.fromBER(Uint8Array.from(e.certificate))
    const cases = [
      ee,
      await leaf('F', ee),
      await leaf('G', impostor),
      await leaf('H', ca, { notBefore: Date.UTC(2020), notAfter: Date.UTC(2021) }),
    ]
    const verdicts: boolean[] = []
    for (const one of cases) {
      const result = buildPath({
        leaf: one.parsed,
        intermediates: [ee.parsed, ca.parsed],
        trusted: [[anchor.parsed]],
        now: NOW,
      })
      const engine = new pkijs.CertificateChainValidationEngine({
        trustedCerts: [of(anchor)],
        certs: [of(anchor), of(ca), of(ee), of(one)],
        checkDate: new Date(NOW),
      })
      assert.equal(result.valid, (await engine.verify()).result, one.parsed.subject.text)
      verdicts.push(result.valid)
    }
    assert.deepEqual(verdicts, [true, false, false, false])
  })
})
