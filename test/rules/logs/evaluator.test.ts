import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { dogtag } from '../../../collectors/formats/dogtag.ts'
import { ejbca } from '../../../collectors/formats/ejbca.ts'
import type { Format } from '../../../collectors/format.ts'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import type { Facts, FactsOf } from '../../../model/facts.ts'
import { inventorySchema, type LogConfig } from '../../../model/config.ts'
import { maintenanceSchema } from '../../../model/slos.ts'
import { toTimestamp } from '../../../model/time.ts'
import type { SealedRecord } from '../../../model/record.ts'
import { LogEvaluator } from '../../../rules/logs/evaluator.ts'
import { fixture, parsed } from '../../collectors/parsing.ts'
import { DAY, HOUR, JournalDouble, MINUTE, SECOND, START } from '../journalDouble.ts'
import { JudgedLog } from './judgedLog.ts'

const SUBJECT = 'audit_log[log]'

function declared(more: object = {}): LogConfig {
  const [log] = inventorySchema.parse({ logs: [{ id: 'log', format: 'ejbca', path: 'a.log', ...more }] }).logs
  assert.ok(log !== undefined)
  return log
}

/** A journal, and what judges one log by it. */
class Heard {
  readonly journal = new JournalDouble()
  readonly sealed: SealedRecord[][] = []
  readonly options
  evaluator: LogEvaluator

  constructor(log = declared(), maintenance: readonly object[] = []) {
    this.options = {
      logs: [log],
      services: [],
      maintenance: maintenanceSchema.parse(maintenance),
      vantage: 'default',
      started: START,
    }
    this.evaluator = new LogEvaluator(this.options)
  }

  hear(...events: readonly AuditEvent[]): void {
    const batch = this.journal.seal(
      ...events.map((body) => ({ kind: 'audit' as const, time: body['@timestamp'], body })),
    )
    this.sealed.push(batch)
    this.evaluator.apply(batch)
  }

  pass(ms: number): void {
    this.journal.now += ms
  }

  get facts(): Required<Pick<Facts, 'log' | 'security'>> {
    const [result] = this.evaluator.evaluate(this.journal.now)
    assert.equal(result?.observation.subject, SUBJECT)
    const { log, security } = result.observation.facts
    assert.ok(log !== undefined && security !== undefined)
    return { log, security }
  }

  /** Goes on as a new process does: from the newest observation, and records that it may have counted already. */
  restart(replayed = 3): void {
    const [result] = this.evaluator.evaluate(this.journal.now)
    assert.ok(result !== undefined)
    const [record] = this.journal.observe(structuredClone({ ...result.observation, artifacts: [] }))
    assert.ok(record?.kind === 'observation')
    const { id, recorded, body } = record
    this.evaluator = new LogEvaluator({ ...this.options, started: this.journal.now })
    const state = { observation: { ...body, artifacts: [], id, recorded }, known: body.facts }
    this.evaluator.hydrate([{ ...state, lastStart: body.start, lastDuration: 0 }])
    for (const batch of this.sealed.slice(-replayed)) this.evaluator.apply(batch)
  }

  event(
    action: string,
    more: Partial<AuditEvent['event']> & { who?: string; at?: number; ip?: string } = {},
  ) {
    const { who = 'CN=SuperAdmin', at = this.journal.now, ip = '192.0.2.7', ...event } = more
    return {
      '@timestamp': toTimestamp(at),
      event: {
        action,
        outcome: 'success',
        category: [],
        type: ['info'],
        module: 'ejbca',
        dataset: 'ejbca.audit',
        original: '',
        ...event,
      },
      user: { name: who },
      source: { ip },
      position: { source: 'log', fingerprint: 'f', offset: 0, end: 1 },
    } as const satisfies AuditEvent
  }
}

const FAILED = { outcome: 'failure', category: ['authentication'], type: ['start'] } as const
const CHANGED = { category: ['configuration'], type: ['change'] } as const

