import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Incident } from '../../alerts/incident.ts'
import { toTimestamp } from '../../model/time.ts'
import {
  FakeJournal,
  T0,
  action,
  audit,
  decision,
  failure,
  observation,
  unchanged,
} from '../store/records.ts'
import { ask, startServer, statusOf } from './support.ts'
import type { Fixture } from './support.ts'

const EVIL = `<script>alert(1)</script>"'\u001b[31mroot\u202e`
const SHOWN = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;\\x1b[31mroot\\u202e'

async function page(fixture: Fixture, path: string): Promise<string> {
  const { status, headers, body } = await ask(fixture, path, { headers: { accept: 'text/html' } })
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(status, 200, body)
  wellFormed(body)
  return body
}

const VOID = ['meta', 'link', 'img', 'input', '!doctype']

/** Every element that is opened is closed in order, and no attribute is left unquoted. */
function wellFormed(html: string): void {
  const open: string[] = []
  for (const [, close, name = '', attributes = '', self] of html.matchAll(
    /<(\/?)([a-zA-Z!][a-zA-Z0-9]*)((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*(\/?)>/g,
  )) {
    if (close === '/') assert.equal(open.pop(), name, `</${name}>`)
    else if (self === '' && !VOID.includes(name)) open.push(name)
    assert.doesNotMatch(attributes, / on\w+=| style=|javascript:/)
  }
  assert.deepEqual(open, [])
  assert.equal(
    [...html.matchAll(/</g)].length,
    [...html.matchAll(/<\/?[a-zA-Z!]/g)].length,
    'every < begins a tag',
  )
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  assert.equal(new Set(ids).size, ids.length, 'ids are unique')
  for (const [, id] of html.matchAll(/aria-labelledby="([^"]+)"/g)) assert.ok(ids.includes(id), id)
}

/** What a reader sees, in one line. */
function textOf(html: string): string {
  return html
    .replace(/<head>[\s\S]*<\/head>/, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
}

describe('page: state', () => {
  it('shows every declared target as unknown before anything was observed', async (t) => {
    const s = await startServer(t)
    const text = textOf(await page(s, '/'))
    assert.match(text, /\? Nothing has been judged yet/)
    assert.match(
      text,
      /issuing-1 online issued by root-1 \? unknown CRL http:\/\/crl\.example\/issuing-1\.crl nothing known not known \? not observed yet/,
    )
    assert.match(text, /root-1 offline trust anchor No CRL or OCSP responder is declared/)
    assert.match(text, /shop prod team shop shop\.example:443 none seen not known \? not observed yet/)
  })

  it('leads with what fails, its rule, since when, and its evidence', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    const evidence = ['vigil.test/zone-a/0/7/1']
    await s.store.apply(
      journal.seal(
        observation({ start: toTimestamp(T0 - 30_000) }),
        decision({ rule: 'crl_next_update_reasonable' }),
        decision({
          state: 'fail',
          since: toTimestamp(T0 - 3 * 3_600_000),
          summary: 'the CRL is 27 h old',
          evidence,
        }),
        decision({ rule: 'ocsp_status_good', state: 'unknown', subject: 'ocsp_responder_status[issuing-1]' }),
      ),
    )
    const text = textOf(await page(s, '/'))
    assert.match(text, /✕ 1 check fails, 1 critical 1 fail 1 unknown 1 pass/)
    assert.match(
      text,
      /Needs attention .*✕ fail critical the CRL is 27 h old crl_freshness_ok · max_age 24h Evidence Decision vigil\.test\/zone-a\/0\/0\/2 Rests on vigil\.test\/zone-a\/0\/7\/1 ca_crl\[issuing-1\] 3 h ago 2026-11-22 03:00:00 .*\? unknown/,
    )
    assert.match(text, /nothing that was observed/)
    assert.match(text, /✓ 30 s ago ?, answered in 12 ms 2026-11-22 05:59:30/)
  })

  it('prints a waiver beside the verdict that it mutes', async (t) => {
    const s = await startServer(t)
    const waiver = { owner: 'pki-team', reason: '<b>moving</b>', expires: toTimestamp(T0 + 3_600_000) }
    await s.store.apply(
      new FakeJournal().seal(decision({ state: 'fail', summary: 'the CRL is 27 h old', waiver })),
    )
    const html = await page(s, '/')
    assert.match(
      textOf(html),
      /1 check fails.* the CRL is 27 h old Waived by pki-team until in 1 h 2026-11-22 07:00:00 ?: &lt;b&gt;moving&lt;\/b&gt;/,
    )
    assert.ok(!html.includes('<b>moving'))
  })

  it('lists incidents that are not closed, with what belongs to them and whose they are', async (t) => {
    const s = await startServer(t)
    assert.doesNotMatch(textOf(await page(s, '/')), /Incidents/)
    const member = {
      rule: 'crl_available',
      severity: 'critical',
      role: 'cause',
      reason: '',
      joined: toTimestamp(T0),
    } as const
    const incident: Incident = {
      id: 'inc-0123456789ab',
      about: 'authority[issuing-1]',
      root: { rule: 'crl_available', subject: 'ca_crl[issuing-1]' },
      state: 'open',
      severity: 'critical',
      opened: toTimestamp(T0 - 60_000),
      decision: null,
      acknowledged: null,
      owner: EVIL,
      closed: null,
      members: [
        { ...member, subject: 'ca_crl[issuing-1]' },
        { ...member, role: 'symptom', subject: 'service_tls_health[shop,prod]' },
        { ...member, subject: 'ca_crl[x]', left: { at: toTimestamp(T0), reason: 'it passes' } },
      ],
      moreMembers: 0,
      comments: [],
    }
    s.incidents.push(incident, { ...incident, id: 'inc-closed000000', state: 'closed' })
    const html = await page(s, '/')
    const text = textOf(html)
    assert.match(
      text,
      /Incidents .*open critical authority\[issuing-1\] inc-0123456789ab · findings in trouble: 2, of which symptoms: 1 · owner/,
    )
    assert.ok(html.includes(SHOWN))
    assert.doesNotMatch(text, /inc-closed/)
  })

  it('is not all well while a target is not being observed', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    const tls = {
      subject: 'service_tls_health[shop,prod]',
      probe: 'tls',
      target: 'shop.example:443',
    } as const
    const [crl, shop] = journal.seal(observation(), observation({ ...tls, facts: {} }), decision())
    await s.store.apply(journal.seal())
    await s.store.apply([crl!, shop!])
    await s.store.apply(journal.seal(decision()))
    assert.match(textOf(await page(s, '/')), /✓ All 1 check pass/)
    await s.store.apply(journal.seal(observation({ start: toTimestamp(T0 - 300_000), facts: {} })))
    assert.match(textOf(await page(s, '/')), /\? All 1 check pass, but 1 target is not being observed/)
    assert.match(textOf(await page(s, '/')), /\? no run lately last 5 min ago/)
  })

  it('shows a failed run with its phase, and what an earlier run saw as such', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(
      journal.seal(
        observation({
          facts: {
            crl: {
              entries: 1203,
              thisUpdate: toTimestamp(T0 - 90_000_000),
              nextUpdate: toTimestamp(T0 - 3_600_000),
            },
          },
        }),
        failure({
          start: toTimestamp(T0 - 5000),
          error: { phase: 'connect', code: 'refused', message: EVIL },
        }),
      ),
    )
    const body = await page(s, '/')
    assert.match(textOf(body), /1,203 revoked as an earlier run saw it overdue , 1 h ago/)
    assert.match(textOf(body), /✕ 5 s ago, failed at connect after 12 ms/)
    assert.ok(body.includes(`refused: ${SHOWN}`))
  })

  it('shows open actions, and none that came to an end', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    const remediation = { kind: 'remediation', id: 'r-1' } as const
    await s.store.apply(
      journal.seal(
        action({ detail: 'still firing' }),
        action({ ...remediation, status: 'requested', detail: 'asked' }),
        action({ ...remediation, status: 'verified', detail: 'repaired' }),
      ),
    )
    const [open = ''] = textOf(await page(s, '/')).split('Latest steps of all actions')
    assert.match(open, /alert sent still firing/)
    assert.doesNotMatch(open, /asked|repaired/)
  })

  it('says what is wrong with vigil itself', async (t) => {
    const s = await startServer(t)
    s.status = statusOf({ problems: [EVIL] })
    const body = await page(s, '/')
    assert.match(textOf(body), /Vigil itself has a problem/)
    assert.ok(body.includes(SHOWN))
    assert.match(
      textOf(body),
      /Entries sealed 10 .* Newest checkpoint 8 .* Not yet under a checkpoint 2 entries Store behind by 1/,
    )
  })
})

