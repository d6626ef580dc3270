import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { NOTE_CODES } from '../../../pki/note.ts'
import { LINTS } from '../../../pki/lints/table.ts'
import { lintsDocument } from '../../../scripts/lintsDoc.ts'

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

describe('documentation of lints', () => {
  it('is what the tables say', () => {
    assert.equal(page('lints.md'), lintsDocument(), 'run: npx node scripts/lintsDoc.ts')
  })

  it('has every lint, whose dates are dates', () => {
    for (const { id, effectiveFrom = '2000-01-01' } of LINTS) {
      assert.ok(lintsDocument().includes(`| \`${id}\` |`), id)
      assert.equal(new Date(effectiveFrom).toISOString().slice(0, 10), effectiveFrom)
    }
  })

  it('explains every note of the reader', () => {
    for (const code of NOTE_CODES) assert.ok(page('verification.md').includes(`\`${code}\``), code)
  })
})
