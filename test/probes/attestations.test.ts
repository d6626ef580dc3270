import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { signNote, verifierKey } from '../../journal/note.ts'
import { toTimestamp } from '../../model/time.ts'
import { formatAttestation, parseAttestation, type Attestation } from '../../probes/attestation.ts'
import { readAttestations } from '../../probes/attestations.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const NOW = Date.parse('2026-11-22T08:00:00Z')
const DAY = 86_400_000

const jane = generateKeyPairSync('ed25519').privateKey
const eve = generateKeyPairSync('ed25519').privateKey
const keys = [verifierKey('jane.doe', jane)]

function attestation(part: Partial<Attestation> = {}): Attestation {
  return {
    kind: 'cps_review',
    subject: 'pki_governance',
    by: 'jane.doe',
    at: NOW - DAY,
    expires: NOW + 300 * DAY,
    statement: 'CPS 4.2 reviewed,\n\napproved in PKI-815',
    ...part,
  }
}

const signed = (part: Partial<Attestation> = {}, key: KeyObject = jane): string => {
  const made = attestation(part)
  return signNote(formatAttestation(made), made.by, key)
}

/** What is observed of a directory with these files; the last one is of the directory as a whole. */
async function look(files: Readonly<Record<string, string>>) {
  using directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory.path, name), text)
  return await readAttestations({ directory: directory.path, keys }, { now: NOW, vantage: 'here' })
}

async function refusal(text: string): Promise<string> {
  const results = await look({ 'good.note': signed(), 'bad.note': text })
  assert.equal(results.length, 2, 'the good one counts all the same')
  assert.equal(results[0]?.observation.facts.attestation?.at, toTimestamp(NOW - DAY))
  const { observation } = results[1] ?? assert.fail()
  assert.deepEqual(observation.facts.attestation, { files: 2, refused: 1 })
  assert.equal(observation.outcome, 'failure')
  assert.equal(observation.error?.code, 'attestation_refused')
  return observation.error.message
}

describe('a signed statement', () => {
  it('is an observation of what it is about, with the note as artifact', async () => {
    const text = signed()
    const [statement, whole] = await look({ 'a.note': text, 'README.md': 'not one of them' })
    assert.deepEqual(statement?.observation, {
      subject: 'pki_governance',
      target: 'cps_review',
      probe: 'attestation',
      vantage: 'here',
      start: toTimestamp(NOW),
      duration: 0,
      outcome: 'success',
      facts: {
        attestation: {
          kind: 'cps_review',
          by: 'jane.doe',
          statement: 'CPS 4.2 reviewed,\n\napproved in PKI-815',
          at: toTimestamp(NOW - DAY),
          expires: toTimestamp(NOW + 300 * DAY),
        },
      },
      artifacts: [],
    })
    assert.equal(Buffer.from(statement.artifacts[0]?.bytes ?? []).toString('utf8'), text)
    assert.deepEqual(whole?.observation.facts, { attestation: { files: 1, refused: 0 } })
    assert.equal(whole.observation.outcome, 'success')
  })

  it('is superseded by a newer one about the same, and by no other', async () => {
    const results = await look({
      'z.note': signed({ at: NOW - 9 * DAY, statement: 'old' }),
      'a.note': signed({ at: NOW - DAY, statement: 'new' }),
      'b.note': signed({ kind: 'risk_analysis' }),
      'c.note': signed({ subject: 'audit_log[ejbca]' }),
    })
    assert.deepEqual(
      results.map(({ observation: o }) => [o.subject, o.target, o.facts.attestation?.statement?.slice(0, 3)]),
      [
        ['pki_governance', 'cps_review', 'new'],
        ['pki_governance', 'risk_analysis', 'CPS'],
        ['audit_log[ejbca]', 'cps_review', 'CPS'],
        ['pki_governance', 'directory', undefined],
      ],
    )
  })

  it('that has expired is still told, for the rules to fail', async () => {
    const [statement] = await look({ 'a.note': signed({ at: NOW - 9 * DAY, expires: NOW - DAY }) })
    assert.equal(statement?.observation.outcome, 'success')
    assert.equal(statement.observation.facts.attestation?.expires, toTimestamp(NOW - DAY))
  })
})