describe('page: backup', () => {
  it('says when the newest backup and restore drill were made, and that an attempt failed', async (t) => {
    const s = await startServer(t)
    const made = toTimestamp(T0 - 3_600_000)
    const about = { subject: 'monitor[vigil.test]', probe: 'backup', target: 'backup' } as const
    const drill = { enabled: true, made, due: toTimestamp(T0 + 86_400_000), failing: false, problem: '' }
    const backup = { place: EVIL, made, due: made, failing: false, problem: '' }
    const journal = new FakeJournal()
    assert.doesNotMatch(textOf(await page(s, '/')), /Newest backup|Newest restore drill/)
    await s.store.apply(journal.seal(observation({ ...about, facts: { backup, drill } })))
    const well = await page(s, '/')
    assert.match(textOf(well), /Newest backup 1 h ago .* Newest restore drill 1 h ago .* next in 1 d/)
    assert.ok(well.includes(`in ${SHOWN}`))
    const failing = { ...backup, failing: true, problem: EVIL }
    await s.store.apply(
      journal.seal(observation({ ...about, facts: { backup: failing, drill: { enabled: false } } })),
    )
    const ill = await page(s, '/')
    assert.match(textOf(ill), /Newest backup 1 h ago .* the newest attempt failed ?: /)
    assert.ok(ill.includes(SHOWN))
    assert.doesNotMatch(textOf(ill), /Newest restore drill/)
  })
})

