import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { Crl } from '../../pki/crl.ts'
import { PkiError } from '../../pki/error.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { buildPath } from '../../pki/path.ts'
import type { PolicySettings } from '../../pki/pathValidation.ts'
import { ANY_POLICY } from '../../pki/policyExtensions.ts'
import { checkPathRevocation } from '../../pki/revocation.ts'

// Every test of NIST's Public Key Interoperability Test Suite, with NIST's verdict, the policies that remain, and our reason.

const CORPUS = new URL('../fixtures/pkits/', import.meta.url)
/** When the suite was published. */
const NOW = Date.parse('2011-04-15T00:00:00Z')
const NIST_POLICY = '2.16.840.1.101.3.2.1.48.'

/** Signatures with an unused bit: no RSA or DSA signature has one, and the reader refuses what cannot be one. */
const UNREADABLE = ['BadCRLSignatureCACRL', 'BadSignedCACert', 'InvalidDSASignatureTest6EE']

/** Why each invalid path is invalid. */
const REASONS: Partial<Record<PkiErrorCode, string>> = {
  bad_bit_string: '4.1.6',
  // Of 4.1.2 the CA's certificate cannot be read.
  issuer_not_found: '4.1.2 4.3.1 4.3.2',
  signature_invalid: '4.1.3',
  certificate_not_yet_valid: '4.2.1 4.2.2',
  certificate_expired: '4.2.5 4.2.6 4.2.7',
  not_a_ca: '4.5.8 4.6.1 4.6.2 4.6.3',
  path_too_long: '4.6.5 4.6.6 4.6.9 4.6.10 4.6.11 4.6.12 4.6.16',
  cert_sign_missing: '4.7.1 4.7.2',
  policy_missing:
    '4.8.1 4.8.2 4.8.3 4.8.4 4.8.5 4.8.6 4.8.7 4.8.8 4.8.9 4.8.12 4.8.14 4.9.3 4.9.5 4.9.7 4.9.8 4.10.1.2 4.10.1.3 4.10.2 4.10.3 4.10.4 4.10.5 4.10.6 4.10.10 4.10.13 4.11.1 4.11.3 4.11.5 4.11.6 4.11.8 4.11.9 4.11.10 4.11.11 4.12.1 4.12.3 4.12.4 4.12.5 4.12.6 4.12.8 4.12.10',
  bad_policy_mapping: '4.10.7 4.10.8',
  name_not_permitted:
    '4.13.2 4.13.3 4.13.7 4.13.8 4.13.9 4.13.10 4.13.12 4.13.13 4.13.15 4.13.16 4.13.17 4.13.20 4.13.22 4.13.24 4.13.26 4.13.28 4.13.29 4.13.31 4.13.33 4.13.35 4.13.37 4.13.38',
  unknown_critical_extension: '4.4.8 4.4.9 4.4.10 4.16.2',
  certificate_revoked:
    '4.4.2 4.4.3 4.4.15 4.4.18 4.4.20 4.5.2 4.5.5 4.5.7 4.14.2 4.14.6 4.14.15 4.14.16 4.14.20 4.14.21 4.14.23 4.14.31 4.14.32 4.14.34 4.15.3 4.15.4 4.15.6 4.15.9',
  // Of 4.4.4 the CRL cannot be read.
  crl_not_found:
    '4.4.1 4.4.4 4.4.5 4.4.6 4.14.3 4.14.8 4.14.9 4.14.11 4.14.12 4.14.14 4.14.26 4.14.27 4.14.35 4.15.1',
  crl_expired: '4.4.11 4.4.12 4.15.10',
  crl_signer_rejected: '4.4.21',
  crl_sign_missing: '4.7.4 4.7.5',
  reasons_not_covered: '4.14.17',
}

interface PathTest {
  readonly id: string
  readonly title: string
  readonly expected: 'valid' | 'invalid'
  /** Anchor first, end entity last. */
  readonly certificates: readonly string[]
  readonly crls: readonly string[]
  readonly policies: PolicySettings
  /** The user-constrained-policy-set of a valid path. */
  readonly remaining: ReadonlySet<string>
}

