import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Inspection } from '../../cli/inspect/document.ts'
import { lookAt } from '../../cli/inspect/look.ts'
import { render } from '../../cli/inspect/render.ts'
import { printable } from '../../cli/terminal.ts'
import { oid, sequence, utf8String } from '../../lab/der.ts'
import { extension } from '../../lab/issue.ts'
import { NOW, entity } from '../pki/support.ts'
import { unasked } from './inspections.ts'

const HOSTILE = 'good\u001b[2J\u0007\r\n  verdict: valid\u202e\u2066\u061c\u00ad\u{e0041}end'

function shown(inspection: Partial<Inspection>, title = 'file'): string {
  const whole: Inspection = { kind: 'cert', verdict: 'unverified', facts: {}, lints: [], ...inspection }
  return render(whole, { title, now: NOW, stream: process.stdout })
}

/** No control but the line feeds that the renderer writes itself. */
function assertHarmless(text: string): void {
  assert.doesNotMatch(text, /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}/u)
}

test('nothing that an object says drives the terminal or forges a line', async () => {
  const notice = sequence(oid('1.3.6.1.5.5.7.2.2'), sequence(utf8String(HOSTILE)))
  const policies = sequence(sequence(oid('1.2.3.4'), sequence(notice)))
  const { certificate } = await entity({
    subject: HOSTILE,
    extensions: [extension('2.5.29.32', false, policies)],
  })
  const [inspection] = lookAt('cert', certificate, unasked())
  assert.ok(inspection !== undefined)
  const text = shown(inspection)
  assert.match(text, /good\\u001b\[2J\\u0007/)
  assertHarmless(text)
  assert.equal(text.split('\n').filter((line) => /^\s*verdict:/.test(line)).length, 0)

  const error = { phase: 'path', code: 'x', message: HOSTILE } as const
  const everywhere = shown(
    {
      error,
      lints: [{ id: HOSTILE, source: HOSTILE, message: HOSTILE }],
      facts: {
        [HOSTILE]: HOSTILE,
        reasons: { [HOSTILE]: 1 },
        path: [{ subject: HOSTILE }],
        rejected: [{ path: [{ subject: HOSTILE }], error }],
        extensions: [{ oid: HOSTILE, critical: true }],
        added: [{ serial: HOSTILE }],
        responses: [{ [HOSTILE]: [HOSTILE] }],
      },
    },
    HOSTILE,
  )
  assertHarmless(everywhere)
})

test('printable keeps what people read and spells out the rest', () => {
  assert.equal(printable('Åse – 日本語 👍\n\tx'), 'Åse – 日本語 👍\n\tx')
  assert.equal(
    printable('\u0000\u001b\u0085\u200d\u2028\u{e0041}\ud800'),
    '\\u0000\\u001b\\u0085\\u200d\\u2028\\u{e0041}\\ud800',
  )
})

test('long lists and long values are cut, with how much there is', () => {
  const many = Array.from({ length: 100 }, (_, i) => `host-${i}.example.org`)
  const text = shown({
    facts: {
      identities: many,
      path: many.map((subject) => ({ subject })),
      responses: many.map((serial) => ({ serial })),
      subject: 'x'.repeat(10_000),
    },
  })
  assert.match(text, /identities +host-0\.example\.org, .*host-7\.example\.org, … and 92 more\n/)
  assert.equal(text.match(/… and 92 more/g)?.length, 3)
  assert.match(text, /x{300}… \(10000 characters\)/)
  assert.ok(text.length < 5000)
})

test('values stand in one column, times beside how far away they are', () => {
  assert.equal(
    shown({
      verdict: 'valid',
      facts: {
        thisUpdate: '2026-11-22T04:10:00.000Z',
        nextUpdate: '2026-11-22T06:10:00.000Z',
        isDelta: false,
        idp: { urls: ['http://a', 'http://b'], indirect: true },
        reasons: {},
        absent: undefined,
      },
    }),
    [
      'file: valid at 2026-11-22T05:10:00.000Z',
      '  this update  2026-11-22T04:10:00.000Z (60 min ago)',
      '  next update  2026-11-22T06:10:00.000Z (in 60 min)',
      '  is delta     no',
      '  idp',
      '    urls       http://a, http://b',
      '    indirect   yes',
      '  reasons      none',
    ].join('\n'),
  )
})
