import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { certctl } from '../../../collectors/formats/certctl.ts'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import { inventorySchema } from '../../../model/config.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fixture, parsed } from '../../collectors/parsing.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../journalDouble.ts'
import { declaredLog, declaredServices, materialized, read, tick } from './controlPlane.ts'
import { JudgedLog } from './judgedLog.ts'

const RULE = 'deployed_certificate_served'
const HEALTH = 'service_tls_health[shop,prod]'
const ASSET = 'pki/deployed_service_cert'
const SERVICES = declaredServices(['shop', 'prod'], ['shop', 'staging'], ['mail', 'prod'])

const shown = (serial: string) => ({ serial, sha256: serial.padStart(64, '0') })

/** A service in use, whose control plane reports under the default names. */
class Deployed extends JudgedLog {
  constructor(more: object = {}, services = SERVICES) {
    super(declaredLog(more), services)
    this.show(HEALTH, shown('1a'))
  }

  report(said: Readonly<Record<string, string>>, partition = 'prod|shop', asset = ASSET): void {
    this.hear([materialized(asset, this.journal.now, { partition, metadata: said })])
  }

  /** Ten minutes later, after one more look at the service. */
  later(serial = '1a', ms = 11 * MINUTE) {
    this.journal.now += ms
    this.show(HEALTH, shown(serial))
    return this.state(RULE)
  }
}

