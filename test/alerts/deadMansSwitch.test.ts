// M07: the always-firing alert stops, and somebody outside notices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlertmanagerClient } from '../../alerts/alertmanager.ts'
import { AlertDispatcher } from '../../alerts/dispatcher.ts'
import { JournalDouble } from '../rules/journalDouble.ts'
import { alertmanagerSample, startPager, until, type Pager } from '../support/pager.ts'
import { needsAlertmanager, startReal } from './realAlertmanager.ts'

const LIMIT = 45_000
const INTERVAL = 500
/** Without a sign of life for so long, in milliseconds, the switch raises the alarm. */
const PATIENCE = 4000

const SWITCH = 'dead-mans-switch-vigil'

/** What stands outside: it knows nothing but when it last heard something. */
function deadMansSwitch(pager: Pager): () => 'alarm' | 'quiet' {
  let heard = 0
  let last = Date.now()
  return () => {
    const now = pager.at(SWITCH).length
    if (now > heard) last = Date.now()
    heard = now
    return Date.now() - last > PATIENCE ? 'alarm' : 'quiet'
  }
}

for (const [what, stop] of [
  ['vigil is gone', (t: Vigil) => t.dispatcher.close()],
  [
    'vigil runs, and evaluates nothing',
    (t: Vigil) => {
      t.evaluates = false
      return Promise.resolve()
    },
  ],
] as const)
  test(
    `M07: the dead man's switch hears nothing any more when ${what}`,
    { timeout: LIMIT + 10_000, ...needsAlertmanager() },
    async () => {
      const signal = AbortSignal.timeout(LIMIT)
      using pager = await startPager()
      await using alertmanager = await startReal(alertmanagerSample(pager.origin))
      await using t = new Vigil(alertmanager.url)
      const alarm = deadMansSwitch(pager)
      await until('signs of life', signal, () => (pager.at(SWITCH).length > 3 ? true : undefined))
      assert.equal(alarm(), 'quiet')
      assert.deepEqual(pager.at(SWITCH)[0]?.alerts[0]?.labels, {
        alertname: 'VigilWatchdog',
        severity: 'info',
        component: 'vigil',
        source: 'vigil',
        origin: 'vigil.test',
      })
      await stop(t)
      await until('the alarm', signal, () => (alarm() === 'alarm' ? true : undefined))
      assert.deepEqual(pager.at('pager'), [], 'which only the switch could raise')
      if (t.evaluates) return
      t.evaluates = true
      await until('signs of life again', signal, () => (alarm() === 'quiet' ? true : undefined))
    },
  )

class Vigil implements AsyncDisposable {
  readonly dispatcher: AlertDispatcher
  evaluates = true

  constructor(url: string) {
    const journal = new JournalDouble()
    this.dispatcher = new AlertDispatcher({
      receivers: [new AlertmanagerClient({ url })],
      rules: () => new Map(),
      place: () => ({ about: '', role: 'cause', incident: undefined }),
      record: (records) => Promise.resolve(journal.seal(...records)),
      origin: 'vigil.test',
      tickLimit: 2 * INTERVAL,
      interval: INTERVAL,
      now: Date.now,
      random: Math.random,
      schedule: (ms, work) => {
        journal.now = Date.now()
        if (this.evaluates) this.dispatcher.apply(journal.tick())
        const timer = setTimeout(work, ms)
        return () => clearTimeout(timer)
      },
    })
    this.dispatcher.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispatcher.close()
  }
}
