// What a monitor itself can get wrong (failure modes M01 to M03), with a whole vigil in a lab.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { LIFETIMES } from '../../cli/demo/settings.ts'
import type { Stack } from '../../cli/stack.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { startDouble } from '../alerts/alertmanagerDouble.ts'
import { until } from '../support/pager.ts'
import { freePorts } from '../support/ports.ts'
import { loadedFrom, startVigil, writeQuickYaml } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const LIMIT = 60_000
const NEAR_EXPIRY = 4000

const RESPONDER = 'ocsp_responder_status[issuing-2]'

const status = z.object({
  status: z.object({
    problems: z.array(z.string()),
    alerts: z.object({
      undelivered: z.number(),
      receivers: z.array(z.object({ failures: z.number(), lastSuccess: z.string().optional() })),
    }),
  }),
})
const held = z.array(z.object({ labels: z.record(z.string(), z.string()) }))

/** A vigil in a lab with a dead responder from the beginning; nobody repairs anything. */
async function inLab(
  alertmanager: string,
  work: (parts: { lab: Lab; stack: Stack; signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  using directory = temporaryDirectory()
  await using lab = await startLab({
    directory: join(directory.path, 'lab'),
    now: Date.now,
    lifetimes: { ...LIFETIMES, nearExpiry: NEAR_EXPIRY },
  })
  await lab.break('ocsp-down', 'issuing-2')
  const file = await writeQuickYaml(lab, {
    directory: directory.path,
    alerts: { alertmanager, interval: '2s' },
    remediation: { policies: [] },
  })
  const loaded = loadedFrom(file)
  const stack = await startVigil(loaded)
  await using stopping = new AsyncDisposableStack()
  stopping.defer(() => stack.stop())
  await work({ lab, stack, signal: AbortSignal.timeout(LIMIT) })
}

async function text(stack: Stack, path: string): Promise<string> {
  return (await fetch(new URL(path, stack.url), { headers: { accept: '*/*' } })).text()
}

async function series(stack: Stack, prefix: string): Promise<readonly string[]> {
  return (await text(stack, '/metrics')).split('\n').filter((line) => line.startsWith(prefix))
}

async function statusOf(stack: Stack) {
  return status.parse(JSON.parse(await text(stack, '/api/status'))).status
}

/** Statuses of the alert about the responder, in the order of the journal. */
async function steps(stack: Stack): Promise<readonly string[]> {
  const found: string[] = []
  for await (const batch of stack.journal.read())
    for (const { kind, body } of batch)
      if (kind === 'action' && body.kind === 'alert' && body.subject === RESPONDER) found.push(body.status)
  return found
}

test(
  'M02, M03: what was never seen is not good until it was; alerts that cannot be delivered wait, are seen to wait, and arrive',
  { timeout: LIMIT + 10_000 },
  async () => {
    const [port = 0] = await freePorts(1)
    await inLab(`http://127.0.0.1:${port}`, async ({ lab, stack, signal }) => {
      await until('some attempts that failed', signal, async () => {
        const { alerts } = await statusOf(stack)
        return alerts.undelivered > 0 && (alerts.receivers[0]?.failures ?? 0) > 4 ? true : undefined
      })
      const known = await series(stack, 'vigil_ocsp_status{authority="issuing-2"')
      assert.ok(known.length > 0)
      assert.ok(
        known.every((line) => line.endsWith(' NaN')),
        known.join('\n'),
      )
      const about = stack.findings().filter((f) => f.subject === RESPONDER)
      assert.ok(about.length > 0 && about.every((f) => f.state !== 'pass'), JSON.stringify(about))

      assert.match((await series(stack, 'vigil_alerts_undelivered{')).join(), /\} [1-9]\d*$/)
      assert.match((await series(stack, 'vigil_alerts_last_success')).join(), /\} NaN$/)
      const problem = /alerts to http:\/\/127\.0\.0\.1:\d+\/: not delivered, tried again: cannot reach/
      assert.ok((await statusOf(stack)).problems.some((line) => problem.test(line)))
      assert.match(await text(stack, '/'), problem)
      assert.deepEqual(await steps(stack), ['undelivered'], 'once, however often it is tried')

      await using alertmanager = await startDouble(port)
      await until('delivery', signal, async () =>
        (await statusOf(stack)).alerts.undelivered === 0 ? true : undefined,
      )
      const alerts = held.parse(await (await fetch(new URL('api/v2/alerts', alertmanager.url))).json())
      assert.ok(alerts.some((alert) => alert.labels['subject'] === RESPONDER))
      assert.ok(alerts.some((alert) => alert.labels['alertname'] === 'VigilWatchdog'))
      await until('the record of it', signal, async () =>
        (await steps(stack)).join() === 'undelivered,sent' ? true : undefined,
      )
      assert.ok(!(await statusOf(stack)).problems.some((line) => problem.test(line)))

      const good = (): boolean =>
        stack
          .findings()
          .some((f) => f.rule === 'ocsp_status_good' && f.subject === RESPONDER && f.state === 'pass')
      assert.ok(!good())
      await lab.repair('ocsp-down', 'issuing-2')
      await until('a status that was seen', signal, () => (good() ? true : undefined))
    })
  },
)

test(
  'M01: the series and the alert about a certificate stay when it has expired, until it is replaced',
  { timeout: LIMIT + 10_000 },
  async () => {
    await using alertmanager = await startDouble()
    await inLab(alertmanager.url, async ({ lab, stack, signal }) => {
      await lab.break('cert-near-expiry', 'shop')
      await until('an expired certificate', signal, () =>
        stack
          .findings()
          .some((f) => f.rule === 'tls_path_ok' && f.subject.includes('shop') && f.state === 'fail')
          ? true
          : undefined,
      )
      const [notAfter = ''] = await series(
        stack,
        'vigil_certificate_not_after_timestamp_seconds{service="shop"',
      )
      const seconds = Number(notAfter.split(' ').at(-1))
      assert.ok(seconds > 0 && seconds < Date.now() / 1000, notAfter)
      const firing = async (): Promise<readonly (string | undefined)[]> => {
        const alerts = held.parse(await (await fetch(new URL('api/v2/alerts', alertmanager.url))).json())
        return alerts.flatMap((a) => (a.labels['service'] === 'shop' ? [a.labels['alertname']] : []))
      }
      await until('both alerts', signal, async () => {
        const names = await firing()
        return names.includes('CertLifetimeThreshold') && names.includes('TlsPathOk') ? true : undefined
      })
      await lab.repair('cert-near-expiry', 'shop')
      await until('their end', signal, async () => ((await firing()).length === 0 ? true : undefined))
    })
  },
)
