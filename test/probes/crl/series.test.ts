import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { extension, issueCrl, issuingDistributionPoint, type CrlRequest } from '../../../lab/issue.ts'
import * as der from '../../../lab/der.ts'
import type { Facts, FactsOf } from '../../../model/facts.ts'
import { crlFacts, parseCrl } from '../../../pki/crl.ts'
import { scopeFacts } from '../../../pki/crlScopeFacts.ts'
import { comparedWith, seriesFacts, type KnownCertificates } from '../../../probes/crl/series.ts'
import { DAY, entity, HOUR, NOW } from '../pki.ts'

const ca = await entity({ subject: 'Issuing 1' })
const entry = (serial: string, reason?: number, at = NOW - 10 * DAY) => ({
  serial,
  at,
  ...(reason === undefined ? {} : { reason }),
})

/** A CRL that was published, and what is known of it. */
interface Published {
  readonly der: Uint8Array
  readonly facts: FactsOf<'crl'>
}

async function publish(request: Partial<CrlRequest> = {}): Promise<Published> {
  const octets = await issueCrl({
    issuer: ca,
    number: 7n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [],
    ...request,
  })
  const crl = parseCrl(octets, { index: true })
  return { der: octets, facts: { ...crlFacts(crl), ...scopeFacts(crl) } }
}

/** What a run of the probe makes of it, after the runs that `known` is from. */
function seen(
  { der: octets, facts }: Published,
  known?: Pick<Facts, 'crl' | 'crlSeries'>,
  previous?: Published,
  certificates: KnownCertificates = new Map(),
): FactsOf<'crlSeries'> {
  return seriesFacts({
    crl: parseCrl(octets, { index: true }),
    facts,
    known,
    previous: previous && parseCrl(previous.der, { index: true }),
    certificates,
  })
}

/** The facts after CRLs that came one after the other. */
function after(crls: readonly Published[], certificates?: KnownCertificates): FactsOf<'crlSeries'> {
  let known: Pick<Facts, 'crl' | 'crlSeries'> | undefined
  let previous: Published | undefined
  for (const crl of crls) {
    const crlSeries = seen(crl, known, previous, certificates)
    known = { crl: crl.facts, crlSeries }
    previous = crl
  }
  return known?.crlSeries ?? {}
}

const numbered = (number: bigint | undefined, thisUpdate = NOW - HOUR, revoked: CrlRequest['revoked'] = []) =>
  publish({ number, thisUpdate, revoked })

describe('numbers of CRLs', () => {
  it('are compared with nothing at first, and with nothing by a monitor without memory', async () => {
    const crl = await numbered(7n)
    assert.deepEqual(seen(crl), { compared: false, newestNumber: '7', newestSha256: crl.facts.sha256 })
  })

  it('increase by one, which tells that they are no times', async () => {
    const [one, two, four] = [await numbered(1n), await numbered(2n), await numbered(4n)]
    const next = after([one, two])
    assert.deepEqual(
      [next.numberIncreased, next.numbersMissing, next.countsByOne, next.previousNumber],
      [true, 0, true, '1'],
    )
    const gap = after([one, two, four])
    assert.deepEqual([gap.numberIncreased, gap.numbersMissing, gap.countsByOne], [true, 1, true])
  })

  it('that are times have gaps that mean nothing', async () => {
    const { countsByOne, numbersMissing } = after([
      await numbered(1_700_000_000n),
      await numbered(1_700_086_400n),
    ])
    assert.deepEqual([countsByOne, numbersMissing], [false, 86_399])
  })

  it('that are as large as they may be are told apart', async () => {
    const large = 2n ** 158n
    const facts = after([await numbered(large), await numbered(large + 1n)])
    assert.deepEqual([facts.numberIncreased, facts.numbersMissing], [true, 0])
    const jump = after([await numbered(1n), await numbered(large)])
    assert.equal(jump.numbersMissing, Number.MAX_SAFE_INTEGER)
  })

  it('that repeat with other content do not increase, and neither do those that fall', async () => {
    const [five, again, four] = [await numbered(5n), await numbered(5n, NOW), await numbered(4n, NOW)]
    assert.equal(after([five, again]).numberIncreased, false)
    const lower = after([five, four])
    assert.deepEqual([lower.numberIncreased, lower.newestNumber, lower.isOlder], [false, '5', false])
  })

  it('stay below the highest that was seen, CRL after CRL, until they pass it', async () => {
    const crls = await Promise.all([9n, 4n, 5n, 10n].map((n, i) => numbered(n, NOW - HOUR + i * 1000)))
    assert.equal(after(crls.slice(0, 3)).numberIncreased, false)
    assert.equal(after(crls).numberIncreased, true)
  })

  it('increase when the newest CRL comes back after an old one', async () => {
    const [old, newest] = [await numbered(4n, NOW - DAY), await numbered(5n)]
    const back = after([old, newest, old])
    assert.deepEqual([back.numberIncreased, back.isOlder, back.newestNumber], [false, true, '5'])
    const again = after([old, newest, old, newest])
    assert.deepEqual([again.numberIncreased, again.isOlder, again.numbersMissing], [true, false, 0])
  })

  it('are not judged where there are none', async () => {
    const facts = after([await numbered(undefined), await numbered(undefined, NOW)])
    assert.deepEqual([facts.compared, facts.numberIncreased], [true, undefined])
    assert.equal(after([await numbered(undefined), await numbered(3n, NOW)]).numberIncreased, true)
  })
})