describe('a deployment that a control plane reports', () => {
  it('passes once the service serves it, and until there was time for that', () => {
    const log = new Deployed()
    assert.equal(log.state(RULE), 'not_applicable')
    log.report({ serial: '2B' })
    assert.equal(log.later('1a', MINUTE), 'pass')
    assert.equal(log.facts('deployment').deployment?.served, false)
    assert.equal(log.later('2b', MINUTE), 'pass')
    assert.equal(log.later('2b'), 'pass')
  })

  it('fails while something else is served, with the records of both sides, over a restart too', () => {
    const log = new Deployed()
    log.report({ serial: '2b' })
    assert.equal(log.later(), 'fail')
    const { summary = '' } = log.finding(RULE) ?? {}
    const [, reported, served] = /\(2b, record (\S+)\); served is 1a \(record (\S+)\)/.exec(summary) ?? []
    assert.match(`${reported} ${served}`, /^vigil\.test\/0\/\S+ vigil\.test\/0\//, summary)
    assert.notEqual(reported, served)
    log.restart(0)
    assert.equal(log.later(), 'fail')
    assert.equal(log.finding(RULE)?.summary, summary)
    log.restart(4)
    assert.equal(log.later('2b'), 'pass')
    assert.equal(log.later('3c'), 'fail', 'somebody deployed past the control plane')
  })

  it('stays as it was told while neither side changes, though each handshake is a record of its own', () => {
    const log = new Deployed()
    log.report({ serial: '2b' })
    const told = ['1a', '1a', '1a', '2b', '2b'].map((serial) => {
      log.journal.now += MINUTE
      log.show(HEALTH, shown(serial), 'differs')
      log.state(RULE)
      return log.facts('deployment').deployment?.servedRecord
    })
    assert.equal(new Set(told.slice(0, 3)).size, 1)
    assert.equal(new Set(told.slice(3)).size, 1)
    assert.equal(new Set(told).size, 2)
    log.restart(0)
    log.later('2b')
    assert.equal(log.facts('deployment').deployment?.servedRecord, told[4])
    log.report({ serial: '2b' })
    log.show(HEALTH, shown('2b'), 'differs')
    log.state(RULE)
    assert.notEqual(log.facts('deployment').deployment?.servedRecord, told[4])
  })

  it('is unknown where nobody has seen the service since, and where it names no certificate', () => {
    const log = new Deployed()
    log.journal.now += SECOND
    log.report({ serial: '2b' })
    assert.equal(log.state(RULE, 11 * MINUTE), 'unknown')
    log.restart(0)
    assert.equal(log.state(RULE, MINUTE), 'unknown')
    assert.equal(log.later(), 'fail')
    log.report({ serial: 'see ticket', fingerprint: 'aa:bb' })
    assert.equal(log.later(), 'unknown')
  })

  it('names the certificate in hex, in decimal, with colons, or by its SHA-256', () => {
    const log = new Deployed()
    for (const said of [
      { serial: '00:2B' },
      { serial_number: '0x2b' },
      { serial: '43' },
      { sha256: shown('2b').sha256.toUpperCase() },
      { fingerprint: `SHA256:${shown('2b').sha256.replace(/(..)(?=.)/g, '$1:')}` },
    ]) {
      log.report(said)
      assert.equal(log.later('2b'), 'pass', JSON.stringify(said))
    }
    log.report({ serial: '2b', sha256: shown('3c').sha256 })
    assert.equal(log.later('2b'), 'fail', 'both must be right')
  })

  it('is of the newest report, in whatever order they come', () => {
    const log = new Deployed()
    const at = log.journal.now
    log.journal.now += HOUR
    const report = (ms: number, serial: string) =>
      materialized(ASSET, ms, { partition: 'prod|shop', metadata: { serial } })
    log.hear([report(at + MINUTE, '2b')])
    log.hear([report(at, '1a')])
    assert.equal(log.later('2b'), 'pass')
  })

  it('is no deployment when it comes from our future, or is another asset, or failed', () => {
    const log = new Deployed()
    log.hear([
      materialized(ASSET, log.journal.now + DAY, { partition: 'prod|shop', metadata: { serial: '2b' } }),
    ])
    assert.equal(log.later(), 'fail', 'a clock that is ahead gains no time')
    const other = new Deployed()
    other.report({ serial: '2b' }, 'prod|shop', 'ca_crl')
    other.hear([tick(other.journal.now)])
    assert.equal(other.later(), 'not_applicable')
  })
})

describe('which service a report is about', () => {
  const reports: readonly (readonly [string, object, string, Readonly<Record<string, string>>])[] = [
    ['by its partition', {}, 'prod|shop', {}],
    ['by its partition, in another order', {}, 'shop|prod', {}],
    ['by metadata', {}, '', { service: 'shop', environment: 'prod' }],
    ['by its host', {}, '', { host: 'shop.prod.test' }],
    ['by its endpoint', {}, '', { endpoint: 'SHOP.prod.test:443' }],
    ['by configuration', { deployments: [{ asset: '*', service: 'shop', environment: 'prod' }] }, 'eu', {}],
    [
      'by configuration, with names of its own',
      { deployments: [{ asset: ASSET, serial: 'sn' }] },
      'prod|shop',
      { sn: '2b', serial: 'a batch' },
    ],
  ]
  for (const [name, more, partition, said] of reports) {
    it(`is told ${name}`, () => {
      const log = new Deployed(more)
      log.report({ serial: '2b', ...said }, partition)
      assert.equal(log.later(), 'fail')
      assert.deepEqual(log.facts('log').deployments, { told: true, unmatched: [] })
    })
  }

  for (const [name, partition, said] of [
    ['none', '', {}],
    ['another environment', 'test|shop', {}],
    ['another service', 'prod|warehouse', {}],
    ['one that is in two environments', 'shop', {}],
    ['a host of two', '', { servername: 'shop.test' }],
  ] as const) {
    it(`is not told where it names ${name}: a finding of the log, and none of a service`, () => {
      const log = new Deployed()
      log.report({ serial: '2b', ...said }, partition)
      assert.equal(log.later(), 'not_applicable')
      assert.equal(log.state('log_deployments_known'), 'fail')
      log.restart(0)
      assert.equal(log.state('log_deployments_known'), 'fail')
      assert.equal(log.state('log_deployments_known', DAY), 'pass')
    })
  }

  it('stays one line, whatever the asset is called', () => {
    const log = new Deployed({ deployments: [{ asset: '*' }] })
    for (let i = 0; i < 50; i++) log.report({ serial: '2b' }, `\n\u202e\ud800 ${i}`, `x${'y'.repeat(9000)}`)
    const { unmatched = [] } = log.facts('log').deployments ?? {}
    assert.equal(unmatched.length, 5)
    for (const line of unmatched) assert.match(line, /^\S{24} \S{1,200} \S+$/)
  })
})

/** Of the audit list, one a line, the oldest first. */
function recordedRows(): string {
  const { data } = z
    .object({ data: z.array(z.looseObject({ timestamp: z.string() })) })
    .parse(JSON.parse(fixture('certctl-real/audit-list.json').toString('utf8')))
  return data
    .toReversed()
    .map((row) => JSON.stringify(row))
    .join('\n')
}

describe('certctl', () => {
  const row = (action: string, more: object) =>
    read(certctl, { id: 'audit-1', actor: 'agent-1', action, timestamp: toTimestamp(now), ...more })
  let now = 0
  const deployed = (
    log: JudgedLog,
    { status = 'Completed', version = '2b', name = true } = {},
  ): AuditEvent[] => {
    now = log.journal.now
    const certificate = { resource_id: 'cert-7' }
    return [
      ...(name
        ? [row('renewal_triggered', { ...certificate, actor: 'ops', details: { common_name: 'shop.test' } })]
        : []),
      row('job_status_reported', { resource_id: 'job-1', details: { status: 'Running' } }),
      row('certificate_retrieved', { ...certificate, details: { version } }),
      row('job_status_reported', { resource_id: 'job-1', details: { status, error: '' } }),
    ]
  }
  const watched = (deployments?: readonly object[]) => {
    const services = declaredServices(['shop', 'prod'])
    const log = new JudgedLog(
      declaredLog(deployments === undefined ? {} : { deployments }, 'certctl'),
      services,
    )
    log.show(HEALTH, shown('1a'))
    return log
  }
  const judged = (log: JudgedLog) => {
    log.journal.now += 11 * MINUTE
    log.show(HEALTH, shown('1a'))
    return log.state(RULE)
  }

  it('deploys what an agent fetched before its job was done, on the service of that name', () => {
    const log = watched()
    log.hear(deployed(log))
    assert.equal(judged(log), 'fail')
    log.restart(0)
    log.hear(deployed(log, { version: '1a', name: false }))
    assert.equal(judged(log), 'pass', 'the certificate is of the service that it was of')
  })

  it('deploys nothing when the job failed, or had nothing to do with a certificate', () => {
    const log = watched()
    log.hear(deployed(log, { status: 'Failed' }))
    log.hear([row('job_status_reported', { resource_id: 'job-2', details: { status: 'Completed' } })])
    assert.equal(judged(log), 'not_applicable')
  })

  it('deploys a certificate on the service that is configured for it', () => {
    const log = watched([{ asset: 'cert-7', service: 'shop' }])
    log.hear(deployed(log, { name: false }))
    assert.equal(judged(log), 'fail')
  })

  it('did so in a real recording', async () => {
    const [service] = inventorySchema.parse({
      services: [
        {
          id: 'payments',
          environment: 'prod',
          issuer: 'x',
          owner: 'x',
          endpoint: 'payments.example.test:443',
        },
      ],
    }).services
    assert.ok(service !== undefined)
    const log = new JudgedLog({ ...declaredLog({}, 'certctl'), id: 'log' }, [service])
    log.hear(await parsed(certctl, recordedRows()))
    const { deployment } = log.facts('deployment')
    assert.deepEqual(
      [deployment?.serial, deployment?.at],
      ['14e18999c2ea1f112650de5b9473246a5e79d957', '2026-11-22T05:03:06.556Z'],
    )
  })
})