describe('a log that is judged by its records', () => {
  it('says the same for as long as it goes on and nothing happens', () => {
    const heard = new Heard()
    heard.hear(heard.event('CERT_REQUEST'))
    const before = heard.facts
    for (let i = 0; i < 60; i++) {
      heard.pass(MINUTE)
      heard.hear(heard.event('CERT_REQUEST'), heard.event('CERT_CREATION'))
      assert.deepEqual({ ...heard.facts.log, pauses: [] }, { ...before.log, pauses: [] })
      assert.deepEqual(heard.facts.security, before.security)
    }
    assert.deepEqual(heard.facts.log.pauses, ['2026-11-22 60000'])
  })

  it('is silent when nothing was written for five minutes, though a backlog of it may just have come', () => {
    const heard = new Heard()
    assert.equal(heard.facts.log.silent, false)
    heard.pass(5 * MINUTE)
    assert.equal(heard.facts.log.silentSince, toTimestamp(START), 'it was never heard')
    heard.hear(heard.event('CERT_REQUEST', { at: START - DAY }))
    assert.equal(heard.facts.log.silentSince, toTimestamp(START - DAY))
    heard.hear(heard.event('CERT_REQUEST'))
    assert.equal(heard.facts.log.silent, false)
    heard.hear(heard.event('log_rotated', { module: 'vigil' }))
    heard.pass(5 * MINUTE)
    assert.equal(heard.facts.log.silent, true, 'what we say ourselves is no sign of life')
  })

  it('goes on after a restart as if there had been none', () => {
    const [a, b] = [new Heard(), new Heard()]
    for (let i = 0; i < 40; i++) {
      for (const heard of [a, b]) {
        heard.pass(i % 9 === 8 ? 7 * HOUR : 20 * SECOND)
        heard.hear(
          heard.event(i % 3 === 0 ? 'CA_EXPORTTOKEN' : 'CERT_REQUEST'),
          heard.event('AUTHENTICATION', { ...FAILED, who: `u${i % 4}` }),
          heard.event('unparsed', { at: heard.journal.now - (i % 5) * MINUTE }),
          ...(i % 7 === 0 ? [heard.event('CERT_REQUEST', { at: heard.journal.now - HOUR })] : []),
        )
      }
      if (i % 4 === 0) {
        b.restart(i % 5 === 0 ? 40 : 10)
        a.journal.tick()
      }
      assert.deepEqual(b.facts, a.facts, `after ${i}`)
    }
    assert.equal(a.facts.security.keyExports, 14)
  })

  it('hears no time that steps back in what was written before a silence', () => {
    const heard = new Heard()
    heard.hear(heard.event('CERT_REQUEST'))
    heard.pass(5 * MINUTE)
    heard.hear(heard.event('CERT_REQUEST'))
    heard.pass(HOUR)
    heard.restart()
    assert.equal(heard.facts.log.setbacks, 0)
    heard.hear(heard.event('CERT_REQUEST', { at: heard.journal.now - 2 * HOUR }))
    assert.equal(heard.facts.log.setbacks, 1, 'it does of what comes after')
  })

  it('does not count what came between the observation and the restart twice, nor forget it', () => {
    const heard = new Heard()
    heard.hear(heard.event('LOG_EXPORT'))
    const { facts } = heard
    heard.hear(heard.event('LOG_DELETE'))
    const later = heard.evaluator
    const [result] = later.evaluate(heard.journal.now)
    assert.ok(result !== undefined)
    const [record] = heard.journal.observe({ ...result.observation, artifacts: [], facts })
    assert.ok(record?.kind === 'observation')
    const again = new LogEvaluator(heard.options)
    const observation = { ...record.body, id: record.id, recorded: record.recorded }
    again.hydrate([{ observation, known: facts, lastStart: record.body.start, lastDuration: 0 }])
    for (const batch of heard.sealed) again.apply(batch)
    assert.equal(again.evaluate(heard.journal.now)[0]?.observation.facts.security?.logChanges, 2)
  })

  it('stays small, whoever writes into it', () => {
    const heard = new Heard()
    for (let i = 0; i < 5000; i++) {
      const who = `\u001b[31m\n${i}\u202e\ud800${'x'.repeat(10_000)}`
      heard.hear(heard.event('AUTHENTICATION', { ...FAILED, who, ip: `2001:db8::${i.toString(16)}` }))
      heard.hear(heard.event('ADMINWEB_ADMINISTRATORLOGGEDIN', { outcome: 'failure', who, reason: who }))
    }
    const text = JSON.stringify(heard.facts)
    assert.ok(text.length < 8000, `got ${text.length}`)
    assert.doesNotMatch(heard.facts.security.denialsRecent?.join('') ?? '', /[\p{Cc}\p{Bidi_Control}\p{Cs}]/u)
    assert.equal(heard.facts.security.denials, 5000)
    assert.equal(heard.facts.security.failedLoginsAll, 1000, 'that many, or more')
  })

  it('counts failed authentications of each actor and address, for ten minutes', () => {
    const heard = new Heard()
    for (let i = 0; i < 12; i++) {
      heard.hear(heard.event('AUTHENTICATION', { ...FAILED, who: `u${i % 3}` }))
      heard.pass(SECOND)
    }
    const { failedLogins, failedLoginsBy, failedLoginsAll } = heard.facts.security
    assert.deepEqual(
      [failedLogins, failedLoginsAll, failedLoginsBy],
      [12, 12, ['192.0.2.7 12', 'u0 4', 'u1 4', 'u2 4']],
    )
    heard.pass(10 * MINUTE)
    assert.equal(heard.facts.security.failedLogins, 0)
  })

  it('tells of changes at times for which none is planned, by when they were made', () => {
    const window = {
      from: toTimestamp(START),
      to: toTimestamp(START + HOUR),
      subjects: [SUBJECT],
      reason: 'x',
    }
    const heard = new Heard(declared(), [window])
    heard.hear(heard.event('CERTPROFILE_EDITING', CHANGED))
    heard.pass(2 * HOUR)
    heard.hear(heard.event('CERTPROFILE_EDITING', { ...CHANGED, at: START + HOUR - 1 }))
    assert.equal(heard.facts.security.unplannedChanges, 0)
    heard.hear(heard.event('CERTPROFILE_EDITING', CHANGED))
    heard.hear(heard.event('CERTPROFILE_EDITING', { ...CHANGED, outcome: 'failure' }))
    heard.hear(heard.event('CRYPTOTOKEN_ACTIVATION', CHANGED))
    assert.equal(heard.facts.security.unplannedChanges, 1)
    heard.evaluator.reconfigure([])
    assert.equal(heard.facts.security.changeWindows, false)
  })

  it('counts what is read for the first time a week later as of when it happened', () => {
    const heard = new Heard()
    heard.hear(heard.event('LOG_DELETE', { at: START - 8 * DAY }))
    assert.equal(heard.facts.security.logChangesAt, toTimestamp(START - 8 * DAY))
    heard.hear(heard.event('LOG_DELETE', { at: START - 6 * DAY }))
    assert.equal(heard.facts.security.logChangesAt, toTimestamp(START))
  })

  it('tells once of a clock that was set back, and not of lines that are a little out of order', () => {
    const heard = new Heard()
    for (const at of [0, 4999, 0, 10_000, -HOUR, -HOUR + 1, -HOUR + 2000])
      heard.hear(heard.event('CERT_REQUEST', { at: START + at }))
    const { setbacks, setback } = heard.facts.log
    assert.deepEqual([setbacks, setback], [1, HOUR + 10_000])
  })

  it('tells of files that were cut and indices that were altered, and of none that were rotated or notarised', () => {
    const heard = new Heard()
    for (const action of ['log_rotated', 'index_notarised'])
      heard.hear(heard.event(action, { module: 'vigil' }))
    assert.equal(heard.facts.log.losses, 0)
    for (const action of [
      'log_truncated',
      'log_removed',
      'log_missing',
      'index_altered',
      'document_rewritten',
    ])
      heard.hear(heard.event(action, { module: 'vigil' }))
    for (const action of ['log_truncated', 'index_altered']) heard.hear(heard.event(action))
    const { losses, alterations } = heard.facts.log
    assert.deepEqual([losses, alterations], [3, 2], 'and a log cannot speak for us')
  })

  it('learns pauses of the last two weeks; the longest of them is an exception', () => {
    const heard = new Heard()
    const usual = (): number | undefined => heard.facts.log.usualPause
    heard.hear(heard.event('CERT_REQUEST'))
    for (const hours of [20, 22, 70, 24, 25]) {
      heard.pass(hours * HOUR)
      heard.hear(heard.event('CERT_REQUEST'))
      if (hours === 22) assert.equal(usual(), undefined)
    }
    assert.equal(usual(), 25 * HOUR)
    for (let day = 0; day < 20; day++) {
      heard.pass(DAY)
      heard.hear(heard.event('CERT_REQUEST'))
    }
    assert.equal(usual(), DAY)
    assert.equal(heard.facts.log.pauses?.length, 14)
  })
})

