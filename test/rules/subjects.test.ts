import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProbeKind } from '../../model/observation.ts'
import { parsePack } from '../../rules/pack.ts'
import { judgesBy } from '../../rules/subjects.ts'

test('a rule is judged by the main kind of probe of its subject, or by the one that it names', () => {
  const [plain, named, objective] = parsePack(
    `schema: 1
id: kinds
version: 1.0.0
title: Kinds
rules:
  - { id: plain, ${REST}, condition: probe.outcome == 'success' }
  - { id: named, ${REST}, condition: probe.outcome == 'success', evidence: { probe: ocsp_matrix } }
  - { id: objective, ${REST}, condition: slo.good > 0 }
`,
    'kinds.yaml',
  ).rules
  assert.ok(plain !== undefined && named !== undefined && objective !== undefined)
  const judged = (probe: ProbeKind): string[] => {
    const target = { probe, subject: 'ocsp_responder_status[ca]', address: 'http://ocsp.test/', interval: 1 }
    return [plain, named, objective].filter((rule) => judgesBy(rule, target)).map(({ id }) => id)
  }
  assert.deepEqual(judged('ocsp'), ['plain'])
  assert.deepEqual(judged('ocsp_matrix'), ['named'])
  assert.deepEqual(judged('slo'), ['objective'])
  assert.deepEqual(judged('attestation'), [])
})

const REST = `title: T, rationale: R, source: { document: D, basis: practice }, applies_to: { subjects: [ocsp_responder_status] }, summary: S, severity: warning`