describe('entries of CRLs', () => {
  const known = new Map([
    ['a1', NOW + 30 * DAY],
    ['a2', NOW - 30 * DAY],
    ['a3', NOW - HOUR / 2],
  ])
  const before = (...revoked: CrlRequest['revoked']) =>
    publish({ number: 1n, thisUpdate: NOW - DAY, revoked })
  const now = (...revoked: CrlRequest['revoked']) => publish({ number: 2n, thisUpdate: NOW, revoked })

  it('that leave are told apart by what is known of their certificates', async () => {
    const facts = after(
      [await before(entry('a1'), entry('a2'), entry('a3'), entry('b1'), entry('b2', 6)), await now()],
      known,
    )
    assert.equal(facts.removed, 5)
    assert.deepEqual(
      [facts.vanished, facts.removedExpired, facts.removedEarly, facts.removedUnknown, facts.removedFromHold],
      [1, 1, 1, 1, 1],
    )
    assert.deepEqual(facts.vanishedSerials, ['a1'])
  })

  it('of which nobody knows the certificates leave nothing to say, unless one vanished for certain', async () => {
    const unknown = after([await before(entry('b1'), entry('a2')), await now()], known)
    assert.deepEqual([unknown.removedUnknown, unknown.vanished], [1, undefined])
    const some = after([await before(entry('b1'), entry('a1')), await now()], known)
    assert.deepEqual([some.removedUnknown, some.vanished], [1, 1])
  })

  it('are counted when they come, and named only up to a bound', async () => {
    const many = Array.from({ length: 100 }, (_, i) => (0x1000 + i).toString(16))
    const certificates = new Map(many.map((serial) => [serial, NOW + DAY]))
    const facts = after(
      [await before(...many.toReversed().map((serial) => entry(serial))), await now(entry('a1'))],
      certificates,
    )
    assert.deepEqual([facts.added, facts.vanished, facts.vanishedSerials?.length], [1, 100, 20])
    assert.deepEqual(facts.vanishedSerials, many.slice(0, 20))
  })

  it('that change their date or reason are named with both', async () => {
    const facts = after([
      await before(entry('a1', 4), entry('a2', 4), entry('a3', 5)),
      await now(entry('a1'), entry('a2', 5), entry('a3', 5, NOW - 9 * DAY)),
    ])
    assert.deepEqual([facts.reasonsLost, facts.reasonsChanged, facts.datesChanged], [1, 1, 1])
    assert.deepEqual(facts.changed?.slice(0, 2), [
      'a1 superseded -> none',
      'a2 superseded -> cessationOfOperation',
    ])
  })

  it('may turn out to be compromised, earlier than thought, and may be released from hold', async () => {
    const facts = after([
      await before(entry('a1', 4), entry('a2', 6)),
      await now(entry('a1', 1, NOW - 20 * DAY), entry('a2', 4, NOW - 5 * DAY)),
    ])
    assert.deepEqual([facts.reasonsLost, facts.reasonsChanged, facts.datesChanged], [0, 0, 0])
  })

  it('are not compared when what was there is not at hand, or in delta CRLs', async () => {
    const [old, young] = [await before(entry('a1')), await now()]
    const facts = seen(young, { crl: old.facts, crlSeries: seen(old) })
    assert.deepEqual([facts.compared, facts.previousEntries, facts.removed], [true, 1, undefined])
    const base = extension('2.5.29.27', true, der.integer(1n))
    const delta = await publish({ number: 3n, thisUpdate: NOW, extensions: [base] })
    assert.equal(
      after([await publish({ extensions: [base], revoked: [entry('a1')] }), delta], known).removed,
      undefined,
    )
  })

  it('stay compared while an old CRL is served, and after it', async () => {
    const [first, second] = [await before(entry('a1')), await now()]
    const served = after([first, second, first], known)
    assert.deepEqual([served.isOlder, served.vanished], [true, 1])
    assert.equal(after([first, second, first, second], known).vanished, 1)
    const third = await numbered(3n, NOW + HOUR)
    // Compared with the second one, as it was when it was new.
    assert.equal(after([first, second, third, first, third], known).vanished, 0)
  })
})

describe('a CRL', () => {
  it('that is seen again changes no fact', async () => {
    const [one, two] = [await numbered(1n), await numbered(2n, NOW, [entry('a1')])]
    const known = { crl: two.facts, crlSeries: after([one, two]) }
    assert.deepEqual(seen(two, known), known.crlSeries)
    assert.equal(comparedWith(known, two.facts.sha256 ?? ''), undefined)
    assert.equal(comparedWith(known, one.facts.sha256 ?? ''), two.facts.sha256)
  })

  it('that is for other certificates than the one before it says so', async () => {
    const url = 'http://crl.test/1.crl'
    const all = await publish({ number: 1n, extensions: [issuingDistributionPoint([url])] })
    const users = await publish({ number: 2n, extensions: [issuingDistributionPoint([url], 'user')] })
    assert.equal(after([all, { ...all, facts: { ...all.facts, sha256: 'ff' } }]).scopeChanged, false)
    const facts = after([all, users])
    assert.deepEqual([facts.scopeChanged, facts.previousScope], [true, all.facts.scope])
    assert.match(users.facts.scope ?? '', /^http:\/\/crl\.test\/1\.crl, end entities only #[0-9a-f]{16}$/)
  })
})