/** Of EJBCA 7.11. */
const LATER = `2026-11-22 05:05:38+00:00;ADMINWEB_ADMINISTRATORLOGGEDIN;SUCCESS;ADMINWEB;EJBCA;CN=SuperAdmin;1652389506;6BB4C8EC698A12CAB088F8DF6B5D4143925D3DFD;;remoteip=127.0.0.1
2026-11-22 05:05:40+00:00;ADMINWEB_ADMINISTRATORLOGGEDIN;FAILURE;ADMINWEB;EJBCA;CN=mallory,O=EJBCA Sample,C=SE;1652389506;21E85FA601527ACC0CF68912C5D27F8BDF04B3C9;;remoteip=127.0.0.1;reason=Client certificate has no access
2026-11-22 05:06:31+00:00;CRL_CREATION;FAILURE;CRL;CORE;ejbca;-73217329;;;msg=Error creating CRL for CA IssuingCA1, message: The keys in the crypto token with id 2037871840 could not be accessed. Is the crypto token active? .
`

describe('recorded logs', () => {
  const judged = async (
    format: Format,
    log: LogConfig,
    bytes: Uint8Array | string,
  ): Promise<Heard['facts']> => {
    const heard = new Heard(log, [{ cron: '0 4 1 1 *', duration: '1h', subjects: [SUBJECT], reason: 'x' }])
    heard.hear(...(await parsed(format, bytes)))
    return heard.facts
  }

  it('of EJBCA: what happened in it that somebody should know', async () => {
    const { log, security } = await judged(ejbca, declared(), fixture('ejbca-real/audit.log'))
    const { unparsed, gaps, setbacks, losses, badSignatures } = log
    assert.deepEqual([unparsed, gaps, setbacks, losses, badSignatures], [0, 0, 0, 0, 0])
    const { denials, newIssuers, violations, logChanges, keyExports, errors } = security
    assert.deepEqual([denials, newIssuers, violations, logChanges, keyExports, errors], [0, 0, 0, 0, 0, 0])
    assert.equal(security.unplannedChanges, 20)
  })

  it('of EJBCA: lines of a later hour of the same server', async () => {
    const { security } = await judged(ejbca, declared(), LATER)
    assert.deepEqual(security.administratorIssuers, ['1652389506'])
    assert.match(
      security.denialsRecent?.join() ?? '',
      /CN=mallory.* from 127.0.0.1: Client certificate has no access/,
    )
    assert.match(security.errorsRecent?.join() ?? '', /CRL_CREATION by ejbca: Error creating CRL/)
  })

  const lines = fixture('dogtag-sample/ca_audit').toString('utf8')
  const signer = createPublicKey(fixture('dogtag-sample/signer.pub.pem'))
  const signed = declared({ format: 'dogtag' })

  it('L03: of Dogtag: a line that was changed makes a signed part bad, which is found, and told of for a day', async () => {
    const log = new JudgedLog(signed)
    const state = (later?: number) => log.state('log_signatures_valid', later)
    log.hear(await parsed(dogtag([signer]), lines))
    assert.equal(state(), 'pass')
    log.hear(await parsed(dogtag([signer]), lines.replace('RevokeReasonNum=1', 'RevokeReasonNum=0')))
    assert.equal(state(MINUTE), 'fail')
    assert.equal(state(DAY + SECOND), 'pass')
  })

  it('of Dogtag: unsigned until a signature verifies', async () => {
    const unsignedSince = async (format: Format): Promise<FactsOf<'log'>['unsignedSince']> =>
      (await judged(format, signed, lines)).log.unsignedSince
    assert.equal(await unsignedSince(dogtag([signer])), undefined)
    assert.notEqual(await unsignedSince(dogtag([])), undefined)
  })
})
