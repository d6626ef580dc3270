import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { icsCalendar } from '../../cli/calendar/ics.ts'
import { openJournal } from '../../journal/journal.ts'
import { toPem } from '../../lab/issue.ts'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import type { CalendarEntry } from '../../rules/calendar.ts'
import { DAY, entity, NOW } from '../probes/pki.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const AT = Date.parse('2027-03-15T00:00:00Z')

function ics(entries: readonly CalendarEntry[]): string {
  const now = Date.parse('2026-11-22T08:00:00.500Z')
  return icsCalendar({ entries, origin: 'vigil.test/zone-a', version: '0.1.0', now, until: AT + DAY })
}

/** RFC 5545 section 3.1. */
const unfolded = (text: string): readonly string[] => text.replaceAll('\r\n ', '').split('\r\n')

const ENTRY: CalendarEntry = {
  at: AT,
  kind: 'certificate_expires',
  subject: 'service_tls_health[shop,prod]',
  summary: 'Certificate of shop.test:443 expires',
  detail: '',
}

describe('the iCalendar file', () => {
  it('is what RFC 5545 wants, in UTC, and never without an event', () => {
    assert.deepEqual(unfolded(ics([])).slice(0, 4), [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//PKI Vigil//0.1.0//EN',
      'CALSCALE:GREGORIAN',
    ])
    const event = unfolded(ics([ENTRY])).slice(4, 12)
    assert.match(event[1] ?? '', /^UID:[0-9a-f]{32}@vigil\.test\/zone-a$/)
    assert.deepEqual(
      event.filter((line) => !line.startsWith('UID')),
      [
        'BEGIN:VEVENT',
        'DTSTAMP:20261122T080000Z',
        'DTSTART:20270315T000000Z',
        'SUMMARY:Certificate of shop.test:443 expires',
        'CATEGORIES:certificate_expires',
        'TRANSP:TRANSPARENT',
        'END:VEVENT',
      ],
    )
    assert.equal(unfolded(ics([])).filter((line) => line === 'BEGIN:VEVENT').length, 1)
    assert.ok(ics([]).endsWith('END:VCALENDAR\r\n'))
  })

  it('folds lines at 75 octets, between characters', () => {
    const summary = `${'é€😀'.repeat(40)} and ${'x'.repeat(200)}`
    const text = ics([{ ...ENTRY, summary }])
    for (const line of text.split('\r\n')) {
      assert.ok(Buffer.byteLength(line) <= 75, line)
      assert.equal(Buffer.from(line).toString(), line)
    }
    assert.ok(unfolded(text).includes(`SUMMARY:${summary}`))
  })

  it('escapes what a certificate says, so that it cannot add lines of its own', () => {
    const detail = 'CN=a\\b;c,d\r\nEND:VEVENT\nX\u2028Y\u0007Z'
    const lines = unfolded(ics([{ ...ENTRY, detail }]))
    assert.ok(lines.includes('DESCRIPTION:CN=a\\\\b\\;c\\,d\\nEND:VEVENT\\nX\\nY Z'))
    assert.equal(lines.filter((line) => line === 'END:VEVENT').length, 2)
  })

  it('names an entry the same in every export, and another one otherwise', () => {
    const uids = (entries: readonly CalendarEntry[]): readonly string[] =>
      unfolded(ics(entries)).filter((line) => line.startsWith('UID:'))
    assert.equal(uids([ENTRY])[0], uids([ENTRY])[0])
    assert.equal(
      new Set(uids([ENTRY, { ...ENTRY, at: AT + 1000 }, { ...ENTRY, kind: 'policy_date' }])).size,
      4,
    )
  })
})

async function setUp(directory: string): Promise<void> {
  const ca = await entity({
    subject: 'CN=CA',
    notBefore: NOW - DAY,
    notAfter: NOW + 300 * DAY,
  })
  writeFileSync(join(directory, 'ca.pem'), toPem(ca.certificate, 'CERTIFICATE'))
  writeFileSync(
    join(directory, 'vigil.yaml'),
    `inventory:
  authorities: [{ id: ca, certificate: ca.pem }]
  services: [{ id: shop, endpoint: 'shop.test:443', issuer: ca }]
`,
  )
}

