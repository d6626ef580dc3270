import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { vigil } from '../support/vigil.ts'
import { startSmallVigil } from './smallVigil.ts'

test('one vigil follows another: its mirror verifies, is anchored by it, and silence is a finding', async (t) => {
  const other = await startSmallVigil(t, { yaml: 'origin: vigil.test/other' })
  await other.stack.journal.publish()
  const vkey = join(other.directory, 'journal', 'vkey')
  const one = await startSmallVigil(t, {
    parameters: { followed_journal_heard: { max_silence: '5s' } },
    yaml: `origin: vigil.test/one
follow:
  - { url: '${other.stack.url}/tlog', vkey_file: ${vkey}, directory: mirror, interval: 500ms }`,
  })
  const subject = 'monitor[vigil.test_other]'
  const judged = one.stack.findings().filter((finding) => finding.subject === subject)
  assert.deepEqual(judged.map(({ rule, state }) => `${rule} ${state}`).toSorted(), [
    'followed_journal_heard pass',
    'followed_journal_not_forked pass',
    'followed_journal_not_rolled_back pass',
  ])
  const mirror = join(one.directory, 'mirror')
  const { code, stdout } = await vigil(['verify', mirror, '--trust', vkey])
  assert.equal(code, 0, stdout)
  const trust = join(one.directory, 'trust')
  const cosigners = readFileSync(join(one.directory, 'journal.key.cosigner.vkey'), 'utf8')
  writeFileSync(trust, readFileSync(vkey, 'utf8') + cosigners)
  const journal = join(other.directory, 'journal')
  const anchored = await vigil([
    'verify',
    journal,
    '--trust',
    trust,
    '--checkpoint',
    join(mirror, 'checkpoint'),
  ])
  assert.equal(anchored.code, 0, anchored.stdout)
  assert.match(anchored.stdout, /vigil\.test\/one/)

  await other.stack.stop()
  const [silent] = await one.failing('followed_journal_heard')
  assert.equal(silent?.subject, subject)
  assert.match(silent.summary, /^Nothing new of the journal vigil\.test\/other\/\d+ was verified since /)
})
