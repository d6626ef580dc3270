import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  durationText,
  factViews,
  octets,
  timeView,
  visible,
  visibleLines,
} from '../../server/views/format.ts'

const NOW = Date.UTC(2026, 10, 22, 6, 44, 5)

it('says a time exactly, and as a person thinks of it', () => {
  const at = (ms: number) => timeView(new Date(NOW + ms).toISOString(), NOW)
  assert.deepEqual(at(-240_000), {
    iso: '2026-11-22T06:40:05.000Z',
    utc: '2026-11-22 06:40:05',
    relative: '4 min ago',
  })
  const relative = [
    [0, 'now'],
    [999, 'now'],
    [-1000, '1 s ago'],
    [-59_999, '59 s ago'],
    [-61_000, '1 min 1 s ago'],
    [11 * 60_000 + 30_000, 'in 11 min'],
    [3 * 3_600_000 + 12 * 60_000, 'in 3 h 12 min'],
    [26 * 3_600_000, 'in 1 d 2 h'],
    [400 * 86_400_000, 'in 400 d'],
  ] as const
  for (const [ms, text] of relative) assert.equal(at(ms).relative, text)
})

it('writes durations and sizes', () => {
  assert.deepEqual([0, 34.4, 999, 1000, 2049].map(durationText), [
    '0 ms',
    '34 ms',
    '999 ms',
    '1.0 s',
    '2.0 s',
  ])
  assert.deepEqual([412, 43_123, 42_000_000].map(octets), ['412 B', '43 kB', '42 MB'])
})

it('writes out what could not be seen or would repaint the page', () => {
  assert.equal(
    visible('a\u0000\t\n\u001b[31m\u0085\u200b\u202eb'),
    'a\\x00\\x09\\x0a\\x1b[31m\\x85\\u200b\\u202eb',
  )
  assert.equal(visible('grün 🔑 漢字'), 'grün 🔑 漢字')
  assert.equal(visible('x'.repeat(11), 10), `${'x'.repeat(10)}…`)
  assert.equal(visibleLines('a\r\nb\u001b', 10), 'a\\x0d\nb\\x1b')
  assert.equal(visibleLines('abcdef', 3), 'abc\n…')
})

it('shows facts in the order of their table, by type', () => {
  const facts = {
    tls: { pathValid: false, chainLength: 1200 },
    crl: { nextUpdate: new Date(NOW).toISOString(), number: '41' },
    certificate: { identities: ['a.example', 'b.example'] },
  }
  const shown = factViews(facts, NOW).map((g) => [
    g.group,
    ...g.facts.map((f) => `${f.name} ${f.time?.utc ?? f.value}`),
  ])
  assert.deepEqual(shown, [
    ['crl', 'number 41', 'nextUpdate 2026-11-22 06:44:05'],
    ['certificate', 'identities a.example, b.example'],
    ['tls', 'chainLength 1,200', 'pathValid no'],
  ])
})
