import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Stack } from '../../cli/stack.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const SUBJECT = 'audit_log[ejbca]'
const LIMIT = 30_000

const line = (fields: string): string =>
  `${new Date().toISOString().slice(0, 19).replace('T', ' ')}+00:00;${fields}\n`
const FAILED = 'AUTHENTICATION;FAILURE;AUTHENTICATION;CORE;ejbca;;;;msg=Authentication failed.'
const EXPORTED = 'CA_EXPORTTOKEN;SUCCESS;CA;CORE;CN=SuperAdmin;1;;;msg=exported'

function setUp(t: TestContext): { readonly directory: string; readonly log: string } {
  const directory = temporaryDirectory()
  t.after(() => directory[Symbol.dispose]())
  writeFileSync(
    join(directory.path, 'vigil.yaml'),
    `server: { listen: '127.0.0.1:0' }
inventory:
  logs: [{ id: ejbca, format: ejbca, path: audit.log }]
probes: { interval: 200ms }
rules: { packs: [operations], tick: 200ms }
`,
  )
  return { directory: directory.path, log: join(directory.path, 'audit.log') }
}

/** Waits until these rules fail of the log, and no others. */
async function failing(stack: Stack, ...rules: readonly string[]): Promise<readonly string[]> {
  const found = (): ReturnType<Stack['findings']> =>
    stack.findings().filter(({ subject, state }) => subject === SUBJECT && state === 'fail')
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(LIMIT)))
    if (
      batch.length > 0 &&
      found()
        .map(({ rule }) => rule)
        .sort()
        .join() === [...rules].sort().join()
    )
      return found().map(({ summary }) => summary)
  return assert.fail(
    `got ${found()
      .map(({ rule }) => rule)
      .join()}`,
  )
}

/** Of the log, as Prometheus has it. */
async function metric(stack: Stack, name: string): Promise<string | undefined> {
  const text = await (await fetch(new URL('/metrics', stack.url))).text()
  return new RegExp(`^${name}\\{log="ejbca",target="records"\\} (.*)$`, 'm').exec(text)?.[1]
}

test('what a log says is found, is found still after a restart, and counts go on', async (t) => {
  const { directory, log } = setUp(t)
  writeFileSync(log, line('EJBCA_STARTING;SUCCESS;SERVICE;EJBCA;Application internal;;vm;;msg=Init'))
  const first = await startVigil(loadedFrom(join(directory, 'vigil.yaml')))
  try {
    appendFileSync(log, line(EXPORTED))
    for (let i = 0; i < 8; i++) appendFileSync(log, line(FAILED))
    const [summary = ''] = await failing(first, 'log_keys_stay')
    assert.match(summary, /CA_EXPORTTOKEN by CN=SuperAdmin: exported/)
    assert.equal(await metric(first, 'vigil_log_key_exports'), '1')
    assert.equal(await metric(first, 'vigil_log_unparsed_records'), '0')
  } finally {
    await first.stop()
  }
  const second = await startVigil(loadedFrom(join(directory, 'vigil.yaml')))
  try {
    assert.equal(await metric(second, 'vigil_log_key_exports'), '1', 'from the start')
    await failing(second, 'log_keys_stay')
    // Eight before the restart, and four after it: more than ten within ten minutes.
    for (let i = 0; i < 4; i++) appendFileSync(log, line(FAILED))
    const summaries = await failing(second, 'log_keys_stay', 'log_no_authentication_burst')
    assert.match(
      summaries.join(),
      /1[12] authentications failed within 10 minutes, most of them of ejbca 1[12]/,
    )
  } finally {
    await second.stop()
  }
})
