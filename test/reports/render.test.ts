import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { reportDigest } from '../../reports/canonical.ts'
import { cssString, formatDuration, formatPercent, formatPeriod, visible } from '../../reports/format.ts'
import { renderHtml, SECTIONS } from '../../reports/render.ts'
import type { Report } from '../../reports/schema.ts'
import { reportSchema } from '../../reports/schema.ts'
import { HOSTILE_USER, realisticMonth } from './month.ts'
import { at, CRL, EXPIRED, MemoryJournal } from './records.ts'

/** The document without markup, as a reader sees it. */
function textOf(html: string): string {
  return html
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/<wbr>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#x3D;/g, '=')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#x27;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
}

describe('a realistic month', () => {
  let report: Report
  let html: string
  before(async () => {
    report = await realisticMonth().report('2026-10-01T00:00', '2026-11-01T00:00')
    html = renderHtml(report)
  })

  it('satisfies the published schema, after a round trip through JSON too', () => {
    assert.deepEqual(reportSchema.parse(JSON.parse(JSON.stringify(report))), report)
  })

  it('has the figures of the script that made it', () => {
    const { summary } = report
    assert.equal(summary.verdict, 'failing')
    assert.deepEqual(Object.fromEntries(summary.areas.map((a) => [a.area, a.verdict])), {
      revocation_lists: 'deviations',
      ocsp: 'deviations',
      certificates: 'failing',
      tls: 'failing',
      audit: 'deviations',
      monitoring: 'deviations',
    })
    // 31 days of 288 steps, without the 31 steps of the crash; 11 targets.
    assert.equal(summary.runs, (31 * 288 - 31) * 11)
    const ocsp = report.subjects.find((s) => s.subject === 'ocsp_responder_status[issuing-2]')
    assert.deepEqual([ocsp?.failures, ocsp?.availability], [8, 99.91])
    assert.deepEqual(
      report.deviations.items.map((d) => [d.rule, d.state, d.end === null, d.startedBefore]),
      [
        ['cert_max_lifetime_policy', 'fail', true, true],
        ['crl_freshness_ok', 'fail', false, false],
        ['ocsp_responder_available', 'fail', false, false],
        ['ocsp_status_good', 'unknown', false, false],
        ['cert_lifetime_threshold', 'fail', false, false],
        ['tls_identity_ok', 'fail', true, false],
      ],
    )
    assert.deepEqual(
      report.completeness.gaps.items.map((g) => [g.kind, g.from]),
      [
        ['crashed', '2026-10-09T14:00:01.000Z'],
        ['stopped', '2026-10-25T03:00:30.000Z'],
      ],
    )
  })

  it('shows every section, figure and record that it refers to', () => {
    const text = textOf(html)
    for (const [id, title] of SECTIONS) {
      assert.ok(html.includes(`id="${id}"`), id)
      assert.ok(text.includes(title), title)
    }
    for (const piece of [
      'October 2026',
      report.checkpoint.root,
      reportDigest(report),
      'the certificate is valid for 730 d, the policy allows 398 d',
      'connect: refused',
      'answers deviation 5',
      'vigil report --month 2026-10',
      'Ended without a stop record',
    ])
      assert.ok(text.includes(piece), piece)
    const short = report.deviations.items[0]?.start.record.split('/').slice(-2).join('/')
    assert.ok(html.includes(`<span class="id">${short}</span>`))
  })

  it('loads nothing and runs nothing', () => {
    assert.doesNotMatch(html, /<(script|link|iframe|object|embed|img|base|form)\b/i)
    assert.doesNotMatch(html, /\s(src|srcset|on\w+|style)=/i)
    assert.doesNotMatch(html, /url\(|@import/i)
    assert.deepEqual(
      [...html.matchAll(/href="([^"]*)"/g)].map((m) => m[1]?.[0]),
      SECTIONS.map(() => '#'),
    )
    assert.match(html, /default-src 'none'/)
  })

  it('writes out what a hostile name tries to do', () => {
    assert.ok(report.audit.users.items.some((u) => u.name === HOSTILE_USER))
    assert.doesNotMatch(html, /(?!\n)[\p{Cc}\p{Cf}]/u)
    assert.ok(
      textOf(html).includes('CN=<script>alert(1)</script>${jndi:ldap://x}\\u{1b}[31m\\u{202e}txt.exe'),
    )
  })

  it('is the same document every time', () => {
    assert.equal(renderHtml(structuredClone(report)), html)
  })

  it('prints page numbers in the contents when they are known', () => {
    const pages = new Map(SECTIONS.map(([id], i) => [id as string, 100 + i]))
    assert.match(renderHtml(report, { pages }), /Summary<\/span><span class="page">100</)
    assert.match(html, /Summary<\/span><span class="page"></)
  })
})

describe('a document', () => {
  it('is made of a journal without any record', async () => {
    const text = textOf(renderHtml(await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')))
    assert.ok(text.includes('nothing is said about it, neither good nor bad'))
    assert.ok(text.includes('Not assessed'))
    assert.ok(text.includes('No alert was sent in this period.'))
  })

  it('escapes hostile values wherever they stand', async () => {
    const evil = '"><script>x</script>{{constructor}}\u202e</style>'
    const journal = new MemoryJournal()
    const error = { phase: 'http', code: 'status', message: evil } as const
    journal.observe(at('2026-11-10T00:00'), { ...EXPIRED, target: evil, vantage: evil, error })
    const service = { subject: 'service_tls_health[a,b]', probe: 'tls', target: 'a:1' } as const
    journal.observe(at('2026-11-10T00:00'), { ...service, facts: { service: { owner: evil } } })
    journal.decide(at('2026-11-10T00:01'), {
      state: 'fail',
      subject: `ca_crl[${evil}]`,
      summary: evil,
      target: evil,
      pack: evil,
      facts: { crl: { issuer: evil } },
      parameters: { [evil]: evil },
      evidence: [evil],
    })
    journal.act(at('2026-11-10T00:02'), { id: evil, receiver: evil, detail: evil, rule: evil })
    journal.act(at('2026-11-10T00:02'), {
      kind: 'alert',
      status: 'sent',
      id: evil,
      receiver: evil,
      detail: evil,
    })
    const pki = { caName: evil, profile: evil, subject: evil, serial: evil, username: evil, key: evil }
    journal.audit(at('2026-11-10T00:03'), { action: 'CERT_REVOKED', user: evil, message: evil, pki })
    journal.audit(at('2026-11-10T00:03'), { action: evil, category: ['configuration'] })
    const html = renderHtml(await journal.report('2026-11-10T00:00', '2026-11-11T00:00'))
    assert.doesNotMatch(html, /<script|\u202e/)
    assert.equal(html.split('</style>').length, 2)
    assert.ok(html.includes('{{constructor}}'))
  })

  it('keeps its footer inside the style sheet whatever the origin is', async () => {
    const journal = new MemoryJournal()
    const checkpoint = { ...journal.checkpoint(), origin: 'x"; } </style><script>alert(1)</script>\\' }
    const html = renderHtml(await journal.report('2026-11-10T00:00', '2026-11-11T00:00', { checkpoint }))
    assert.doesNotMatch(html, /<script/)
    assert.equal(cssString('a"\\</style>é'), '"a\\22 \\5c \\3c /style\\3e \\e9 "')
  })

  it('stays printable with an inventory of thousands, and says what it leaves out', async () => {
    const journal = new MemoryJournal()
    for (let i = 0; i < 2500; i++)
      journal.observe(at('2026-11-10T00:00') + i, {
        ...(i === 2400 ? EXPIRED : CRL),
        subject: `ca_crl[ca-${i}]`,
        target: `http://x/${i}`,
      })
    const html = renderHtml(await journal.report('2026-11-10T00:00', '2026-11-11T00:00'))
    const text = textOf(html)
    const listed = new Set(text.match(/ca-\d+/g))
    assert.equal(listed.size, 2000)
    assert.ok(text.includes('500 more subjects, with fewer failures, are in report.json'))
    assert.equal(html.split('aria-label="Mean durations').length - 1, 150)
    assert.ok(html.includes('aria-label="Availability of ca_crl[ca-2400]'))
  })
})

describe('formats', () => {
  it('durations have two units at most', () => {
    const cases: [number, string][] = [
      [0.3, '0.3 ms'],
      [40, '40 ms'],
      [999.6, '1 s'],
      [3400, '3.4 s'],
      [59_960, '1 min'],
      [65_000, '1 min 5 s'],
      [3_600_000, '1 h'],
      [100 * 86_400_000 + 4 * 3_600_000, '100 d 4 h'],
    ]
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
  })

  it('percents keep what was rounded down', () => {
    assert.equal(formatPercent(99.999), '99.999 %')
    assert.equal(formatPercent(100), '100 %')
    assert.equal(formatPercent(0.5), '0.5 %')
  })

  it('a period is a month only when it is one', () => {
    const period = (from: string, to: string) =>
      formatPeriod({ from: `${from}T00:00:00.000Z`, to: `${to}T00:00:00.000Z` })
    assert.equal(period('2026-02-01', '2026-03-01'), 'February 2026')
    assert.equal(period('2026-02-01', '2026-03-02'), '2026-02-01 00:00:00 to 2026-03-02 00:00:00')
  })

  it('controls, bidirectional marks and invisible characters are written out; letters are not', () => {
    assert.equal(
      visible('a\u001b[31m\u0000\u202e\u200b\u2028\u0085b'),
      'a\\u{1b}[31m\\u{0}\\u{202e}\\u{200b}\\u{2028}\\u{85}b',
    )
    assert.equal(visible('Müller Ωμέγα 東京 🔒'), 'Müller Ωμέγα 東京 🔒')
  })
})
