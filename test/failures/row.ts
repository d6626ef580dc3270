import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { MINUTE, SECOND } from '../rules/journalDouble.ts'
import { troubleOf, Watch, type WatchOptions } from './watch.ts'

/** `unsettled`: what fails is that nothing was received, so that of the same subject everything else is unknown. */
export const NOTHING_SEEN = 'nothing seen'

/** A failure that a switch of the lab makes, and what finds it. A failure mode has one row, or one for each of the ways in which it happens. */
export interface Row {
  /** Of the failure mode. */
  readonly id: string
  /** Switch of the lab. */
  readonly fault: string
  /** What is broken: the id of a CA or a service. */
  readonly target: string
  /** Rules that fail because of it, on subjects that the target stands in. All of them, and no others. */
  readonly rules: readonly string[]
  /** Subjects that fail, where they are others than the target's own. */
  readonly subjects?: readonly string[]
  /** Rules that cannot be judged meanwhile, by what follows from the failure. */
  readonly unsettled?: readonly string[] | typeof NOTHING_SEEN
  /** Packs in force beside those that are by default. */
  readonly packs?: readonly string[]
  /** Authorities that log as other software than EJBCA does. */
  readonly logs?: WatchOptions['logs']
  /** Further settings of vigil.yaml. */
  readonly settings?: WatchOptions['settings']
  /** The packs are for PKIs of another kind: what they find in a lab that is well does not count. */
  readonly amid?: 'other findings'
  /** The finding ends with: the repair, or the CRL after the one that the repair issues. */
  readonly endsWith?: 'repair' | 'next_crl'
  /** How long it takes to show, and to be over after the repair, in milliseconds, where that is not told by a rule. */
  readonly showsAfter?: number
  readonly overAfter?: number
}

/** Nothing grows old for not being looked at while something else is. */
const SELDOM = {
  interval: '30d',
  ocsp_matrix: { interval: '30d' },
  mtls: { interval: '30d' },
  ca: { interval: '30d' },
} as const

/** Tests of rows of one group, in one process: each switches on what the one before it left well. */
export function testRows(rows: readonly Row[]): void {
  const watches = new Map<string, Watch>()
  for (const row of rows) {
    const { packs = [], logs } = row
    const settings = { ...row.settings, probes: { ...SELDOM, ...row.settings?.probes } }
    const key = JSON.stringify({ packs, settings, logs, amid: row.amid })
    test(nameOf(row), async () => {
      const watch =
        watches.get(key) ??
        (await healthyWatch({ packs, settings, ...(logs === undefined ? {} : { logs }) }, row.amid))
      watches.set(key, watch)
      try {
        await caught(watch, row)
      } catch (error) {
        // What is left broken is nobody else's trouble.
        watches.delete(key)
        await watch[Symbol.asyncDispose]()
        throw error
      }
    })
  }
  test('and nothing is left of it anywhere', async () => {
    for (const watch of watches.values()) {
      await watch.look()
      assertWell(watch, 'in the end')
    }
  })
  after(async () => {
    for (const watch of watches.values()) await watch[Symbol.asyncDispose]()
  })
}

function nameOf({ id, fault, target, logs }: Row): string {
  const formats = logs === undefined ? '' : ` where authorities log as ${Object.values(logs).join(' and ')}`
  return `${id}: ${fault} of ${target}${formats} is found, and seen to end`
}

async function healthyWatch(options: WatchOptions, amid: Row['amid']): Promise<Watch> {
  await using opened = new AsyncDisposableStack()
  const watch = opened.use(await Watch.start(options))
  await watch.look()
  await watch.nextCrls()
  if (amid !== undefined) watch.overlookTroubles()
  assertWell(watch, 'before anything is broken')
  opened.move()
  return watch
}

/** All is well; the switch is on and exactly what the row says is found; it is off and all is well. */
async function caught(watch: Watch, row: Row): Promise<void> {
  const { lab } = watch
  const { fault, target, rules, endsWith = 'repair', showsAfter = 0, overAfter = 0 } = row
  assertWell(watch, 'before')

  // What breaks at one authority, or at a service of it, is not looked for at others, unless the row says so.
  const authority = row.subjects === undefined ? watch.authorityOf(target) : undefined
  // A CRL of the same second as the one before could be the same.
  watch.pass(SECOND)
  await lab.break(fault, target)
  await watch.look(MINUTE, authority)
  const patience = Math.max(watch.patience(rules), showsAfter)
  if (patience > 0) await watch.look(patience, authority)
  assertFound(watch, row)

  await lab.repair(fault, target)
  await watch.look(MINUTE, authority)
  if (overAfter > 0) await watch.look(overAfter, authority)
  if (endsWith === 'next_crl') await watch.nextCrls()
  assertWell(watch, 'after the repair')
}

function assertWell(watch: Watch, when: string): void {
  assert.deepEqual(watch.troubles().map(troubleOf), [], `expected all to be well ${when}`)
}

function assertFound(watch: Watch, { rules, target, subjects, unsettled = [] }: Row): void {
  const troubles = watch.troubles()
  const failing = troubles.filter(({ state }) => state === 'fail')
  const failingSubjects = new Set(failing.map(({ subject }) => subject))
  const others = troubles.filter(({ state, rule, subject }) => {
    const follows = unsettled === NOTHING_SEEN ? failingSubjects.has(subject) : unsettled.includes(rule)
    return state !== 'fail' && !follows
  })
  const failed = [...new Set(failing.map(({ rule }) => rule))].sort()
  const inFull = `got: ${troubles.map(troubleOf).join('; ')}`
  assert.deepEqual(failed, [...rules].sort(), inFull)
  assert.deepEqual(others.map(troubleOf), [], inFull)
  const failedOn = [...new Set(failing.map(({ subject }) => subject))].sort()
  if (subjects !== undefined) assert.deepEqual(failedOn, [...subjects].sort(), inFull)
  else for (const subject of failedOn) assert.match(subject, new RegExp(`\\[${target}[\\],]`), inFull)
}
