import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestOptions } from 'node:test'
import { findProgram } from '../support/needs.ts'
import type { TestAlertmanager } from './alertmanagerDouble.ts'

/** VIGIL_ALERTMANAGER, one on the PATH, or the one that test/services/alertmanager.sh unpacked. */
function findAlertmanager(): string | undefined {
  const named = process.env['VIGIL_ALERTMANAGER']
  if (named !== undefined) return named
  return findProgram('alertmanager') ?? findProgram('prometheus-alertmanager', 'alertmanager/alertmanager')
}

/** Skipped with the reason where there is none, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsAlertmanager(): TestOptions {
  if (findAlertmanager() !== undefined || process.env['VIGIL_REQUIRE'] === 'all') return {}
  return { skip: 'Alertmanager is not installed (test/services/alertmanager.sh fetches one)' }
}

const NOBODY = `
route: { receiver: none }
receivers: [{ name: none }]
`

/** `settings` is a configuration file's text. */
export async function startReal(settings = NOBODY): Promise<TestAlertmanager> {
  const program = findAlertmanager()
  if (program === undefined) throw new Error('no Alertmanager: run test/services/alertmanager.sh')
  const directory = await mkdtemp(join(tmpdir(), 'vigil-alertmanager-'))
  const config = join(directory, 'alertmanager.yml')
  await writeFile(config, settings)
  const child = spawn(
    program,
    [
      `--config.file=${config}`,
      `--storage.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--cluster.listen-address=',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const log: string[] = []
  let url: string | undefined
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line)
    const address = /"address":"(127\.0\.0\.1:[1-9]\d*)".*"Listening on"/.exec(line)?.[1]
    if (address === undefined) continue
    url = `http://${address}/`
    break
  }
  child.stderr.resume()
  if (url === undefined) throw new Error(`Alertmanager did not start: ${log.join('\n')}`)
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill()
        await once(child, 'exit')
      }
      await rm(directory, { recursive: true })
    },
  }
}
