// What is wrong with the monitor itself (failure modes M03 to M06): a whole vigil says exactly that, and sees it end.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { JournalError } from '../../journal/error.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { startDouble } from '../alerts/alertmanagerDouble.ts'
import { freePorts } from '../support/ports.ts'
import { sendCrl, startSmallVigil, type Crls } from './smallVigil.ts'

const OPTIONS = { timeout: 90_000 }

describe('the monitor says of itself', { concurrency: true }, () => {
  it('M03: that Alertmanager takes no alerts, until it does', OPTIONS, async (t) => {
    const [port = 0] = await freePorts(1)
    const there = await startDouble(port)
    const { failing } = await startSmallVigil(t, {
      parameters: { monitor_alerts_delivered: { for: '1s' } },
      yaml: `alerts: { alertmanager: '${there.url}', interval: 500ms }\n`,
    })
    await there[Symbol.asyncDispose]()
    const [finding] = await failing('monitor_alerts_delivered')
    assert.match(
      finding?.summary ?? '',
      new RegExp(`not delivered; no answer, or a refusal, from ${there.url}`),
    )
    const back = await startDouble(port)
    t.after(() => back[Symbol.asyncDispose]())
    await failing()
  })

  it('M03: that the control plane takes no requests for repairs, until it does', OPTIONS, async (t) => {
    const [port = 0] = await freePorts(1)
    let served: keyof Crls = 'recent'
    const { failing } = await startSmallVigil(t, {
      serve: (crls) => (_, response) => sendCrl(response, crls[served]),
      parameters: { monitor_repairs_delivered: { for: '0s' } },
      yaml: `remediation:
  webhook: { url: 'http://127.0.0.1:${port}/', secret_file: webhook.secret }
  policies: [{ rule: crl_next_update_reasonable, action: reissue_crl }]
`,
    })
    served = 'lasting'
    const [, finding] = await failing('crl_next_update_reasonable', 'monitor_repairs_delivered')
    assert.match(finding?.summary ?? '', /^1 requests for repairs were not taken/)
    const controlPlane = createServer((_, response) => response.writeHead(202).end()).listen(
      port,
      '127.0.0.1',
    )
    await once(controlPlane, 'listening')
    t.after(() => controlPlane.close())
    await failing('crl_next_update_reasonable')
    served = 'renewed'
    await failing()
  })

  it('M04: that its clock was set forward and back, for a while', OPTIONS, async (t) => {
    let offset = 0
    const { failing } = await startSmallVigil(t, {
      now: () => Date.now() + offset,
      parameters: { monitor_clock_steady: { told_for: '6s' } },
    })
    for (const [set, direction] of [
      [600_000, 'forward'],
      [0, 'back'],
    ] as const) {
      offset = set
      const [finding] = await failing('monitor_clock_steady')
      assert.match(
        finding?.summary ?? '',
        new RegExp(`^The clock jumped .*\\b(9m 59s|10m|10m 1s) ${direction} before`),
      )
      await failing()
    }
  })

  it(
    'M05: that the journal took nothing, afterwards, for a while; meanwhile nothing is acknowledged',
    OPTIONS,
    async (t) => {
      const { failing, stack } = await startSmallVigil(t, {
        parameters: { monitor_journal_written: { tolerated: '0s', told_for: '6s' } },
      })
      const refused = Promise.withResolvers<undefined>()
      const append = t.mock.method(stack.journal, 'append', () => {
        refused.resolve(undefined)
        return Promise.reject(new JournalError('storage', 'no space left'))
      })
      // What was under way is sealed.
      await stack.journal.publish()
      const { size } = stack.journal
      await refused.promise
      assert.equal(stack.journal.size, size)
      append.mock.restore()
      const [finding] = await failing('monitor_journal_written')
      assert.match(finding?.summary ?? '', /^The journal took no records for \d+s, until /)
      await failing()
    },
  )

  it('M05: that the store is behind while its database is locked, until it is not', OPTIONS, async (t) => {
    const { failing, directory } = await startSmallVigil(t, {
      parameters: { monitor_store_current: { max_lag: '2s' } },
    })
    const other = new DatabaseSync(join(directory, 'vigil.db'), { timeout: 5000 })
    try {
      other.exec('BEGIN IMMEDIATE')
      await failing('monitor_store_current')
      other.exec('ROLLBACK')
      await failing()
    } finally {
      other.close()
    }
  })

  it('M06: that targets are not probed, because one host is slow with many of them', OPTIONS, async (t) => {
    let pause = 0
    const { failing } = await startSmallVigil(t, {
      crls: 16,
      serve: (crls) => (_, response) => void setTimeout(() => sendCrl(response, crls.recent), pause),
      // That their evidence is too old makes them unknown besides (test/rules/engine.test.ts).
      parameters: Object.fromEntries(CRL_RULES.map((rule) => [rule, { evidence_max_age: '1m' }])),
    })
    pause = 800
    const [finding] = await failing('monitor_probes_scheduled')
    assert.match(
      finding?.summary ?? '',
      /^\d+ of 18 targets had no run for three intervals: crl http:.*\/\d+\.crl/,
    )
    pause = 0
    await failing()
  })
})

/** The rules about CRLs that are in force when nothing else is said. */
const CRL_RULES = ['internal-pki', 'operations']
  .flatMap((pack) => loadPack(pack).rules)
  .filter(({ appliesTo, probe }) => appliesTo.subjects.includes('ca_crl') && probe === undefined)
  .map(({ id }) => id)

// By itself: every vigil in this process hears what servers say of the time.
it(
  'M04: the monitor says that the clocks of others contradict its own, until they do not',
  OPTIONS,
  async (t) => {
    let wrong = 0
    const { failing } = await startSmallVigil(t, {
      // Whose clock is wrong cannot be told from here, and ours would have to jump.
      serve: (crls) => (_, response) => {
        response.setHeader('date', new Date(Date.now() + wrong).toUTCString())
        sendCrl(response, crls.recent)
      },
      parameters: { monitor_clock_right: { min_sources: 1, for: '1s' } },
    })
    wrong = 3_600_000
    const [finding] = await failing('monitor_clock_right')
    assert.match(finding?.summary ?? '', /^The clock is (59m 50s|1h) behind of the hosts/)
    wrong = 0
    await failing()
  },
)