describe('a statement that does not count', () => {
  const newer = { at: NOW - 60_000 }

  it('is signed with a key that nobody trusts', async () => {
    assert.match(
      await refusal(signed({ by: 'eve', ...newer }, eve)),
      /^bad\.note: signed by eve\+[0-9a-f]{8}, whose key is not among the trusted ones$/,
    )
    assert.match(
      await refusal(signed(newer, eve)),
      /whose key is not among the trusted ones/,
      'the name alone is nothing',
    )
  })

  it('was altered after it was signed', async () => {
    assert.match(
      await refusal(signed(newer).replace('reviewed', 'reviewer')),
      /^bad\.note: expected a valid signature by jane\.doe\+[0-9a-f]{8}, got another$/,
    )
  })

  it('is made in the name of somebody else', async () => {
    const text = signNote(formatAttestation(attestation({ by: 'the.boss', ...newer })), 'jane.doe', jane)
    assert.equal(await refusal(text), 'bad.note: made in the name of the.boss, signed by jane.doe')
  })

  it('is dated ahead', async () => {
    assert.match(await refusal(signed({ at: NOW + 5 * 60_000 + 1 })), /dated in the future/)
    const [statement] = await look({ 'a.note': signed({ at: NOW + 5 * 60_000 }) })
    assert.equal(statement?.observation.outcome, 'success')
  })

  for (const [what, text] of [
    ['empty', ''],
    ['no note', 'hello\n'],
    ['a note about something else', signNote('vigil.test\n3\nabc\n', 'jane.doe', jane)],
    ['binary', '\u0000\u0001\n\n— jane.doe AAAA\n'],
    ['too large', `${'x'.repeat(70_000)}\n`],
  ] as const) {
    it(`is ${what}`, async () => {
      assert.match(await refusal(text), /^bad\.note: /)
    })
  }

  it('is a link or a directory', async () => {
    using directory = temporaryDirectory()
    mkdirSync(join(directory.path, 'd.note'))
    symlinkSync('/dev/zero', join(directory.path, 'l.note'))
    const [whole] = await readAttestations({ directory: directory.path, keys }, { now: NOW, vantage: 'here' })
    assert.equal(whole?.observation.error?.message, 'd.note: not a file; l.note: not a file')
  })

  it('is named up to three times, and counted', async () => {
    const files = Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`${i}.note`, 'x\n']))
    const [whole] = await look(files)
    assert.match(
      whole?.observation.error?.message ?? '',
      /^1\.note: .*; 2\.note: .*; 3\.note: .*; and 2 more$/,
    )
  })
})

describe('a directory that cannot be read', () => {
  it('is an observation too', async () => {
    using directory = temporaryDirectory()
    rmSync(directory.path, { recursive: true })
    const results = await readAttestations({ directory: directory.path, keys }, { now: NOW, vantage: 'here' })
    assert.equal(results.length, 1)
    assert.equal(results[0]?.observation.error?.code, 'attestations_unreadable')
  })
})

describe('the text of a statement', () => {
  it('says what cannot be part of it', () => {
    const wrong = (part: Partial<Attestation>): string => {
      try {
        formatAttestation(attestation(part))
      } catch (error) {
        assert.ok(error instanceof RangeError)
        return error.message
      }
      return ''
    }
    assert.match(wrong({ kind: 'CPS' }), /expected a kind in lower case/)
    assert.match(wrong({ kind: 'cps\nsubject: x' }), /expected "by: " in line 4/)
    const fields = 'by: x\nat: 2026-01-01\nexpires: 2027-01-01\n\nall is well'
    assert.match(wrong({ subject: `pki_governance\n${fields}` }), /of one line each/)
    assert.match(wrong({ subject: 'nothing' }), /expected a subject such as/)
    assert.match(wrong({ by: 'Jane Doe' }), /without spaces/)
    assert.match(wrong({ expires: NOW - DAY }), /expected it to expire after/)
    assert.match(wrong({ statement: ' ' }), /expected a statement/)
    assert.match(wrong({ statement: 'x'.repeat(4001) }), /1 to 4000 characters, got 4001/)
  })

  it('is read as it was written', () => {
    const made = attestation()
    assert.deepEqual(parseAttestation(formatAttestation(made)), made)
  })
})