describe('page: audit timeline', () => {
  it('says who did what, when, on which CA, with which profile and key, newest first', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(
      journal.seal(
        audit({ time: T0 - 60_000, user: 'alice', action: 'CERT_REVOKED' }),
        audit({ time: T0 - 1000 }),
      ),
    )
    const text = textOf(await page(s, '/audit'))
    assert.match(
      text,
      /1 s ago 2026-11-22 05:59:59 superadmin CERT_CREATION issuing-1 ENDUSER signKey .* 1 min ago 2026-11-22 05:59:00 alice CERT_REVOKED/,
    )
    assert.match(text, /As logged line at 0 Found in ejbca-vm, octets 0 to 100/)
  })

  it('writes hostile text out, whatever it holds', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(journal.seal(audit({ user: EVIL, action: EVIL, authority: EVIL })))
    for (const path of [
      '/audit',
      `/audit?user=${encodeURIComponent(EVIL)}`,
      `/audit?authority=${encodeURIComponent(EVIL)}`,
    ]) {
      const body = await page(s, path)
      assert.ok(body.includes(SHOWN), path)
      // The form keeps what was asked for, to ask for it again.
      assert.doesNotMatch(body.replace(/<form[\s\S]*<\/form>/, ''), /<script>alert|[\u001b\u202e]/)
    }
  })

  it('filters, keeps the filter in its form, and takes empty fields for any', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(journal.seal(audit({ user: 'alice' }), audit({ user: 'bob' })))
    const body = await page(s, '/audit?authority=issuing-1&user=alice&action=&from=&to=')
    assert.match(textOf(body), /alice CERT_CREATION/)
    assert.doesNotMatch(textOf(body), /bob/)
    assert.match(body, /<option value="issuing-1" selected>/)
    assert.match(body, /name="user" value="alice"/)
    assert.match(textOf(await page(s, '/audit?user=eve')), /No event matches/)
  })

  it('pages to older events and keeps the filter', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(
      journal.seal(
        ...Array.from({ length: 150 }, (_, i) =>
          audit({ offset: i * 100, user: i % 2 === 0 ? 'even' : 'odd' }),
        ),
      ),
    )
    const rows = (body: string) => [...body.matchAll(/<tbody data-key="([^"]+)"/g)].map(([, key]) => key)
    const first = await page(s, '/audit')
    const older =
      /<a href="([^"]+)" rel="next">/.exec(first)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=') ??
      ''
    const second = await page(s, older)
    assert.equal(new Set([...rows(first), ...rows(second)]).size, 150)
    assert.doesNotMatch(second, /rel="next"/)
    assert.match(second, /href="\/audit">Newest/)
    assert.doesNotMatch(await page(s, '/audit?user=even'), /rel="next"/)
  })
})