/** A journal with one handshake. */
async function watched(directory: string): Promise<void> {
  const journal = await openJournal({
    directory: join(directory, 'journal'),
    origin: 'vigil.local',
    keyFile: join(directory, 'journal.key'),
    now: Date.now,
    random: randomBytes,
  })
  const body: Observation = {
    subject: 'service_tls_health[shop,prod]',
    probe: 'tls',
    target: 'shop.test:443',
    vantage: 'default',
    start: toTimestamp(Date.now()),
    duration: 20,
    outcome: 'success',
    facts: {
      tls: { pathValid: true, identityMatches: true },
      certificate: {
        serial: 'abcd',
        issuer: 'CN=CA',
        notBefore: toTimestamp(NOW - 30 * DAY),
        notAfter: toTimestamp(NOW + 60 * DAY),
      },
    },
    artifacts: [],
  }
  await journal.append([{ kind: 'observation', time: body.start, body }])
  const failed: Observation = {
    ...body,
    outcome: 'failure',
    error: { phase: 'connect', code: 'refused', message: 'connection refused' },
    facts: {},
  }
  await journal.append([{ kind: 'observation', time: body.start, body: failed }])
  // Somebody else's.
  await journal.append([
    { kind: 'observation', time: body.start, body: { ...body, subject: 'service_tls_health[old,prod]' } },
  ])
  await journal.append([{ kind: 'observation', time: body.start, body }])
  await journal.close()
}

test('vigil calendar knows the configuration before anything ran, and endpoints after that', async () => {
  using directory = temporaryDirectory()
  const cwd = directory.path
  await setUp(cwd)
  const fresh = await vigil(['calendar'], { cwd })
  assert.equal(fresh.code, 0, fresh.stderr)
  assert.match(fresh.stdout, /^\S+ +in 299d 23h +Root CA ca expires +CN=.*CA, serial \w+, online\n$/)

  await watched(cwd)
  const json = await vigil(['calendar', '--within', '250d', '--json'], { cwd })
  assert.equal(json.code, 0, json.stderr)
  const entries = inJson(json.stdout, 'entries')
  assert.ok(Array.isArray(entries))
  assert.deepEqual(
    entries.map((entry: { kind: string; at: string }) => [entry.kind, entry.at]),
    [
      ['certificate_expires', toTimestamp(NOW + 60 * DAY)],
      ['ca_renewal', toTimestamp(NOW + 210 * DAY)],
    ],
  )
  const file = await vigil(['calendar', '--ics'], { cwd })
  assert.equal(unfolded(file.stdout).filter((line) => line === 'BEGIN:VEVENT').length, 4)
  assert.equal((await vigil(['calendar', '--ics', '--json'], { cwd })).code, 2)
})

test('vigil forecast says what breaks and when, and fails only when something does', async () => {
  using directory = temporaryDirectory()
  const cwd = directory.path
  await setUp(cwd)
  const none = await vigil(['forecast'], { cwd })
  assert.equal(none.code, 3, none.stdout)
  await watched(cwd)
  const shown = await vigil(['forecast', '--within', '40d'], { cwd })
  assert.equal(shown.code, 1, shown.stderr)
  assert.match(
    shown.stdout,
    /in 29d 23h +warning +cert_lifetime_threshold fail +deployed_service_cert\[shop,prod\]/,
  )
  const json = await vigil(['forecast', '--json'], { cwd })
  assert.equal(inJson(json.stdout, 'findings.0.at'), toTimestamp(NOW + 30 * DAY + 1000))
  assert.deepEqual(inJson(json.stdout, 'budgets'), [])
  const soon = await vigil(['forecast', '--within', '20d'], { cwd })
  assert.equal(soon.code, 0)
  assert.match(soon.stdout, /^No rule stops to pass\.$/m)
  for (const within of ['0d', 'soon', '99999d'])
    assert.equal((await vigil(['forecast', '--within', within], { cwd })).code, 2)
})
