import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Inspection } from '../../cli/inspect/document.ts'
import { lookAt, lookAtChain } from '../../cli/inspect/look.ts'
import { lookAtPair } from '../../cli/inspect/pairFiles.ts'
import { FACTS } from '../../model/facts.ts'
import { recorded, recordedCertificate } from '../pki/support.ts'
import { AROUND, unasked } from './inspections.ts'

const DOCS = readFileSync(new URL('../../docs/inspect.md', import.meta.url), 'utf8')

/** Every key, at any depth; of `reasons`, whose keys are values, only itself. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...(key === 'reasons' ? [] : keysOf(inner))])
}

async function compared(): Promise<Inspection> {
  const file = (name: string) => fileURLToPath(new URL(`../fixtures/ejbca-real/${name}`, import.meta.url))
  const files = [file('issuing_part1.crl'), file('issuing_crl.crl')] as const
  return (await lookAtPair('diff', files, unasked(), AROUND)).document
}

test('docs/inspect.md names every fact, those that rules see among them', async () => {
  const issuers = [recordedCertificate('issuing-ca.pem')]
  const question = unasked({ issuers, now: Date.parse('2026-11-22T05:15:00Z'), serial: '0a' })
  const documents = [
    ...lookAt('crl', recorded('issuing_deltacrl.crl'), question),
    ...lookAt('ocsp', recorded('ocsp_alice_resp.der'), question),
    ...lookAt('cert', recorded('alice.pem'), question),
    lookAtChain([recorded('alice.pem')], { ...question, issuers: [recordedCertificate('ca.pem')] }),
  ]
  documents.push(await compared())
  const facts = documents.flatMap((document) => keysOf(JSON.parse(JSON.stringify(document.facts))))
  const ofRules = [...Object.keys(FACTS.certificate), ...Object.keys(FACTS.crl)]
  const known = new Set([...facts, ...ofRules, 'kind', 'verdict', 'error', 'lints', 'objects', 'offset'])
  const isNamed = (key: string): boolean => DOCS.includes(`\`${key}\``) || DOCS.includes(`"${key}":`)
  assert.deepEqual(
    [...known].filter((key) => !isNamed(key)),
    [],
  )
})
