import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts } from '../../model/facts.ts'
import type { ProbeKind } from '../../model/observation.ts'
import { HOUR } from '../rules/journalDouble.ts'
import { troubleOf, Watch } from './watch.ts'

/** Whatever a private PKI would put in force. */
const PACKS = ['rfc5280-6960', 'private-trust-zones', 'crypto-agility']

/** A statement that people sign: no lab has one. */
const BY_PEOPLE = 'pki_governance'

/** Findings: some dozens of rules for each of four authorities and four services. */
const MANY = 300

test('a lab that is well gives nothing but pass for a day, over new CRLs and new certificates', async () => {
  await using watch = await Watch.start({
    packs: PACKS,
    settings: { enforcing: ['internal-api'], controlPlaneLog: 'watched' },
  })
  // Some rules compare with what was seen before.
  await watch.look()
  await watch.look()
  const troubles = (): readonly string[] =>
    watch.troubles().flatMap((finding) => (finding.subject === BY_PEOPLE ? [] : [troubleOf(finding)]))
  for (let hour = 2; hour <= 24; hour += 2) {
    if (hour === 6) await watch.lab.remedy('rotate_certificate', 'shop')
    if (hour % 12 === 0) await watch.nextCrls(2 * HOUR)
    else await watch.look(2 * HOUR)
    assert.deepEqual(troubles(), [], `after ${hour} hours`)
  }
  const passed = watch.engine.findings().filter(({ state }) => state === 'pass')
  assert.ok(passed.length > MANY, `expected that much was judged, got ${passed.length} findings`)
})

test('facts repeat exactly while nothing changes, so that a run is worth 40 octets in the journal', async () => {
  await using watch = await Watch.start()
  await watch.look()
  await watch.look()
  const before = factsByTarget(watch)
  await watch.look()
  assert.deepEqual(factsByTarget(watch), before)
})

/** Of the kinds whose answers are not made anew for every question. */
function factsByTarget(watch: Watch): Readonly<Record<string, Facts>> {
  const steady: readonly ProbeKind[] = ['crl', 'crl_set', 'mtls', 'ca']
  return Object.fromEntries(
    steady.flatMap((probe) =>
      [...watch.memory.all(probe)].map(({ subject, target, newest }) => [
        `${probe} ${subject} ${target}`,
        newest,
      ]),
    ),
  )
}