function readTest(line: string): PathTest {
  const [id = '', title = '', expected = '', certificates = '', crls = '', inputs = ''] = line.split('\t')
  assert.ok(expected === 'valid' || expected === 'invalid')
  const settings = new Map(
    [...inputs.matchAll(/Set(\w+)\("?([^")]*)"?\)/g)].map(([, k = '', v = '']) => [k, v]),
  )
  const isSet = (name: string) => settings.get(name) === 'true'
  return {
    id,
    title,
    expected,
    certificates: certificates.split(' '),
    crls: crls.split(' '),
    policies: {
      initialPolicies: policySet(settings.get('InitialPolicySet') ?? 'anyPolicy'),
      requireExplicitPolicy: isSet('InitialExplicitPolicy'),
      inhibitPolicyMapping: isSet('InitialPolicyMappingInhibit'),
      inhibitAnyPolicy: isSet('InitialInhibitAnyPolicy'),
    },
    remaining: policySet(settings.get('UserConstrainedPolicySet') ?? 'NIST-test-policy-1'),
  }
}

function policySet(names: string): ReadonlySet<string> {
  const list = names === '' ? [] : names.split(',')
  return new Set(
    list.map((name) => (name === 'anyPolicy' ? ANY_POLICY : name.replace('NIST-test-policy-', NIST_POLICY))),
  )
}

/** All files of a folder by name; a PkiError for one that cannot be read. */
function readAll<T>(folder: string, parse: (der: Uint8Array) => T): ReadonlyMap<string, T | PkiError> {
  return new Map(
    readdirSync(new URL(folder, CORPUS)).map((file): [string, T | PkiError] => {
      const name = file.replace(/\.\w+$/, '')
      try {
        return [name, parse(readFileSync(new URL(folder + file, CORPUS)))]
      } catch (error) {
        assert.ok(error instanceof PkiError)
        return [name, error]
      }
    }),
  )
}

function readable<T>(all: ReadonlyMap<string, T | PkiError>, names: Iterable<string> = all.keys()): T[] {
  return [...names].flatMap((name) => {
    const item = all.get(name)
    assert.ok(item !== undefined, name)
    return item instanceof PkiError ? [] : [item]
  })
}

const certificates = readAll('certs/', parseCertificate)
const crls = readAll('crls/', parseCrl)
const tests = readFileSync(new URL('tests.tsv', CORPUS), 'utf8').trimEnd().split('\n').slice(1).map(readTest)

/** What is at hand beside the anchor and the end entity. */
interface Directory {
  readonly intermediates: readonly Certificate[]
  readonly crls: readonly Crl[]
}

/** The policies that remain, or why the path is invalid. */
function judge(
  test: PathTest,
  { intermediates, crls: lists }: Directory,
): ReadonlySet<string> | PkiErrorCode {
  const anchor = certificates.get(test.certificates[0] ?? '')
  const leaf = certificates.get(test.certificates.at(-1) ?? '')
  assert.ok(anchor !== undefined && !(anchor instanceof PkiError) && leaf !== undefined)
  if (leaf instanceof PkiError) return leaf.code
  const { policies } = test
  const result = buildPath({ leaf, intermediates, trusted: [[anchor]], now: NOW, policies })
  if (!result.valid) return result.error.code
  const { path } = result
  for (const { status } of checkPathRevocation({ path, crls: lists, intermediates, now: NOW })) {
    if (status.status !== 'good') return status.error.code
  }
  return result.policies
}

function expectation({ id, expected, remaining }: PathTest): ReadonlySet<string> | string {
  if (expected === 'valid') return remaining
  const [reason] = Object.entries(REASONS).find(([, ids]) => ids.split(' ').includes(id)) ?? []
  assert.ok(reason !== undefined, `no reason for ${id}`)
  return reason
}

describe('PKITS', () => {
  it('has all of its tests here', () => {
    assert.equal(tests.length, 247)
    const refused = [...certificates, ...crls].flatMap(([name, item]) =>
      item instanceof PkiError ? [`${name} ${item.code}`] : [],
    )
    assert.deepEqual(
      refused.toSorted(),
      UNREADABLE.map((name) => `${name} bad_bit_string`),
    )
  })

  for (const test of tests) {
    it(`${test.id} ${test.title}`, () => {
      const intermediates = readable(certificates, test.certificates.slice(1, -1))
      const found = judge(test, { intermediates, crls: readable(crls, test.crls) })
      assert.deepEqual(found, expectation(test))
    })
  }

  it('has the same verdicts when paths are sought among all certificates and CRLs of the suite', () => {
    const directory = { intermediates: readable(certificates), crls: readable(crls) }
    for (const test of tests) {
      const found = judge(test, directory)
      assert.equal(typeof found === 'string' ? 'invalid' : 'valid', test.expected, `${test.id} ${test.title}`)
      if (typeof found !== 'string') assert.deepEqual(found, test.remaining, test.id)
    }
  })
})
