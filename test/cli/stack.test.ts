import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { LIFETIMES } from '../../cli/demo/settings.ts'
import type { LoadedConfig } from '../../cli/load.ts'
import { JournalError } from '../../journal/error.ts'
import { openReader } from '../../journal/reader.ts'
import type { Finding } from '../../model/finding.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { loadedFrom, startVigil, untilFindings, writeQuickYaml } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const STEP = 30_000

async function inLab(work: (parts: { lab: Lab; loaded: LoadedConfig }) => Promise<void>): Promise<void> {
  using directory = temporaryDirectory()
  await using lab = await startLab({
    directory: join(directory.path, 'lab'),
    now: Date.now,
    lifetimes: LIFETIMES,
  })
  const file = await writeQuickYaml(lab, {
    directory: directory.path,
  })
  await work({ lab, loaded: loadedFrom(file) })
}

const allPass = (findings: readonly Finding[]): boolean =>
  findings.every((f) => f.state === 'pass' || f.state === 'not_applicable')
const is =
  (rule: string, subject: string, state: Finding['state']) =>
  (findings: readonly Finding[]): boolean =>
    findings.some((f) => f.rule === rule && f.subject === subject && f.state === state)

test('every fault of the lab is found by its rule and seen to end', { timeout: 240_000 }, async () => {
  await inLab(async ({ lab, loaded }) => {
    const stack = await startVigil(loaded)
    try {
      await untilFindings(stack, allPass, 'all green')
      for (const [fault, target, rule, subject] of [
        ['ocsp-down', 'issuing-2', 'ocsp_responder_available', 'ocsp_responder_status[issuing-2]'],
        ['wrong-certificate', 'payments', 'tls_identity_ok', 'service_tls_health[payments,prod]'],
        ['revoked-served', 'mail-gateway', 'ocsp_status_good', 'deployed_service_cert[mail-gateway,prod]'],
      ] as const) {
        await lab.break(fault, target)
        await untilFindings(stack, is(rule, subject, 'fail'), `${fault} is found`)
        // The control plane was asked for the two that it can cure; for the other one somebody must do it.
        if (fault === 'ocsp-down') await lab.repair(fault, target)
        await untilFindings(stack, allPass, `${fault} ends`)
      }
    } finally {
      await stack.stop()
    }
  })
})

test(
  'a restart goes on from the journal: findings are kept, nothing is decided twice, a lost store is rebuilt',
  { timeout: 120_000 },
  async () => {
    await inLab(async ({ lab, loaded }) => {
      const first = await startVigil(loaded)
      await untilFindings(first, allPass, 'all green')
      await lab.break('wrong-certificate', 'shop')
      await untilFindings(first, is('tls_identity_ok', 'service_tls_health[shop,prod]', 'fail'), 'found')
      await first.stop()

      rmSync(loaded.storeFile)
      const second = await startVigil(loaded)
      try {
        const fail = second
          .findings()
          .find((f) => f.rule === 'tls_identity_ok' && f.subject === 'service_tls_health[shop,prod]')
        assert.equal(fail?.state, 'fail', 'known before any probe ran again')
        let decisions = 0
        for await (const batch of second.journal.read())
          for (const record of batch)
            if (
              record.kind === 'decision' &&
              record.body.rule === 'tls_identity_ok' &&
              record.body.subject === fail.subject &&
              record.body.state === 'fail'
            )
              decisions++
        assert.equal(decisions, 1)
      } finally {
        await second.stop()
      }
    })
  },
)

test('a full disk does not hold up the end', { timeout: 60_000 }, async (t) => {
  await inLab(async ({ loaded }) => {
    const stack = await startVigil(loaded, { stopLimit: 100 })
    await untilFindings(stack, allPass, 'all green')
    const refused = Promise.withResolvers<undefined>()
    t.mock.method(stack.journal, 'append', () => {
      refused.resolve(undefined)
      return Promise.reject(new JournalError('storage', 'no space left'))
    })
    // A probe run that waits for room in the journal.
    await refused.promise
    await stack.stop()
  })
})

test('the answer to a request under way is journaled before the end', { timeout: 60_000 }, async () => {
  await inLab(async ({ lab, loaded }) => {
    const asked = Promise.withResolvers<undefined>()
    const slow = createServer((_request, response) => {
      asked.resolve(undefined)
      setTimeout(() => response.writeHead(202).end(), 500)
    }).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    const address = slow.address()
    const { remediation } = loaded.config
    assert.ok(address !== null && typeof address === 'object' && remediation.webhook !== undefined)
    const webhook = { ...remediation.webhook, url: `http://127.0.0.1:${address.port}/` }
    const config = { ...loaded.config, remediation: { ...remediation, webhook } }
    try {
      const stack = await startVigil({ ...loaded, config })
      await untilFindings(stack, allPass, 'all green')
      await lab.break('wrong-certificate', 'shop')
      await asked.promise
      await stack.stop()
    } finally {
      slow.closeAllConnections()
      slow.close()
    }
    const steps: string[] = []
    for await (const batch of (await openReader(loaded.journalDirectory)).read())
      for (const record of batch)
        if (record.kind === 'action' && record.body.kind === 'remediation') steps.push(record.body.status)
    assert.deepEqual(steps, ['requested', 'accepted'])
  })
})

test('bad input is an observation with its phase, and the stack runs on', { timeout: 120_000 }, async () => {
  using directory = temporaryDirectory()
  await using lab = await startLab({
    directory: join(directory.path, 'lab'),
    now: Date.now,
    lifetimes: LIFETIMES,
  })
  const [good = assert.fail()] = lab.inventory.authorities.filter((a) => a.id === 'issuing-2')
  const crl = new Uint8Array(await (await fetch(good.crlUrl)).arrayBuffer())
  const flipped = Uint8Array.from(crl, (octet, i) => (i === crl.length - 20 ? octet ^ 1 : octet))
  const bodies: Record<string, (server: Server) => Uint8Array | 'endless'> = {
    '/text.crl': () => new TextEncoder().encode('this is not a CRL\n'),
    '/flipped.crl': () => flipped,
    '/endless.crl': () => 'endless',
  }
  const server = createServer((request, response) => {
    const body = bodies[request.url ?? '']?.(server)
    if (body === 'endless') {
      const more = (): boolean => !response.destroyed && response.write(Buffer.alloc(65_536)) && more()
      response.on('drain', more)
      more()
    } else response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const base = `http://127.0.0.1:${address.port}`
  try {
    const file = await writeQuickYaml(lab, {
      directory: directory.path,
      probes: { interval: '1s', timeout: '800ms', max_size: 1_000_000 },
    })
    const { readFileSync } = await import('node:fs')
    const yaml = readFileSync(file, 'utf8').replaceAll(
      `- url: ${good.crlUrl}`,
      Object.keys(bodies)
        .map((path) => `- url: ${base}${path}`)
        .join('\n        '),
    )
    writeFileSync(file, yaml)
    const stack = await startVigil(loadedFrom(file))
    const seen = new Map<string, string>()
    try {
      for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(STEP))) {
        for (const record of batch)
          if (record.kind === 'observation' && record.body.target.startsWith(base))
            seen.set(record.body.target.slice(base.length), record.body.error?.phase ?? 'none')
        if (seen.size === 3 && is('crl_available', 'ca_crl[issuing-1]', 'pass')(stack.findings())) break
      }
    } finally {
      await stack.stop()
    }
    assert.deepEqual(Object.fromEntries(seen), {
      '/text.crl': 'decode',
      '/flipped.crl': 'signature',
      '/endless.crl': 'size',
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
