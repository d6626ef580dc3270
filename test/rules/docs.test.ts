import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { loadPack, SHIPPED_PACKS } from '../../rules/loadPack.ts'
import { parsePack } from '../../rules/pack.ts'
import { packJsonSchema } from '../../rules/packSchema.ts'
import { rulesDocument } from '../../scripts/rulesDoc.ts'

const page = readFileSync('docs/rules.md', 'utf8')
const packs = SHIPPED_PACKS.map(loadPack)

describe('docs/rules.md', () => {
  it('lists the rules as the packs have them (scripts/rulesDoc.ts writes it)', () => {
    assert.equal(rulesDocument(page, packs), page)
  })

  it('shows a pack that loads', () => {
    const example = /```yaml\n(schema: 1\n[\s\S]*?)```/.exec(page)?.[1]
    assert.ok(example !== undefined)
    assert.equal(parsePack(example, 'docs/rules.md').rules.length, 1)
  })
})

describe('docs/pack.schema.json', () => {
  it('is what vigil reads (scripts/generate.ts writes it)', () => {
    const published: unknown = JSON.parse(readFileSync('docs/pack.schema.json', 'utf8'))
    assert.deepEqual(published, JSON.parse(JSON.stringify(packJsonSchema())))
  })
})

describe('runbooks', () => {
  it('stand for every critical rule, and say meaning, impact, diagnosis and mitigation', () => {
    for (const rule of packs.flatMap((pack) => pack.rules)) {
      if (rule.severity !== 'critical' && rule.runbook === undefined) continue
      const text = readFileSync(rule.runbook ?? `${rule.id} has none`, 'utf8')
      for (const part of ['Meaning', 'Impact', 'Diagnosis', 'Mitigation'])
        assert.match(text, new RegExp(`^\\*\\*${part}\\.\\*\\*`, 'm'), `${rule.id}: ${part}`)
      assert.match(text, /^ {4}vigil (probe|explain) /m, `${rule.id} names a command`)
      assert.ok(text.startsWith(`# `) && text.includes(`(\`${rule.id}\`)`), `${rule.id} names the rule`)
    }
  })
})