describe('page: subject', () => {
  const path = `/subject/${encodeURIComponent('ca_crl[issuing-1]')}`

  it('shows the newest facts, what changed, and the decisions', async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    const crl = { number: '41', thisUpdate: toTimestamp(T0 - 7_200_000), size: 43_123 }
    const [first] = journal.seal(observation({ start: toTimestamp(T0 - 7_200_000), facts: { crl } }))
    await s.store.apply([
      first!,
      ...journal.seal(unchanged(T0 - 3_700_000, [first!, T0 - 3_700_000, 20])),
      ...journal.seal(failure({ start: toTimestamp(T0 - 120_000) })),
      ...journal.seal(
        observation({ start: toTimestamp(T0 - 1000), facts: { crl: { ...crl, number: '42' } } }),
      ),
      ...journal.seal(decision({ state: 'fail' })),
      ...journal.seal(decision({ state: 'pass', summary: 'fresh again' })),
    ])
    const text = textOf(await page(s, path))
    assert.match(text, /✓ ca_crl\[issuing-1\] pass/)
    assert.match(text, /crl number 42 thisUpdate 2 h ago 2026-11-22 04:00:00 size 43,123/)
    assert.match(text, /1 s ago .* crl\.number was 41 → , is 42 /, 'compared with the run before the failure')
    assert.match(text, /✕ failed .*connect: refused: connection refused/)
    assert.match(text, /last 24 h: 4 runs, 1 failed/)
    assert.match(text, /Decisions .*✓ pass .*fresh again .*✕ fail/)
  })

  it('shows a deployed certificate by what the TLS probe of its service saw', async (t) => {
    const s = await startServer(t)
    const tls = {
      subject: 'service_tls_health[shop,prod]',
      probe: 'tls',
      target: 'shop.example:443',
    } as const
    const subject = 'deployed_service_cert[shop,prod]'
    await s.store.apply(
      new FakeJournal().seal(
        observation({
          ...tls,
          facts: { certificate: { subject: `CN=${EVIL}`, identities: ['a.example', EVIL] } },
        }),
        decision({ subject, rule: 'cert_lifetime_threshold' }),
      ),
    )
    const body = await page(s, `/subject/${encodeURIComponent(subject)}`)
    assert.ok(body.includes(`CN&#x3D;${SHOWN}`) && body.includes(`a.example, ${SHOWN}`))
    assert.match(
      await page(s, `/subject/${encodeURIComponent(tls.subject)}`),
      /See also <a href="\/subject\/deployed/,
    )
  })

  it('has a page for a subject that nothing is known of, and none for what is no subject', async (t) => {
    const s = await startServer(t)
    assert.match(textOf(await page(s, '/subject/ca_crl%5Bnone%5D')), /not judged .*No probe observes it/)
    const { status, body } = await ask(s, `/subject/${encodeURIComponent(EVIL)}`, {
      headers: { accept: 'text/html' },
    })
    assert.equal(status, 404)
    wellFormed(body)
    assert.doesNotMatch(body, /<script>alert/)
  })
})

it('refers to nothing outside of itself', async (t) => {
  const s = await startServer(t)
  await s.store.apply(new FakeJournal().seal(observation(), audit(), decision()))
  for (const path of ['/', '/audit', '/subject/ca_crl%5Bissuing-1%5D'])
    for (const [, url = ''] of (await page(s, path)).matchAll(/(?:href|src|action)="([^"]*)"/g)) {
      assert.match(url, /^(\/|#main$)/)
      const { status } = await ask(s, url.replaceAll('&#x3D;', '='))
      assert.ok(status === 200 || url.startsWith('/tlog/') || url === '#main', `${url}: ${status}`)
    }
})
